"""RUN/resources.json: what is found in a run, what it is tied to, and the budget that fails a synthesis."""

import json
import logging
import os
import shutil
from dataclasses import asdict, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from l1ae.config import Config
from l1ae.errors import CheckFailedError, UserError
from l1ae.manifest import Manifest, StageRecord
from l1ae.pipeline import Run
from l1ae.pipeline._delivery_stage import cost_of
from l1ae.pipeline._resources import check_rtl_budget, collect_resources
from l1ae.records import SynthesisedDesign
from l1ae.results import save_result

from ..records import examples
from ..records.examples import counted, timing

REPORTS = Path(__file__).parents[1] / "delivery" / "reports"
MINIMAL = {"name": "dnn_ae", "model": {"architecture": "dense_ae", "score": "squared_error"}}
HLS_REPORT = "hls/dnn_ae_v1_prj/solution1/syn/report/csynth.xml"


@pytest.fixture(name="make_run")
def _make_run(tmp_path):
    def make(**sections):
        return Run.create(Config.model_validate(MINIMAL | sections), tmp_path / "run")

    return make


def put(run, name, path, when=None):
    target = run.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(REPORTS / name, target)
    if when is not None:
        os.utime(target, (when, when))
    return target


def synthesis(luts=900, period=5.0, typical=4.0, **changes):
    used = {"luts": 2 * luts, "luts_packed": luts - 30, "memory_luts": 20, "shift_registers": 10, "flip_flops": 800}
    found = replace(
        examples.synthesis(),
        tool="pyosys 0.70",
        part="xcvu9p",
        resources=SynthesisedDesign(**counted(luts) | used),
        latency_cycles=7,
        clock_period=period,
        timing=timing(typical=typical),
    )
    return replace(found, **changes)


def write(run, name, content):
    path = run.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_dataclass(content):
        save_result(path, content)
    else:
        path.write_text(json.dumps(content))


def stored(run):
    return json.loads((run.folder / "resources.json").read_text())


def test_an_empty_run_has_no_figures(make_run, caplog):
    run = make_run(budget={"lut": 1000})
    assert collect_resources(run).rows == ()
    content = stored(run)
    assert (content["format"], content["format_version"], content["project"], content["rows"]) == ("l1ae-resources", 1, "dnn_ae_v1", [])
    assert content["budget"]["limits"]["lut"] == 1000
    assert caplog.text == ""


def test_rows_go_from_the_least_to_the_most_certain(make_run):
    run = make_run()
    put(run, "vivado_2023.1_utilization_route.rpt", "delivery/vivado/build/rtl_impl/route_utilization.rpt")
    put(run, "vivado_2023.1_timing_route.rpt", "delivery/vivado/build/rtl_impl/route_timing_summary.rpt")
    put(run, "vivado_2023.1_utilization_route.rpt", "delivery/vivado/reports/hls_route_utilization.rpt")
    put(run, "vitis_hls_2023.2_csynth.xml", HLS_REPORT)
    write(run, "synth/report.json", synthesis())
    resources = collect_resources(run)
    assert [(row.design, row.stage) for row in resources.rows] == [
        ("hls", "csynth"),
        ("hls", "route"),
        ("rtl", "open synthesis"),
        ("rtl", "route"),
    ]
    assert not any(row.doubts for row in resources.rows)
    csynth, _, opened, routed = stored(run)["rows"]
    assert csynth["resources"]["lut"] == {"used": 60213, "available": 1182240, "share": pytest.approx(60213 / 1182240)}
    assert csynth["resources"]["uram"] == {"used": 0, "available": 960, "share": 0}
    assert csynth["files"] == [HLS_REPORT]
    # 5 ns less 12.5 % less 4 ns
    assert (opened["slack_ns"], opened["latency_ns"], opened["uncertainty_ns"]) == (0.375, 35, 0.625)
    assert {name: amount["used"] for name, amount in opened["resources"].items()} == {
        "lut": 900,
        "ff": 800,
        "dsp": 0,
        "bram": 0.5,
        "uram": None,
    }
    assert (routed["slack_ns"], routed["latency_cycles"], routed["resources"]["lut"]["used"]) == (-0.333, None, 48100)


