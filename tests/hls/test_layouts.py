"""Networks on any layout, and on none, through conversion and C simulation: no bit differs, and the project says what arrives."""

import re
import subprocess

import numpy as np
import pytest
import yaml

from l1ae.agreement import corner_vectors
from l1ae.config import HlsConfig
from l1ae.contract import import_description
from l1ae.hls import convert, simulate
from l1ae.inputs import Layout, named_layout

from ..delivery.tiny import layout_events, spec_of, tiny_contract
from ..levels import exhaustive

SELECTIONS = {"p2gt": {"jet": 3, "mu": 2}}

INVENTED = {
    "name": "invented",
    "title": "a trigger that nobody has",
    "groups": [
        {
            "name": "track",
            "slots": 2,
            "gate": "hits",
            "features": [
                {"name": "curvature", "role": "energy", "bits": 15, "signed": True, "lsb": 0.25, "unit": "1/TeV"},
                {"name": "hits", "bits": 4},
                {"name": "angle", "role": "phi", "bits": 11, "period": 2048, "lsb": 0.0030679615757712823, "unit": "rad"},
            ],
        },
        {"name": "rate", "kind": "vector", "slots": 3, "features": [{"name": "counts", "bits": 20}]},
    ],
}


def _layout(name):
    layout = Layout.model_validate(INVENTED) if name == "invented" else named_layout(name)
    return layout.select(SELECTIONS[name]) if name in SELECTIONS else layout


LAYOUTS = ["cms_l1_record", "gelato", "p2gt", "samples", "invented"]


def _readme(contract):
    return convert(contract, HlsConfig(), np.zeros((2, contract.hardware.size), int)).files["README.md"].decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", exhaustive(LAYOUTS, ("p2gt", "invented")))
def test_no_bit_differs_for_a_network_on_any_layout(tmp_path, name):
    layout = _layout(name)
    contract = tiny_contract(layout=layout, name=name, seed=41)
    events = layout_events(layout, 500, seed=42)
    convert(contract, HlsConfig(), events[:10]).write(tmp_path)
    report = simulate(contract, tmp_path, "Vitis", events)
    assert report.passed, report.first_mismatch or report.type_mismatches
    assert len(np.unique(contract.evaluate(events)["score"])) > 50
    # what the network sees is what the layout and its preprocessing say
    np.testing.assert_array_equal(contract.evaluate(events, ["inputs"])["inputs"], spec_of(layout).to_network(events))


@pytest.mark.parametrize("name", LAYOUTS)
def test_corner_vectors_fill_every_slot_and_leave_it_empty(name):
    contract = tiny_contract(layout=_layout(name), name=name, seed=41)
    vectors, low, high = corner_vectors(contract), contract.hardware.low, contract.hardware.high
    assert np.all((vectors >= low) & (vectors <= high))
    gate = contract["inputs"].gate
    for k in np.flatnonzero(gate >= 0):
        filled = vectors[:, gate[k]] != 0
        assert {int(low[k]), int(high[k])} <= set(vectors[filled, k].tolist())
        assert (vectors[~filled, k] != 0).any() or gate[k] == k
    mean = (vectors[:, gate[gate >= 0]] != 0).mean() if (gate >= 0).any() else 0.9
    assert 0.5 < mean < 0.97


def test_the_first_sum_reaches_its_extremes_where_valid_bits_have_weights_themselves():
    """A slot is empty, or filled with any code other than 0 of its gate: brute force over the ends, slot by slot."""
    layout = Layout.model_validate(
        {
            "name": "gated",
            "groups": [
                {
                    "name": "object",
                    "slots": 4,
                    "gate": "valid",
                    "features": [{"name": "valid", "bits": 1}, {"name": "a", "bits": 6, "role": "energy"}, {"name": "b", "bits": 5}],
                }
            ],
        }
    )
    contract = tiny_contract(layout=layout, name="gated", seed=43)
    assert contract.hardware.low.min() == 0  # an empty slot is the smallest code of its gate
    found = contract.evaluate(corner_vectors(contract), ["enc0"])["enc0"]
    alone = contract.evaluate(np.zeros((1, 12), int), ["enc0"])["enc0"][0]
    best, worst = alone.copy(), alone.copy()
    for slot in range(4):
        ends = np.stack(np.meshgrid([1, 63], [0, 63], [0, 63], indexing="ij"), axis=-1).reshape(-1, 3)
        vectors = np.zeros((len(ends) + 1, 12), int)
        vectors[1:, 3 * slot : 3 * slot + 3] = ends
        gains = contract.evaluate(vectors, ["enc0"])["enc0"] - alone
        best, worst = best + gains.max(axis=0), worst + gains.min(axis=0)
    np.testing.assert_array_equal(found.max(axis=0), best)
    np.testing.assert_array_equal(found.min(axis=0), worst)


