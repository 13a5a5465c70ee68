"""What `l1ae baselines` prints."""

from pathlib import Path

from click.testing import CliRunner

from l1ae.baselines import BaselineResult, BaselinesResult
from l1ae.cli import _baselines
from l1ae.evaluation import AtRate, Estimate, RatePoint


def _point(kind, khz, mean):
    if khz == 9.0:
        return RatePoint(kind, khz, None, None, None, None, 0.0, {}, None, None, "the score saturates")
    found = None if mean is None else Estimate(mean, mean - 0.02, mean + 0.02)
    cvar = None if mean is None else Estimate(mean / 2, 0.0, 1.0)
    return RatePoint(kind, khz, 12.5, None, None, None, 50.0, {} if found is None else {"s": found}, found, cvar)


def _result(mean):
    points = tuple(_point(kind, khz, mean) for kind in ("raw", "pure") for khz in (1.0, 9.0))
    one = BaselineResult("leading_jet", "Jets [all], leading pT", "Leading energy", "the largest", "GeV", AtRate(points))
    return BaselinesResult("ugt", 1000, 2000, 700.0, "here", 4000, (one,), {"Number of objects": "no slot can be empty"})


def _printed(monkeypatch, result):
    class Stages:
        class Run:
            @staticmethod
            def open(folder):
                return Stages.Run()

            def path(self, stage):
                return Path("RUN") / stage

        @staticmethod
        def baselines_stage(run):
            return result

    monkeypatch.setattr(_baselines, "load_pipeline", lambda: Stages)
    monkeypatch.setenv("COLUMNS", "200")
    found = CliRunner().invoke(_baselines.baselines, ["run"])
    assert found.exit_code == 0, found.output
    return found.output


def test_efficiencies_at_every_rate(monkeypatch):
    text = _printed(monkeypatch, _result(0.4))
    for part in ("At raw rates: mean efficiency", "At pure rates", "4,000 crossings, trained on 1,000 events", "Jets [all], leading pT"):
        assert part in text
    assert text.count("40.0 ± 2.0 (20)") == 2
    assert text.count("not measurable") == 2
    assert "Number of objects: not possible, no slot can be empty" in text
    assert "baselines: RUN/baselines/baselines.json" in text


def test_without_signals_thresholds(monkeypatch):
    text = _printed(monkeypatch, _result(None))
    assert "thresholds, there is no signal" in text
    assert text.count("12.5 GeV") == 2
    assert "efficiency" not in text
