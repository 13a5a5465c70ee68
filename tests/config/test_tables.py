"""`inputs.transform`: what is refused, and that what training found comes back from YAML."""

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from l1ae.config import Config, InputsConfig
from l1ae.errors import UserError
from l1ae.inputs import steps_of

CELLS = {"name": "cells", "groups": [{"name": "cell", "kind": "vector", "slots": 2, "features": [{"name": "adc", "bits": 4}]}]}
STEPS = [[0, 0], [3, 1], [9, 6]]
MODEL = {"architecture": "dense_ae", "latent": 1, "score": "squared_error"}


def tables(**steps):
    return {"layout": CELLS, "transform": {"adc": "surprise"}, "derived": {"offset": [0, 0], "shift": [0, 0], "tables": steps}}


def test_before_training_there_is_no_table():
    inputs = InputsConfig(transform={"pt": "surprise"})
    assert inputs.from_data
    assert not inputs.automatic
    with pytest.raises(
        UserError, match=r"inputs\.transform takes tables from training data, and there was no training yet; run `l1ae train`"
    ):
        inputs.spec()
    assert inputs.linear().shift[0] == 0


def test_what_training_found_comes_back_from_yaml():
    content = {"name": "m", "inputs": tables(cell0=STEPS, cell1=[[0, 2]]) | {"network": "ufixed<4,3,RND,SAT>"}, "model": MODEL}
    config = Config.model_validate(yaml.safe_load(yaml.safe_dump(Config.model_validate(content).model_dump(mode="json"))))
    spec = config.inputs.spec()
    np.testing.assert_array_equal(spec.tables[0], [0, 0, 0, 1, 1, 1, 1, 1, 1, 6, 6, 6, 6, 6, 6, 6])
    np.testing.assert_array_equal(spec.tables[1], [2] * 16)
    assert [list(map(list, steps_of(spec.tables[k]))) for k in (0, 1)] == [STEPS, [[0, 2]]]
    assert spec.functions == {"adc": "surprise"}
    assert config.inputs == Config.model_validate(content).inputs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"transform": {"pt": "log"}}, "surprise"),
        ({"transform": {"et": "log2"}}, r"transform\.et: layout 'ugt' has no such feature; it has eta, phi, pt"),
        ({"transform": {"eta": "log2"}}, r"transform\.eta: eg_eta has codes below 0"),
        ({"transform": {"pt": "log2"}, "groups": {"jet": {"shift": [1, 6, 6]}}}, r"groups\.jet\.shift: jet0_pt enters as a table"),
        ({"transform_bits": 5}, "transform_bits: 5 has no effect without transform"),
        (tables(cell0=STEPS), "derived.tables has cell0, transform asks for cell0, cell1"),
        (tables(cell0=STEPS, cell1=[[1, 0]]), r"derived\.tables\.cell1: its steps must rise from hardware code 0"),
        (tables(cell0=STEPS, cell1=[[0, 3], [2, 1]]), r"derived\.tables\.cell1: .* that do not fall"),
        (tables(cell0=STEPS, cell1=[[0, 0], [16, 1]]), r"derived\.tables\.cell1: its steps"),
        (tables(cell0=STEPS, cell1=[[0, 5000]]), r"codes of fixed<12,6,RND_CONV,SAT>"),
        (tables(cell0=STEPS, cell1=[]), r"derived\.tables\.cell1: its steps"),
    ],
)
def test_what_does_not_fit_is_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        InputsConfig.model_validate(content)


def test_zeros_of_a_group_may_stand_beside_a_table():
    inputs = InputsConfig.model_validate({"transform": {"pt": "log2"}, "groups": {"jet": {"shift": [0, 5, 5]}}})
    assert inputs.linear().shift[-2] == 5


def test_what_was_trained_elsewhere_takes_no_tables():
    model = {"architecture": "imported", "source": "other.keras", "score": "squared_error"}
    with pytest.raises(ValidationError, match="makes new tables from data, which it does not know; remove it"):
        Config.model_validate({"name": "m", "inputs": {"transform": {"pt": "surprise"}}, "model": model})


def test_a_set_of_objects_may_have_tables():
    """What the preset says of pt by slot is no contradiction, for the table takes its place."""
    alike = {"eg": {"shift": [0, 6, 6]}, "mu": {"shift": [0, 8, 8]}, "jet": {"shift": [0, 6, 6]}}
    model = {"architecture": "set_ae", "score": "squared_error"}
    Config.model_validate({"name": "m", "inputs": {"transform": {"pt": "surprise"}, "groups": alike}, "model": model})
