"""Files as the public record has them, in both layouts, and what a reader must make of them, event by event in plain Python.

An event is a dictionary: collections with a list for each of their columns, `info` and `seeds` with one value for each.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from l1ae.inputs import Layout

Event = dict[str, dict[str, Any]]

CAPACITY = {"muons": 8, "jets": 12, "egammas": 12, "taus": 12}
# lowest and highest code; the first column is what an object is sorted by
OBJECTS: dict[str, dict[str, tuple[int, int]]] = {
    "muons": {
        "muonIEt": (1, 511),
        "muonIPhiAtVtx": (0, 575),
        "muonQual": (0, 15),
        "muonIEtaAtVtx": (-225, 225),
        "muonChg": (-1, 1),
        "muonTfMuonIdx": (0, 107),
        "muonIPhi": (0, 575),
        "muonIEta": (-225, 225),
        "muonIEtUnconstrained": (0, 255),
    },
    "jets": {"jetIEt": (1, 2047), "jetIEta": (-115, 114), "jetIPhi": (0, 143), "jetHwQual": (0, 1), "jetRawEt": (0, 0)},
    "egammas": {"egIEt": (1, 511), "egIEta": (-115, 114), "egIPhi": (0, 143), "egIso": (0, 3)},
    "taus": {"tauIEt": (1, 511), "tauIEta": (-115, 114), "tauIPhi": (0, 143), "tauIso": (0, 1)},
}
SUMS: dict[str, dict[str, tuple[int, int]]] = {name: {"Et": (1, 4095), "phi": (0, 143)} for name in ("MET", "MHT", "FET", "FHT")} | {
    "ET": {"Et": (0, 4095), "ETTEM": (0, 4095)},
    "HT": {"Et": (0, 4095), "tower_count": (0, 8191)},
}
UNSIGNED = {"muonQual", "muonTfMuonIdx"}
ALL_ONES = {"bx": 2**32 - 1, "orbit": 2**64 - 1}
INFO_TYPES = {
    "run": pa.uint32(),
    "lumi": pa.uint32(),
    "event": pa.uint64(),
    "bx": pa.uint32(),
    "orbit": pa.uint64(),
    "time": pa.uint64(),
    "nPV_True": pa.float32(),
    "split": pa.string(),
    "order": pa.int64(),
}
SEEDS = ("L1_SingleMu22", "L1_ETMHF90", "L1_HTT360er", "L1_FirstBunchBeforeTrain")
DATA = "ZB_run396102"


def make_events(
    count: int,
    seed: int,
    *,
    run: int = 396102,
    split: str = "train",
    seeds: Sequence[str] = SEEDS,
    simulated: bool = False,
) -> list[Event]:
    """Events with 0 to as many objects as fit, calorimeter objects in order and muons in any, saturated codes more often than by chance."""
    random = np.random.default_rng(seed)
    return [_event(random, run, split, seeds, place, simulated) for place in range(count)]


def _event(random: np.random.Generator, run: int, split: str, seeds: Sequence[str], place: int, simulated: bool) -> Event:
    event: Event = {}
    for name, columns in OBJECTS.items():
        number = int(random.choice([0, random.integers(0, CAPACITY[name] + 1), CAPACITY[name]], p=[0.1, 0.8, 0.1]))
        event[name] = {column: random.integers(low, high + 1, number).tolist() for column, (low, high) in columns.items()}
        energy, (_, top) = next(iter(columns.items()))
        values = [top if random.random() < 0.1 else int(value) for value in event[name][energy]]
        event[name][energy] = values if name == "muons" else sorted(values, reverse=True)
    for name, columns in SUMS.items():
        event[name] = {column: [int(random.integers(low, high + 1))] for column, (low, high) in columns.items()}
        if random.random() < 0.1:
            event[name]["Et"] = [4095]
    unix = 1_750_000_000 + place
    event["info"] = {
        "run": 1 if simulated else run,
        "lumi": 1 + place // 10,
        "event": 2**33 + place,
        "bx": ALL_ONES["bx"] if simulated else int(random.integers(0, 3564)),
        "orbit": ALL_ONES["orbit"] if simulated else int(random.integers(0, 2**31)),
        "time": (unix << 32) + int(random.integers(0, 10**6)),
        "nPV_True": int(random.integers(0, 70)) if simulated else float(np.float32(random.uniform(1, 70))),
        "split": split,
        "order": place,
    }
    decisions = {name: bool(random.random() < 0.2) for name in seeds}
    event["seeds"] = decisions | {"L1bit": any(decisions.values())}
    return event


def interleaved(*runs: list[Event], seed: int, outside: int = 0) -> None:
    """Give every event its place in the split, counted over all runs; the last `outside` of each run are outside the cut."""
    random = np.random.default_rng(seed)
    inside = [event for run in runs for event in run[: len(run) - outside]]
    owner = random.permutation(np.repeat(np.arange(len(runs)), [len(run) - outside for run in runs]))
    for number, run in enumerate(runs):
        for event, place in zip(run[: len(run) - outside], np.flatnonzero(owner == number).tolist(), strict=True):
            event["info"]["order"] = place
        for event in run[len(run) - outside :]:
            event["info"]["order"] = -1
    assert sorted(event["info"]["order"] for event in inside) == list(range(len(inside)))


def in_study_order(*runs: list[Event], outside: bool = False) -> list[Event]:
    """All runs, one after the other, stably sorted by order; events outside the cut last or not at all."""
    events = [event for run in runs for event in run]
    inside = sorted((event for event in events if event["info"]["order"] >= 0), key=lambda event: event["info"]["order"])
    return inside + [event for event in events if event["info"]["order"] < 0 and outside]


# -- files -------------------------------------------------------------------------------------------------------------

MakeList = Callable[[pa.DataType], pa.DataType]


def published_list(kind: pa.DataType) -> pa.DataType:
    """The list type of the published files."""
    return pa.large_list(pa.field("element", kind, nullable=False))


def _column_type(column: str, info: Mapping[str, pa.DataType]) -> pa.DataType:
    return info.get(column) or (pa.uint16() if column in UNSIGNED else pa.int16())


def columns_of(
    events: Sequence[Event], make_list: MakeList, info: Mapping[str, pa.DataType] = INFO_TYPES
) -> dict[str, dict[str, pa.Array]]:
    """Arrow columns by collection, all of lists but for `split` and `order`."""
    result: dict[str, dict[str, pa.Array]] = {}
    for name in events[0]:
        result[name] = {}
        for column in events[0][name]:
            values = [event[name][column] for event in events]
            if name in {"info", "seeds"} and column not in {"split", "order"}:
                kind = pa.bool_() if name == "seeds" else info[column]
                result[name][column] = pa.array([[value] for value in values], make_list(kind))
            elif name == "info":
                result[name][column] = pa.array(values, info[column])
            else:
                result[name][column] = pa.array(values, make_list(_column_type(column, {})))
    return result


def write_tree(
    folder: Path,
    events: Sequence[Event],
    *,
    shards: Mapping[str, int] | int = 1,
    make_list: MakeList = published_list,
    info: Mapping[str, pa.DataType] = INFO_TYPES,
    row_group: int = 37,
) -> Path:
    """One split as on Zenodo: a folder per object, in as many files as `shards` says; returns the folder."""
    for name, columns in columns_of(events, make_list, info).items():
        target = folder / {"info": "event_info"}.get(name, name)
        target.mkdir(parents=True, exist_ok=True)
        number = shards if isinstance(shards, int) else shards.get(target.name, 1)
        for k, rows in enumerate(np.array_split(np.arange(len(events)), number)):
            table = pa.table({column: array[rows[0] : rows[-1] + 1] for column, array in columns.items()})
            pq.write_table(table, target / f"{k:05}.parquet", compression="snappy", row_group_size=row_group)
    return folder


def write_mirror(
    folder: Path,
    split: str,
    events: Sequence[Event],
    *,
    shards: int = 1,
    seed_shards: int = 1,
    info: Mapping[str, pa.DataType] = INFO_TYPES,
) -> Path:
    """One split as on the mirror: a row per event, and seeds in files of their own; returns the folder of the data set."""
    columns = columns_of(events, published_list, info)
    plain = {
        name: {k: v.flatten() if pa.types.is_large_list(v.type) else v for k, v in columns[name].items()} for name in ("info", "seeds")
    }
    main = {f"{name}_{k}": v for name in sorted(columns) if name not in plain for k, v in columns[name].items()} | plain["info"]
    main |= {"dataset": pa.array([folder.name] * len(events)), "label": pa.array([0] * len(events), pa.int16())}
    tables = {folder: (main, shards)}
    if "seeds" in plain:
        main["L1bit"] = plain["seeds"]["L1bit"]
        keys = {name: plain["info"][name] for name in ("event", "order") if name in plain["info"]}
        tables[folder / "seeds"] = (plain["seeds"] | keys | {"dataset": main["dataset"]}, seed_shards)
    for target, (content, number) in tables.items():
        target.mkdir(parents=True, exist_ok=True)
        for k, rows in enumerate(np.array_split(np.arange(len(events)), number)):
            table = pa.table({column: array[rows[0] : rows[-1] + 1] for column, array in content.items()})
            pq.write_table(table, target / f"{split}-{k:05}-of-{number:05}.parquet", compression="snappy")
    return folder


def write(kind: str, folder: Path, split: str, events: Sequence[Event]) -> Path:
    """One split of the data set `folder` in one of the two layouts."""
    if kind == "mirror":
        return write_mirror(folder, split, events)
    write_tree(folder / split, events)
    return folder


# -- what must come out ------------------------------------------------------------------------------------------------


def expected_row(event: Event, layout: Layout) -> list[int]:
    """One event in slots: cuts that drop or zero, saturated ones that drop, falling sort key, the first slots, zeros."""
    row: list[int] = []
    for group in layout.groups:
        columns = [[] if feature.source is None else event[str(group.source)][feature.source] for feature in group.features]
        number = max(len(column) for column in columns)
        objects = [[column[k] if column else 0 for column in columns] for k in range(number)]
        names = [feature.name for feature in group.features]
        if group.gate_feature is not None:
            gate = names.index(group.gate_feature)
            objects = [item for item in objects if item[gate] != 0]
            if group.saturated == "drop":
                objects = [item for item in objects if item[gate] != group.features[gate].saturation]
        for cut in group.cuts:
            objects = [item for item in objects if cut.max is None or item[names.index(cut.feature)] <= cut.max]
        if group.sort is not None:
            key = names.index(group.sort)
            objects = sorted(objects, key=lambda item, key=key: -item[key])
        objects += [[0] * len(names)] * group.slots
        row += [value for item in objects[: group.slots] for value in item]
    return row


def expected_info(events: Sequence[Event], name: str) -> list[int]:
    """A column of numbers as it is stored."""
    return [-1 if event["info"][name] == ALL_ONES.get(name) else event["info"][name] for event in events]


def expected_pileup(events: Sequence[Event]) -> list[int]:
    """Pileup as it is stored."""
    return [round(event["info"]["nPV_True"]) or -1 for event in events]
