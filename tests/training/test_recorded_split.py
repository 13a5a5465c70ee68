"""Training data with the split that the events were published with."""

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.data import Events, StoreWriter
from l1ae.errors import UserError
from l1ae.inputs import named_layout
from l1ae.training._data import load_training_data

LAYOUT = named_layout("ugt")


def background(folder, parts):
    number = 60
    random = np.random.default_rng(11)
    hw = np.zeros((number, LAYOUT.size), LAYOUT.dtype)
    hw[:, 0] = 1 + np.arange(number)
    extra = {} if parts is None else {"split": random.permutation(np.repeat(parts, number // len(parts))).astype(np.int8)}
    with StoreWriter(folder / "background.h5", LAYOUT, sample="s", processes=["p"], provenance={}) as writer:
        writer.append(Events(hw, np.zeros(number, np.int16), np.arange(number), np.full(number, -1, np.int16), extra))
    config = Config.model_validate(
        {
            "name": "tiny",
            "data": {"source": str(folder), "split": "recorded"},
            "model": {"architecture": "dense_ae", "score": "squared_error"},
            "training": {"batch_size": 8},
        }
    )
    return config, hw, extra.get("split")


def test_events_are_those_of_the_recorded_parts(tmp_path):
    config, hw, parts = background(tmp_path, [0, 0, 1, 2])
    data = load_training_data(config)
    np.testing.assert_array_equal(data.training, hw[parts == 0])
    np.testing.assert_array_equal(data.validation, hw[parts == 1])


def test_a_background_without_recorded_split_is_refused(tmp_path):
    config, _, _ = background(tmp_path, None)
    with pytest.raises(UserError, match=r"background.h5: has no recorded split .* or set data.split: hash"):
        load_training_data(config)


def test_a_background_of_one_split_is_refused(tmp_path):
    config, _, _ = background(tmp_path, [0])
    with pytest.raises(UserError, match="leaves no background event for validation"):
        load_training_data(config)
