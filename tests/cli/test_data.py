"""`l1ae data`, in this process."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from l1ae.cli._data import data
from l1ae.errors import UserError


def run(*arguments: object) -> str:
    """What the command prints; its errors are raised."""
    return CliRunner().invoke(data, [str(argument) for argument in arguments], catch_exceptions=False).stdout


def adc_file(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        particles = np.zeros((2, 19, 4))
        particles[:, 0] = 30, 0, 1, 1
        particles[:, 1] = 40, 1, 2, 2
        file["Particles"] = particles
    return path


@pytest.mark.parametrize(("option", "value"), [("--muon-angles", "vertex"), ("--order", "readout")])
def test_options_for_cms_are_refused_for_adc2021(option, value, tmp_path):
    with pytest.raises(UserError, match=f"{option} means nothing for ADC2021 files; leave it out"):
        run("import", adc_file(tmp_path / "a.h5"), option, value, "-o", tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()
    assert "2 events" in run("import", tmp_path / "a.h5", "-o", tmp_path / "out.h5")


def test_options_for_adc2021_are_refused_for_cms(tmp_path):
    with pytest.raises(UserError, match="--processes means nothing for CMS folders"):
        run("import", tmp_path, "--processes", "w,qcd", "-o", tmp_path / "out.h5")


@pytest.mark.parametrize(
    ("flags", "regions", "overwrite", "layout"),
    [
        ((), False, False, "ugt"),
        (("--regions",), True, False, "ugt_calo_regions"),
        (("--force",), False, True, "ugt"),
        (("--layout", "ugt_full"), False, False, "ugt_full"),
        (("--layout", "ugt_full", "--regions"), True, False, "ugt_full_calo_regions"),
        (("--layout", "ugt"), False, False, "ugt"),
    ],
)
def test_flags_reach_the_generator(flags, regions, overwrite, layout, monkeypatch, tmp_path):
    generator = pytest.importorskip("l1ae.data.generator")
    asked: list[dict[str, Any]] = []

    def record(sample: str, events: int, output: Path, **options: Any) -> Any:
        asked.append(options)
        return SimpleNamespace(events=events, wall_seconds=0.0, path=output)

    monkeypatch.setattr(generator, "generate", record)
    run("generate", "--sample", "a4l", "--events", 3, "-o", tmp_path / "out.h5", *flags)
    assert (asked[0]["config"].regions is not None, asked[0]["overwrite"]) == (regions, overwrite)
    assert asked[0]["config"].layout.name == layout
    assert asked[0]["config"].model_copy(update={"regions": None, "full": None}) == generator.GeneratorConfig()


def test_regions_of_a_configuration_are_kept(monkeypatch, tmp_path):
    generator = pytest.importorskip("l1ae.data.generator")
    asked: list[Any] = []
    monkeypatch.setattr(
        generator, "generate", lambda *_, config, **__: asked.append(config) or SimpleNamespace(events=1, wall_seconds=0, path="")
    )
    (tmp_path / "c.yaml").write_text("regions: {tower_threshold: 2.0}")
    run("generate", "--sample", "a4l", "--events", 3, "-o", tmp_path / "out.h5", "--config", tmp_path / "c.yaml", "--regions")
    assert asked[0].regions == generator.RegionConfig(tower_threshold=2.0)


@pytest.mark.parametrize(("flags", "full"), [((), True), (("--layout", "ugt_full"), True), (("--layout", "ugt"), False)])
def test_full_events_of_a_configuration_are_kept_unless_another_layout_is_asked_for(flags, full, monkeypatch, tmp_path):
    generator = pytest.importorskip("l1ae.data.generator")
    asked: list[Any] = []
    monkeypatch.setattr(
        generator, "generate", lambda *_, config, **__: asked.append(config) or SimpleNamespace(events=1, wall_seconds=0, path="")
    )
    (tmp_path / "c.yaml").write_text("full: {tau: {pt: 8.0}}")
    run("generate", "--sample", "a4l", "--events", 3, "-o", tmp_path / "out.h5", "--config", tmp_path / "c.yaml", *flags)
    assert asked[0].full == (generator.FullConfig(tau=generator.TauConfig(pt=8.0)) if full else None)
