import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from l1ae.data import EventStore, import_adc2021
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

NAMES = [b"Pt", b"Eta", b"Phi", b"Class"]
CLASSES = [b"MET_class_1", b"Four_Ele_class_2", b"Four_Mu_class_3", b"Ten_Jet_class_4"]
ROWS = {1: slice(0, 1), 2: slice(1, 5), 3: slice(5, 9), 4: slice(9, 19)}
ETA = {1: 0.0, 2: 3.0, 3: 2.1, 4: 4.0}


def make_particles(count: int, seed: int = 0) -> np.ndarray:
    """Events in the public layout: per group a random number of objects by falling pT, zero padded."""
    random = np.random.default_rng(seed)
    particles = np.zeros((count, 19, 4))
    for kind, rows in ROWS.items():
        slots = rows.stop - rows.start
        pt = -np.sort(-(3 + random.exponential(30, (count, slots))), axis=1)
        filled = np.arange(slots) < random.integers(kind == 1, slots + 1, (count, 1))
        eta, phi = random.uniform(-ETA[kind], ETA[kind], pt.shape), random.uniform(-math.pi, math.pi, pt.shape)
        particles[:, rows] = np.where(filled[..., None], np.stack([pt, eta, phi, np.full_like(pt, kind)], axis=-1), 0)
    return particles


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    def write(particles: np.ndarray, name: str = "public.h5", **datasets: np.ndarray) -> Path:
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("Particles", data=particles, compression="gzip", chunks=(100, 19, 4), maxshape=(None, 19, 4))
            file["Particles_Names"] = NAMES
            file["Particles_Classes"] = CLASSES
            for key, values in datasets.items():
                file[key] = values
        return tmp_path / name

    return write


@pytest.fixture
def layout() -> Layout:
    return named_layout("ugt")


def objects(store: EventStore) -> np.ndarray:
    """The codes as (N, 19, 3), as in the source."""
    return store.read().hw.reshape(-1, 19, 3)


@pytest.fixture
def convert(layout: Layout, tmp_path: Path) -> Callable[..., EventStore]:
    def run(*files: Path, **options: object) -> EventStore:
        result = import_adc2021(files, tmp_path / "out.h5", layout, sample="background", **options)  # type: ignore[arg-type]
        store = EventStore.open(result.path, layout)
        assert result.events == store.n_events == sum(result.per_process.values())
        assert tuple(result.per_process) == store.processes
        return store

    return run


def expected_code(kind: int, value: np.ndarray, feature: int) -> np.ndarray:
    """The hardware scales once more: 0.5 GeV, 0.0435 or 0.010875, 144 or 576 bins per turn."""
    if feature == 0:
        return np.minimum(np.floor(value / 0.5) + (kind == 3), {1: 4095, 2: 511, 3: 511, 4: 2047}[kind])
    if feature == 1:
        return np.zeros_like(value) if kind == 1 else np.floor(value / (0.010875 if kind == 3 else 0.0435))
    bins = 576 if kind == 3 else 144
    return np.floor(value / (2 * math.pi) * bins) % bins


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("chunk", [1, 100, 333, 10**6])
def test_values_and_order(write_file, convert, chunk, dtype):
    particles = make_particles(1 if chunk == 1 else 700).astype(dtype)
    store = convert(write_file(particles), chunk=chunk)
    events, hw = store.read(), objects(store)
    for kind, rows in ROWS.items():
        filled = particles[:, rows, 0] > 0
        for feature in range(3):
            expected = np.where(filled, expected_code(kind, particles[:, rows, feature].astype(np.float64), feature), 0)
            np.testing.assert_array_equal(hw[:, rows, feature], expected)
    assert (store.sample, store.processes) == ("background", ("unknown",))
    np.testing.assert_array_equal(events.source_event, np.arange(len(particles)))
    assert (events.pileup == -1).all()


def test_provenance_and_progress(write_file, convert):
    path = write_file(make_particles(250))
    calls: list[tuple[int, int]] = []
    store = convert(path, chunk=100, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(100, 250), (200, 250), (250, 250)]
    assert store.provenance == {"importer": "adc2021", "files": [{"name": "public.h5", "bytes": path.stat().st_size, "events": 250}]}


