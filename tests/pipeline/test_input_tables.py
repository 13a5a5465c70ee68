"""Inputs as tables from training to firmware: contract, C simulation, RTL and emulator agree in every bit.

Weighted events with falling spectra; the run learns tables from its training part alone.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from l1ae.cli._main import _cli
from l1ae.config import load_config
from l1ae.contract import Contract, Elementwise, Table
from l1ae.data import TRAIN, Events, EventStore, StoreWriter, events_of
from l1ae.inputs import Layout, derive_tables, named_layout

from ..delivery.seal import seal

COUNT = 3000
UGT = named_layout("ugt").select({"mu": 2, "jet": 3, "eg": 0})
SELECT = {"mu": 2, "jet": 3, "eg": 0}
SMALL = {"encoder": [4], "latent": 1, "decoder": [4]}


def command(*arguments: object) -> str:
    result = CliRunner().invoke(_cli, [str(item) for item in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def write_events(path: Path, layout: Layout, seed: int) -> None:
    """Falling spectra, slots that are often empty, angles over their range; weights between 0 and 3."""
    rng = np.random.default_rng(seed)
    low, high = layout.code_range
    hardware = rng.integers(low, high + 1, (COUNT, layout.size))
    energies = np.flatnonzero(layout.with_role("energy"))
    spectrum = np.minimum(rng.exponential(60, (COUNT, len(energies))).astype(int), high[energies])
    hardware[:, energies] = spectrum * (rng.random(spectrum.shape) < 0.7)
    hardware = np.where(layout.mask(hardware), hardware, 0).astype(layout.dtype)
    columns = {"process": np.zeros(COUNT, np.int16), "source_event": np.arange(COUNT), "pileup": np.full(COUNT, -1, np.int16)}
    weight = rng.integers(0, 4, COUNT).astype(np.float32)
    with StoreWriter(path, layout=layout, sample="noise", processes=["noise"], provenance={}) as writer:
        writer.append(Events(hardware, **columns, extra={"weight": weight}))


def trained(tmp_path: Path, architecture: str, *, select: dict, network: str, score: str = "squared_error", **model: object) -> Path:
    """Train one epoch and compare with the C simulation; returns the run folder."""
    data, folder = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    write_events(data / "background.h5", UGT, 1)
    inputs = {"layout": "ugt", "select": select, "transform": {"pt": "surprise"}, "network": network}
    groups = {"groups": {"mu": {"shift": [0, 8, 8]}, "jet": {"shift": [0, 6, 6]}}} if architecture.startswith("set_") else {}
    epochs = {"epochs": 1}
    content = {
        "name": "tables",
        "data": {"source": str(data)},
        "inputs": inputs | groups,
        "model": {"architecture": architecture, "score": score} | SMALL | model,
        "training": {"batch_size": 256, "float_phase": epochs, "quantized_phase": epochs},
        "rtl": {"vhdl_events": 20},
    }
    (tmp_path / "tables.yaml").write_text(yaml.safe_dump(content))
    command("train", tmp_path / "tables.yaml", "--run", folder)
    command("hls", folder)
    command("csim", folder, "--events", 1000)
    report = json.loads((folder / "csim" / "report.json").read_text())
    assert (report["mismatches"], report["type_mismatches"], report["quantized"]["mismatches"]) == (0, [], 0)
    return folder


def check_tables(folder: Path, *, by_group: bool) -> Contract:
    """The tables of the contract are those of the weighted training part."""
    config = load_config(folder / "config.yaml")
    contract = Contract.load(folder / "contract" / "contract.json")
    layout = config.inputs.selected
    store = EventStore.open(Path(config.data.source) / "background.h5", layout=layout)
    blocks = [(events.hw, events.extra["weight"]) for events in events_of(config.data, store, TRAIN, extra=("weight",))]
    expected = derive_tables(layout, contract.input_table.format, {"pt": "surprise"}, blocks, by_group=by_group)
    for column in range(layout.size):
        np.testing.assert_array_equal(contract.input_table.tables[column], expected.get(column, [0]))
    hardware = store.read().hw
    np.testing.assert_array_equal(contract.evaluate(hardware, ["inputs"])["inputs"], config.inputs.spec().to_network(hardware))
    return contract


@pytest.mark.exhaustive
def test_energies_alone_to_rtl_and_emulator(tmp_path):
    folder = trained(tmp_path, "dense_ae", select=SELECT | {"features": ["pt"]}, network="ufixed<5,4,RND_CONV,SAT>")
    contract = check_tables(folder, by_group=False)
    assert isinstance(contract["inputs"], Table)
    assert contract.hardware.size == 6
    command("rtl", folder, "--events", 300)
    command("deliver", folder, "--target", "cmssw")
    assert "0 mismatches in" in command("verify", folder / "delivery")
    header = (folder / "delivery" / "cmssw" / "tables_v1" / "interface" / "tables_v1_scales.h").read_text()
    assert header.count("    {0, 12, ") == len(contract.input_table.starts[0])
    (folder / "delivery" / "cmssw" / "tables_v1" / "interface" / "tables_v1_scales.h").write_text(
        header.replace("{0, 12, 0, 0}", "{0, 12, 0, 1}")
    )
    seal(folder / "delivery" / "cmssw")
    result = CliRunner().invoke(_cli, ["verify", str(folder / "delivery")])
    assert result.exit_code != 0
    assert "STEP[0] is {0, 12, 0, 1}, not {0, 12, 0, 0}" in result.output


@pytest.mark.slow
def test_tables_beside_offsets_and_shifts_to_rtl(tmp_path):
    folder = trained(tmp_path, "dense_vae", select=SELECT, network="fixed<9,5,RND_CONV,SAT>", score="kl", decoder=[4])
    contract = check_tables(folder, by_group=False)
    assert isinstance(contract["inputs"], Elementwise)
    command("rtl", folder, "--events", 300)


@pytest.mark.slow
def test_a_set_of_objects_has_one_table_for_each_kind(tmp_path):
    folder = trained(tmp_path, "set_ae", select=SELECT, network="fixed<8,5,RND_CONV,SAT>", objects=[3])
    contract = check_tables(folder, by_group=True)
    tables, pt = contract.input_table.tables, load_config(folder / "config.yaml").inputs.selected.positions("jet", "pt")
    assert np.array_equal(tables[pt[0]], tables[pt[2]])
    assert not np.array_equal(tables[pt[0]], np.zeros_like(tables[pt[0]]))
