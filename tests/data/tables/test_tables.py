"""Every format, with random events of layouts of all kinds, against plain Python; padded and jagged, codes and physical values."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l1ae.data import EventStore, Request, import_sources
from l1ae.data.tables import TableMapping, import_tables, open_table, plan_mapping
from l1ae.data.tables._convert import Converter
from l1ae.inputs import Cut, Feature, Group, Layout, named_layout

from .simple import Event, expected, gate_of, lists, on_grid, padded, physical, random_events

Columns = dict[str, Any]
"""Arrays (N, ...), or lists of lists for columns of any length."""

INVENTED = Layout(
    name="invented",
    groups=(
        Group(
            name="cluster",
            slots=3,
            sort="et",
            features=(
                Feature(name="et", role="energy", bits=7, lsb=0.25, unit="GeV", origin=2, low=2),
                Feature(name="phi", role="phi", bits=6, signed=True, lsb=0.2, unit="rad", period=32),
                Feature(name="time", bits=5, signed=True, lsb=0.5, unit="ns"),
            ),
        ),
        Group(name="total", kind="sums", gate=False, features=(Feature(name="et", role="energy", bits=9, lsb=1.0, unit="GeV"),)),
        Group(name="wave", kind="waveform", slots=5, features=(Feature(name="adc", bits=11, signed=True),)),
    ),
)


# -- writers ------------------------------------------------------------------------------------------------------------


def is_list(values: Any) -> bool:
    return isinstance(values, list)


def write_hdf5(path: Path, columns: Columns) -> None:
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            if is_list(values):
                dtype = np.float64 if any(isinstance(x, float) for row in values for x in row) else np.int32
                dataset = file.create_dataset(name, (len(values),), dtype=h5py.vlen_dtype(dtype))
                for k, row in enumerate(values):
                    dataset[k] = np.array(row, dtype)
            else:
                file.create_dataset(name, data=values, chunks=True, compression="gzip")


def write_npz(path: Path, columns: Columns) -> None:
    np.savez_compressed(path, **columns)


def write_plain_npz(path: Path, columns: Columns) -> None:
    np.savez(path, **{name: np.asfortranarray(values) for name, values in columns.items()})


def write_parquet(path: Path, columns: Columns) -> None:
    arrays = {}
    for name, values in columns.items():
        if is_list(values):
            arrays[name] = pa.array(
                values, pa.large_list(pa.float64()) if any(isinstance(x, float) for row in values for x in row) else None
            )
        else:
            flat = pa.array(values.reshape(-1))
            for size in reversed(values.shape[1:]):
                flat = pa.FixedSizeListArray.from_arrays(flat, size)
            arrays[name] = flat
    pq.write_table(pa.table(arrays), path, row_group_size=37)


def write_root(path: Path, columns: Columns) -> None:
    arrays = {name: ak.Array(values) if is_list(values) else values for name, values in columns.items()}
    types = {
        n: f"var * {ak.to_numpy(ak.flatten(a)).dtype}" if isinstance(a, ak.Array) else (a.dtype, a.shape[1:]) for n, a in arrays.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("tree", {name: kind if isinstance(kind, str) else np.dtype(kind) for name, kind in types.items()}).extend(arrays)


def write_rntuple(path: Path, columns: Columns) -> None:
    with uproot.recreate(path) as file:
        file.mkrntuple("tree", {name: ak.Array(values) if is_list(values) else values for name, values in columns.items()})


def write_csv(path: Path, columns: Columns) -> None:
    flat: dict[str, list[Any]] = {}
    for name, values in columns.items():
        rows = np.asarray(values).reshape(len(values), -1)
        flat |= {name if rows.shape[1] == 1 else f"{name}_{k}": rows[:, k].tolist() for k in range(rows.shape[1])}
    lines = [",".join(flat), *(",".join(map(repr, row)) for row in zip(*flat.values(), strict=True))]
    content = "\n".join(lines) + "\n"
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(content.encode()))
    else:
        path.write_text(content)


ARRAYS: dict[str, Callable[[Path, Columns], None]] = {
    "a.h5": write_hdf5,
    "a.npz": write_npz,
    "plain.npz": write_plain_npz,
    "a.parquet": write_parquet,
    "a.root": write_root,
    "ntuple.root": write_rntuple,
}
LISTS = {name: writer for name, writer in ARRAYS.items() if not name.endswith(".npz")}


def imported(path: Path, mapping: dict[str, Any] | None, folder: Path, layout: Layout, **options: Any) -> EventStore:
    """Import with a mapping that has the layout in itself; or with `--layout` alone."""
    request = Request((path,), layout, **options)
    if mapping is not None:
        (folder / "map.yaml").write_text(yaml.safe_dump({"layout": layout.model_dump(mode="json", exclude_none=True), **mapping}))
        request = Request((path,), mapping=folder / "map.yaml", **options)
    store = EventStore.open(import_sources(request, folder / "store.h5", force=True).path)
    assert store.own == layout
    return store


def check(store: EventStore, events: list[Event]) -> None:
    np.testing.assert_array_equal(store.read().hw, expected(store.own, events))


# -- formats ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_per_group(name, tmp_path):
    """(N, slots, features) under the names of the groups: the mapping is the layout alone, or not even that."""
    events = random_events(INVENTED, 90, seed=1)
    columns = {group.name: np.array(padded(events, group, group.slots), np.int16) for group in INVENTED.groups}
    ARRAYS[name](tmp_path / name, columns)
    check(imported(tmp_path / name, {}, tmp_path, INVENTED), events)
    check(imported(tmp_path / name, None, tmp_path, INVENTED), events)


@pytest.mark.parametrize("name", ARRAYS)
def test_physical_values_with_units(name, tmp_path):
    """More slots than the layout has, in MeV and degrees, NaN in empty slots, and an axis with numbers that are not used."""
    events = random_events(INVENTED, 90, seed=2, beyond=2)
    clusters = np.array(padded(events, INVENTED["cluster"], 5, physical, np.nan))
    odd = np.full((*clusters.shape[:2], 5), 7.0)
    odd[..., 1], odd[..., 2], odd[..., 4] = clusters[..., 1] * 180 / np.pi, clusters[..., 0] * 1000, clusters[..., 2]
    total, wave = np.array(padded(events, INVENTED["total"], 1, physical)), np.array(padded(events, INVENTED["wave"], 5))
    ARRAYS[name](tmp_path / name, {"objects": odd, "other": total[:, 0, 0], "samples": wave[..., 0].astype(np.int32)})
    groups = {
        "cluster": {"array": "objects", "axis": [None, "phi", "et", None, "time"], "units": ["MeV", "deg"], "missing": float("nan")},
        "total": {"et": "other"},
        "wave": {"features": {"adc": "samples"}, "values": "codes"},
    }
    check(imported(tmp_path / name, {"groups": groups, "values": "physical"}, tmp_path, INVENTED), events)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("kind", ["codes", "physical", "grid"])
def test_lists(name, kind, tmp_path):
    """Lists of any length, also empty ones, in no order; some of another crossing, which `where` leaves out."""
    events = random_events(INVENTED, 120, seed=3, beyond=4)
    value = {"codes": lambda _, code: code, "physical": physical, "grid": on_grid}[kind]
    other = random_events(INVENTED, 120, seed=4, beyond=4)
    columns: Columns = {"bx": [[0] * len(a["cluster"]) + [1] * len(b["cluster"]) for a, b in zip(events, other, strict=True)]}
    for item in INVENTED["cluster"].features:
        both = (lists(part, "cluster", item.name, lambda code, item=item: value(item, code)) for part in (events, other))
        columns[f"c_{item.name}"] = [[*mine, *theirs] for mine, theirs in zip(*both, strict=True)]
    columns["wave"] = np.array(padded(events, INVENTED["wave"], 5), np.int32)[..., 0]
    columns["sum"] = [[value(INVENTED["total"]["et"], event["total"][0]["et"])] for event in events]
    LISTS[name](tmp_path / name, columns)
    clusters = {"features": {item.name: f"c_{item.name}" for item in INVENTED["cluster"].features}, "where": {"bx": 0}, "values": kind}
    groups = {"cluster": clusters, "total": {"features": {"et": "sum"}, "values": kind}}
    check(imported(tmp_path / name, {"groups": groups}, tmp_path, INVENTED), events)


def csv_columns(layout: Layout, events: list[Event]) -> Columns:
    """The names of the layout's columns: cluster0_et, ..., total_et, wave0, ..."""
    rows = {group.name: padded(events, group, group.slots) for group in layout.groups}
    columns: Columns = {}
    for group in layout.groups:
        for slot, stem in enumerate(group.slot_names()):
            for k, feature in enumerate(group.features):
                name = f"{stem}_{feature.name}" if group.kind in {"objects", "sums"} else stem
                columns[name] = np.array([row[slot][k] for row in rows[group.name]])
    return columns


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "b.h5", "b.npz", "b.parquet", "b.root"])
def test_columns_by_name(name, tmp_path):
    """Columns that are called as those of the layout need no mapping file."""
    events = random_events(INVENTED, 90, seed=5)
    (write_csv if "csv" in name else ARRAYS[name.replace("b.", "a.")])(tmp_path / name, csv_columns(INVENTED, events))
    check(imported(tmp_path / name, None, tmp_path, INVENTED), events)