def test_the_readme_describes_groups_and_inputs():
    text = _readme(tiny_contract(layout=_layout("p2gt"), name="p2gt", seed=41))
    assert "Layout `p2gt`, a part of the CMS Phase-2 global trigger:" in text
    assert "| 0 to 14 | jet: Jets | objects | 3 | valid (1), pt (0.03125 GeV), phi (0.00076699 rad; 8192 codes once around), eta" in text
    rows = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    assert rows[6].startswith("| 6 | jet1_pt | 0 to 65535 | 0.03125 GeV | 0 | 11 | jet1_valid |")
    assert "| 29 to 32 | met: Missing energy | sums | 1 |" in text
    image = _readme(tiny_contract(layout=named_layout("calo_regions"), name="image", seed=41))
    assert "| 0 to 251 | region: Calorimeter regions | image | 18 phi x 14 eta | et (0.5 GeV; 1023 and above) | never |" in image
    wave = _readme(tiny_contract(layout=named_layout("samples"), name="wave", seed=41))
    assert "| 0 to 31 | sample: Samples | waveform | 32 | adc (1 ADC counts; 4095 and above) | never |" in wave


def _plays_its_vectors(folder, project):
    """The project's own test bench."""
    command = [
        "g++",
        "-O0",
        "-std=c++17",
        "-w",
        "-I.",
        "-Ifirmware/ap_types",
        f"{project}_test.cpp",
        f"firmware/{project}.cpp",
        "-o",
        "bench",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return subprocess.run(["./bench"], cwd=folder, capture_output=True, text=True, check=True).stdout


# -- what somebody else made, of inputs without events -------------------------------------------------------------------


def _described(folder, hardware, offset=0.0, seed=44):
    size = hardware["size"]
    np.savez(folder / "weights.npz", w=np.random.default_rng(seed).integers(-8, 8, (size, 3)) / 8)
    content = {
        "weights": "weights.npz",
        "hardware": hardware,
        "preprocessing": {"offset": offset, "shift": 1, "work": "ap_fixed<24,17>", "result": "ap_fixed<9,6,AP_RND_CONV,AP_SAT>"},
        "layers": [
            {
                "name": "d",
                "kind": "dense",
                "input": "inputs",
                "kernel": "w",
                "kernel_type": "ap_fixed<4,1>",
                "accumulator": "ap_fixed<26,16>",
            },
            {"name": "r", "kind": "relu", "input": "d", "result": "ap_ufixed<10,6,AP_RND,AP_SAT,AP_SAT>"},
            {"name": "norm", "kind": "dot", "inputs": ["r"], "accumulator": "ap_ufixed<24,16>"},
        ],
        "score": {"input": "norm", "type": "ap_ufixed<18,14,AP_TRN,AP_SAT>", "threshold": 100},
    }
    (folder / "network.yaml").write_text(yaml.safe_dump(content))
    return import_description(folder / "network.yaml", "foreign_v1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hardware", "offset", "io_type"),
    [
        ({"size": 20, "width": 13}, 33.5, "io_parallel"),
        ({"size": 9, "type": "ap_uint<11>"}, 3.0, "io_parallel"),
        ({"size": 7, "type": "ap_fixed<16,6>"}, 1.25, "io_parallel"),
        ({"size": 7, "type": "ap_ufixed<12,3>"}, 0.0, "io_stream"),
    ],
    ids=["fractional offset", "unsigned", "fractional port", "stream of fractions"],
)
def test_a_network_of_plain_numbers_needs_no_events(tmp_path, hardware, offset, io_type):
    contract = _described(tmp_path, hardware, offset)
    codes = np.random.default_rng(45).integers(contract.hardware.low, contract.hardware.high + 1, (500, contract.hardware.size))
    project = convert(contract, HlsConfig(io_type=io_type), codes[:10])
    project.write(tmp_path / "hls")
    report = simulate(contract, tmp_path / "hls", "Vitis", codes)
    assert report.passed, report.first_mismatch or report.type_mismatches
    assert report.corner_vectors > 1000
    assert len(np.unique(contract.evaluate(codes)["score"])) > 50
    if "fixed" in hardware.get("type", ""):
        assert _plays_its_vectors(tmp_path / "hls", contract.project) == "C simulation: 0 mismatches in 10 events\n"
    text = project.files["README.md"].decode()
    assert "Nobody said what the inputs are: they have no names and no scales, and every word is valid." in text
    assert f"| 0 | input0 | {contract.hardware.low[0]} to {contract.hardware.high[0]} |  | {offset:g} | 1 |  |" in text
    assert ("A code is an integer in units of" in text) == ("fixed" in hardware.get("type", ""))
