"""Whether empty slots count in the reconstruction error, from the configuration to the contract."""

from pathlib import Path

import numpy as np
import pytest

from l1ae.config import load_config
from l1ae.errors import UserError
from l1ae.pipeline._models import untrained_contract

CONFIG = Path(__file__).parent.parent.parent / "configs" / "linear_ae.yaml"


@pytest.mark.parametrize("counted", [True, False])
def test_the_score_is_the_sum_over_the_slots_that_count(counted):
    config = load_config(CONFIG, ("inputs.empty_slots=counted",) if counted else ())
    contract, spec = untrained_contract(config), config.inputs.spec()
    rng = np.random.default_rng(3)
    hardware = rng.integers(*(bound for bound in spec.code_range), size=(200, spec.size), endpoint=True)
    heads = np.unique(spec.gate[spec.gate >= 0])
    hardware[:, heads] *= rng.random((200, len(heads))) < 0.5
    found = contract.evaluate(hardware, ["inputs", "out_q", "squared_error"])
    inputs, outputs = (found[name] * contract[name].format.lsb for name in ("inputs", "out_q"))
    empty = (spec.gate >= 0) & (hardware[:, np.maximum(spec.gate, 0)] == 0)
    assert (inputs[empty] == 0).all()
    assert (outputs[empty] != 0).any()
    counts = spec.present & (np.ones_like(empty) if counted else ~empty)
    expected = (np.where(counts, inputs - outputs, 0.0) ** 2).sum(axis=1)
    np.testing.assert_array_equal(found["squared_error"][:, 0] * contract["squared_error"].format.lsb, expected)


def test_without_slots_there_is_nothing_to_count():
    with pytest.raises(UserError, match="empty_slots: counted has no effect on layout 'calo_regions'"):
        load_config(CONFIG, ("inputs.layout=calo_regions", "inputs.empty_slots=counted"))