def test_several_files_are_joined(write_file, convert):
    first, second = make_particles(130, seed=1), make_particles(70, seed=2)
    joined = convert(write_file(first, "a.h5"), write_file(second, "b.h5"), chunk=50).read()
    alone = convert(write_file(np.concatenate([first, second]), "c.h5")).read()
    np.testing.assert_array_equal(joined.hw, alone.hw)
    np.testing.assert_array_equal(joined.source_event, np.arange(200))


def test_process_and_source_event_are_taken_over(write_file, convert):
    process, source = np.arange(200, dtype=np.int8) % 3, np.arange(200) // 4 + 10**12
    path = write_file(make_particles(200), Process=process, SourceEvent=source)
    store = convert(path, chunk=77, processes=("w", "qcd", "z"))
    assert store.processes == ("w", "qcd", "z")
    np.testing.assert_array_equal(store.read().process, process)
    np.testing.assert_array_equal(store.read().source_event, source)
    assert convert(path).processes == ("process_0", "process_1", "process_2")


def test_files_with_and_without_process(write_file, convert):
    coded = write_file(make_particles(3), "a.h5", Process=np.array([1, 0, 1]))
    store = convert(coded, write_file(make_particles(2), "b.h5"), processes=("w", "qcd"))
    assert store.processes == ("w", "qcd", "unknown")
    assert store.read().process.tolist() == [1, 0, 1, 2, 2]


def test_event_id_of_the_black_box_is_kept(write_file, convert):
    ids = np.arange(50) * 7 + 2**40
    path = write_file(make_particles(50), EvtId=ids)
    store = convert(path, chunk=20)
    assert store.extra == ("EvtId",)
    np.testing.assert_array_equal(store.read(extra=["EvtId"]).extra["EvtId"], ids)
    assert convert(path, write_file(make_particles(5), "b.h5")).extra == ()


def test_mask_follows_pt_and_not_class(write_file, convert):
    """The public filter zeroes pT and eta of a removed jet but leaves phi and class; the gap closes, as in the trigger."""
    particles = make_particles(1)
    particles[0, 9:13] = [(90, 1.0, 1.0, 4), (0, 0, 2.5, 4), (40, -1.0, 0.5, 4), (0, 0, 0, 0)]
    particles[0, 13:] = 0
    assert objects(convert(write_file(particles)))[0, 9:13].tolist() == [[180, 22, 22], [80, -23, 11], [0, 0, 0], [0, 0, 0]]


def test_objects_are_put_in_order(write_file, layout, tmp_path):
    particles = make_particles(300)
    shuffled = particles.copy()
    shuffled[100:200, 9:19] = shuffled[100:200, 9:19][:, ::-1]
    result = import_adc2021([write_file(shuffled)], tmp_path / "out.h5", layout, sample="x", chunk=70)
    expected = import_adc2021([write_file(particles)], tmp_path / "ordered.h5", layout, sample="x")
    assert (result.reordered > 50, expected.reordered) == (True, 0)
    np.testing.assert_array_equal(EventStore.open(result.path).read().hw, EventStore.open(expected.path).read().hw)


def test_saturated_pt_and_the_edges_of_phi(write_file, convert):
    particles = make_particles(3)
    particles[:, 1:] = 0
    particles[:, 1] = [(300, 0.1, math.pi, 2), (300, 0.1, -math.pi, 2), (300, 0.1, float(np.float32(math.pi)), 2)]
    assert objects(convert(write_file(particles)))[:, 1].tolist() == [[511, 2, 72]] * 3


def test_no_events(write_file, convert):
    assert len(convert(write_file(np.zeros((0, 19, 4)))).read()) == 0


def _peak(files: list[Path], output: Path, layout: Layout) -> int:
    tracemalloc.start()
    try:
        import_adc2021(files, output, layout, sample="x", chunk=1000)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_stays_below_that_of_the_array(write_file, layout, tmp_path):
    """The buffers of the store are the larger part of it."""
    particles = make_particles(60_000)
    path = write_file(particles)
    assert _peak([path], tmp_path / "out.h5", layout) < 0.7 * particles.nbytes


# --- messages


