"""The examples of docs/import.md are run: its mapping files and commands, with files that are written here."""

import re
import shlex
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
from click.testing import CliRunner

from l1ae.cli._data import data
from l1ae.data import READERS, EventStore
from l1ae.data.tables import TableMapping
from l1ae.inputs import Layout, find_layout, layout_names, named_layout

from .simple import Event, expected, lists, padded, physical, random_events

PAGE = (Path(__file__).parents[3] / "docs" / "import.md").read_text()
EXAMPLES = re.findall(
    r"(?:```yaml\n# (\S+)(?: for (\S+))?\n((?:(?!```).)*)```\n+)?```bash\n(l1ae data import [^\n]* -o [^\n]*)\n```", PAGE, re.DOTALL
)
UGT, FULL = named_layout("ugt"), named_layout("ugt_full")


def ugt_events() -> list[Event]:
    return random_events(UGT, 50, seed=1)


def block(events: list[Event], group: str, value: Any = physical, layout: Layout = UGT) -> np.ndarray:
    return np.array(padded(events, layout[group], layout[group].slots, value))


def hdf5(path: Path) -> tuple[Layout, list[Event]]:
    events = ugt_events()
    with h5py.File(path, "w") as file:
        file["l1/met"] = block(events, "met")[:, 0]
        file["l1/electrons"], file["l1/muons"] = block(events, "eg"), block(events, "mu")
        file["l1/jets"] = np.concatenate([block(events, "jet"), np.ones((50, 10, 1))], axis=2)
        file["l1/weight"], file["other"] = np.arange(50.0), np.zeros(3)
    return UGT, events


def npz(path: Path) -> tuple[Layout, list[Event]]:
    events = ugt_events()
    x = np.zeros((50, 19, 3))
    x[:, :1, [0, 2]] = block(events, "met")
    x[:, 1:5], x[:, 5:9], x[:, 9:19] = (block(events, group) for group in ("eg", "mu", "jet"))
    x[..., 0] *= 1000
    np.savez(path, x=x, y=np.arange(50) % 2)
    return UGT, events


def rows_of(layout: Layout, path: Path) -> tuple[Layout, list[Event]]:
    events = random_events(layout, 50, seed=2)
    rows = np.array(expected(layout, events))
    if path.suffix == ".npy":
        np.save(path, rows)
    else:
        with h5py.File(path, "w") as file:
            file["inputs"] = rows
    return layout, events


def parquet(path: Path) -> tuple[Layout, list[Event]]:
    events = random_events(FULL, 50, seed=3, beyond=2)
    columns: dict[str, Any] = {"split": ["train", "valid"] * 25, "run": np.full(50, 396102)}
    for group in FULL.groups:
        for item in group.features:
            name = f"{group.source}_{item.source}"
            values = lists(events, group.name, item.name)
            columns[name] = values if group.kind == "objects" else [row[0] if row else 0 for row in values]
    pq.write_table(pa.table(columns), path)
    return FULL, events


def csv(path: Path) -> tuple[Layout, list[Event]]:
    layout = Layout.model_validate(_inline(path))
    events = random_events(layout, 50, seed=4)
    jets, met = block(events, "jet", layout=layout), block(events, "met", layout=layout)
    lines = ["jet1 pt;jet2 pt;jet1 phi;jet2 phi;MET"]
    for jet, total in zip(jets, met[:, 0, 0], strict=True):
        lines.append(";".join(f"{value:.6f}" for value in (*jet[:, 0], *np.degrees(jet[:, 1]), total)))
    path.write_text("\n".join(lines))
    return layout, events


def _inline(path: Path) -> dict[str, Any]:
    import yaml

    return yaml.safe_load((path.parent / "map.yaml").read_text())["layout"]


def root(path: Path) -> tuple[Layout, list[Event]]:
    events = random_events(UGT, 50, seed=5, beyond=2)
    other = random_events(UGT, 50, seed=6)
    columns: dict[str, Any] = {"jetBx": [[0] * len(a["jet"]) + [1] * len(b["jet"]) for a, b in zip(events, other, strict=True)]}
    for group in ("eg", "mu", "jet"):
        for name in ("pt", "eta", "phi"):
            values = lists(events, group, name)
            more = lists(other, group, name) if group == "jet" else [[] for _ in events]
            columns[f"{group}{name.title()}"] = [[*a, *b] for a, b in zip(values, more, strict=True)]
    for name in ("pt", "phi"):
        columns[f"met{name.title()}"] = lists(events, "met", name)
    info = {"run": np.full(50, 7), "nPV": np.arange(50), "L1_A": np.arange(50) % 2 == 0}
    with uproot.recreate(path) as file:
        file.mktree("objects/tree", dict.fromkeys(columns, "var * int64")).extend(
            {name: ak.Array(value) for name, value in columns.items()}
        )
        file.mktree("info", {name: value.dtype for name, value in info.items()}).extend(info)
    return UGT, events


