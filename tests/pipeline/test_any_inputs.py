"""From a file in its own format to verified firmware, by YAML alone: another trigger's inputs need no line of Python.

Each case writes a small file as people have them, imports it with the command line, trains the model of `configs/inputs` (or one
written here) for an epoch, and compares contract and C simulation in every bit. The events are random, in the shape of real ones:
falling spectra, empty slots, saturated codes.
"""

import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from l1ae.cli._main import _cli
from l1ae.contract import Contract
from l1ae.data import EventStore
from l1ae.inputs import Layout, find_layout, layout_text, named_layout

from ..levels import exhaustive

CONFIGS = Path(__file__).parents[2] / "configs" / "inputs"
COUNT = 3000
SMOKE = (
    "training.batch_size=256",
    "training.float_phase.epochs=1",
    "training.quantized_phase.epochs=1",
)


def command(*arguments: object) -> str:
    """Run `l1ae` and return what it prints."""
    result = CliRunner().invoke(_cli, [str(item) for item in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def codes_of(layout: Layout, seed: int) -> np.ndarray:
    """Events (COUNT, size) in the shape of real ones, over the valid codes of the layout."""
    rng = np.random.default_rng(seed)
    hardware = np.zeros((COUNT, layout.size), np.int64)
    for column in layout.columns:
        low, high = column.feature.range
        scale = (high - low) / 12 / (1 + column.slot)
        spread = rng.exponential(scale, COUNT) if column.feature.role == "energy" else rng.uniform(0, high - low + 1, COUNT)
        hardware[:, column.number] = np.clip(low + spread, low, high)
    heads = np.unique(layout.gate[layout.gate >= 0])
    slots = np.searchsorted(heads, layout.gate)
    filled = rng.random((COUNT, len(heads))) < np.linspace(0.95, 0.1, len(heads)) if len(heads) else np.ones((COUNT, 1), bool)
    hardware[:, heads] = np.maximum(hardware[:, heads], 1)
    return np.where((layout.gate < 0) | filled[:, np.where(layout.gate < 0, 0, slots)], hardware, 0) * layout.present


def run(config: Path, folder: Path, data: Path, *overrides: str) -> Path:
    """Train and verify; returns the run folder."""
    settings = [item for override in (*SMOKE, f"data.source={data}", *overrides) for item in ("--set", override)]
    command("run", config, "--run", folder, "--events", 1500, *settings)
    content = json.loads((folder / "csim" / "report.json").read_text())
    assert (content["mismatches"], content["type_mismatches"], content["quantized"]["mismatches"]) == (0, [], 0)
    assert content["events"] >= 1000
    assert content["corner_vectors"] > 100
    return folder


def check_store(path: Path, layout: Layout, expected: np.ndarray) -> None:
    store = EventStore.open(path)
    assert store.own.digest == layout.digest
    np.testing.assert_array_equal(store.read().hw, expected)


def write_record(folder: Path, hardware: np.ndarray, layout: Layout, split: str, start: int) -> None:
    """One split directory of the public record as on Zenodo: lists of objects in one folder per collection."""
    sources = {group.name: group.source for group in layout.groups}
    tables: dict[str, dict[str, pa.Array]] = {}
    for group in layout.groups:
        block = layout.block(hardware, group.name)
        filled = block[:, :, 0] > 0
        if group.kind == "sums":
            filled[:] = True
        offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
        tables[sources[group.name]] = {
            feature.source: pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(block[:, :, k][filled], pa.int16()))
            for k, feature in enumerate(group.features)
            if not feature.absent
        }
    count = len(hardware)

    def one(values, kind):
        return pa.LargeListArray.from_arrays(pa.array(np.arange(count + 1), pa.int64()), pa.array(values, kind))

    muons = tables.get("muons", {})
    for name in ("muonIEta", "muonIPhi"):
        if f"{name}AtVtx" in muons:
            muons.setdefault(name, muons[f"{name}AtVtx"])
        elif name in muons:
            muons.setdefault(f"{name}AtVtx", muons[name])
    tables["ET"] = {"Et": one(np.full(count, 300), pa.int16()), "ETTEM": one(np.full(count, 100), pa.int16())}
    tables["event_info"] = {
        name: one(np.arange(count), kind)
        for name, kind in (("run", pa.uint32()), ("lumi", pa.uint32()), ("event", pa.uint64()), ("bx", pa.uint32()), ("orbit", pa.uint64()))
    } | {
        "time": one(np.arange(count), pa.uint64()),
        "nPV_True": one(np.full(count, 50.0), pa.float32()),
        "split": pa.array([split] * count),
        "order": pa.array(start + np.arange(count), pa.int64()),
    }
    jet = hardware[:, layout.positions("jet", "pt")[0]] >= 360
    tables["seeds"] = {"L1_SingleJet180": one(jet, pa.bool_()), "L1bit": one(jet, pa.bool_())}
    for name, columns in tables.items():
        (folder / split / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder / split / name / "00000.parquet")


def unsaturated(layout: Layout, hardware: np.ndarray) -> np.ndarray:
    """Events whose objects are in order, and of which no energy has its saturation code: what the record's layout keeps."""
    result = hardware.copy()
    for group in layout.groups:
        block = layout.block(result, group.name)
        block[:, :, 0] = np.minimum(block[:, :, 0], group.features[0].saturation - 1)
        order = np.argsort(-block[:, :, 0], axis=1, kind="stable")
        block[:] = np.take_along_axis(block, order[..., None], axis=1)
    return result


def import_record(tmp_path: Path, layout: Layout, name: str) -> Path:
    """Background and one signal in the record's files, imported; returns the data folder."""
    hardware = unsaturated(layout, codes_of(layout, 1))
    run_folder = tmp_path / "zerobias" / "ZB_run396102"
    edges = {"train": slice(0, 1800), "valid": slice(1800, 2200), "test": slice(2200, COUNT)}
    for split, part in edges.items():
        write_record(run_folder, hardware[part], layout, split, 0)
    signal = unsaturated(layout, codes_of(layout, 2))
    write_record(tmp_path / "signal" / "GluGluHTo2B", signal, layout, "test", 0)
    data = tmp_path / "data"
    command("data", "import", run_folder, "-o", data / "background.h5", "--layout", name)
    command("data", "import", tmp_path / "signal" / "GluGluHTo2B", "-o", data / "h2b.h5", "--layout", name)
    stored = EventStore.open(data / "background.h5").read(extra=("split",))
    for code, part in enumerate(edges.values()):
        np.testing.assert_array_equal(stored.hw[stored.extra["split"] == code], hardware[part])
    return data


@pytest.mark.slow
def test_the_public_record_to_contract_and_c_simulation(tmp_path):
    layout = named_layout("cms_l1_record")
    data = import_record(tmp_path, layout, "cms_l1_record")
    folder = run(CONFIGS / "record_ae.yaml", tmp_path / "run", data, f"trigger.zero_bias={data / 'background.h5'}")
    contract = Contract.load(folder / "contract" / "contract.json")
    assert (contract.hardware.size, contract.layout) == (117, layout)
    points = json.loads((folder / "trigger" / "working_points.json").read_text())
    assert [seed["name"] for seed in points["menu"]["seeds"]] == ["L1_SingleJet180"]


@pytest.mark.exhaustive
def test_the_record_with_angles_at_the_vertex_to_rtl_emulator_and_global_trigger(tmp_path):
    """A variant of a named layout is a copy of its YAML; these angles have a place in the global trigger's words."""
    text = layout_text("cms_l1_record").replace("muonIEta,", "muonIEtaAtVtx,").replace("muonIPhi,", "muonIPhiAtVtx,")
    text = text.replace("lsb: 0.010875, bin: centre}", "lsb: 0.010875, bit: 23}").replace("period: 576, bit: 43}", "period: 576, bit: 0}")
    (tmp_path / "vertex.yaml").write_text(text.replace("name: cms_l1_record", "name: record_vertex"))
    layout = find_layout(str(tmp_path / "vertex.yaml"))
    data = import_record(tmp_path, layout, str(tmp_path / "vertex.yaml"))
    small = ("model.encoder=[6]", "model.latent=2", "model.decoder=[6]", f"inputs.layout={tmp_path / 'vertex.yaml'}", "rtl.vhdl_events=20")
    folder = run(CONFIGS / "record_ae.yaml", tmp_path / "run", data, *small, f"trigger.zero_bias={data / 'background.h5'}")
    command("rtl", folder, "--events", 1000)
    command("deliver", folder, "--target", "cmssw", "--target", "ugt")
    assert "0 differing" in command("verify", folder / "delivery")


def samples_file(tmp_path: Path) -> tuple[Path, np.ndarray]:
    codes = codes_of(named_layout("samples"), 3)
    path = tmp_path / "pulses.npy"
    np.save(path, codes.astype(np.uint16))
    return path, codes


def gelato_file(tmp_path: Path) -> tuple[Path, np.ndarray]:
    codes = codes_of(named_layout("gelato"), 4)
    path = tmp_path / "tobs.h5"
    with h5py.File(path, "w") as file:
        file["tobs"] = codes.astype(np.int32)
    return path, codes


def p2gt_file(tmp_path: Path) -> tuple[Path, np.ndarray]:
    layout = named_layout("p2gt")
    codes = codes_of(layout, 5)
    columns = {
        name: pa.array(codes[:, layout.positions(group.name, feature.name)].tolist(), pa.list_(pa.int32()))
        for group in layout.groups
        for feature in group.features
        for name in (f"{group.source}_{feature.name}",)
    }
    path = tmp_path / "p2gt.parquet"
    pq.write_table(pa.table(columns), path)
    return path, codes


def p2gt_map() -> dict:
    layout = named_layout("p2gt")
    groups = {
        group.name: {
            "features": {feature.name: f"{group.source}_{feature.name}" for feature in group.features},
            "filled": f"{group.source}_valid",
        }
        for group in layout.groups
    }
    return {"layout": "p2gt", "values": "codes", "groups": groups}


CHAMBER = {
    "name": "muon_chamber",
    "groups": [
        {
            "name": "mu",
            "slots": 2,
            "features": [
                {"name": "pt", "role": "energy", "bits": 9, "lsb": 0.5, "unit": "GeV"},
                {"name": "bend", "bits": 6, "signed": True},
                {"name": "quality", "role": "quality", "bits": 4},
            ],
        },
        {"name": "strip", "kind": "vector", "slots": 5, "features": [{"name": "charge", "bits": 7, "unit": "fC"}]},
    ],
}


def chamber_file(tmp_path: Path) -> tuple[Path, np.ndarray]:
    layout = Layout.model_validate(CHAMBER)
    codes = codes_of(layout, 6)
    path = tmp_path / "chamber.csv"
    np.savetxt(path, codes, fmt="%d", delimiter=",", header=",".join(layout.names), comments="")
    (tmp_path / "muon_chamber.yaml").write_text(yaml.safe_dump(CHAMBER))
    return path, codes


def chamber_config(tmp_path: Path) -> Path:
    model = {"architecture": "dense_ae", "encoder": [6], "latent": 2, "decoder": [6], "score": "absolute_error"}
    path = tmp_path / "chamber_ae.yaml"
    path.write_text(yaml.safe_dump({"name": "chamber_ae", "inputs": {"layout": "muon_chamber.yaml"}, "model": model}))
    return path


CASES = {
    "samples": (samples_file, lambda _: {"layout": "samples", "values": "codes"}, lambda _: CONFIGS / "samples_ae.yaml"),
    "gelato": (gelato_file, lambda _: {"layout": "gelato", "table": "tobs", "values": "codes"}, lambda _: CONFIGS / "gelato_ae.yaml"),
    "p2gt": (p2gt_file, lambda _: p2gt_map(), lambda _: CONFIGS / "p2gt_ae.yaml"),
    "an invented one": (chamber_file, lambda _: {"layout": "muon_chamber.yaml", "values": "codes"}, chamber_config),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", exhaustive(CASES, ()))
def test_any_inputs_from_their_file_to_c_simulation(case, tmp_path):
    make_file, make_map, make_config = CASES[case]
    path, codes = make_file(tmp_path)
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(make_map(tmp_path)))
    layout = find_layout(make_map(tmp_path)["layout"], tmp_path)
    command("data", "import", path, "--map", tmp_path / "map.yaml", "-o", tmp_path / "data" / "background.h5")
    check_store(tmp_path / "data" / "background.h5", layout, codes)
    folder = run(make_config(tmp_path), tmp_path / "run", tmp_path / "data")
    assert Contract.load(folder / "contract" / "contract.json").layout.digest == layout.digest