def _refused(convert, *files: Path, **options: object) -> str:
    with pytest.raises(UserError) as error:
        convert(*files, **options)
    assert not (files[0].parent / "out.h5").exists()
    assert not list(files[0].parent.glob("*.tmp"))
    return str(error.value).replace(f"{files[0].parent}/", "")


@pytest.mark.parametrize(
    ("event", "row", "column", "value", "message"),
    [
        (3, 9, 0, np.nan, "event 3: jet0_pt = nan is not finite; the file is damaged, download or copy it again"),
        (130, 2, 1, np.inf, "event 130: eg1_eta = inf is not finite; the file is damaged, download or copy it again"),
        (299, 18, 2, -np.inf, "event 299: jet9_phi = -inf is not finite; the file is damaged, download or copy it again"),
        (150, 5, 0, -12.5, "event 150: mu0_pt = -12.5 is negative; pT must be in GeV, and 0 where there is no object"),
        (201, 0, 3, 2.0, "event 201: met_class = 2 is the wrong class; rows must be MET (1), 4 electrons (2), 4 muons (3), 10 jets (4)"),
        (250, 9, 2, 3.2, "event 250: jet0_phi = 3.2 is outside [-pi, pi]; phi must be in radians in this range"),
        (0, 9, 2, -181.0, "event 0: jet0_phi = -181 is outside [-pi, pi]; phi must be in radians in this range"),
        (77, 9, 1, 35.0, "event 77: jet0_eta = 35 is beyond the hardware scale; the columns must be pT, eta, phi, class"),
        (78, 5, 1, -2.8, "event 78: mu0_eta = -2.8 is beyond the hardware scale; the columns must be pT, eta, phi, class"),
    ],
)
def test_bad_values_are_located(write_file, convert, event, row, column, value, message):
    particles = make_particles(300)
    particles[event, [0, 5, 9]] = [(30, 0, 1, 1), (30, 0, 1, 3), (30, 0, 1, 4)]
    particles[event, row, column] = value
    assert _refused(convert, write_file(particles), chunk=100) == f"public.h5: {message}"


def test_event_numbers_count_from_the_start_of_their_file(write_file, convert):
    particles = make_particles(120)
    particles[110, 9, 0] = -1
    files = write_file(make_particles(55), "a.h5"), write_file(particles, "b.h5")
    assert _refused(convert, *files, chunk=20).startswith("b.h5: event 110: jet0_pt = -1 is negative")


@pytest.mark.parametrize(
    ("factor", "unit", "remedy"),
    [(1000, "MeV", "divide it by 1000"), (0.001, "TeV, or scaled", "multiply it by 1000, or take the file that was not scaled")],
)
def test_wrong_unit(write_file, convert, factor, unit, remedy):
    particles = make_particles(500)
    particles[..., 0] *= factor
    message = _refused(convert, write_file(particles))
    assert message.startswith("public.h5: the median lepton pT is ")
    assert message.endswith(f"; this looks like {unit}, but pT must be in GeV: {remedy}")


@pytest.mark.parametrize("kept", [50, 0.4, 0.95])
def test_truncated_file(write_file, convert, kept):
    path = write_file(make_particles(1000))
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    message = _refused(convert, path)
    assert message.startswith("public.h5: cannot be read as HDF5 (")
    assert message.endswith("; the file is truncated or damaged; copy it again")