def test_csv_without_header_and_with_another_delimiter(tmp_path):
    events = random_events(INVENTED, 90, seed=6)
    rows = np.stack(list(csv_columns(INVENTED, events).values()), axis=1)
    np.savetxt(tmp_path / "a.txt", rows, "%d", ";")
    check(imported(tmp_path / "a.txt", {"header": False, "delimiter": ";"}, tmp_path, INVENTED), events)
    groups = {"cluster": {"et": [0, 3, 6], "phi": [1, 4, 7], "time": [2, 5, 8]}, "total": {"et": 9}, "wave": {"adc": [10, 11, 12, 13, 14]}}
    check(imported(tmp_path / "a.txt", {"header": False, "delimiter": ";", "groups": groups}, tmp_path, INVENTED), events)


def test_csv_whose_type_changes_after_the_first_block(tmp_path):
    """The first megabytes look like integers, a fraction comes later."""
    layout = Layout(
        name="one", groups=(Group(name="met", kind="sums", features=(Feature(name="pt", role="energy", bits=12, lsb=0.5, unit="GeV"),)),)
    )
    values = [f"{k % 100 + 1}.0" for k in range(10**6)] + ["7.75"]
    (tmp_path / "a.csv").write_text("met_pt\n" + "\n".join(values) + "\n")
    store = imported(tmp_path / "a.csv", {"values": "physical"}, tmp_path, layout)
    assert store.n_events == 10**6 + 1
    assert store.read(10**6 - 1).hw[:, 0].tolist() == [200, 15]


