import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l1ae.data import EventStore, StoreWriter
from l1ae.data.generator import DetectorConfig, GeneratorConfig, RegionConfig, _pythia, generate
from l1ae.data.generator._generate import mixture
from l1ae.engine import EngineOptions
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

from ...engine.places import elsewhere

pytest.importorskip("pythia8mc")

FRACTIONS = {"w": 0.592, "qcd": 0.338, "z": 0.067, "ttbar": 0.003}
UGT = named_layout("ugt")


def columns(path: Path, stop: int | None = None, layout: Layout = UGT) -> dict[str, np.ndarray]:
    """All columns of the first events; those of `layout` as `hw`."""
    events = EventStore.open(path, layout).read(0, stop)
    return {name: getattr(events, name) for name in ("hw", "process", "source_event", "pileup")}


def values(path: Path) -> dict[str, np.ndarray]:
    """Physical values (n, slots, features) of each group."""
    physical = UGT.to_physical(columns(path)["hw"])
    return {group.name: UGT.block(physical, group.name) for group in UGT.groups}


def assert_same_events(first: Path, second: Path, stop: int | None = None) -> None:
    one, other = columns(first, stop), columns(second, stop)
    for name, column in one.items():
        np.testing.assert_array_equal(column, other[name], err_msg=name)


def truth_files(folder: Path) -> dict[str, int]:
    """Modification time of every truth shard."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob("truth/*/*/*.npz")}


def test_mixture_is_exact_in_every_block_and_random_within():
    blocks = list(mixture(FRACTIONS, 5500, seed=4))
    assert [len(block) for block in blocks] == [1000] * 5 + [500]
    for block in blocks[:5]:
        np.testing.assert_allclose(np.bincount(block, minlength=4), [592, 338, 67, 3], atol=1)
    halves = np.stack([np.bincount(block[:500], minlength=4) for block in blocks])
    np.testing.assert_allclose(halves.mean(axis=0), [296, 169, 33.5, 1.5], atol=5 * np.sqrt(500 * 0.25 / 6))
    assert len({tuple(half) for half in halves}) > 1


def test_mixture_of_more_events_begins_with_that_of_fewer():
    long, short = (np.concatenate(list(mixture(FRACTIONS, events, seed=1))) for events in (3000, 1700))
    np.testing.assert_array_equal(long[:1700], short)
    assert not np.array_equal(long[:1700], np.concatenate(list(mixture(FRACTIONS, 1700, seed=2))))


@pytest.mark.exhaustive
def test_events_do_not_depend_on_the_number_of_workers_and_more_events_extend_fewer(config, fresh_shards, tmp_path):
    one, two = tmp_path / "one.h5", tmp_path / "two.h5"
    first = generate("background", 100, one, workers=1, config=config, shards=fresh_shards("a"))
    second = generate("background", 100, two, workers=2, config=config, shards=fresh_shards("b"))
    assert one.read_bytes() == two.read_bytes()
    assert second.shards_made >= first.shards_made >= 4
    longer = generate("background", 160, tmp_path / "longer.h5", workers=1, config=config, shards=tmp_path / "a")
    assert longer.shards_reused == first.shards_made
    assert_same_events(one, tmp_path / "longer.h5", 100)
    other = generate("background", 40, tmp_path / "other.h5", seed=2, workers=1, config=config, shards=fresh_shards("c"))
    assert other.shards_reused == 0
    assert not np.array_equal(columns(one, 40)["hw"], columns(tmp_path / "other.h5")["hw"])


@pytest.fixture(scope="module")
def background(config: GeneratorConfig, library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 200 events and its shards beside it."""
    folder = tmp_path_factory.mktemp("background")
    shutil.copytree(library, folder / "shards")
    generate("background", 200, folder / "background.h5", workers=1, config=config)
    return folder / "background.h5"


