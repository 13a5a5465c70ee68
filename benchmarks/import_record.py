"""Rate and memory of importing the public CMS Level-1 record: `python benchmarks/import_record.py [--events N ...] [--keep FOLDER]`.

Record-shaped events are written in both published layouts (two interleaved data sets, 178 seeds), imported with layout
`cms_l1_record`, and read by pyarrow alone: the same columns in batches, thrown away. Writing and every measurement is a process of its
own, whose largest memory is taken from `getrusage`; the fastest of several counts. CPU seconds, of all
threads, are beside the ratio of times as a machine that others use as well disturbs them less.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from results import StatedTable, keep

SEEDS = 178
RUNS = ("ZB_run396102", "ZB_run398183")
ROW_GROUP = 1_000_000
BLOCK = 250_000
# largest number of objects, mean, and the columns with their lowest and highest code
OBJECTS: Mapping[str, tuple[int, float, Mapping[str, tuple[int, int]]]] = {
    "muons": (
        8,
        0.3,
        {
            "muonIPhiAtVtx": (0, 575),
            "muonIEt": (1, 511),
            "muonQual": (0, 15),
            "muonIEtaAtVtx": (-225, 225),
            "muonChg": (-1, 1),
            "muonTfMuonIdx": (0, 107),
            "muonIPhi": (0, 575),
            "muonIEta": (-225, 225),
            "muonIEtUnconstrained": (0, 255),
        },
    ),
    "jets": (12, 4.0, {"jetIEt": (1, 2047), "jetIEta": (-115, 114), "jetIPhi": (0, 143), "jetHwQual": (0, 1), "jetRawEt": (0, 0)}),
    "egammas": (12, 6.0, {"egIEt": (1, 511), "egIEta": (-115, 114), "egIPhi": (0, 143), "egIso": (0, 3)}),
    "taus": (12, 6.0, {"tauIEt": (1, 511), "tauIEta": (-115, 114), "tauIPhi": (0, 143), "tauIso": (0, 1)}),
}
SUMS = {name: {"Et": (0, 4095), "phi": (0, 143)} for name in ("MET", "MHT", "FET", "FHT")} | {
    "ET": {"Et": (0, 4095), "ETTEM": (0, 4095)},
    "HT": {"Et": (0, 4095), "tower_count": (0, 8191)},
}
READ = {
    "FET": ("Et", "phi"),
    "egammas": ("egIEt", "egIEta", "egIPhi"),
    "jets": ("jetIEt", "jetIEta", "jetIPhi"),
    "muons": ("muonIEt", "muonIEta", "muonIPhi"),
    "taus": ("tauIEt", "tauIEta", "tauIPhi"),
}
INFO = ("run", "lumi", "bx", "orbit", "event", "time", "nPV_True", "split", "order")


# -- writing -----------------------------------------------------------------------------------------------------------


NAMES = {"tree": "Zenodo", "mirror": "mirror"}
"""Layouts of files as docs/record.md calls them."""


def lists(values: npt.NDArray[np.generic], counts: npt.NDArray[np.int64] | None = None) -> pa.Array:
    """Lists of the given lengths, of length 1 without them."""
    counts = np.ones(len(values), np.int64) if counts is None else counts
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values))


def energies(rng: np.random.Generator, owner: npt.NDArray[np.int64], high: int, *, falling: bool) -> npt.NDArray[np.int16]:
    """A soft spectrum, falling within an event."""
    values = np.minimum(1 + rng.exponential(15, len(owner)).astype(np.int64), high)
    return (values[np.lexsort((-values, owner))] if falling else values).astype(np.int16)


def event_tables(rng: np.random.Generator, run: int, order: npt.NDArray[np.int64]) -> dict[str, dict[str, pa.Array]]:
    """Columns of as many events as `order` has, by collection."""
    n = len(order)
    tables: dict[str, dict[str, pa.Array]] = {}
    for name, (most, mean, columns) in OBJECTS.items():
        counts = np.minimum(rng.poisson(mean, n), most)
        owner = np.repeat(np.arange(n), counts)
        tables[name] = {
            column: lists(
                energies(rng, owner, high, falling=name != "muons")
                if column.endswith("IEt")
                else rng.integers(low, high + 1, len(owner)).astype(np.int16),
                counts,
            )
            for column, (low, high) in columns.items()
        }
    for name, columns in SUMS.items():
        tables[name] = {column: lists(rng.integers(low, high + 1, n).astype(np.int16)) for column, (low, high) in columns.items()}
    numbers = {
        "run": np.full(n, int(RUNS[run][-6:]), np.uint32),
        "lumi": (1 + order.clip(0) // 5000).astype(np.uint32),
        "event": (10**9 + rng.permutation(n)).astype(np.uint64),
        "bx": rng.integers(0, 3564, n).astype(np.uint32),
        "orbit": rng.integers(0, 2**31, n).astype(np.uint64),
        "time": (np.uint64(1_750_000_000) << np.uint64(32)) + rng.integers(0, 2**40, n).astype(np.uint64),
        "nPV_True": rng.uniform(10, 70, n).astype(np.float32),
    }
    tables["event_info"] = {name: lists(values) for name, values in numbers.items()}
    tables["event_info"] |= {"split": pa.array(["train"] * n), "order": pa.array(order)}
    bits = rng.random((SEEDS, n), np.float32) < np.geomspace(1e-6, 3e-3, SEEDS)[:, None]
    tables["seeds"] = {f"L1_Seed{k:03}": lists(bits[k]) for k in range(SEEDS)} | {"L1bit": lists(bits.any(axis=0))}
    return tables


class Writer:
    """Parquet files that grow block by block."""

    def __init__(self) -> None:
        self.files: dict[Path, pq.ParquetWriter] = {}

    def write(self, path: Path, columns: Mapping[str, pa.Array]) -> None:
        """Append the columns to a file."""
        table = pa.table(dict(columns))
        if path not in self.files:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.files[path] = pq.ParquetWriter(path, table.schema, compression="snappy")
        self.files[path].write_table(table, row_group_size=ROW_GROUP)

    def close(self) -> None:
        """Write the footers."""
        for file in self.files.values():
            file.close()


def plain(array: pa.Array) -> pa.Array:
    """A column of lists of one as the mirror has it."""
    return array.flatten() if pa.types.is_large_list(array.type) else array


def write_record(folder: Path, events: int, seed: int = 1) -> None:
    """`folder`/tree and `folder`/mirror with the same events: half of them in each data set, their places drawn at random."""
    rng, writer = np.random.default_rng(seed), Writer()
    run_of = rng.integers(0, 2, events)
    for run, name in enumerate(RUNS):
        places = np.flatnonzero(run_of == run)
        for order in np.array_split(places, max(1, len(places) // BLOCK)):
            tables = event_tables(rng, run, order)
            for collection, columns in tables.items():
                writer.write(folder / "tree" / name / "train" / collection / "00000.parquet", columns)
            main = {f"{c}_{k}": v for c, columns in tables.items() if c not in {"event_info", "seeds"} for k, v in columns.items()}
            main |= {k: plain(v) for k, v in tables["event_info"].items()} | {"L1bit": plain(tables["seeds"]["L1bit"])}
            writer.write(folder / "mirror" / name / "train-00000-of-00001.parquet", main)
            seeds = {k: plain(v) for k, v in tables["seeds"].items()}
            seeds |= {k: plain(tables["event_info"][k]) for k in ("event", "order")} | {"dataset": pa.array([name] * len(order))}
            writer.write(folder / "mirror" / name / "seeds" / "train-00000-of-00001.parquet", seeds)
    writer.close()


# -- measuring ---------------------------------------------------------------------------------------------------------


def read_alone(folder: Path, layout: str) -> int:
    """All columns that the import reads, by pyarrow in batches; returns the number of rows."""
    rows = 0
    for name in RUNS:
        if layout == "tree":
            tables = {f"{name}/train/{c}/00000.parquet": list(columns) for c, columns in READ.items()}
            tables |= {f"{name}/train/event_info/00000.parquet": list(INFO), f"{name}/train/seeds/00000.parquet": None}
        else:
            main = [*(f"{c}_{column}" for c, columns in READ.items() for column in columns), *INFO]
            tables = {f"{name}/train-00000-of-00001.parquet": main, f"{name}/seeds/train-00000-of-00001.parquet": None}
        for path, columns in tables.items():
            for batch in pq.ParquetFile(folder / layout / path).iter_batches(65536, columns=columns):
                rows += batch.num_rows if "event" in batch.schema.names and "run" in batch.schema.names else 0
    return rows


def import_with_l1ae(folder: Path, layout: str) -> int:
    """The import; returns the number of events."""
    from l1ae.data import import_record
    from l1ae.inputs import named_layout

    sources = [folder / layout / name for name in RUNS]
    return import_record(sources, folder / "out.h5", named_layout("cms_l1_record"), sample="zerobias").events


def measure(what: str, folder: Path, layout: str) -> None:
    """One measurement, as JSON."""
    if what == "import":
        import l1ae.data  # noqa: F401

    start, cpu = time.perf_counter(), time.process_time()
    events = {"import": import_with_l1ae, "pyarrow": read_alone}[what](folder, layout)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = (folder / "out.h5").stat().st_size if what == "import" else 0
    print(json.dumps({"events": events, "seconds": seconds, "cpu": cpu, "peak_mb": peak, "store_mb": size / 2**20}))


def child(*arguments: str) -> str:
    """This script in a process of its own, which must not begin with the memory of this one."""
    return subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True).stdout


def fastest(what: str, folder: Path, layout: str, repeat: int) -> dict[str, float]:
    """The smallest of each number of several measurements, but the largest memory."""
    found = [json.loads(child("--measure", what, layout, "--keep", str(folder)).splitlines()[-1]) for _ in range(repeat)]
    return {key: (max if key == "peak_mb" else min)(item[key] for item in found) for key in found[0]}


def main() -> None:
    """Write, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--keep", type=Path, help="folder for the files, kept; default: a temporary one")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--keep-results", action="store_true", help="write the table of the page into docs/results")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write_record(arguments.keep, arguments.write)
        return
    if arguments.measure:
        measure(arguments.measure[0], arguments.keep, arguments.measure[1])
        return
    print(
        "| layout | events | import [s] | events/s | pyarrow alone [s] | ratio | CPU [s] | CPU alone [s] | peak memory [MB] | store [MB] |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for events in arguments.events:
            folder = (arguments.keep or Path(temporary)) / str(events)
            if not folder.is_dir():
                child("--write", str(events), "--keep", str(folder))
            for layout in ("tree", "mirror"):
                alone, made = (fastest(what, folder, layout, arguments.repeat) for what in ("pyarrow", "import"))
                assert alone["events"] == made["events"] == events
                seconds = (f"{one['cpu']:.1f}" for one in (made, alone))
                rows.append((NAMES[layout], f"{events:,}", *seconds, *(f"{made[key]:.0f}" for key in ("peak_mb", "store_mb"))))
                print(
                    f"| {layout} | {events} | {made['seconds']:.2f} | {events / made['seconds']:,.0f} | {alone['seconds']:.2f} | "
                    f"{made['seconds'] / alone['seconds']:.2f} | {made['cpu']:.2f} | {alone['cpu']:.2f} | {made['peak_mb']:.0f} | "
                    f"{made['store_mb']:.0f} |",
                    flush=True,
                )
    if arguments.keep_results:
        header = ("layout", "events", "import, CPU s", "pyarrow alone, CPU s", "largest memory [MB]", "store [MB]")
        keep("record", "python benchmarks/import_record.py", tables={"speed": StatedTable(header, "l" * len(header), tuple(rows))})


if __name__ == "__main__":
    main()
