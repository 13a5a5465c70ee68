"""The network of the speed benchmark: same bits as int64, in floats throughout."""

import importlib.util
from pathlib import Path

import numpy as np


def _benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "contract_speed.py"
    spec = importlib.util.spec_from_file_location("contract_speed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_latent_autoencoder_has_the_bits_of_int64(monkeypatch):
    benchmark = _benchmark()
    contract = benchmark.latent_network()
    sizes = [operation.size for operation in contract.operations if type(operation).__name__ == "Dense"]
    assert [contract.hardware.size, *sizes] == [57, 29, 10, 9, 6, 4, 6, 9, 10]
    hardware = benchmark.random_events(contract, 10_000)
    names = [operation.name for operation in contract.operations]
    exact = contract.evaluate_reference(hardware, names)
    assert len(np.unique(exact["score"])) > 5_000
    monkeypatch.setattr("l1ae.contract._reference.apply", None)
    for tensors in (names, ["score", "trigger"]):
        for name, codes in contract.evaluate(hardware, tensors).items():
            np.testing.assert_array_equal(codes, exact[name], err_msg=name)
