"""`l1ae data`, in this process."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from l1ae.cli._data import data
from l1ae.data import EventStore
from l1ae.errors import UserError
from l1ae.inputs import find_layout, layout_names, named_layout


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


def test_import(tmp_path):
    printed = run("import", adc_file(tmp_path / "a.h5"), "-o", tmp_path / "out.h5", "--processes", "w,qcd")
    assert printed == f"2 events: {tmp_path}/out.h5\n  w: 0\n  qcd: 0\n  unknown: 2\n"
    store = EventStore.open(tmp_path / "out.h5")
    assert (store.sample, store.own) == ("out", named_layout("ugt"))
    assert store.read().hw[0, [0, 3, 4]].tolist() == [60, 80, 22]


@pytest.mark.parametrize(("option", "value"), [("--muon-angles", "vertex"), ("--seeds", "none")])
def test_options_of_other_readers_are_refused(option, value, tmp_path):
    text = f"{option} means nothing for ADC2021 files and arrays made from them, which take --processes, --split; leave it out"
    with pytest.raises(UserError, match=text):
        run("import", adc_file(tmp_path / "a.h5"), option, value, "-o", tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_description_needs_no_output(tmp_path):
    printed = run("import", adc_file(tmp_path / "a.h5"), "--describe")
    assert printed == (f"ADC2021: {tmp_path}/a.h5\nlayout: ugt\nevents: 2\ncolumns:\n  Particles (19, 4): 2 events, process unknown\n")
    assert [item.name for item in tmp_path.iterdir()] == ["a.h5"]
    result = CliRunner().invoke(data, ["import", str(tmp_path / "a.h5")])
    assert (result.exit_code, "give the event store to write with -o FILE.h5, or --describe" in result.stderr) == (2, True)


def test_an_output_is_replaced_with_force_only(tmp_path):
    source, output = adc_file(tmp_path / "a.h5"), tmp_path / "out.h5"
    run("import", source, "-o", output)
    before = output.read_bytes()
    with pytest.raises(UserError, match=r"out\.h5: exists already; give --force to replace it, or another name with -o"):
        run("import", source, "-o", output, "--sample", "other")
    assert output.read_bytes() == before
    run("import", source, "-o", output, "--sample", "other", "--force")
    assert EventStore.open(output).sample == "other"


def test_layout_from_a_file_and_a_mapping(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\ngroups: [{name: x, kind: vector, slots: 3, features: [{name: code, bits: 4}]}]\n")
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    run("import", tmp_path / "a.npy", "--layout", tmp_path / "mine.yaml", "-o", tmp_path / "out.h5")
    assert EventStore.open(tmp_path / "out.h5").read().hw.tolist() == np.arange(12).reshape(4, 3).tolist()
    (tmp_path / "map.yaml").write_text("layout: mine.yaml\ngroups: {x: {code: [2, 1, 0]}}\n")
    run("import", tmp_path / "a.npy", "--map", tmp_path / "map.yaml", "-o", tmp_path / "out.h5", "--force")
    assert EventStore.open(tmp_path / "out.h5").read().hw[0].tolist() == [2, 1, 0]


def test_the_layout_file_is_no_output(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\ngroups: [{name: x, kind: vector, slots: 3, features: [{name: code, bits: 4}]}]\n")
    np.save(tmp_path / "a.npy", np.zeros((4, 3), int))
    with pytest.raises(UserError, match=r"mine\.yaml: the output is the layout file; give it another name"):
        run("import", tmp_path / "a.npy", "--layout", tmp_path / "mine.yaml", "-o", tmp_path / "mine.yaml", "--force")
    assert (tmp_path / "mine.yaml").read_text().startswith("name: mine")


def test_seeds_and_split_reach_the_reader(monkeypatch, tmp_path):
    import l1ae.data

    asked: list[Any] = []
    monkeypatch.setattr(l1ae.data, "describe_sources", lambda request: asked.append(request) or "")
    run("import", "a", "b", "--describe", "--seeds", "L1_A,L1_B*", "--split", "test", "--muon-angles", "station")
    run("import", "a", "--describe", "--seeds", "none")
    assert (asked[0].sources, asked[0].seeds, asked[0].split) == ((Path("a"), Path("b")), ("L1_A", "L1_B*"), "test")
    assert (asked[0].muon_angles, asked[1].seeds) == ("station", ())


def test_layouts(tmp_path):
    printed = run("layouts")
    for name in layout_names():
        layout = named_layout(name)
        assert f"{name}: {layout.title}\n  {layout.size} columns: " in printed
    assert "\n  44 columns: 6 jet, 4 tau, 4 mu, met\n" in printed
    (tmp_path / "copy.yaml").write_text(run("layouts", "ugt"))
    assert find_layout("copy.yaml", tmp_path) == named_layout("ugt")
    with pytest.raises(UserError, match="unknown layout 'ugtt'; the layouts are calo_regions, "):
        run("layouts", "ugtt")


def test_info(tmp_path):
    run("import", adc_file(tmp_path / "a.h5"), "-o", tmp_path / "out.h5")
    assert run("info", tmp_path / "out.h5").startswith(f"{tmp_path}/out.h5: sample 'out', 2 events")


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
