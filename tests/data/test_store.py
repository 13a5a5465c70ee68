import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import stats

from l1ae.data import Events, EventStore, StoreWriter, concatenate, split_fractions
from l1ae.data._store import mix
from l1ae.errors import UserError
from l1ae.inputs import Feature, Layout

COLUMNS = ("hw", "process", "source_event", "pileup")


MAKE_ONE = "make one of it with l1ae data import FILE --map MAP.yaml -o STORE.h5"


def assert_same(a: Events, b: Events) -> None:
    for name in COLUMNS:
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert set(a.extra) == set(b.extra)
    for name, column in a.extra.items():
        assert column.dtype == b.extra[name].dtype
        np.testing.assert_array_equal(column, b.extra[name])


def test_round_trip_over_uneven_blocks(make_events, write_store, layout):
    blocks = [make_events(n, seed=n, processes=2) for n in (1, 5000, 0, 4096, 17)]
    store = EventStore.open(write_store(*blocks), layout)
    assert (store.sample, store.processes, store.provenance, store.n_events) == ("background", ("w", "qcd"), {"seed": 1}, 9114)
    assert_same(store.read(), concatenate(blocks))


def test_layout_on_disk(make_events, write_store, layout):
    with h5py.File(write_store(make_events(10))) as file:
        assert dict(file.attrs) == {
            "format": "l1ae-event-store",
            "format_version": 2,
            "sample": "background",
            "processes": '["w", "qcd"]',
            "provenance": '{"seed": 1}',
        }
        assert Layout.model_validate_json(bytes(file["layout"][()])) == layout
        assert set(file) == {"layout", "columns", "process", "source_event", "pileup"}
        columns = {name: dataset for name, dataset in file.items() if name not in {"layout", "columns"}} | dict(file["columns"].items())
        assert {name: (dataset.shape, dataset.dtype.str, dataset.chunks) for name, dataset in columns.items()} == {
            "met": ((10, 1, 3), "<i2", (65536, 1, 3)),
            "eg": ((10, 4, 3), "<i2", (16384, 4, 3)),
            "mu": ((10, 4, 3), "<i2", (16384, 4, 3)),
            "jet": ((10, 10, 3), "<i2", (8192, 10, 3)),
            "process": ((10,), "<i2", (65536,)),
            "source_event": ((10,), "<i8", (65536,)),
            "pileup": ((10,), "<i2", (65536,)),
        }
        assert all((dataset.compression, dataset.compression_opts, dataset.shuffle) == ("gzip", 1, True) for dataset in columns.values())


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, None, range(100)), (7, 9, [7, 8]), (90, 500, range(90, 100)), (50, 40, []), (-3, None, range(97, 100))],
)
def test_read_is_a_slice(make_events, write_store, layout, start, stop, expected):
    events = make_events(100)
    store = EventStore.open(write_store(events), layout)
    assert_same(store.read(start, stop), events.select(np.array(expected, np.int64)))


