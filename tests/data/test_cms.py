import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l1ae.data import EventStore, import_cms_parquet
from l1ae.errors import UserError
from l1ae.inputs import InputSpec

Tables = dict[str, dict[str, list[Any]]]

# Capacity, pT bits, eta codes, phi codes of each collection of the record.
COLLECTIONS = {
    "muons": (8, 511, ("muonIEtaAtVtx", "muonIEta"), ("muonIPhiAtVtx", "muonIPhi"), "muonIEt", 256, 576),
    "jets": (12, 2047, ("jetIEta",), ("jetIPhi",), "jetIEt", 128, 144),
    "egammas": (12, 511, ("egIEta",), ("egIPhi",), "egIEt", 128, 144),
}
SEEDS = ("L1_SingleMu22", "L1_ETMHF90")


def make_tables(count: int, seed: int = 0) -> Tables:
    """Events in the layout of the record as Python lists: calorimeter objects by falling pT, muons in any order."""
    random = np.random.default_rng(seed)
    tables: Tables = {}
    for folder, (capacity, top, etas, phis, pt_name, eta_codes, phi_codes) in COLLECTIONS.items():
        numbers = random.integers(0, capacity + 1, count)
        pt = [(1 + random.integers(0, top, n)).tolist() for n in numbers]
        columns = {pt_name: pt if folder == "muons" else [sorted(event, reverse=True) for event in pt]}
        columns |= {name: [random.integers(-eta_codes, eta_codes, n).tolist() for n in numbers] for name in etas}
        columns |= {name: [random.integers(0, phi_codes, n).tolist() for n in numbers] for name in phis}
        tables[folder] = columns
    tables["MET"] = {"Et": random.integers(1, 4096, (count, 1)).tolist(), "phi": random.integers(0, 144, (count, 1)).tolist()}
    tables["event_info"] = {
        "run": [[396102]] * count,
        "lumi": (1 + np.arange(count)[:, None] // 10).tolist(),
        "event": (2**33 + np.arange(count)[:, None]).tolist(),
        "bx": random.integers(1, 3564, (count, 1)).tolist(),
        "orbit": random.integers(0, 2**31, (count, 1)).tolist(),
        "nPV_True": random.uniform(1, 70, (count, 1)).tolist(),
    }
    tables["seeds"] = {name: (random.random((count, 1)) < 0.2).tolist() for name in SEEDS}
    return tables


TYPES = {"Et": pa.int16(), "phi": pa.int16(), "nPV_True": pa.float32(), "orbit": pa.uint32(), "event": pa.uint64(), "run": pa.uint32()}


def write_tables(folder: Path, tables: Tables, names: list[str], *, large: bool = False, row_group: int = 64) -> Path:
    """Equal shares of the rows into files of the given names, for every object."""
    make_list = pa.large_list if large else pa.list_
    for obj, columns in tables.items():
        (folder / obj).mkdir(parents=True, exist_ok=True)
        count = len(next(iter(columns.values())))
        edges = np.linspace(0, count, len(names) + 1).astype(int)
        for name, start, stop in zip(names, edges[:-1], edges[1:], strict=True):
            arrays = {
                key: pa.array(values[start:stop], make_list(pa.bool_() if obj == "seeds" else TYPES.get(key, pa.int16())))
                for key, values in columns.items()
            }
            pq.write_table(pa.table(arrays), folder / obj / f"{name}.parquet", compression="snappy", row_group_size=row_group)
    return folder


def expected_hw(tables: Tables, event: int, *, angles: str = "AtVtx", by_pt: bool = True) -> list[list[int]]:
    """One event in slots, by Python lists."""
    rows = [[tables["MET"]["Et"][event][0], 0, tables["MET"]["phi"][event][0]]]
    for folder, slots in (("egammas", 4), ("muons", 4), ("jets", 10)):
        prefix = {"egammas": "eg", "muons": "muon", "jets": "jet"}[folder]
        suffix = angles if folder == "muons" else ""
        columns = [tables[folder][name][event] for name in (f"{prefix}IEt", f"{prefix}IEta{suffix}", f"{prefix}IPhi{suffix}")]
        objects = [list(values) for values in zip(*columns, strict=True)]
        if by_pt:
            objects = sorted(objects, key=lambda values: -values[0])
        rows += (objects + [[0, 0, 0]] * slots)[:slots]
    return rows


@pytest.fixture
def convert(spec: InputSpec, tmp_path: Path) -> Callable[..., EventStore]:
    def run(folder: Path, **options: object) -> EventStore:
        result = import_cms_parquet(folder, tmp_path / "out.h5", spec, **options)  # type: ignore[arg-type]
        store = EventStore.open(result.path, spec)
        assert result.events == store.n_events
        return store

    return run


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("chunk", [1, 50, 64, 77, 1000])
def test_objects_against_python_lists(convert, tmp_path, chunk, large):
    tables = make_tables(1 + (chunk > 1) * 230)
    store = convert(write_tables(tmp_path / "in", tables, ["a", "b", "c"], large=large), chunk=chunk)
    assert store.read().hw.tolist() == [expected_hw(tables, event) for event in range(store.n_events)]
    assert (store.sample, store.processes) == ("zerobias", ("zerobias",))
    assert store.read().source_event.tolist() == list(range(store.n_events))


def test_muon_angles_and_order(convert, tmp_path):
    tables = make_tables(100)
    folder = write_tables(tmp_path / "in", tables, ["a"])
    station = convert(folder, muon_angles="station", order="readout", sample="HToTauTau", process="h")
    assert station.read().hw.tolist() == [expected_hw(tables, event, angles="", by_pt=False) for event in range(100)]
    assert (station.sample, station.processes) == ("HToTauTau", ("h",))
    assert (station.provenance["muon_angles"], station.provenance["order"]) == ("station", "readout")


def test_reordered_events_are_counted(spec, tmp_path):
    tables = make_tables(200)
    unsorted = sum(sorted(event, reverse=True) != event for event in tables["muons"]["muonIEt"])
    folder = write_tables(tmp_path / "in", tables, ["a"])
    assert import_cms_parquet(folder, tmp_path / "out.h5", spec, chunk=33).reordered == unsorted > 100


def test_event_columns_and_seeds(convert, tmp_path):
    tables = make_tables(90)
    tables["event_info"]["nPV_True"][:4] = [[0.0], [float("nan")], [33.4], [33.6]]
    store = convert(write_tables(tmp_path / "in", tables, ["a", "b"]), chunk=40)
    assert store.extra == ("bx", "event", "lumi", "orbit", "run", "seed_L1_ETMHF90", "seed_L1_SingleMu22")
    events = store.read(extra=store.extra)
    for name in ("run", "lumi", "bx", "orbit", "event"):
        assert events.extra[name].tolist() == [value for (value,) in tables["event_info"][name]]
    for name in SEEDS:
        assert events.extra[f"seed_{name}"].dtype == np.bool_
        assert events.extra[f"seed_{name}"].tolist() == [value for (value,) in tables["seeds"][name]]
    assert events.pileup[:4].tolist() == [-1, -1, 33, 34]
    assert store.provenance["files"] == {"MET": 2, "egammas": 2, "muons": 2, "jets": 2, "event_info": 2, "seeds": 2}


@pytest.mark.parametrize(("seeds", "kept"), [((), []), (("L1_ETMHF90",), ["seed_L1_ETMHF90"])])
def test_choice_of_seeds(convert, tmp_path, seeds, kept):
    store = convert(write_tables(tmp_path / "in", make_tables(20), ["a"]), seeds=seeds)
    assert [name for name in store.extra if name.startswith("seed")] == kept


def test_seeds_and_optional_columns_may_be_missing(convert, tmp_path):
    tables = make_tables(20)
    del tables["seeds"], tables["event_info"]["event"], tables["event_info"]["nPV_True"]
    store = convert(write_tables(tmp_path / "in", tables, ["a"]))
    assert store.extra == ("bx", "lumi", "orbit", "run")
    assert (store.read().pileup == -1).all()


def test_missing_met_and_invalid_muons_are_empty_slots(convert, tmp_path):
    tables = make_tables(2)
    tables["MET"] = {"Et": [[], [0]], "phi": [[], [7]]}
    tables["muons"] = {"muonIEt": [[0, 9], [0]], "muonIEtaAtVtx": [[5, 6], [7]], "muonIPhiAtVtx": [[1, 2], [3]]}
    hw = convert(write_tables(tmp_path / "in", tables, ["a"])).read().hw
    assert hw[:, 0].tolist() == [[0, 0, 0]] * 2
    assert hw[:, 5].tolist() == [[9, 6, 2], [0, 0, 0]]
    assert (hw[:, 6:9] == 0).all()


def test_saturated_objects_stay(convert, tmp_path):
    tables = make_tables(1)
    tables["jets"] = {"jetIEt": [[2047]], "jetIEta": [[-128]], "jetIPhi": [[143]]}
    tables["MET"]["Et"] = [[4095]]
    hw = convert(write_tables(tmp_path / "in", tables, ["a"])).read().hw
    assert (hw[0, 9].tolist(), hw[0, 0, 0]) == ([2047, -128, 143], 4095)


def test_published_shards_end_at_different_rows(convert, tmp_path):
    """The record rolls over to 00001.parquet, ... by size, so at other rows and numbers of files for each object."""
    tables = make_tables(120)
    for obj, columns in tables.items():
        shards = 3 if obj == "jets" else 2 if obj == "muons" else 1
        write_tables(tmp_path / "in", {obj: columns}, [f"{i:05}" for i in range(shards)])
    store = convert(tmp_path / "in", chunk=25)
    assert store.read().hw.tolist() == [expected_hw(tables, event) for event in range(120)]


def test_columns_written_by_awkward(convert, tmp_path):
    """The files of the record are written by `ak.to_parquet`."""
    ak = pytest.importorskip("awkward")
    tables = make_tables(40)
    for obj, columns in tables.items():
        (tmp_path / "in" / obj).mkdir(parents=True)
        ak.to_parquet(
            ak.Array({name: ak.Array(values) for name, values in columns.items()}),
            tmp_path / "in" / obj / "a.parquet",
            compression="snappy",
        )
    store = convert(tmp_path / "in", chunk=16)
    assert store.read().hw.tolist() == [expected_hw(tables, event) for event in range(40)]
    assert store.read(extra=["bx"]).extra["bx"].tolist() == [value for (value,) in tables["event_info"]["bx"]]


def test_plain_columns_instead_of_lists_of_one(convert, tmp_path):
    tables = make_tables(10)
    folder = write_tables(tmp_path / "in", tables, ["a"])
    info = {name: [value for (value,) in values] for name, values in tables["event_info"].items()}
    pq.write_table(pa.table(info), folder / "event_info" / "a.parquet")
    assert convert(folder).read(extra=["lumi"]).extra["lumi"].tolist() == info["lumi"]


def _peak_of_reading(file: Path) -> int:
    """Most bytes that pyarrow ever held, in a process of its own."""
    script = (
        "import pathlib, sys, pyarrow; from l1ae.data._cms import _Kind, _batches, _folder\n"
        "folder = _folder(pathlib.Path(sys.argv[1]), {'jetIEt': _Kind.CODES})\n"
        "print(sum(batch.content.num_rows for batch in _batches(folder, 1000)), pyarrow.default_memory_pool().max_memory())"
    )
    output = subprocess.run([sys.executable, "-P", "-c", script, str(file.parent)], check=True, capture_output=True).stdout
    rows, peak = (int(word) for word in output.split())
    assert rows == pq.ParquetFile(file).metadata.num_rows
    return peak


def test_memory_does_not_grow_with_the_files(tmp_path):
    """Even when a file is one row group, as those that awkward writes."""
    random = np.random.default_rng(0)
    peaks = []
    for rows in (100_000, 800_000):
        lists = pa.LargeListArray.from_arrays(
            pa.array(np.arange(0, 12 * rows + 1, 12)), pa.array(random.integers(0, 2048, 12 * rows, np.int16))
        )
        file = tmp_path / f"in{rows}" / "a.parquet"
        file.parent.mkdir()
        pq.write_table(pa.table({"jetIEt": lists}), file, compression="snappy", row_group_size=10**7)
        peaks.append(_peak_of_reading(file))
    assert file.stat().st_size > 12e6
    assert peaks[1] < 1.1 * peaks[0] < 8e6


# --- messages


def _refused(convert, folder: Path, **options: object) -> str:
    with pytest.raises(UserError) as error:
        convert(folder, **options)
    assert not list(folder.parent.glob("out.h5*"))
    return str(error.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("obj", "column", "event", "value", "message"),
    [
        ("egammas", "egIEt", 70, [512], "egIEt = 512 is outside its hardware range [0, 511]; are these hardware integers?"),
        ("egammas", "egIEt", 70, [-1], "egIEt = -1 is outside its hardware range [0, 511]; are these hardware integers?"),
        ("jets", "jetIEta", 99, [128], "jetIEta = 128 is outside its hardware range [-128, 127]; are these hardware integers?"),
        ("jets", "jetIPhi", 0, [144], "jetIPhi = 144 is outside its hardware range [0, 143]; are these hardware integers?"),
        ("muons", "muonIPhiAtVtx", 51, [-1], "muonIPhiAtVtx = -1 is outside its hardware range [0, 575]; are these hardware integers?"),
        ("MET", "Et", 88, [4096], "Et = 4096 is outside its hardware range [0, 4095]; are these hardware integers?"),
        ("MET", "Et", 88, [1, 2], "Et holds 2 values, expected one"),
        ("jets", "jetIPhi", 60, [1, 2], "jetIEt holds 1 values but jetIPhi 2; they must describe the same objects"),
        ("egammas", "egIEt", 61, None, "egIEt is missing (null)"),
        ("egammas", "egIEta", 61, [None], "egIEta has a missing (null) value"),
        ("event_info", "bx", 77, [], "bx holds 0 values, expected one"),
        ("event_info", "bx", 77, [None], "bx is missing (null)"),
        ("seeds", "L1_ETMHF90", 78, [True, True], "L1_ETMHF90 holds 2 values, expected one"),
    ],
)
def test_bad_values_are_located(convert, tmp_path, obj, column, event, value, message):
    tables = make_tables(100)
    pt = {"egammas": "egIEt", "jets": "jetIEt", "muons": "muonIEt"}.get(obj)
    for name in tables[obj] if pt else ():
        tables[obj][name][event] = [1]
    if len(value or []) == 2 and obj == "MET":
        tables[obj]["phi"][event] = [1, 2]
    tables[obj][column][event] = value
    file, row = ("a", event) if event < 50 else ("b", event - 50)
    found = _refused(convert, write_tables(tmp_path / "in", tables, ["a", "b"]), chunk=13)
    assert found == f"{obj}/{file}.parquet: row {row}: {message}"


@pytest.mark.parametrize("obj", ["MET", "egammas", "muons", "jets", "event_info"])
def test_missing_folder(convert, tmp_path, obj):
    tables = make_tables(5)
    del tables[obj]
    message = _refused(convert, write_tables(tmp_path / "in", tables, ["a"]))
    assert message == f"{obj}: no such folder, or no parquet files in it; give the folder that holds {obj}/ and the other objects"


def test_missing_columns_and_seeds(convert, tmp_path):
    tables = make_tables(5)
    folder = write_tables(tmp_path / "in", tables, ["a"])
    assert _refused(convert, folder, seeds=["L1_Foo"]) == (
        "seeds/a.parquet: no column 'L1_Foo' (found: L1_SingleMu22, L1_ETMHF90); is this file of another data set?"
    )
    del tables["jets"]["jetIEta"]
    assert _refused(convert, write_tables(tmp_path / "in", tables, ["a"])) == (
        "jets/a.parquet: no column 'jetIEta' (found: jetIEt, jetIPhi); is this file of another data set?"
    )


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([[1.5], [2.0]], "list<element: double>", "lists of hardware integers"),
        ([1, 2], "int64", "lists of hardware integers"),
        ([["a"], ["b"]], "list<element: string>", "lists of hardware integers"),
        ([[True], [False]], "list<element: bool>", "lists of hardware integers"),
    ],
)
def test_wrong_types(convert, tmp_path, values, kind, expected):
    folder = write_tables(tmp_path / "in", make_tables(2), ["a"])
    table = pq.read_table(folder / "egammas" / "a.parquet")
    pq.write_table(table.set_column(table.schema.get_field_index("egIEt"), "egIEt", pa.array(values)), folder / "egammas" / "a.parquet")
    assert (
        _refused(convert, folder)
        == f"egammas/a.parquet: column 'egIEt' is {kind}, expected {expected}; was this file made by another program?"
    )