@pytest.mark.slow
def test_the_store_holds_what_was_asked_for(background, config):
    store = EventStore.open(background, UGT)
    assert (store.sample, store.n_events, store.processes) == ("background", 200, ("w", "qcd", "z"))
    events = store.read()
    np.testing.assert_allclose(np.bincount(events.process), [100, 60, 40], atol=25)
    assert events.pileup.mean() == pytest.approx(3, abs=5 * np.sqrt(3 / 200))
    provenance = store.provenance
    assert provenance["seed"] == 1
    assert provenance["detector"] == json.loads(config.detector.model_dump_json())
    assert provenance["processes"]["qcd"]["config"]["settings"] == list(config.processes["qcd"].settings)
    assert provenance["processes"]["w"]["detector_digest"] == config.detector_digest("w")


def test_every_event_passes_the_preselection(background):
    objects = values(background)
    leading = [objects[group][:, 0, 0] for group in ("eg", "mu")]
    assert (np.max(leading, axis=0) > 23).all()
    for group, reach in (("mu", 2.1 + 0.02), ("eg", 3.0 + 0.05), ("jet", 4.0 + 0.05)):
        assert (np.abs(objects[group][..., 1]) < reach).all()
    jet_pt = objects["jet"][..., 0]
    assert jet_pt[jet_pt > 0].min() >= 15


def test_objects_are_ordered_by_falling_pt(background):
    hw = EventStore.open(background, UGT).read().hw
    for group in ("eg", "mu", "jet"):
        assert (np.diff(hw[:, UGT.positions(group, "pt")], axis=1) <= 0).all()


def test_source_events_are_unique_for_single_passes_and_shared_by_copies(background, config):
    events = EventStore.open(background, UGT).read()
    w = events.source_event[events.process == 0]
    assert len(np.unique(w)) == len(w)
    assert w.max() >= config.processes["w"].shard_events
    qcd, copies = np.unique(events.source_event[events.process == 1], return_counts=True)
    assert copies.max() > 1
    # Copies are events in their own right: the same collision, but never the same event.
    most = events.hw[(events.process == 1) & (events.source_event == qcd[np.argmax(copies)])]
    assert len(np.unique(most, axis=0)) == len(most)


@pytest.mark.slow
def test_a_changed_detector_reuses_every_truth_shard(background, config, tmp_path):
    shards = tmp_path / "shards"
    shutil.copytree(background.parent / "shards", shards, copy_function=shutil.copy2)
    before = truth_files(shards)
    changed = config.model_copy(update={"detector": DetectorConfig(pileup_mean=8.0)})
    result = generate("background", 120, tmp_path / "changed.h5", workers=1, config=changed, shards=shards)
    assert result.shards_reused == 0
    assert result.shards_made > 0
    assert truth_files(shards) == before
    assert columns(tmp_path / "changed.h5")["pileup"].mean() == pytest.approx(8, abs=5 * np.sqrt(8 / 120))