def phase2(path: Path) -> tuple[Layout, list[Event]]:
    layout = named_layout("p2gt")
    events = random_events(layout, 50, seed=7, beyond=3)
    names = {"quality": "qualityFlags", "scalar_pt": "scalarSumPT"}
    columns = {}
    for group in layout.groups:
        for event in events:
            event[group.name] = [item | {"valid": 1} for item in event[group.name]]
        for item in group.features:
            columns[f"{group.source}_{names.get(item.name, item.name)}"] = pa.array(
                lists(events, group.name, item.name), pa.list_(pa.int32())
            )
    pq.write_table(pa.table({name: value for name, value in columns.items() if not name.endswith("_valid")}), path)
    return layout, events


def tracks(path: Path) -> tuple[Layout, list[Event]]:
    layout = find_layout("tracker.yaml", path.parent)
    events = random_events(layout, 50, seed=8)
    rows = expected(layout, events)
    path.write_text("\n".join([",".join(layout.names), *(",".join(map(str, row)) for row in rows)]))
    return layout, events


FILES: dict[str, Callable[[Path], tuple[Layout, list[Event]]]] = {
    "events.h5": hdf5,
    "events.npz": npz,
    "rows.npy": lambda path: rows_of(named_layout("calo_regions"), path),
    "events.parquet": parquet,
    "events.csv": csv,
    "events.root": root,
    "gelato.h5": lambda path: rows_of(named_layout("gelato"), path),
    "p2gt.parquet": phase2,
    "samples.npy": lambda path: rows_of(named_layout("samples"), path),
    "tracks.csv": tracks,
}


def test_every_example_is_run():
    assert [shlex.split(command)[3] for *_, command in EXAMPLES] == list(FILES)


@pytest.mark.parametrize(("file", "_source", "content", "command"), EXAMPLES, ids=list(FILES))
def test_example(file, _source, content, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if file:
        Path(file).write_text(content)
    arguments = shlex.split(command)
    layout, events = FILES[arguments[3]](tmp_path / arguments[3])
    result = CliRunner().invoke(data, arguments[2:], catch_exceptions=False)
    assert result.exit_code == 0
    store = EventStore.open(Path(arguments[-1]))
    assert store.own == layout
    np.testing.assert_array_equal(store.read().hw, expected(layout, events))


def test_columns_beside_the_inputs(tmp_path, monkeypatch):
    for name, extra in {"events.h5": {"weight"}, "events.root": {"run", "seed_A"}, "events.parquet": {"run", "split"}}.items():
        file, _, content, command = next(item for item in EXAMPLES if name in item[3])
        monkeypatch.chdir(tmp_path)
        Path(file).write_text(content)
        FILES[name](tmp_path / name)
        CliRunner().invoke(data, [*shlex.split(command)[2:], "--force"], catch_exceptions=False)
        assert set(EventStore.open(tmp_path / "events_store.h5").extra) == extra


def test_reference_names_every_key_and_is_valid():
    import yaml

    text = re.search(r"```yaml-reference\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    mapping = TableMapping.model_validate(yaml.safe_load(text[1]))
    left_out = {"delimiter", "header"}
    assert set(TableMapping.model_fields) - set(mapping.model_fields_set) == left_out
    assert all(f"`{name}`" in PAGE or f"{name}:" in PAGE for name in ("where", "filled", "missing", "count", "axis", "step", "delimiter"))


def test_every_reader_is_on_the_page():
    for reader in READERS.values():
        assert f"| `{reader.name}` | {reader.title} |" in PAGE
        assert reader.layout is None or reader.layout in layout_names()
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{reader.name}` | {reader.title} |")]
        assert set(re.findall(r"`--([a-z-]+)`", line.split("|")[5])) == reader.options
        assert line.split("|")[3].strip().replace("`", "") == reader.recognised
