"""Where reports are found, what they are tied to, and the rows that they make together."""

import json
import os
import shutil
from pathlib import Path

import pytest

from l1ae.delivery._reports import Amount, CosimReport, CsynthReport
from l1ae.delivery._reports_find import figures_of, find_csynth, find_reports
from l1ae.errors import UserError

REPORTS = Path(__file__).parent / "reports"


def put(folder, name, path, when=1000):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(REPORTS / name, target)
    os.utime(target, (when, when))
    return target


def rows_of(root, top="dnn_ae_v1"):
    return figures_of([(found, ()) for found in find_reports([root], top)], root)


@pytest.mark.parametrize("folder", ["dnn_ae_v1_prj/solution1", "comp/hls", "build/hls/dnn_ae_v1_prj/solution1"])
def test_hls_reports_lie_where_each_generation_puts_them(folder, tmp_path):
    put(tmp_path, "vitis_hls_2023.2_csynth.xml", f"{folder}/syn/report/csynth.xml")
    put(tmp_path, "vitis_hls_2024.2_cosim.rpt", f"{folder}/sim/report/dnn_ae_v1_cosim.rpt")
    # functions below the top, and what looks like a report elsewhere
    put(tmp_path, "vivado_hls_2020.1_csynth.rpt", f"{folder}/syn/report/dense_0_csynth.rpt")
    put(tmp_path, "vivado_hls_2020.1_csynth.xml", f"{folder}/.autopilot/db/csynth.xml")
    found = find_reports([tmp_path], "dnn_ae_v1")
    assert {type(item.report) for item in found} == {CsynthReport, CosimReport}
    csynth, cosim = rows_of(tmp_path)
    assert (csynth.stage, csynth.tool, csynth.latency_cycles, csynth.latency_ns, csynth.interval) == (
        "csynth",
        "Vitis HLS 2023.2",
        18,
        90,
        1,
    )
    assert csynth.resources["bram"] == Amount(1.5, 2160)
    assert (csynth.clock_ns, csynth.uncertainty_ns, csynth.slack_ns) == (5, 0.62, 0.042)
    assert (cosim.stage, cosim.simulation_passed, cosim.latency_cycles, cosim.interval) == ("cosim", True, 17, None)
    assert cosim.resources["lut"] == Amount()
    assert csynth.files == (f"{folder}/syn/report/csynth.xml",)


def test_the_text_is_read_where_there_is_no_xml(tmp_path):
    put(tmp_path, "vivado_hls_2020.1_csynth.rpt", "p/s/syn/report/dnn_ae_v1_csynth.rpt")
    (row,) = rows_of(tmp_path)
    assert (row.tool, row.resources["lut"]) == ("Vivado HLS 2020.1", Amount(60213, 1182240))
    assert rows_of(tmp_path, "other") == []


@pytest.mark.parametrize("path", ["build/rtl_impl/route_{}.rpt", "reports/rtl_route_{}.rpt", "deeper/reports/rtl_route_{}.rpt"])
def test_reports_of_one_stage_make_one_row(path, tmp_path):
    put(tmp_path, "vivado_2023.1_utilization_route.rpt", path.format("utilization"))
    put(tmp_path, "vivado_2023.1_timing_route.rpt", path.format("timing_summary" if "impl" in path else "timing"))
    put(tmp_path, "vivado_2024.2_power_route.rpt", path.format("power"))
    (row,) = rows_of(tmp_path)
    assert (row.design, row.stage, row.tool) == ("rtl", "route", "Vivado 2024.2; Vivado 2023.1")
    assert (row.slack_ns, row.hold_slack_ns, row.failing_endpoints, row.clock_ns, row.uncertainty_ns) == (-0.333, 0.031, 57, 5.0, 0.635)
    assert row.resources["lut"] == Amount(48100, 1182240)
    assert (row.power_w, row.power_confidence, row.part) == (13.045, "Medium", "xcvu9p-flga2104-2L-e")
    # Vivado does not know the latency
    assert (row.latency_cycles, row.latency_ns, row.interval) == (None, None, None)
    assert len(row.files) == 3


