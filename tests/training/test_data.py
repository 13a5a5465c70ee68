import numpy as np
import pytest

from l1ae.data import EventStore, split_fractions
from l1ae.errors import UserError
from l1ae.training import _data
from l1ae.training._data import load_training_data


@pytest.mark.parametrize("chunk", [100, 65536])
def test_parts_are_those_of_the_split_whatever_the_chunks(make_config, source, monkeypatch, chunk):
    monkeypatch.setattr(_data, "CHUNK", chunk)
    config = make_config()
    data = load_training_data(config)
    events = EventStore.open(source / "background.h5").read()
    part = split_fractions(events, (0.4, 0.1), 1)
    for index, block in enumerate((data.training, data.validation)):
        hardware = events.hw[part == index]
        assert len(block) == len(hardware) > 50
        np.testing.assert_array_equal(block, hardware.reshape(-1, 57))
    assert not set(events.source_event[part == 0]) & set(events.source_event[part != 0])


def test_digest_follows_the_events(make_config):
    first, again = (load_training_data(make_config()).digest for _ in range(2))
    assert first == again != load_training_data(make_config(data={"split_seed": 2})).digest


def test_fewer_events_than_a_batch_are_refused(make_config, source):
    with pytest.raises(UserError, match=rf"data source '{source}' leaves \d+ background events for training, fewer than one batch of 2000"):
        load_training_data(make_config(batch_size=2000))


def test_no_validation_events_are_refused(make_config):
    with pytest.raises(UserError, match="no background event for validation"):
        load_training_data(make_config(data={"validation": 1e-9}))
