"""The tables of the calibration and of the comparison."""

from dataclasses import asdict, replace
from pathlib import Path

import architectures
import numpy as np
import pytest
from compare_flows import UNKNOWN, Flow, Model, vendor_cells
from compare_flows import page as flows_page
from published import NOT_RUN, RECORDED, SYSTEMS, Published
from rtl_calibration import Row, load_rows, page, published_lut, save_rows, system_line

from l1ae.config import load_config
from l1ae.delivery import Amount, CsynthReport, Origin

from .tiny import network

CONFIGS = Path(__file__).parents[2] / "configs"
ROW = Row("ugt_v5", "ternary", (900, 2362), 2000, 20000, 5, 14000, 11000, 2000, 0, 0.5, (10.0, 16.0, 22.0), 100.0, 1.0)


def _cells(line):
    assert line.startswith("| ")
    assert line.endswith(" |")
    return line[2:-2].split(" | ")


def _system(name):
    return next(system for system in SYSTEMS if system.name == name)


def test_nothing_is_left_out():
    text = page(RECORDED, "a test", {}, "ternary")
    for system in SYSTEMS:
        assert system.title in text
    for title, published, reason in NOT_RUN:
        assert f"| {title} | {published} | {reason} |" in text
    assert text.count("not run yet") == 9 * len(SYSTEMS)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {7, 18, 5, 4}


def test_the_deployed_weights_are_said_to_be_public():
    """The figures as they were reported: packed LUTs of our RTL in thousands, and the published estimates."""
    text = page(RECORDED, "a test", {}, "binary")
    assert "weights of the deployed CMS triggers are public, but without a licence" in text
    assert "are not public" not in text
    rows = {line.split(" | ")[0][2:]: line for line in text.splitlines() if line.count("|") == 5}
    for name, ours, theirs in (
        ("v1", "8,200", "33,300"),
        ("v3", "14,100", "72,300"),
        ("v4", "11,300", "70,500"),
        ("v5", "17,500", "37,600"),
    ):
        assert f"| {ours} | {theirs} |" in rows[f"CMS uGT {name}"]
    assert rows["CMS uGT v6"] == "| CMS uGT v6 | 17,300 | 37,800 | 0.46 |"


def test_ratios():
    cells = _cells(system_line(_system("ugt_v5"), ROW))
    assert cells[2:11] == ["900 of 2,362", "25 ns", "14,000", "11,000", "2,000", "0", "0.5", "5 clocks, 125 ns", "10.0 / 16.0 / 22.0 ns"]
    assert cells[11:] == ["37,580", "0", "50 ns", "HLS estimate", f"{11000 / 37580:.2f}", "2.50"]


def test_a_percentage_is_of_the_part():
    # AMD DS890: the VU9P has 1,182,240 LUTs
    assert published_lut(_system("dnn_vae")) == pytest.approx(0.03 * 1_182_240)
    assert published_lut(replace(_system("dnn_vae"), published=Published("published"))) is None


def test_a_design_that_was_not_synthesised_says_why():
    row = Row("cnn_ae", "ternary", (1, 2), 30000, 300000, 40, refused="too large")
    cells = _cells(system_line(_system("cnn_ae"), row))
    assert cells[4:9] == ["not synthesised"] * 5
    assert cells[-2] == "–"
    assert "CNN AE was not synthesised: too large (30,000 additions)." in page(RECORDED, "a test", {"cnn_ae": row}, "ternary")


def test_rows_are_kept(tmp_path):
    save_rows(tmp_path / "rows.json", {"ugt_v5": ROW})
    kept = load_rows(tmp_path / "rows.json")["ugt_v5"]
    assert system_line(_system("ugt_v5"), kept) == system_line(_system("ugt_v5"), ROW)
    assert load_rows(tmp_path / "none.json") == {}


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_configurations_have_the_published_shapes(system):
    config = load_config(CONFIGS / f"{system.config}.yaml", system.overrides)
    model = config.model
    if model.architecture in ("dense_vae", "dense_ae"):
        assert system.shape.startswith("-".join(str(n) for n in (57, *model.encoder, model.latent)))
    assert model.weight_bits == (6 if "6 bit" in system.shape else 8)


def test_what_needs_vitis_is_unknown_until_there_is_a_report():
    flow = Flow("hls4ml Latency", "C synthesis", "Vitis HLS")
    assert (flow.lut, flow.ff, flow.dsp, flow.cycles) == (UNKNOWN,) * 4
    origin = Origin(Path("csynth.xml"), "csynth", "Vitis HLS", "2023.2", None, None)
    report = CsynthReport(origin, None, None, None, None, 9, None, None, {"lut": Amount(37580), "dsp": Amount()})
    flow = replace(flow, **vendor_cells(report))
    assert (flow.tool, flow.lut, flow.ff, flow.cycles) == ("Vitis HLS 2023.2", "37,580", UNKNOWN, "9")


def test_every_flow_has_all_columns():
    config = load_config(CONFIGS / "dnn_vae.yaml")
    text = flows_page(Model(config, network(), None, np.zeros((7, 5), int)), Path("dnn_vae.yaml"), [Flow("a", "b", "c")])
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {len(asdict(Flow("", "", ""))) + 1}
    assert "on\n7 events" in text


def test_the_page_of_architectures_is_that_of_the_records():
    assert architectures.PAGE.read_text() == architectures.text()