def test_damage_inside_a_file_leaves_no_store(write_file, convert):
    path = write_file(make_particles(1000))
    with h5py.File(path) as file:
        chunk = file["Particles"].id.get_chunk_info(7)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(content)
    assert _refused(convert, path, chunk=100).startswith("public.h5: cannot be read as HDF5 (")


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({}, "no dataset 'Particles' (found: nothing); is this an ADC2021 file?"),
        ({"jets": np.zeros(3), "mets": np.zeros(3)}, "no dataset 'Particles' (found: jets, mets); is this an ADC2021 file?"),
        ({"Particles": np.zeros((5, 19, 3))}, "'Particles' is float64 of shape (5, 19, 3), expected floats of shape (N, 19, 4)"),
        ({"Particles": np.zeros((5, 57))}, "'Particles' is float64 of shape (5, 57), expected floats of shape (N, 19, 4)"),
        ({"Particles": np.zeros((5, 19, 4), int)}, "'Particles' is int64 of shape (5, 19, 4), expected floats of shape (N, 19, 4)"),
        (
            {"Particles": np.zeros((5, 19, 4)), "Particles_Names": [b"Eta", b"Phi", b"Pt", b"Class"]},
            "'Particles_Names' are eta, phi, pt, class, expected pt, eta, phi, class; reorder the columns",
        ),
        (
            {"Particles": np.zeros((5, 19, 4)), "Process": np.zeros(4, int)},
            "'Process' is int64 of shape (4,), expected integers of shape (5,)",
        ),
        ({"Particles": np.zeros((5, 19, 4)), "SourceEvent": np.zeros(5)}, "'SourceEvent' is float64 of shape (5,), expected integers"),
        (
            {"Particles": np.zeros((5, 19, 4)), "Process": np.array([0, 1, -1, 0, 0])},
            "event 2: Process = -1; codes must be integers that count from 0",
        ),
    ],
)
def test_wrong_layout(convert, tmp_path, datasets, message):
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        for key, values in datasets.items():
            file[key] = values
    assert _refused(convert, tmp_path / "bad.h5").startswith(f"bad.h5: {message}")


def test_too_few_process_names(write_file, convert):
    path = write_file(make_particles(3), Process=np.array([0, 2, 1]))
    message = _refused(convert, path, processes=("w", "qcd"))
    assert message == "the files hold process codes up to 2, but 2 process names were given: w, qcd"


def test_missing_file_and_no_file(convert, tmp_path):
    assert _refused(convert, tmp_path / "none.h5") == "none.h5: no such file"
    with pytest.raises(UserError, match="no files to import; give at least one ADC2021 HDF5 file"):
        convert()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ugt_full", "ADC2021 files hold met, eg, mu, jet; layout 'ugt_full' has 'ett': use layout ugt, or one with a part of its groups"),
        ("quality", "ADC2021 files hold pT, eta and phi; group 'mu' of layout 'quality' has 'quality': use a layout without it"),
    ],
)
def test_layout_with_more_than_the_files_hold(write_file, tmp_path, name, message):
    other = Layout(name="quality", groups=(named_layout("ugt_full")["mu"],)) if name == "quality" else named_layout(name)
    with pytest.raises(UserError) as error:
        import_adc2021([write_file(make_particles(3))], tmp_path / "out.h5", other, sample="x")
    assert str(error.value) == message


def test_part_of_the_groups_and_slots(write_file, convert, tmp_path):
    path = write_file(make_particles(100))
    part = named_layout("ugt").select({"mu": 0, "jet": 3, "eg": 2})
    result = import_adc2021([path], tmp_path / "part.h5", part, sample="x")
    np.testing.assert_array_equal(EventStore.open(result.path).read().hw, EventStore.open(convert(path).path, part).read().hw)


# --- arrays made from the public files


