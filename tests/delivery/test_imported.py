"""Emulators of networks that somebody else described: with the layout of the trigger, with another, and with none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from l1ae.config import Config
from l1ae.contract import Contract, import_description
from l1ae.delivery import TARGETS, Emulator, Source, verify_delivery, write_delivery
from l1ae.hls import convert
from l1ae.inputs import Layout, named_layout

from .tiny import layout_events, tiny_contract, tiny_events

CMS_LIKE = Path(__file__).parents[2] / "configs/imported/cms_like.yaml"


def _deliver(contract: Contract, events: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The delivered folder of the emulator, whose checks all pass."""
    monkeypatch.setenv("CXXFLAGS", "-O0")
    name, _, version = contract.project.rpartition("_v")
    section = {"architecture": "imported", "source": "network.yaml", "score": "output"}
    config = Config.model_validate({"name": name, "version": int(version), "model": section})
    source = Source(contract, config, events, hls=convert(contract, config.hls, events[:5]).files)
    write_delivery(TARGETS["cmssw"], source, folder)
    found = verify_delivery(folder, TARGETS)
    assert all(check.passed for check in found.checks), found.failed
    return folder / contract.project


def _answers_agree(project: Path, contract: Contract, codes: np.ndarray) -> None:
    scores, triggers = Emulator(project / f"{contract.project}.so", digest=contract.digest).evaluate(codes)
    np.testing.assert_array_equal(scores, contract.evaluate_reference(codes)["score"][:, 0])
    np.testing.assert_array_equal(triggers, contract.evaluate_reference(codes)["trigger"][:, 0])


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False], ids=["layout", "no layout"])
def test_the_shipped_description_is_delivered_with_its_own_preprocessing(tmp_path, monkeypatch, named):
    contract = import_description(CMS_LIKE, "cms_like_v1")
    assert contract.layout is None
    contract = replace(contract, layout=named_layout("ugt")) if named else contract
    events = tiny_events(200)
    project = _deliver(contract, events, tmp_path / "out", monkeypatch)
    _answers_agree(project, contract, events)
    given = yaml.safe_load(CMS_LIKE.read_text())["preprocessing"]
    header = (project / "interface/cms_like_v1_scales.h").read_text()
    rows = [line.strip("{}, ").split(", ") for line in header.split("PREPROCESSING[INPUTS] = {\n")[1].split("\n};")[0].splitlines()]
    assert [float(row[0]) for row in rows] == given["offset"]
    assert [int(row[1]) for row in rows] == given["shift"]
    assert {tuple(row[2:]) for row in rows} == {("true", "-1")}
    assert ('{"mu0_phi", "rad"' in header) == named


def _fractions(tmp_path):
    weights = np.random.default_rng(51).integers(-8, 8, (6, 1)) / 8
    np.savez(tmp_path / "weights.npz", w=weights)
    layer = {
        "name": "d",
        "kind": "dense",
        "input": "inputs",
        "kernel": "w",
        "kernel_type": "ap_fixed<4,1>",
        "accumulator": "ap_fixed<30,12>",
    }
    content = {
        "weights": "weights.npz",
        "hardware": {"size": 6, "type": "ap_fixed<16,6>"},
        "preprocessing": {"offset": 0.25, "shift": 1, "work": "ap_fixed<20,8>", "result": "ap_fixed<14,6,AP_RND,AP_SAT>"},
        "layers": [layer],
        "score": {"input": "d", "type": "ap_fixed<18,10,AP_TRN,AP_SAT>", "threshold": 3},
    }
    (tmp_path / "network.yaml").write_text(yaml.safe_dump(content))
    return import_description(tmp_path / "network.yaml", "fractions_v2"), weights


def test_the_adder_graph_of_a_fractional_port_is_exact(tmp_path):
    """alkaid's interpreter works in real numbers."""
    from l1ae.rtl import trace_contract

    contract, _ = _fractions(tmp_path)
    codes = np.random.default_rng(54).integers(-(2**15), 2**15, (500, 6))
    found = trace_contract(contract).evaluate(codes * contract.hardware.format.lsb, ["inputs", "score"])
    for name, values in found.items():
        np.testing.assert_array_equal(values, contract.evaluate(codes, [name])[name] * contract[name].format.lsb)


@pytest.mark.slow
def test_a_fractional_port_is_delivered(tmp_path, monkeypatch):
    contract, weights = _fractions(tmp_path)
    codes = np.random.default_rng(52).integers(-(2**15), 2**15, (300, 6))
    project = _deliver(contract, codes, tmp_path / "out", monkeypatch)
    _answers_agree(project, contract, codes)
    assert "INPUT_LSB = 0.0009765625;" in (project / "interface/fractions_v2_scales.h").read_text()
    # the sum in real numbers, before the score's type: (code / 1024 - 1/4) / 2, in steps of 2**-12 and then of 2**-8
    halves = np.floor((codes / 1024 - 0.25) * 4096 / 2) / 4096
    inputs = np.clip(np.floor(halves * 256 + 0.5), -(2**13), 2**13 - 1) / 256
    expected = np.clip(np.floor((inputs @ weights)[:, 0] * 256), -(2**17), 2**17 - 1)
    np.testing.assert_array_equal(contract.evaluate(codes)["score"][:, 0], expected)


@pytest.mark.slow
def test_an_emulator_of_the_phase_2_trigger(tmp_path, monkeypatch):
    """Columns of more than 16 bits, a valid bit as gate."""
    layout = named_layout("p2gt").select({"jet": 2, "mu": 1})
    contract, events = tiny_contract(layout=layout, name="p2gt", threshold=200), layout_events(layout, 200, seed=53)
    _answers_agree(_deliver(contract, events, tmp_path / "out", monkeypatch), contract, events)
    again = Contract.load(tmp_path / "out" / "contract.json")
    assert again.layout == layout == Layout.model_validate(json.loads((tmp_path / "out" / "contract.json").read_text())["layout"])
