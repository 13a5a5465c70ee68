"""Added columns from training to firmware: contract, C simulation, RTL and emulator agree in every bit."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from l1ae.config import load_config
from l1ae.contract import Contract
from l1ae.data import TRAIN, EventStore, events_of
from l1ae.inputs import derive_preprocessing, derive_tables

from .test_input_tables import SELECT, UGT, command, write_events

ADD = {
    "n_jet": {"kind": "multiplicity", "group": "jet", "threshold": 60},
    "ht": {"kind": "sum", "group": "jet", "bits": 10},
    "dphi": {"kind": "delta_phi", "slots": ["mu[0]", "met"]},
    "eta_jet": {"kind": "abs_eta", "slot": "jet[0]"},
}


def trained(tmp_path, inputs, **model):
    (tmp_path / "data").mkdir()
    write_events(tmp_path / "data" / "background.h5", UGT, 1)
    epochs = {"epochs": 1}
    content = {
        "name": "added",
        "data": {"source": str(tmp_path / "data")},
        "inputs": {"layout": "ugt", "select": SELECT, "add": ADD} | inputs,
        "model": {"score": "squared_error", "encoder": [4], "latent": 1, "decoder": [4]} | model,
        "training": {"batch_size": 256, "float_phase": epochs, "quantized_phase": epochs, "noise": {"masking": 0.1}},
        "rtl": {"vhdl_events": 20},
    }
    (tmp_path / "added.yaml").write_text(yaml.safe_dump(content))
    folder = tmp_path / "run"
    command("train", tmp_path / "added.yaml", "--run", folder)
    command("hls", folder)
    command("csim", folder, "--events", 1000)
    report = json.loads((folder / "csim" / "report.json").read_text())
    assert (report["mismatches"], report["type_mismatches"], report["quantized"]["mismatches"]) == (0, [], 0)
    return folder


def training_blocks(config):
    store = EventStore.open(Path(config.data.source) / "background.h5", layout=config.inputs.selected)
    found = events_of(config.data, store, TRAIN, extra=("weight",))
    return [(config.inputs.event(events.hw), events.extra["weight"]) for events in found]


@pytest.mark.exhaustive
def test_tables_over_added_columns_to_rtl_and_emulator(tmp_path):
    folder = trained(
        tmp_path, {"transform": {"pt": "surprise", "ht": "surprise"}, "network": "fixed<9,5,RND_CONV,SAT>"}, architecture="dense_ae"
    )
    config, contract = load_config(folder / "config.yaml"), Contract.load(folder / "contract" / "contract.json")
    layout = config.inputs.columns
    expected = derive_tables(layout, config.inputs.spec().network, config.inputs.transform, training_blocks(config))
    ht = layout.names.index("ht")
    np.testing.assert_array_equal(contract.input_table.tables[ht], expected[ht])
    assert len(contract.input_table.starts[ht]) > 5
    hardware = EventStore.open(tmp_path / "data" / "background.h5", layout=config.inputs.selected).read().hw
    np.testing.assert_array_equal(contract.evaluate(hardware, ["inputs"])["inputs"], config.inputs.spec().to_network(hardware))
    command("rtl", folder, "--events", 300)
    command("deliver", folder, "--target", "cmssw")
    assert "0 mismatches in" in command("verify", folder / "delivery")
    header = (folder / "delivery" / "cmssw" / "added_v1" / "interface" / "added_v1_scales.h").read_text()
    assert "PREPROCESSING[NETWORK_INPUTS] = {" in header
    assert f"inline constexpr int NETWORK_INPUTS = {layout.size};" in header
    command("report", folder)
    assert "n_jet" in (folder / "report.html").read_text()


@pytest.mark.slow
def test_offsets_and_shifts_of_added_columns_come_from_the_data(tmp_path):
    shape = {"convolutions": [{"filters": 2, "kernel": [2, 2]}]}
    folder = trained(tmp_path, {"preprocessing": "auto"}, architecture="conv_ae", **shape)
    config = load_config(folder / "config.yaml")
    offset, shift = derive_preprocessing(config.inputs.columns, training_blocks(config))
    assert config.inputs.derived.offset == tuple(offset)
    assert config.inputs.derived.shift == tuple(shift)
    names = config.inputs.columns.names
    assert min(shift[names.index(name)] for name in ("ht", "dphi", "eta_jet")) > 4
