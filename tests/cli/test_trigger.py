"""What `l1ae trigger` prints."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from l1ae.cli import _run, _trigger
from l1ae.trigger import load_working_points

EXAMPLES = Path(__file__).parents[1] / "trigger"


class _Stages:
    """Stands in for `l1ae.pipeline`, whose import takes seconds."""

    class Run:
        @staticmethod
        def open(folder):
            return _Stages.Run()

        def path(self, stage):
            return Path("RUN") / stage

    asked: Path | None = None

    @classmethod
    def trigger_stage(cls, run, *, zero_bias):
        cls.asked = zero_bias
        return cls.result


@pytest.mark.parametrize("name", ["example_working_points", "example_recorded"])
def test_tables_hold_every_working_point(name, monkeypatch, tmp_path):
    _Stages.result = result = load_working_points(EXAMPLES / f"{name}.json")
    store = tmp_path / "zb.h5"
    store.touch()
    monkeypatch.setattr(_trigger, "load_pipeline", lambda: _Stages)
    monkeypatch.setenv("COLUMNS", "250")
    found = CliRunner().invoke(_trigger.trigger, ["run", "--zero-bias", str(store)])
    assert found.exit_code == 0, found.output
    assert _Stages.asked == store
    for point in result.working_points:
        assert ("none" if point.threshold is None else str(point.threshold)) in found.output
        # the stage logs it
        assert point.note is None or point.note not in found.output
    assert all(seed.name in found.output for seed in result.menu.seeds)
    assert all(signal in found.output for signal in result.working_points[-1].efficiency)
    assert "working points: RUN/trigger/working_points.json" in found.output
    if name == "example_recorded":
        assert "not in the menu: L1_AXO_Nominal" in found.output
        assert "1kHz in 4 run periods: p = " in found.output


def test_a_run_to_the_rates_prints_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "250")
    (tmp_path / "trigger").mkdir()
    shutil.copy(EXAMPLES / "example_working_points.json", tmp_path / "trigger" / "working_points.json")
    _run._show("hls", tmp_path)
    assert not capsys.readouterr().out
    _run._show("trigger", tmp_path)
    result, text = load_working_points(EXAMPLES / "example_working_points.json"), capsys.readouterr().out
    assert all(str(point.threshold) in text for point in result.working_points if point.threshold is not None)
    assert all(signal in text for signal in result.working_points[-1].efficiency)


def test_of_a_long_menu_the_console_shows_the_first_seeds(monkeypatch, tmp_path):
    result = load_working_points(EXAMPLES / "example_working_points.json")
    seed = result.menu.seeds[0]
    seeds = tuple(seed.model_copy(update={"name": f"Seed{k:02}", "khz": float(k)}) for k in range(30))
    left_out = ("it cuts on quality, which 'mu' does not have: DoubleMu8_SQ", "there is no group 'ett': ETT2000")
    menu = result.menu.model_copy(update={"seeds": seeds, "left_out": left_out, "name": "run3"})
    _Stages.result = result.model_copy(update={"menu": menu})
    store = tmp_path / "zb.h5"
    store.touch()
    monkeypatch.setattr(_trigger, "load_pipeline", lambda: _Stages)
    monkeypatch.setenv("COLUMNS", "250")
    found = CliRunner().invoke(_trigger.trigger, ["run", "--zero-bias", str(store)])
    assert "Menu (run3, cuts, 30 seeds)" in found.output
    assert [name in found.output for name in ("Seed29", "Seed18", "Seed17", "18 more")] == [True, True, False, True]
    assert all(f"not in the menu: {text}" in found.output for text in left_out)


def test_a_missing_store_is_a_mistake(tmp_path):
    assert CliRunner().invoke(_trigger.trigger, ["run", "--zero-bias", str(tmp_path / "none.h5")]).exit_code == 2