@pytest.mark.parametrize(("count", "size"), [(0, 10), (1, 10), (10, 10), (11, 10), (9999, 4096)])
def test_chunks_cover_everything_once(make_events, write_store, layout, count, size):
    events = make_events(count)
    chunks = list(EventStore.open(write_store(events), layout).chunks(size))
    assert [len(chunk) for chunk in chunks] == [size] * (count // size) + ([count % size] if count % size else [])
    if chunks:
        assert_same(concatenate(chunks), events)


def test_select_by_mask_index_and_slice(make_events):
    events = make_events(6, run=np.arange(6))
    assert events.select(np.array([True, False, True, False, False, False])).extra["run"].tolist() == [0, 2]
    assert_same(events.select(np.array([5, 1])), events.select(slice(5, 0, -4)))


def test_extra_columns_are_read_on_request_only(make_events, write_store, layout):
    blocks = [make_events(50, seed=i, run=np.arange(50, dtype=np.uint32) + i, seed_A=np.arange(50) % 3 == 0) for i in (1, 2)]
    store = EventStore.open(write_store(*blocks), layout)
    assert store.extra == ("run", "seed_A")
    assert store.read().extra == {}
    assert next(store.chunks()).extra == {}
    assert_same(store.read(extra=store.extra), concatenate(blocks))
    assert_same(concatenate(list(store.chunks(30, extra=["run", "seed_A"]))), concatenate(blocks))
    with pytest.raises(UserError, match=r"store.h5: no extra column 'lumi'; there are run, seed_A$"):
        store.read(extra=["lumi"])


def test_same_blocks_give_the_same_bytes(make_events, write_store):
    first = write_store(make_events(9000), name="a.h5").read_bytes()
    time.sleep(1.1)  # HDF5 time stamps have a resolution of one second
    assert hashlib.sha256(write_store(make_events(9000), name="b.h5").read_bytes()).digest() == hashlib.sha256(first).digest()


def test_provenance_may_be_long(write_store, layout):
    names = [f"file_{i:06}.h5" for i in range(20_000)]
    assert EventStore.open(write_store(provenance={"files": names}), layout).provenance == {"files": names}


# --- writing: nothing half-done is ever visible


def _write_and_raise(path: Path, layout: Layout, events: Events, error: BaseException) -> None:
    with StoreWriter(path, layout, sample="x", processes=["w"], provenance={}) as writer:
        writer.append(events)
        raise error


def test_exception_leaves_no_file(make_events, layout, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        _write_and_raise(tmp_path / "s.h5", layout, make_events(10), KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_failed_rewrite_keeps_the_old_file(make_events, write_store, layout, tmp_path):
    path = write_store(make_events(10))
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        _write_and_raise(path, layout, make_events(10, seed=2), ZeroDivisionError())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_killed_process_leaves_nothing_under_the_final_name(layout, tmp_path):
    script = f"""
import time
from pathlib import Path
from l1ae.data import StoreWriter
from l1ae.inputs import named_layout
with StoreWriter(Path({str(tmp_path)!r}) / "s.h5", named_layout('ugt'), sample="x", processes=["w"], provenance={{}}):
    print("open", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    assert not (tmp_path / "s.h5").exists()
    # the next one in the folder, whatever its name, takes away what was left
    with StoreWriter(tmp_path / "other.h5", layout, sample="x", processes=["w"], provenance={}):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["other.h5"]


def test_append_outside_with_block(make_events, layout, tmp_path):
    writer = StoreWriter(tmp_path / "s.h5", layout, sample="x", processes=["w"], provenance={})
    with pytest.raises(RuntimeError, match="inside its 'with' block"):
        writer.append(make_events(1))


def test_no_process(layout, tmp_path):
    with pytest.raises(UserError, match="needs at least one process name"):
        StoreWriter(tmp_path / "s.h5", layout, sample="x", processes=[], provenance={})


def _changed(events: Events, **changes: np.ndarray) -> Events:
    return Events(**({name: getattr(events, name) for name in COLUMNS} | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hw": np.zeros((3, 57), np.int32)}, "'hw' must be int16 of shape (3, 57), not int32 of shape (3, 57)"),
        ({"hw": np.zeros((3, 54), np.int16)}, "'hw' must be int16 of shape (3, 57), not int16 of shape (3, 54)"),
        ({"process": np.zeros(2, np.int16)}, "'process' must be int16 of shape (3,), not int16 of shape (2,)"),
        ({"source_event": np.zeros(3)}, "'source_event' must be int64 of shape (3,), not float64 of shape (3,)"),
        ({"process": np.array([0, 0, 2], np.int16)}, "event 12: process = 2 is outside [0, 1]"),
        ({"process": np.array([0, -1, 0], np.int16)}, "event 11: process = -1 is outside [0, 1]"),
        ({"pileup": np.array([-2, 0, 0], np.int16)}, "event 10: pileup = -2 is outside [-1, 32767]"),
        ({"extra": {"a": np.zeros(2)}}, "extra column 'a' must be numbers of shape (3,), not float64 of shape (2,)"),
        ({"extra": {"a": np.zeros(3)}}, "extra columns (a: float64) differ from those of the first block, ()"),
    ],
)
def test_wrong_blocks_are_refused(make_events, layout, tmp_path, changes, message):
    with StoreWriter(tmp_path / "s.h5", layout, sample="x", processes=["w", "qcd"], provenance={}) as writer:
        writer.append(make_events(10))
        with pytest.raises(UserError) as error:
            writer.append(_changed(make_events(3), **changes))
        writer.append(make_events(1, seed=4))
    assert str(error.value) == message
    assert EventStore.open(tmp_path / "s.h5", layout).n_events == 11


def test_code_outside_its_scale_is_refused_with_its_event_in_the_file(make_events, layout, tmp_path):
    wrong = make_events(3)
    wrong.hw[2, layout.positions("mu", "pt")[0]] = 512
    with StoreWriter(tmp_path / "s.h5", layout, sample="x", processes=["w"], provenance={}) as writer:
        writer.append(make_events(1000))
        with pytest.raises(UserError, match=r"event 1002: mu0_pt = 512 is outside its hardware range \[0, 511\]"):
            writer.append(wrong)


# --- opening: every damage has a message with a remedy


DATASETS = "columns/met, columns/eg, columns/mu, columns/jet, process, source_event, pileup"


def _edited(path: Path, edit) -> Path:
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def _replace(file: h5py.File, name: str, data: np.ndarray) -> None:
    del file[name]
    file[name] = data


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda f: f.attrs.__setitem__("format", "other"),
            "no event store (attribute format = 'other', expected 'l1ae-event-store'); " + MAKE_ONE,
        ),
        (lambda f: f.attrs.__delitem__("format"), "no event store (attribute format = None, expected 'l1ae-event-store'); " + MAKE_ONE),
        (
            lambda f: f.attrs.__setitem__("format_version", 3),
            "format_version 3, but this l1ae reads version 2; install the l1ae that wrote it",
        ),
        (
            lambda f: f.attrs.__setitem__("processes", "w, qcd"),
            "attribute 'processes' must be a JSON list, not 'w, qcd'; make the file again",
        ),
        (lambda f: f.attrs.__setitem__("provenance", "[]"), "attribute 'provenance' must be a JSON dict, not '[]'; make the file again"),
        (lambda f: f.__delitem__("pileup"), f"no dataset 'pileup'; an event store has {DATASETS}; make the file again"),
        (lambda f: f.__delitem__("columns/eg"), f"no dataset 'columns/eg'; an event store has {DATASETS}; make the file again"),
        (
            lambda f: _replace(f, "columns/mu", np.zeros((10, 4, 3), np.float32)),
            "'columns/mu' is float32 of shape (10, 4, 3), expected integers of shape (10, 4, 3)",
        ),
        (
            lambda f: _replace(f, "columns/mu", np.zeros((10, 12), np.int16)),
            "'columns/mu' is int16 of shape (10, 12), expected integers of shape (10, 4, 3)",
        ),
        (lambda f: _replace(f, "process", np.zeros(9, np.int16)), "'process' is int16 of shape (9,), expected int16 of shape (10,)"),
        (lambda f: _replace(f, "pileup", np.zeros(10, ">i2")), "'pileup' is >i2 of shape (10,), expected int16 of shape (10,)"),
        (
            lambda f: f.create_dataset("extra/run", data=np.zeros(3)),
            "'extra/run' is float64 of shape (3,), expected float64 of shape (10,)",
        ),
    ],
)
def test_wrong_files_are_refused(make_events, write_store, layout, edit, message):
    path = _edited(write_store(make_events(10)), edit)
    with pytest.raises(UserError) as error:
        EventStore.open(path, layout)
    assert str(error.value) == f"{path}: {message}"


def test_missing_file(layout, tmp_path):
    with pytest.raises(UserError, match=r"nothing\.h5: no such file"):
        EventStore.open(tmp_path / "nothing.h5", layout)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [("x.root", b"root" + bytes(600), "a file of the kind ROOT"), ("notes.txt", b"not a table\n", "a text file")],
)
def test_a_file_of_another_kind_is_not_called_damaged(name, content, what, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        EventStore.open(tmp_path / name)
    assert str(error.value) == f"{tmp_path / name}: {what}, and no event store; {MAKE_ONE}"


@pytest.mark.parametrize("kept", [0, 7, 100, 0.3, 0.9, 0.999])
def test_truncated_file(make_events, write_store, layout, kept):
    path = write_store(make_events(5000))
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(UserError, match=r"cannot be read .*; the file is truncated, damaged or no HDF5 file; copy it again"):
        EventStore.open(path, layout)


def test_damaged_chunk_is_found_when_read(make_events, write_store, layout):
    path = write_store(make_events(10_000))
    with h5py.File(path) as file:
        chunk = file["columns/jet"].id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(content)
    store = EventStore.open(path, layout)
    assert len(store.read(0, 8192)) == 8192
    with pytest.raises(UserError, match="cannot be read"):
        store.read(8192)
    with pytest.raises(UserError, match="cannot be read"):
        list(store.chunks(1000))


def test_public_file_is_recognised(layout, tmp_path):
    with h5py.File(tmp_path / "adc.h5", "w") as file:
        file["Particles"] = np.zeros((1, 19, 4))
    with pytest.raises(UserError, match="physical values in the ADC2021 layout; convert them with l1ae data import"):
        EventStore.open(tmp_path / "adc.h5", layout)


def _with_feature(layout: Layout, group: str, feature: str, **changes: object) -> Layout:
    """The layout with another scale of one feature."""

    def changed(item: Feature) -> Feature:
        return Feature.model_validate(item.model_dump() | changes) if item.name == feature else item

    groups = [
        item.model_copy(update={"features": tuple(map(changed, item.features))}) if item.name == group else item for item in layout.groups
    ]
    return layout.model_copy(update={"groups": tuple(groups)})


def test_store_of_another_scale_is_refused(make_events, write_store, layout):
    path = write_store(make_events(10))
    other = _with_feature(layout, "met", "pt", lsb=0.25)
    with pytest.raises(UserError, match=r"store\.h5: column 'pt' of group 'met': lsb is 0\.5, but 0\.25 is asked for; set inputs\.layout"):
        EventStore.open(path, other)


def test_preprocessing_does_not_matter_to_the_store(make_events, write_store, layout):
    assert EventStore.open(write_store(make_events(10)), layout.model_copy(update={"preset": None})).n_events == 10


# --- splitting


def _source_events(source: np.ndarray, process: np.ndarray | int = 0) -> Events:
    count = len(source)
    return Events(
        np.zeros((count, 57), np.int16),
        np.broadcast_to(np.asarray(process, np.int16), count),
        np.asarray(source, np.int64),
        np.full(count, -1, np.int16),
    )


def _uniform(process: int, source: int, seed: int) -> float:
    """splitmix64 written down again, in Python integers."""
    mask = (1 << 64) - 1
    state = 0
    for word in (seed, process, source):
        state = (state + word + 0x9E3779B97F4A7C15) & mask
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & mask
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & mask
        state ^= state >> 31
    return (state >> 11) / 2**53


def test_split_against_python_integers():
    random = np.random.default_rng(3)
    source = np.concatenate([random.integers(-(2**62), 2**62, 300), [0, 1, -1, 2**63 - 1, -(2**63)]])
    process = random.integers(0, 5, len(source))
    for seed in (0, 1, -1, 2**40):
        parts = split_fractions(_source_events(source, process), (0.4, 0.1), seed)
        expected = [sum(_uniform(int(p), int(s), seed) >= edge for edge in (0.4, 0.5)) for p, s in zip(process, source, strict=True)]
        assert parts.dtype == np.int8
        assert parts.tolist() == expected


def test_published_splitmix64_value():
    """First output for state 1234567, as published with the reference implementation (rosettacode.org, Splitmix64)."""
    assert mix(np.array([1234567], np.uint64)).tolist() == [6457827717110365317]


def test_split_golden_values():
    """Assignments that trained models rest on (made with `_uniform`): a change here mixes their training and test events."""
    parts = split_fractions(_source_events(np.arange(20)), (0.4, 0.1, 0.5), 1)
    assert parts.tolist() == [2, 1, 0, 0, 0, 0, 2, 2, 2, 1, 0, 2, 0, 2, 0, 0, 1, 1, 0, 0]
    parts = split_fractions(_source_events(np.arange(20), 3), (0.4, 0.1, 0.5), 7)
    assert parts.tolist() == [2, 2, 2, 2, 2, 2, 0, 2, 2, 0, 1, 2, 2, 2, 0, 0, 2, 2, 2, 2]


@pytest.mark.parametrize("first", [0, 10**15])
def test_split_fractions_are_binomial(first):
    count, fractions = 200_000, np.array([0.4, 0.1, 0.5])
    parts = split_fractions(_source_events(first + np.arange(count)), fractions, 1)
    sigma = np.sqrt(count * fractions * (1 - fractions))
    assert (np.abs(np.bincount(parts) - count * fractions) < 4 * sigma).all()


def test_copies_stay_together_in_any_order_and_number():
    random = np.random.default_rng(0)
    source, process = random.integers(0, 1000, 20_000), random.integers(0, 3, 20_000)
    events = _source_events(source, process)
    parts = split_fractions(events, (0.5, 0.2), 5)
    part_of: dict[tuple[int, int], int] = {}
    for p, s, part in zip(process.tolist(), source.tolist(), parts.tolist(), strict=True):
        assert part_of.setdefault((p, s), part) == part
    shuffled = random.permutation(20_000)[:777]
    np.testing.assert_array_equal(split_fractions(events.select(shuffled), (0.5, 0.2), 5), parts[shuffled])


@pytest.mark.parametrize("other", [{"process": 1, "seed": 1}, {"process": 0, "seed": 2}, {"process": 1, "seed": 0}])
def test_processes_and_seeds_are_independent(other):
    source = np.arange(100_000)
    one = split_fractions(_source_events(source, 0), (0.4, 0.1, 0.5), 1)
    two = split_fractions(_source_events(source, other["process"]), (0.4, 0.1, 0.5), other["seed"])
    table = np.histogram2d(one, two, bins=(3, 3))[0]
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_a_larger_first_part_only_takes_from_the_next():
    events = _source_events(np.arange(10_000))
    small, large = split_fractions(events, (0.3, 0.7), 1), split_fractions(events, (0.4, 0.6), 1)
    assert ((small == 0) <= (large == 0)).all()


@pytest.mark.parametrize(
    ("fractions", "parts"), [((1.0,), {0}), ((0.0, 1.0), {1}), ((0.1,) * 10, set(range(10))), ((0.25,), {0, 1}), ((0.0, 0.5), {1, 2})]
)
def test_which_parts_exist(fractions, parts):
    assert set(split_fractions(_source_events(np.arange(5000)), fractions, 1).tolist()) == parts


@pytest.mark.parametrize("fractions", [(), (0.5, 0.6), (-0.1, 0.5), (float("nan"),)])
def test_impossible_fractions(fractions):
    with pytest.raises(UserError) as error:
        split_fractions(_source_events(np.arange(5)), fractions, 1)
    assert str(error.value) == f"fractions must not be negative and sum to at most 1, not {list(fractions)}"


def test_provenance_must_be_json(layout, tmp_path):
    with pytest.raises(TypeError):
        StoreWriter(tmp_path / "s.h5", layout, sample="x", processes=["w"], provenance={"a": {1}})


def test_codes_and_processes_that_cannot_be_are_found_when_read(make_events, write_store, layout):
    """A store that was changed by hand; the same check as on writing."""
    path = write_store(make_events(50))
    with h5py.File(path, "r+") as file:
        file["columns/jet"][7, 0, 0] = -7
    with pytest.raises(UserError, match=r"h5: event 7: jet0_pt = -7 is outside its hardware range \[0, 2047\]"):
        EventStore.open(path, layout).read()
    path = write_store(make_events(50))
    with h5py.File(path, "r+") as file:
        file["process"][11] = 9
    with pytest.raises(UserError, match=r"h5: event 11: process = 9 is outside \[0, "):
        EventStore.open(path, layout).read()
