"""Firmware that was made for another clock than the configuration now has is not delivered, and a refused run leaves the configuration."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest

from l1ae.config import Config, dump_config
from l1ae.errors import CheckFailedError, UserError
from l1ae.pipeline import Run, _table, check_targets, run_all
from l1ae.pipeline._shared import tell_old_deliveries
from l1ae.records import HLS, RTL, HlsSummary, other_settings
from l1ae.rtl_results import RtlSummary

MODEL = {"architecture": "dense_ae", "score": "squared_error"}
PART = "xcvu9p-flga2104-2L-e"

RTL_MADE = RtlSummary(
    **{"name": "tiny_v1", "inputs": 57, "input_bits": 16, "score_bits": 10, "score_signed": False, "score_fraction": 0, "threshold": 5},
    **{"latency": 1, "interval": 1, "clock_period": 25.0, "part": "xcvu9p", "digest": "0" * 64, "mode": "unrolled", "crossings": 1},
    **{"adders": "binary", "clock_uncertainty": 12.5, "latency_ns": 25.0},
)
HLS_MADE = HlsSummary(
    **{"project": "tiny_v1", "backend": "Vivado", "part": PART, "clock_period_ns": 5.0, "clock_uncertainty_percent": 12.5},
    **{"reuse_factor": 1, "layer_reuse_factors": {}, "strategy": "Latency", "io_type": "io_parallel", "files": 3, "digest": "0" * 64},
    multiplications=9,
)


def config(**sections):
    return Config.model_validate({"name": "tiny", "model": MODEL, "rtl": {"crossings": 1}, **sections})


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({}, ""),
        ({"hls": {"clock_period": 4.0}}, ""),
        ({"rtl": {"clock_period": 2.77}}, "rtl.clock_period 25, now 2.77, rtl.crossings 1, now null"),
        ({"rtl": {"crossings": 2}}, "rtl.crossings 1, now 2"),
        ({"rtl": {"crossings": 1, "clock_uncertainty": 10}}, "rtl.clock_uncertainty 12.5, now 10"),
        ({"rtl": {"crossings": 1, "adders": "ternary"}}, "rtl.adders binary, now ternary"),
        ({"rtl": {"clock_period": 25, "interval": 4}}, "rtl.crossings 1, now null, rtl.interval 1, now 4"),
        ({"rtl": {"crossings": 1, "part": "xcku115-flvd1517-2-e"}}, "rtl.part xcvu9p, now xcku115-flvd1517-2-e"),
        ({"rtl": {"crossings": 1, "events": 7, "vhdl_events": 7}}, ""),
    ],
)
def test_what_rtl_was_made_with(sections, said):
    assert other_settings(config(**sections), RTL_MADE) == said


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({}, ""),
        ({"hls": {"backend": "Vitis"}}, ""),
        ({"hls": {"clock_period": 4.0, "clock_uncertainty": 27}}, "hls.clock_period 5, now 4, hls.clock_uncertainty 12.5, now 27"),
        ({"hls": {"strategy": "Resource", "reuse_factor": 2}}, "hls.strategy Latency, now Resource, hls.reuse_factor 1, now 2"),
        ({"hls": {"layers": {"enc0": {"reuse_factor": 4}}}}, "hls.layers.enc0.reuse_factor null, now 4"),
    ],
)
def test_what_an_hls_project_was_made_with(sections, said):
    assert other_settings(config(**sections), HLS_MADE) == said


@pytest.fixture
def run(tmp_path):
    """A run with records of RTL and of an HLS project, and of deliveries of both."""
    made = Run.create(config(), tmp_path / "run")
    made.produce("rtl", {}, lambda target: RTL.write(target, RTL_MADE))
    made.produce("hls", {}, lambda target: HLS.write(target, HLS_MADE))
    return made


def changed(run, **sections):
    return Run(run.folder, config(**sections))


@pytest.mark.parametrize("target", ["emp", "ugt", "vivado"])
def test_rtl_for_another_clock_is_not_delivered(run, target):
    run.produce("csim", {f"hls/{name}": sha for name, sha in run.manifest.outputs("hls").items()}, lambda target: None)
    check_targets(run, [target])
    message = r"the RTL in '.*rtl' was made with other settings than '.*config.yaml' has \(rtl.clock_period 25, now 2.77, .*l1ae rtl "
    with pytest.raises(UserError, match=message):
        check_targets(changed(run, rtl={"clock_period": 2.77}), [target])
    check_targets(changed(run, rtl={"clock_period": 2.77}), ["cmssw"])
    with pytest.raises(UserError, match=r"the HLS project in '.*hls' was made with other settings .*hls.clock_period 5, now 3"):
        check_targets(changed(run, hls={"clock_period": 3}), ["cmssw"])


def test_needs_of_all_targets_are_checked_before_the_first_is_made(run):
    check_targets(run, ["emp"])
    with pytest.raises(UserError, match=r"has not passed its C simulation, without which it is not delivered; run `l1ae csim "):
        check_targets(run, ["emp", "vivado"])
    (run.path("hls") / "summary.json").unlink()
    run.path("hls").rmdir()
    with pytest.raises(UserError, match=r"target 'vivado' needs it; run `l1ae hls .*` first, and `l1ae csim "):
        check_targets(run, ["emp", "vivado"])
    with pytest.raises(UserError, match="unknown target 'gmt'; targets are cmssw"):
        check_targets(run, ["emp", "gmt"])


def test_deliveries_of_another_rtl_are_named(run, caplog):
    def rtl(core, **changes):
        def make(target):
            (target / "core.v").write_text(core)
            RTL.write(target, replace(RTL_MADE, **changes))

        run.produce("rtl", {}, make)
        tell_old_deliveries(run, "rtl", "other RTL")

    from l1ae.pipeline._shared import delivered_digest

    rtl("module")
    for name, stages in (("emp", ["rtl"]), ("cmssw", ["hls"]), ("vivado", ["hls", "rtl"])):
        run.produce(f"delivery/{name}", {stage: delivered_digest(run, stage) for stage in stages}, lambda target: None)
    with caplog.at_level(logging.WARNING, "l1ae"):
        # what is only reported is not delivered
        rtl("module", latency_ns=26.0)
        assert not caplog.messages
        rtl("another module")
    said = f"made with other RTL: delivery/emp, delivery/vivado; deliver again: `l1ae deliver {run.folder} --target emp --target vivado`"
    assert caplog.messages == [said]


# -- the configuration of a run that is refused ---------------------------------------------------------------------


@pytest.fixture
def stages(monkeypatch):
    """A run of two stages, `first` and `second`, that do what `stages.first` and `stages.second` do; without a report."""
    does = SimpleNamespace(first=lambda run: None, second=lambda run: None)

    def stage(name):
        def make(run, options):
            getattr(does, name)(run)
            run.produce(name, inputs(run, options), lambda target: None)

        def inputs(run, options):
            return {"config": dump_config(run.config)}

        return _table.Stage(name=name, command=name, inputs=inputs, make=make, always=True)

    monkeypatch.setattr(_table, "STAGES", (stage("first"), stage("second")))
    monkeypatch.setattr(_table, "report_stage", lambda run: run.folder)
    return does


def refused(run):
    raise UserError("one addition takes 0.92 ns")


def period(folder):
    return Run.open(folder).config.rtl_clock_period


def test_a_refused_run_leaves_the_configuration_as_it_was(tmp_path, stages):
    folder = tmp_path / "run"
    run_all(config(), folder)
    assert period(folder) == 25
    stages.first = refused
    with pytest.raises(UserError):
        run_all(config(rtl={"clock_period": 1.2}), folder)
    assert period(folder) == 25


def test_what_was_made_is_of_the_configuration_that_is_written(tmp_path, stages):
    folder = tmp_path / "run"
    run_all(config(), folder)
    run_all(config(rtl={"clock_period": 5}), folder)
    assert period(folder) == 5
    stages.second = refused
    with pytest.raises(UserError):
        run_all(config(rtl={"clock_period": 4}), folder)
    assert period(folder) == 4

    def differs(run):
        raise CheckFailedError("3 mismatches")

    stages.first = differs
    with pytest.raises(CheckFailedError):
        run_all(config(rtl={"clock_period": 3}), folder)
    assert period(folder) == 3