def test_misaligned_files_of_the_same_name(convert, tmp_path):
    tables = make_tables(30)
    folder = write_tables(tmp_path / "in", tables, ["a", "b"])
    write_tables(folder, {"jets": {name: values[:20] for name, values in tables["jets"].items()}}, ["a", "b"])
    message = _refused(convert, folder)
    assert message == "jets/a.parquet: 10 rows, but MET/a.parquet has 15; their rows must be the same events: download both again"


def test_a_missing_file_is_named(convert, tmp_path):
    folder = write_tables(tmp_path / "in", make_tables(30), ["a", "b", "c"])
    (folder / "muons" / "b.parquet").unlink()
    message = _refused(convert, folder)
    assert message == (
        f"muons: 20 rows in all, but {folder}/MET has 30; only one of them has b.parquet; "
        "their rows must be the same events: download both again"
    ).replace(f"{folder}/", "")


@pytest.mark.parametrize("kept", [0, 3, 0.5, 0.99])
def test_truncated_file(convert, tmp_path, kept):
    folder = write_tables(tmp_path / "in", make_tables(300), ["a"])
    path = folder / "jets" / "a.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    message = _refused(convert, folder)
    assert message.startswith("jets/a.parquet: cannot be read (")
    assert message.endswith("; the file is truncated or damaged: download or copy it again")


def test_damage_inside_a_file(convert, tmp_path):
    folder = write_tables(tmp_path / "in", make_tables(3000), ["a"], row_group=1000)
    path = folder / "jets" / "a.parquet"
    offset = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 40] = b"\xff" * 40
    path.write_bytes(content)
    assert _refused(convert, folder, chunk=500).startswith("jets/a.parquet: cannot be read (")
