"""Added columns through conversion and C simulation: no bit differs, a planted threshold does, and the project says what it adds."""

import numpy as np
import pytest

from l1ae.config import HlsConfig
from l1ae.hls import convert, simulate

from ..contract.test_added import added_contract, of_layout
from ..inputs.added import ADD, events


@pytest.mark.slow
def test_no_bit_differs_and_another_threshold_does(tmp_path):
    contract, hardware = added_contract(of_layout("ugt", ADD)), events(500, seed=31)
    convert(contract, HlsConfig(), hardware[:10]).write(tmp_path / "project")
    report = simulate(contract, tmp_path / "project", "Vitis", hardware)
    assert report.passed, report.first_mismatch or report.type_mismatches
    assert len(np.unique(contract.evaluate(hardware)["score"])) > 50
    shifted = added_contract(of_layout("ugt", ADD | {"n_jet30": ADD["n_jet30"] | {"threshold": 61}}))
    wrong = simulate(shifted, tmp_path / "project", "Vitis", hardware)
    assert not wrong.passed
    assert {layer.name for layer in wrong.layers if layer.mismatches} >= {"added_n_jet30_if0", "added_n_jet30", "event"}


def test_the_readme_says_what_is_computed():
    contract = added_contract(of_layout("ugt", {"ht": ADD["ht"], "dphi": ADD["dphi_jets"]}))
    text = convert(contract, HlsConfig(), np.zeros((2, 57), int)).files["README.md"].decode()
    assert "The last 2 of the\ntable below do not arrive, the firmware computes them: dphi, ht." in text
    assert "| 58 | ht | 0 to 4095 |  | 0 | 7 |  |" in text
    assert "| 57 | dphi | 0 to 127 |  | 0 | 6 |  |" in text
