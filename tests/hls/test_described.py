"""What only descriptions have, through the C simulation and the adder graph of the RTL: to the last bit."""

import numpy as np
import pytest
import yaml

from l1ae.contract import import_description
from l1ae.hls import simulate
from l1ae.rtl import trace_contract

CAST = "ap_fixed<12,6,AP_RND,AP_SAT>"
LAYERS = [
    {
        "name": "d",
        "kind": "dense",
        "input": "inputs",
        "kernel": "w",
        "kernel_type": "ap_fixed<4,1,AP_RND>",
        "accumulator": "ap_fixed<20,10>",
    }
    | {"wraps": True, "round_weights": True},
    {
        "name": "n",
        "kind": "batch_norm",
        "input": "d",
        "scale": "s",
        "bias": "b",
        "scale_type": "ap_fixed<6,3>",
        "bias_type": "ap_fixed<6,3>",
    }
    | {"result": CAST},
    {"name": "l", "kind": "clamp", "input": "n", "low": -1.5, "high": 2, "result": "ap_fixed<7,3>"},
    {"name": "a", "kind": "activation", "input": "n", "function": "sigmoid", "table_size": 64, "result": "ap_ufixed<8,1>"},
    {"name": "both", "kind": "concatenate", "inputs": ["l", "a"], "result": CAST},
]


@pytest.mark.slow
@pytest.mark.parametrize("function", ["squares", "absolute", "max"])
def test_every_new_kind_is_the_same_in_every_implementation(project_on_disk, tmp_path, function):
    rng = np.random.default_rng(6)
    np.savez(tmp_path / "w.npz", w=rng.uniform(-1, 0.9, (3, 4)), s=rng.integers(-32, 32, 3) / 8, b=rng.integers(-32, 32, 3) / 8)
    content = {
        "weights": "w.npz",
        "hardware": {"size": 4, "width": 6},
        "preprocessing": {"offset": [0.5, 0, 3, -1.25], "divide": [1, 4, 2, 8], "result": "ap_fixed<9,6,AP_RND_CONV,AP_SAT>"},
        "layers": LAYERS,
        "score": {"input": "both", "function": function, "type": "ap_ufixed<18,14,AP_TRN,AP_SAT>", "threshold": 3},
    }
    (tmp_path / "network.yaml").write_text(yaml.safe_dump(content))
    contract = import_description(tmp_path / "network.yaml", "new_v1")
    assert contract.wrapping == ()
    hardware = rng.integers(-32, 32, (500, 4))
    graph = trace_contract(contract, "binary")
    names = [part.name for part in graph.parts]
    expected = contract.evaluate(hardware, names)
    for name, values in graph.evaluate(hardware, names).items():
        np.testing.assert_array_equal(values / contract[name].format.lsb, expected[name], err_msg=name)
    report = simulate(contract, project_on_disk(contract), "Vitis", hardware)
    assert report.passed, report.first_mismatch