SHAPES = [(57,), (19, 3), (19, 3, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_train_validation_and_test_arrays(write_file, convert, tmp_path, ending, shape):
    """`X_train`, `X_test`, `X_val` as the example code of the challenge writes them, in the order train, valid, test."""
    parts = {name: make_particles(40 + k, seed=k) for k, name in enumerate(("train", "val", "test"))}
    arrays = {f"X_{name}": parts[name][..., :3].reshape(-1, *shape) for name in ("train", "test", "val")}
    path = tmp_path / f"BKG_dataset.{ending}"
    if ending == "npz":
        np.savez_compressed(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    store = convert(path, chunk=17)
    public = convert(write_file(np.concatenate(list(parts.values()))))
    derived = EventStore.open(import_adc2021([path], tmp_path / "again.h5", named_layout("ugt"), sample="x").path)
    np.testing.assert_array_equal(derived.read().hw, public.read().hw)
    assert derived.extra == ("split",)
    assert derived.read(extra=["split"]).extra["split"].tolist() == [0] * 40 + [1] * 41 + [2] * 42
    assert [item["array"] for item in derived.provenance["files"]] == ["X_train", "X_val", "X_test"]
    assert store.processes == ("unknown",)
    only = import_adc2021([path], tmp_path / "valid.h5", named_layout("ugt"), sample="x", split="valid")
    assert only.events == 41


def test_signal_of_the_example_code(write_file, convert, tmp_path):
    particles = make_particles(30)
    with h5py.File(tmp_path / "signal.h5", "w") as file:
        file["Data"] = particles[..., :3].reshape(-1, 57)
    np.testing.assert_array_equal(objects(convert(tmp_path / "signal.h5")), objects(convert(write_file(particles))))


@pytest.mark.parametrize("labels", ["a file", "the same file"])
def test_process_numbers_beside_the_arrays(convert, tmp_path, labels):
    """`background_ID_...` lies in a file of its own, `labels_...` beside the arrays; one array per signal, named by it."""
    codes = {name: np.arange(20 + k) % 4 for k, name in enumerate(("train", "val", "test"))}
    arrays = {f"x_{name}": make_particles(len(ids), seed=k)[..., :3, None] for k, (name, ids) in enumerate(codes.items())}
    if labels == "a file":
        np.savez(tmp_path / "datasets.npz", **arrays)
        np.savez(tmp_path / "background_IDs.npz", **{f"background_ID_{name}": ids[:, None].astype(float) for name, ids in codes.items()})
        files = [tmp_path / "datasets.npz", tmp_path / "background_IDs.npz"]
    else:
        np.savez(tmp_path / "datasets.npz", **arrays, **{f"labels_{name}": ids for name, ids in codes.items()})
        files = [tmp_path / "datasets.npz"]
    store = convert(*files, chunk=7)
    assert store.processes == ("w", "qcd", "z", "tt")
    assert store.read().process.tolist() == np.concatenate(list(codes.values())).tolist()
    assert convert(*files, processes=("a", "b", "c", "d", "e")).processes == ("a", "b", "c", "d", "e")


def test_signals_of_the_embeddings(convert, tmp_path):
    names = ("leptoquark", "ato4l", "hChToTauNu", "hToTauTau")
    np.savez(tmp_path / "bsm.npz", **{name: make_particles(5 + k, seed=k)[..., :3, None] for k, name in enumerate(names)})
    store = convert(tmp_path / "bsm.npz")
    assert store.processes == names
    assert np.bincount(store.read().process).tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda x: (x - 6.5) / 15.3,
            "is negative; pT must be in GeV, and 0 where there is no object; arrays that were scaled cannot be imported",
        ),
        (
            lambda x: x / 2000,
            "this looks like TeV, or scaled, but pT must be in GeV: multiply it by 1000, or take the file that was not scaled",
        ),
    ],
)
def test_scaled_arrays_are_refused(convert, tmp_path, change, problem):
    particles = make_particles(200)
    particles[..., 0] = np.where(particles[..., 0] > 0, change(particles[..., 0]), 0)
    np.savez(tmp_path / "scaled.npz", x_train=particles[..., :3].reshape(-1, 57))
    message = _refused(convert, tmp_path / "scaled.npz")
    assert message.startswith("scaled.npz: x_train: ")
    assert message.endswith(problem)


def test_only_process_numbers(convert, tmp_path):
    np.savez(tmp_path / "ids.npz", background_ID_train=np.zeros(3))
    message = _refused(convert, tmp_path / "ids.npz")
    assert message == "ids.npz: only process numbers (background_ID_...); give the file with the events (x_train, ...), too"


def test_process_numbers_of_other_events(convert, tmp_path):
    np.savez(tmp_path / "bad.npz", x_train=make_particles(5)[..., :3], labels_train=np.zeros(4))
    assert _refused(convert, tmp_path / "bad.npz") == "bad.npz: 'labels_train' has 4 numbers, but the array of these events has 5 rows"


def test_split_that_is_not_there(convert, tmp_path):
    np.savez(tmp_path / "a.npz", x_train=make_particles(5)[..., :3])
    message = _refused(convert, tmp_path / "a.npz", split="test")
    assert message == "--split test: a.npz has no such split, only x_train; leave --split out"


def test_pickled_arrays_are_not_loaded(convert, tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.array([{"a": 1}], dtype=object))
    assert _refused(convert, tmp_path / "a.npz").startswith("a.npz: no dataset 'Particles' (found: nothing)")