@pytest.mark.parametrize("pattern", ["jet{slot}_pt", "jet{slot1}_pt", "jet_{slot:02}_pt"])
def test_one_column_per_slot(pattern, tmp_path):
    layout = named_layout("ugt").select({"met": 0, "eg": 0, "mu": 0, "jet": 3})
    events = random_events(layout, 50, seed=7, beyond=2)
    rows = padded(events, layout["jet"], 5)
    columns = {}
    for slot in range(5):
        number = {"jet{slot}_pt": f"jet{slot}", "jet{slot1}_pt": f"jet{slot + 1}", "jet_{slot:02}_pt": f"jet_{slot:02}"}[pattern]
        columns |= {f"{number}_{name}": np.array([row[slot][k] for row in rows]) for k, name in enumerate(("pt", "eta", "phi"))}
    write_csv(tmp_path / "a.csv", columns)
    groups = {"jet": {name: pattern.replace("_pt", f"_{name}") for name in ("pt", "eta", "phi")}}
    check(imported(tmp_path / "a.csv", {"groups": groups}, tmp_path, layout), events)


@pytest.mark.parametrize("name", ["gelato", "ugt", "ugt_full", "samples", "calo_regions", "p2gt"])
@pytest.mark.parametrize("ending", ["npy", "h5", "npz"])
def test_rows_of_a_named_layout(name, ending, tmp_path):
    """One array whose rows are the layout's columns, with or without those that the hardware has not."""
    layout = named_layout(name)
    events = random_events(layout, 40, seed=8)
    for group in layout.groups:  # a valid bit is 1
        for event in events:
            for item in event[group.name]:
                item.update({"valid": 1} if "valid" in item else {})
    rows = np.array(expected(layout, events))
    shapes = [rows, rows[:, layout.present]] + (
        [rows.reshape(-1, 19, 3)] if name == "ugt" else [rows.reshape(-1, 18, 14)] if name == "calo_regions" else []
    )
    for array in shapes:
        if ending == "npy":
            np.save(tmp_path / "a.npy", array)
        else:
            ARRAYS[f"a.{ending}"](tmp_path / f"a.{ending}", {"x": array})
        store = imported(tmp_path / f"a.{ending}", {}, tmp_path, layout)
        np.testing.assert_array_equal(store.read().hw, rows)