@pytest.mark.exhaustive
def test_workers_of_a_scheduler_make_the_same_bytes(background, config, fresh_shards, tmp_path):
    pytest.importorskip("distributed")
    shards = fresh_shards("shards")
    with elsewhere(tmp_path, workers=2) as place:
        options = EngineOptions(scheduler=place.address)
        result = generate("background", 200, tmp_path / "out.h5", engine=options, config=config, shards=shards)
    assert result.shards_made > 0
    assert (tmp_path / "out.h5").read_bytes() == background.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_a_job_that_was_killed_continues_where_it_was(workers, background, config, fresh_shards, tmp_path):
    shards = fresh_shards("shards")
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from l1ae.data.generator import GeneratorConfig, generate
        config = GeneratorConfig.model_validate_json(Path(sys.argv[1]).read_text())
        generate("background", 200, Path(sys.argv[2]), workers=int(sys.argv[4]), config=config, shards=Path(sys.argv[3]))
        """
    )
    (tmp_path / "config.json").write_text(config.model_dump_json())
    arguments = [str(tmp_path / "config.json"), str(tmp_path / "out.h5"), str(shards), str(workers)]
    job = subprocess.Popen([sys.executable, "-c", script, *arguments])
    deadline = time.monotonic() + 60
    while not list(shards.glob("detector/*/*/0*.npz")) and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    kept = len(list(shards.glob("detector/*/*/0*.npz")))
    assert kept > 0
    assert not (tmp_path / "out.h5").exists()
    result = generate("background", 200, tmp_path / "out.h5", workers=1, config=config, shards=shards)
    # a worker may complete its shard while the death of its client reaches it
    assert kept <= result.shards_reused < kept + workers
    assert result.shards_made > 0
    assert (tmp_path / "out.h5").read_bytes() == background.read_bytes()


def test_the_result_says_how_the_events_came_about(background, config):
    done: list[tuple[int, int]] = []
    result = generate("background", 200, background, workers=1, config=config, progress=lambda n, total: done.append((n, total)))
    assert (result.shards_made, result.events, done[-1]) == (0, 200, (200, 200))
    events = EventStore.open(background, UGT).read()
    for index, process in enumerate(result.processes):
        mine = events.process == index
        assert process.events == mine.sum()
        assert process.source_events == len(np.unique(events.source_event[mine]))
        assert process.generated == process.shards * config.processes[process.name].shard_events
        assert process.accepted >= process.events
        assert 0 < process.acceptance_error < process.acceptance < 1
        assert process.truth_seconds > 0
    qcd = result.processes[1]
    trials = qcd.generated * 6 * 100 * 5
    assert qcd.acceptance == pytest.approx(qcd.accepted / trials)
    assert qcd.acceptance_error > np.sqrt(qcd.accepted) / trials


@pytest.mark.slow
def test_the_image_comes_with_the_same_events_and_shards_of_its_own(background, config, tmp_path):
    shards = tmp_path / "shards"
    shutil.copytree(background.parent / "shards", shards, copy_function=shutil.copy2)
    before = truth_files(shards)
    options = {"workers": 1, "config": config.model_copy(update={"regions": RegionConfig()}), "shards": shards}
    result = generate("background", 120, tmp_path / "regions.h5", **options)
    assert (result.shards_reused, truth_files(shards)) == (0, before)
    assert_same_events(background, tmp_path / "regions.h5", 120)
    again = generate("background", 120, tmp_path / "regions.h5", **options)
    assert (again.shards_made, again.shards_reused) == (0, result.shards_made)
    store = EventStore.open(tmp_path / "regions.h5")
    image = named_layout("calo_regions")
    assert store.layout == Layout.joined([UGT, image])
    assert store.provenance["regions"] == RegionConfig().model_dump()
    assert "regions" not in EventStore.open(background).provenance
    energy = columns(tmp_path / "regions.h5", layout=image)["hw"].reshape(120, 18, 14) / 2
    electron = values(tmp_path / "regions.h5")["eg"][:, 0]
    phi, eta = (np.array(axis.edges) for axis in image["region"].axes or ())
    hit = np.flatnonzero((electron[:, 0] > 23) & (np.abs(electron[:, 1]) < 2.9))
    row = np.searchsorted(phi, np.mod(electron[hit, 2] - phi[0], 2 * np.pi) + phi[0]) - 1
    column = np.searchsorted(eta, electron[hit, 1]) - 1
    padded = np.pad(energy[hit], ((0, 0), (1, 1), (1, 1)), mode="wrap")
    around = [padded[i, r : r + 3, c : c + 3].sum() for i, (r, c) in enumerate(zip(row, column, strict=True))]
    assert (np.array(around) > 0.85 * electron[hit, 0]).mean() > 0.95
    assert len(hit) > 30


def test_an_output_is_extended_but_not_overwritten(background, config, tmp_path):
    output, shards = tmp_path / "out.h5", background.parent / "shards"
    options = {"workers": 1, "config": config, "shards": shards}
    generate("background", 100, output, **options)
    first = output.read_bytes()
    generate("background", 100, output, **options)
    assert output.read_bytes() == first
    generate("background", 150, output, **options)
    other = config.model_copy(update={"detector": DetectorConfig(pileup_mean=8.0)})
    for sample, events, change, message in (
        ("background", 5, {}, r"out\.h5: exists and holds 150 events of sample 'background' \(the same events\), which 5 events"),
        ("background", 200, {"seed": 2}, r"\(seed 1\), which 200 events of 'background' with seed 2 would replace; .* --force"),
        ("background", 200, {"config": other}, r"\(seed 1, other choices\)"),
        ("a4l", 200, {}, r"150 events of sample 'background'"),
        (
            "background",
            200,
            {"config": config.model_copy(update={"regions": RegionConfig()})},
            r"'background' in layout 'ugt' \(.*'background' in layout 'ugt_calo_regions' with seed 1 would replace",
        ),
    ):
        with pytest.raises(UserError, match=message):
            generate(sample, events, output, **options | change)
    assert EventStore.open(output, UGT).n_events == 150
    generate("background", 100, output, **options, overwrite=True)
    assert output.read_bytes() == first


@pytest.mark.parametrize("name", ["", "."])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_no_output(name, overwrite, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"the output '\.' is a folder; name a file to write"):
        generate("background", 10, Path(name), workers=1, config=config, overwrite=overwrite)
    assert not list(tmp_path.iterdir())


def test_a_store_of_another_origin_is_not_overwritten(background, config, tmp_path):
    with StoreWriter(tmp_path / "s.h5", UGT, sample="background", processes=["w"], provenance={"processes": ["w"]}) as writer:
        writer.append(replace(EventStore.open(background, UGT).read(0, 1), process=np.zeros(1, np.int16)))
    with pytest.raises(UserError, match="exists and holds 1 events of sample 'background'"):
        generate("background", 10, tmp_path / "s.h5", workers=1, config=config)


def test_a_damaged_shard_is_named(background, config, tmp_path):
    shards = tmp_path / "shards"
    shutil.copytree(background.parent / "shards", shards)
    victim = min(shards.glob("detector/w-*/seed-1/*.npz"))
    victim.write_bytes(victim.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"000000\.npz: cannot be read .*; delete this shard"):
        generate("background", 200, tmp_path / "out.h5", workers=1, config=config, shards=shards)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample": "signal"}, "unknown sample 'signal'; known are background, a4l"),
        ({"events": 0}, "events must be at least 1, not 0"),
        ({"workers": 0}, "workers must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
    ],
)
def test_mistakes_are_named(change, message, config, tmp_path):
    arguments = {"sample": "a4l", "events": 10, "workers": 1, "seed": 1} | change
    with pytest.raises(UserError, match=message):
        generate(output=tmp_path / "out.h5", config=config, **arguments)


def test_a_missing_package_is_named_before_anything_is_made(config, tmp_path, monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name, name=name)

    _pythia.load_extra.cache_clear()
    monkeypatch.setattr(_pythia, "import_module", missing)
    with pytest.raises(
        UserError, match=r"the package 'pythia8mc' is not installed; generating collisions needs it: pip install 'l1ae\[generator\]'"
    ):
        generate("a4l", 10, tmp_path / "out.h5", workers=1, config=config)
    assert not list(tmp_path.iterdir())


def test_workers_do_not_import_tensorflow():
    code = "import sys, l1ae.data.generator; sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'pythia8mc', 'fastjet')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_two_shards_hold_the_same_collisions(background):
    for process in ("w", "qcd", "z"):
        shards = sorted(background.parent.glob(f"shards/truth/{process}-*/seed-1/*.npz"))
        assert len(shards) > 1
        hardest = [np.unique(np.load(path)["pt"])[-10:] for path in shards]
        assert len(np.unique(np.concatenate(hardest))) == 10 * len(shards)


_HOLD = """
import sys
from pathlib import Path
from l1ae.files import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("place", ["shards", "new.h5"])
def test_output_and_shards_that_another_process_holds(place, config, tmp_path):
    (tmp_path / "shards").mkdir()
    command = [sys.executable, "-c", _HOLD, str(tmp_path / place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=f"{place}' is being written by process {other.pid}"):
            generate("a4l", 1, tmp_path / "new.h5", workers=1, config=config)
        other.communicate()
