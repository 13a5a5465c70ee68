"""Training of models made of tables: from a store to a file, without TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract import tables_contract
from l1ae.data import open_dataset
from l1ae.errors import UserError
from l1ae.tables import TABLES, load_tables, train_tables, untrained_tables, used_columns

MODELS = {
    "density_tree": {"score": "surprisal"},
    "density_forest": {"score": "log_ratio", "density": {"reference": {"events": 2000}, "trees": [{"bins": 5}, {"reference_power": 0.5}]}},
    "pair_tables": {"score": "log_ratio", "pair_tables": {"reference": {"events": 2000}, "epochs": 1}},
}


def config_of(name, source, **inputs):
    architecture = "pair_tables" if name == "pair_tables" else "density_tree"
    content = {"name": "m", "inputs": {"select": {"features": ["pt"]}} | inputs, "model": {"architecture": architecture} | MODELS[name]}
    return Config.model_validate(content | {"data": {"source": str(source)}})


@pytest.mark.parametrize("name", MODELS)
def test_the_same_data_give_the_same_bytes_and_the_contract_their_scores(name, small_zero_bias, tmp_path):
    config = config_of(name, small_zero_bias)
    results = [train_tables(config, tmp_path / folder) for folder in "ab"]
    assert (tmp_path / "a" / TABLES).read_bytes() == (tmp_path / "b" / TABLES).read_bytes()
    model = load_tables(tmp_path / "a" / TABLES, config.inputs.columns)
    assert (results[0].tables, results[0].entries) == (len(model.tables), sum(table.size for table in model.tables))
    contract = tables_contract(config, model)
    hardware = open_dataset(config.data.source, config.inputs.selected).background.read(0, 3000).hw
    form, least = config.model.table_type, sum(table.min() for table in model.tables) / 2**model.halvings
    exact = contract.evaluate(hardware, [config.model.score])[config.model.score][:, 0] * contract[config.model.score].format.lsb
    # half an LSB for each table, where none saturates
    assert np.abs(exact - (model(hardware) - least)).max() <= len(model.tables) * form.lsb / 2 / 2**model.halvings + 1e-9


@pytest.mark.parametrize("name", MODELS)
def test_an_untrained_model_has_the_shape_of_a_trained_one(name, small_zero_bias, tmp_path):
    config = config_of(name, small_zero_bias)
    train_tables(config, tmp_path)
    trained, untrained = load_tables(tmp_path / TABLES, config.inputs.columns), untrained_tables(config)
    assert len(trained.tables) == len(untrained.tables)
    assert tables_contract(config, untrained).outputs == tables_contract(config, trained).outputs


def test_columns_are_chosen_by_feature_or_name_and_may_be_added():
    inputs = {"select": {"features": ["pt", "phi"]}, "add": {"ht": {"kind": "sum", "group": "jet"}}}
    config = config_of("density_tree", "zerobias", **inputs)
    names = config.inputs.columns.names
    assert len(used_columns(config)) == config.inputs.columns.present.sum()
    for asked, expected in ((("pt",), 19), (("pt", "ht"), 20), (("ht", names[0]), 2)):
        chosen = config.model_copy(update={"model": config.model.model_copy(update={"columns": asked})})
        assert len(used_columns(chosen)) == expected
    wrong = config.model_copy(update={"model": config.model.model_copy(update={"columns": ("eta",)})})
    with pytest.raises(UserError, match=r"model\.columns: 'eta' is no feature and no column of the inputs; they are"):
        used_columns(wrong)


def test_tensorflow_is_not_needed():
    code = "import sys, l1ae.tables, l1ae.contract; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