@pytest.mark.parametrize("state", ["Synthesized", "Optimized"])
def test_the_report_of_hls4ml_s_own_script_is_read(state, tmp_path):
    """vivado_synth.tcl, which every HLS project has, writes it into the project; opt_design may have been the last command."""
    report = put(tmp_path, "vivado_2020.1_utilization_synth.rpt", "hls/vivado_synth.rpt")
    text = report.read_text().replace("-file utilization.rpt", "-file vivado_synth.rpt").replace("Synthesized", state)
    report.write_text(text)
    (row,) = rows_of(tmp_path)
    assert (row.design, row.stage, row.tool, row.files) == ("hls", "synth", "Vivado 2020.1", ("hls/vivado_synth.rpt",))
    assert row.resources["lut"] == Amount(51207, 433200)
    assert row.notes == ("by hls4ml's vivado_synth.tcl, without a clock and with buffers at the ports",)


def test_of_several_clocks_none_is_chosen(tmp_path):
    put(tmp_path, "vivado_2024.2_timing_route.rpt", "reports/hls_route_timing.rpt")
    (row,) = rows_of(tmp_path)
    assert (row.clock_ns, row.slack_ns, row.resources["lut"]) == (None, None, Amount())


def test_the_newest_report_counts(tmp_path):
    put(tmp_path, "vivado_hls_2020.1_csynth.xml", "a/syn/report/csynth.xml", when=2000)
    put(tmp_path, "vitis_hls_2024.2_csynth.xml", "b/syn/report/csynth.xml", when=1000)
    (row,) = rows_of(tmp_path)
    assert row.tool == "Vivado HLS 2020.1"
    assert find_csynth(tmp_path).origin.version == "2020.1"
    os.utime(tmp_path / "b/syn/report/csynth.xml", (3000, 3000))
    assert find_csynth(tmp_path).origin.version == "2024.2"


def test_no_report_is_none(tmp_path):
    assert find_csynth(tmp_path) is None
    assert find_csynth(tmp_path / "missing") is None
    assert rows_of(tmp_path) == []


def test_the_nearest_file_says_whose_contract_it_is(tmp_path, make_network):
    put(tmp_path, "vivado_2020.1_timing_synth.rpt", "vivado/build/rtl_impl/synth_timing_summary.rpt")
    put(tmp_path, "vitis_hls_2023.2_csynth.xml", "vivado/build/hls/p/s/syn/report/csynth.xml")
    root = tmp_path / "vivado"
    assert [found.digest for found in find_reports([root], None)] == [None, None]
    (root / "delivery.json").write_text(json.dumps({"digest": "aa"}))
    assert {found.digest for found in find_reports([root], None)} == {"aa"}
    contract = make_network("mu2", (4,)).contract
    (root / "build/hls/l1ae_contract.json").write_text(contract.to_json())
    assert {found.design: found.digest for found in find_reports([root], None)} == {
        "rtl": "aa",
        "hls": contract.digest,
    }
    (root / "build/rtl_impl/design.json").write_text(json.dumps({"design": {"digest": "cc"}}))
    assert "cc" in {found.digest for found in find_reports([root], None)}
    (root / "delivery.json").write_text("{")
    with pytest.raises(UserError, match=r"delivery\.json' is damaged"):
        find_reports([root], None)


def test_a_newer_version_is_told(tmp_path):
    target = put(tmp_path, "vivado_2020.1_power_route.rpt", "reports/rtl_route_power.rpt")
    target.write_text(target.read_text().replace("v.2020.1", "v.2027.1"))
    (row,) = rows_of(tmp_path)
    assert row.notes == ("version 2027.1 is newer than 2025.2, the newest whose layout is known",)
    assert row.power_w == 1.711