def test_the_budget_takes_the_latest_stage_and_is_told(make_run, caplog):
    run = make_run(budget={"lut": 1000, "latency_cycles": 7, "slack_ns": 0, "uram": 0})
    write(run, "synth/report.json", synthesis())
    put(run, "vivado_2023.1_timing_route.rpt", "delivery/vivado/build/rtl_impl/route_timing_summary.rpt")
    with caplog.at_level(logging.WARNING, "l1ae"):
        budget = collect_resources(run).budget
    found = {line.quantity: (line.outcome, line.stage, line.value) for line in budget.verdicts}
    assert found == {
        "lut": ("passed", "open synthesis", 900),
        "latency_cycles": ("passed", "open synthesis", 7),
        "slack_ns": ("failed", "route", -0.333),
        "uram": ("not known", None, None),
    }
    assert "budget: slack in ns of the RTL design: -0.333 (route, Vivado 2023.1), the budget is at least 0: failed" in caplog.text
    assert "budget: URAM of the RTL design: not known, the budget is 0" in caplog.text
    assert "LUT" not in caplog.text
    assert {line["quantity"]: line["outcome"] for line in stored(run)["budget"]["verdicts"]}["slack_ns"] == "failed"


def test_a_budget_that_fails_is_an_error_after_everything_is_written(make_run):
    run = make_run(budget={"lut": 899})
    write(run, "synth/report.json", synthesis())
    with pytest.raises(
        CheckFailedError, match=r"beyond its budget\nLUT of the RTL design: 900 \(open synthesis, pyosys 0\.70\), .* 899: failed"
    ):
        check_rtl_budget(run)
    assert stored(run)["budget"]["verdicts"][0]["outcome"] == "failed"


@pytest.mark.parametrize("budget", [{"lut": 900}, {"uram": 0}, {}])
def test_a_budget_that_holds_or_is_not_known_is_no_error(make_run, budget):
    run = make_run(budget=budget)
    write(run, "synth/report.json", synthesis())
    # beyond every budget, but of another design
    put(run, "vitis_hls_2023.2_csynth.xml", HLS_REPORT)
    check_rtl_budget(run)


def test_deliveries_state_the_synthesis_of_the_rtl_that_the_run_holds(make_run):
    run = make_run()
    assert cost_of(run) is None
    write(run, "synth/report.json", synthesis())
    assert cost_of(run).resources["lut"].used == 900
    write(run, "synth/report.json", synthesis(changed_files=("verilog/a.v",)))
    assert cost_of(run) is None


# -- doubts ------------------------------------------------------------------------------------------------------------


def doubts_of(run, caplog):
    caplog.clear()
    with caplog.at_level(logging.WARNING, "l1ae"):
        resources = collect_resources(run)
    doubts = [doubt for row in resources.rows for doubt in row.doubts]
    assert all(doubt in caplog.text for doubt in doubts)
    if doubts:
        assert {line.outcome for line in resources.budget.verdicts} == {"not known"}
    return doubts


def test_a_report_of_another_contract(make_run, make_network, caplog):
    run = make_run(budget={"lut": 10**6})
    old, new = (make_network("mu2", (4,), threshold).contract.to_json() for threshold in (300, 301))
    put(run, "vitis_hls_2023.2_csynth.xml", HLS_REPORT)
    for stage, text in (("contract/contract.json", new), ("hls/l1ae_contract.json", old)):
        (run.folder / stage).parent.mkdir(exist_ok=True)
        (run.folder / stage).write_text(text)
    run = Run(run.folder, run.config.model_copy(update={"rtl": run.config.rtl.model_copy(update={"interval": 8})}))
    (doubt,) = doubts_of(run, caplog)
    assert doubt.startswith("'csynth.xml' lies in a folder made from contract")
    (run.folder / "hls/l1ae_contract.json").write_text(new)
    assert doubts_of(run, caplog) == []


def test_a_report_that_is_older_than_the_project(make_run, caplog):
    run = make_run(budget={"lut": 10**6})
    finished = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    record = StageRecord(1.5, finished.isoformat(timespec="seconds"), {}, {}, {}, "v0.1.0")
    Manifest("dnn_ae_v1", {"hls": record}).save(run.folder)
    put(run, "vitis_hls_2023.2_csynth.xml", HLS_REPORT, when=finished.timestamp() - 60)
    assert doubts_of(run, caplog) == ["'csynth.xml' is older than the project in 'hls'"]
    put(run, "vitis_hls_2023.2_csynth.xml", HLS_REPORT, when=finished.timestamp() + 60)
    assert doubts_of(run, caplog) == []


def test_a_report_of_another_part_or_function(make_run, caplog):
    run = make_run(hls={"part": "xcvu13p-flga2577-2-e"}, budget={"lut": 10**6})
    put(run, "vitis_hls_2023.2_csynth.xml", HLS_REPORT)
    assert doubts_of(run, caplog) == ["'csynth.xml' is of part xcvu9p-flga2104-2L-e, and the configuration says xcvu13p-flga2577-2-e"]
    run = make_run(version=2, budget={"lut": 10**6})
    assert doubts_of(run, caplog) == ["'csynth.xml' is of the function dnn_ae_v1, not of dnn_ae_v2"]