def test_structured_arrays(tmp_path):
    """Fields of a structured npy array, and of a compound HDF5 dataset, are columns."""
    events = random_events(INVENTED, 30, seed=9)
    kind = np.dtype([("c", np.int16, (3, 3)), ("total_et", np.int32), ("w", np.int16, (5,))])
    array = np.zeros(30, kind)
    array["c"] = padded(events, INVENTED["cluster"], 3)
    array["total_et"] = np.array(padded(events, INVENTED["total"], 1))[:, 0, 0]
    array["w"] = np.array(padded(events, INVENTED["wave"], 5))[..., 0]
    np.save(tmp_path / "a.npy", array)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["deep/table"] = array
    groups = {"cluster": "c", "wave": "w"}
    check(imported(tmp_path / "a.npy", {"groups": groups}, tmp_path, INVENTED), events)
    check(imported(tmp_path / "a.h5", {"groups": groups, "table": "deep/table"}, tmp_path, INVENTED), events)
    groups = {"cluster": "table.c", "wave": "table.w", "total": {"et": "table.total_et"}}
    check(imported(tmp_path / "a.h5", {"groups": groups, "table": "deep"}, tmp_path, INVENTED), events)


def test_lists_of_structs(tmp_path):
    """Parquet as awkward arrays are stored: a list of structs per group."""
    events = random_events(INVENTED, 30, seed=10, beyond=2)
    table = pa.table(
        {
            "cl": pa.array(
                [event["cluster"] for event in events], pa.large_list(pa.struct([(n, pa.int16()) for n in ("et", "phi", "time")]))
            ),
            "total": pa.array([event["total"][0] for event in events]),
            "wave": pa.array([[item["adc"] for item in event["wave"]] for event in events]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    groups = {"cluster": {name: f"cl.{name}" for name in ("et", "phi", "time")}, "total": {"et": "total.et"}}
    check(imported(tmp_path / "a.parquet", {"groups": groups}, tmp_path, INVENTED), events)


def test_several_trees_of_the_same_events(tmp_path):
    events = random_events(INVENTED, 70, seed=11, beyond=2)
    with uproot.recreate(tmp_path / "a.root") as file:
        arrays = {f"c_{name}": ak.Array(lists(events, "cluster", name)) for name in ("et", "phi", "time")}
        file.mktree("d/objects", dict.fromkeys(arrays, "var * int64")).extend(arrays)
        total = np.array(padded(events, INVENTED["total"], 1))[:, 0, 0]
        wave = np.array(padded(events, INVENTED["wave"], 5))[..., 0]
        file.mktree("rest", {"total_et": "int64", "wave": np.dtype((np.int64, 5)), "run": "int64"}).extend(
            {"total_et": total, "wave": wave, "run": total}
        )
    groups = {"cluster": {name: f"c_{name}" for name in ("et", "phi", "time")}}
    store = imported(tmp_path / "a.root", {"groups": groups, "table": ["d/objects", "rest"], "extra": ["run"]}, tmp_path, INVENTED)
    check(store, events)
    assert store.read(extra=["run"]).extra["run"].tolist() == total.tolist()


# -- which slots are filled ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["count", "filled", "missing", "zero"])
def test_filled_slots_of_padded_arrays(rule, tmp_path):
    """Zero of a physical energy is code 2 here: only the rule tells an empty slot."""
    events = random_events(INVENTED, 80, seed=12)
    empty = -999.0 if rule == "missing" else 0.0
    counts = np.array([len(event["cluster"]) for event in events])
    columns = {
        "c": np.array(padded(events, INVENTED["cluster"], 3, physical, empty)),
        "total": np.array(padded(events, INVENTED["total"], 1)),
        "wave": np.array(padded(events, INVENTED["wave"], 5)),
        "n": counts,
        "there": np.arange(3) < counts[:, None],
    }
    write_hdf5(tmp_path / "a.h5", columns)
    rules = {"count": {"count": "n"}, "filled": {"filled": "there"}, "missing": {"missing": -999}, "zero": {}}
    groups = {"cluster": {"array": "c", "values": "physical", **rules[rule]}, "total": "total", "wave": "wave"}
    check(imported(tmp_path / "a.h5", {"groups": groups}, tmp_path, INVENTED), events)


def test_valid_bits(tmp_path):
    """Phase-2 objects: an entry of a list is valid, padded arrays have the bit, a count, or it is an error."""
    layout = named_layout("p2gt").select({"mu": 0, "met": 0})
    events = random_events(layout, 60, seed=13, beyond=2)
    for event in events:
        event["jet"] = [item | {"valid": 1} for item in event["jet"]]
    names = ("pt", "phi", "eta", "z0")
    write_parquet(tmp_path / "a.parquet", {f"jet_{name}": lists(events, "jet", name) for name in names})
    check(imported(tmp_path / "a.parquet", None, tmp_path, layout), events)
    rows = np.array(padded(events, layout["jet"], 8))
    write_hdf5(tmp_path / "a.h5", {"jet": rows, "n": rows[..., 0].sum(axis=1), "four": rows[..., 1:]})
    first = [{**event, "jet": event["jet"][:6]} for event in events]
    check(imported(tmp_path / "a.h5", {"groups": {"jet": "jet"}}, tmp_path, layout), first)
    counted = {"groups": {"jet": {"array": "four", "axis": list(names), "count": "n"}}}
    check(imported(tmp_path / "a.h5", counted, tmp_path, layout), first)


def test_cuts_and_vetoes_of_the_layout(tmp_path):
    """A veto leaves out the whole event, with all that belongs to it."""
    cuts = (Cut(feature="time", max=10, action="veto"), Cut(feature="phi", min=0))
    layout = Layout(name="cut", groups=(INVENTED["cluster"].model_copy(update={"cuts": cuts}), *INVENTED.groups[1:]))
    events = random_events(layout, 100, seed=14, beyond=2)
    columns: Columns = {f"cluster_{name}": lists(events, "cluster", name) for name in ("et", "phi", "time")}
    columns |= {
        "total": np.array(padded(events, layout["total"], 1)),
        "wave": np.array(padded(events, layout["wave"], 5)),
        "n": np.arange(100),
    }
    write_parquet(tmp_path / "a.parquet", columns)
    store = imported(tmp_path / "a.parquet", {"extra": {"n": "n"}}, tmp_path, layout)
    again = import_sources(Request((tmp_path / "a.parquet",), layout), tmp_path / "again.h5")
    assert again.left_out == {"vetoed by a cut of the layout": 100 - store.n_events}
    kept = [k for k, event in enumerate(events) if all(item["time"] <= 10 for item in event["cluster"])]
    assert store.read(extra=["n"]).extra["n"].tolist() == kept
    check(store, [{**events[k], "cluster": [item for item in events[k]["cluster"] if item["phi"] >= 0]} for k in kept])


# -- beside the inputs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.h5"])
def test_columns_beside_the_inputs(name, tmp_path):
    layout = named_layout("samples")
    events = random_events(layout, 60, seed=15)
    texts = {"label": [("w", "qcd", "z")[k % 3] for k in range(60)], "part": [("train", "validation", "test")[k % 3] for k in range(60)]}
    numbers = {
        "id": np.arange(60) // 4,
        "pu": np.arange(60) % 7,
        "w": np.arange(60) / 8,
        "L1_A": np.arange(60) % 2 == 0,
        "L1_B": np.arange(60) % 5 == 0,
    }
    rows = csv_columns(layout, events)
    if name == "a.csv":
        columns = {**rows, **numbers, **texts}
        lines = [",".join(columns), *(",".join(str(column[k]).lower() for column in columns.values()) for k in range(60))]
        (tmp_path / name).write_text("\n".join(lines))
    elif name == "a.parquet":
        pq.write_table(pa.table({key: pa.array(value) for key, value in {**rows, **numbers, **texts}.items()}), tmp_path / name)
    else:
        with h5py.File(tmp_path / name, "w") as file:
            for key, value in {**rows, **numbers, **texts}.items():
                file[key] = value
    mapping = {
        "process": {"column": "label", "names": ["qcd", "w", "z"]},
        "source_event": "id",
        "pileup": "pu",
        "split": "part",
        "extra": {"weight": "w", "seed_L1_*": "L1_*"},
    }
    store = imported(tmp_path / name, mapping, tmp_path, layout)
    check(store, events)
    assert (store.processes, store.extra) == (("qcd", "w", "z"), ("seed_L1_A", "seed_L1_B", "split", "weight"))
    read = store.read(extra=store.extra)
    assert read.process.tolist() == [(1, 0, 2)[k % 3] for k in range(60)]
    assert read.source_event.tolist() == [k // 4 for k in range(60)]
    assert read.pileup.tolist() == [k % 7 for k in range(60)]
    assert read.extra["split"].tolist() == [k % 3 for k in range(60)]
    assert read.extra["weight"].tolist() == [k / 8 for k in range(60)]
    assert read.extra["seed_L1_B"].tolist() == [k % 5 == 0 for k in range(60)]
    only = imported(tmp_path / name, mapping, tmp_path, layout, split="valid")
    check(only, events[1::3])
    assert only.provenance["split"] == "valid"


def test_several_files_are_joined(tmp_path):
    layout = named_layout("samples")
    events = random_events(layout, 50, seed=16)
    for k, part in enumerate((events[:20], events[20:])):
        np.save(tmp_path / f"{k}.npy", np.array(expected(layout, part)))
    store = EventStore.open(import_sources(Request((tmp_path / "0.npy", tmp_path / "1.npy"), layout), tmp_path / "out.h5").path)
    check(store, events)
    assert store.read().source_event.tolist() == list(range(50))
    assert (store.sample, store.processes) == ("out", ("out",))


# -- any layout ----------------------------------------------------------------------------------------------------------


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    groups = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["objects", "objects", "sums", "vector"]))
        plain = kind == "vector"
        features = [draw(features_(f"f{k}", gate=k == 0 and not plain)) for k in range(1 if plain else draw(st.integers(1, 3)))]
        slots = 1 if kind == "sums" else draw(st.integers(1, 4))
        sort = draw(st.sampled_from([None, "f0"])) if kind == "objects" else None
        groups.append(Group(name=f"g{number}", kind=kind, slots=slots, features=tuple(features), sort=sort))
    return Layout(name="any", groups=tuple(groups))


@st.composite
def features_(draw: st.DrawFn, name: str, gate: bool) -> Feature:
    lsb = draw(st.floats(1e-3, 10.0))
    if gate:
        bits, origin = draw(st.integers(2, 16)), draw(st.integers(0, 1))
        return Feature(name=name, role="energy", bits=bits, lsb=lsb, unit="GeV", origin=origin, low=origin, saturation=2**bits - 1)
    bits, signed = draw(st.integers(1, 14)), draw(st.booleans())
    period = draw(st.sampled_from([None, 2**bits])) if bits > 1 else None
    return Feature(name=name, bits=bits, signed=signed, lsb=lsb, period=period, bin=draw(st.sampled_from(["edge", "centre"])))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layout=layouts(), seed=st.integers(0, 1000), kind=st.sampled_from(["codes", "physical", "grid"]), chunk=st.integers(1, 9))
def test_any_layout_comes_back(layout, seed, kind, chunk, tmp_path):
    """Random layouts through padded arrays and lists, in any size of blocks."""
    events = random_events(layout, 8, seed, beyond=2)
    value = {"codes": lambda _, code: code, "physical": physical, "grid": on_grid}[kind]
    arrays = {
        f"a_{group.name}": np.array(padded(events, group, group.slots + 2 * (group.slots > 1 and gate_of(group) is not None), value))
        for group in layout.groups
    }
    counts = {f"n_{group.name}": np.array([len(event[group.name]) for event in events]) for group in layout.groups}
    write_npz(tmp_path / "a.npz", arrays | counts)
    groups = {
        group.name: {"array": f"a_{group.name}", **({"count": f"n_{group.name}"} if gate_of(group) else {})} for group in layout.groups
    }
    columns = {
        f"{g.name}_{f.name}": lists(events, g.name, f.name, lambda code, f=f: value(f, code)) for g in layout.groups for f in g.features
    }
    write_parquet(tmp_path / "a.parquet", columns)
    by_list = {g.name: {"features": {f.name: f"{g.name}_{f.name}" for f in g.features}} for g in layout.groups}
    for path, content in ((tmp_path / "a.npz", groups), (tmp_path / "a.parquet", by_list)):
        table = open_table(path)
        plan = plan_mapping(table, layout, TableMapping.model_validate({"values": kind, "groups": content}), "map")
        result = import_tables([(table, plan)], tmp_path / "out.h5", importer="x", sample="x", chunk=chunk)
        check(EventStore.open(result.path), events)


# -- streaming -----------------------------------------------------------------------------------------------------------


def peak(path: Path, layout: Layout) -> tuple[int, list[list[int]]]:
    """Largest memory in bytes while a file is read and converted, 1,000 events at a time; and the last block."""
    table = open_table(path)
    plan = plan_mapping(table, layout, TableMapping(), "map")
    converter = Converter(plan, path, 0)
    tracemalloc.start()
    try:
        for block in table.blocks(plan.names, 1000):
            events = converter(block).events
        return tracemalloc.get_traced_memory()[1], events.hw.tolist()
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5", "a.parquet", "a.root", "a.csv"])
def test_memory_does_not_grow_with_the_file(name, tmp_path):
    layout, peaks = named_layout("samples"), []
    for count in (3_000, 3_000, 24_000):
        rows = np.random.default_rng(1).integers(0, 4096, (count, 32)).astype(np.int32)
        if name == "a.npy":
            np.save(tmp_path / name, rows)
        elif name == "a.npz":
            np.savez_compressed(tmp_path / name, sample=rows)
        elif name == "a.csv":
            np.savetxt(tmp_path / name, rows, "%d", ",", header=",".join(layout.names), comments="")
        elif name == "a.root":
            with uproot.recreate(tmp_path / name) as file:
                tree = file.mktree("tree", {"sample": np.dtype((np.int32, 32))})
                for start in range(0, count, 1000):
                    tree.extend({"sample": rows[start : start + 1000]})
        else:
            ARRAYS[name](tmp_path / name, {"sample": rows})
        largest, last = peak(tmp_path / name, layout)
        peaks.append(largest)
        assert last == rows[-1000:].tolist()
    assert peaks[2] < 1.3 * peaks[1] + 3e5, peaks