@pytest.mark.parametrize("part", ["xc7vx690t-ffg1927-2", "xc7vx690tffg1927-2"])
def test_parts_are_the_same_with_and_without_hyphens(make_run, caplog, part):
    run = make_run(rtl={"part": part})
    put(run, "vivado_2020.1_utilization_synth.rpt", "delivery/vivado/build/rtl_impl/synth_utilization.rpt")
    put(run, "vivado_2020.1_timing_synth.rpt", "delivery/vivado/build/rtl_impl/synth_timing_summary.rpt")
    assert doubts_of(run, caplog) == []


def test_a_report_whose_name_lies_about_its_stage(make_run, caplog):
    run = make_run(budget={"lut": 10**6})
    put(run, "vivado_2023.1_utilization_route.rpt", "delivery/vivado/build/rtl_impl/synth_utilization.rpt")
    assert doubts_of(run, caplog) == ["'synth_utilization.rpt' is named for stage synth, but its design state is that of stage route"]


def test_a_cosimulation_that_failed(make_run, caplog):
    run = make_run(budget={"latency_cycles": 100})
    put(run, "vitis_hls_2024.1_cosim_fail.rpt", "hls/p/s/sim/report/dnn_ae_v1_cosim.rpt")
    assert doubts_of(run, caplog) == ["the cosimulation failed"]


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"changed_files": ("verilog/a.v",)}, "files of the RTL were not as they were written"),
        ({"rtl": replace(examples.rtl_summary(), clock_uncertainty=0.0)}, "it is of older RTL than that in 'rtl'; run `l1ae synth` again"),
    ],
)
def test_a_synthesis_of_something_else(make_run, caplog, changes, doubt):
    run = make_run(budget={"lut": 10**6})
    write(run, "rtl/summary.json", synthesis().rtl)
    write(run, "synth/report.json", synthesis())
    assert doubts_of(run, caplog) == []
    write(run, "synth/report.json", synthesis(**changes))
    assert doubts_of(run, caplog) == [doubt]


@pytest.mark.parametrize("path", [HLS_REPORT, "synth/report.json", "delivery/vivado/build/hls_impl/synth_power.rpt"])
def test_a_damaged_report_is_named(make_run, path):
    run = make_run()
    (run.folder / path).parent.mkdir(parents=True)
    (run.folder / path).write_text("{")
    with pytest.raises(UserError, match=Path(path).name):
        collect_resources(run)
    assert not (run.folder / "resources.json").exists()


# -- with a real network ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_estimate_stands_until_the_rtl_is_synthesised(make_network, tmp_path):
    from l1ae.rtl._emit import design_of

    network = make_network("mu2", (4,))
    run = Run.create(network.config, tmp_path / "run")
    run.produce("contract", {}, lambda target: network.contract.save(target / "contract.json"))
    (row,) = collect_resources(run).rows
    assert (row.design, row.stage, row.tool, row.interval) == ("rtl", "estimate", "l1ae estimate", 1)
    assert 10 < row.resources["lut"].used < 10_000
    assert row.latency_ns == row.latency_cycles * 5.0
    assert stored(run)["digest"] == network.contract.digest
    for digest, cycles in ((network.contract.digest, 77), ("0" * 64, row.latency_cycles)):
        design = design_of(network.contract, latency=77, interval=1, clock_period=5.0, part="xcvu9p-flga2104-2L-e")
        write(run, "rtl/design.json", {"design": asdict(replace(design, digest=digest)), "verilog": [], "vhdl": []})
        assert collect_resources(run).rows[0].latency_cycles == cycles
    write(run, "synth/report.json", synthesis())
    (row,) = collect_resources(run).rows
    assert row.stage == "open synthesis"


@pytest.mark.exhaustive
def test_synthesis_fails_when_the_rtl_is_beyond_its_budget(make_config, tmp_path, monkeypatch):
    from l1ae.pipeline import train_stage
    from l1ae.pipeline.rtl import rtl_stage, synth_stage

    monkeypatch.setattr("l1ae.pipeline.rtl.user_cache", lambda kind: tmp_path / "cache" / kind)
    model = {"architecture": "dense_vae", "score": "mu2", "encoder": [2], "latent": 1, "decoder": [2], "target_fpr": 0.05}
    config = make_config(model=model, rtl={"events": 100, "vhdl_events": 10}, budget={"lut": 50, "dsp": 0})
    run = train_stage(config, tmp_path / "run")
    rtl_stage(run)
    with pytest.raises(CheckFailedError, match=r"beyond its budget\nLUT of the RTL design: \d+ \(open synthesis"):
        synth_stage(run, per_layer=False)
    assert (run.path("synth") / "report.json").is_file()
    assert "synth" in run.manifest.stages
    assert {line["quantity"]: line["outcome"] for line in stored(run)["budget"]["verdicts"]} == {"lut": "failed", "dsp": "passed"}
