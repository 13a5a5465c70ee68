"""The section `budget`."""

import pytest
from pydantic import ValidationError

from l1ae.config import BudgetConfig, Config, dump_config

MINIMAL = {"name": "tiny", "model": {"architecture": "dense_ae", "score": "squared_error"}}


def test_nothing_is_limited_by_default():
    assert set(Config.model_validate(MINIMAL).budget.model_dump().values()) == {None}


def test_limits_are_kept():
    budget = Config.model_validate(MINIMAL | {"budget": {"lut": 50000, "bram": 0.5, "slack_ns": -0.1}}).budget
    assert (budget.lut, budget.bram, budget.slack_ns) == (50000, 0.5, -0.1)
    assert "lut: 50000" in dump_config(Config.model_validate(MINIMAL | {"budget": {"lut": 50000}}))


@pytest.mark.parametrize("limits", [{"lut": -1}, {"latency_ns": 0}, {"interval": 0}, {"dsp": 1.5}, {"luts": 3}])
def test_what_is_no_limit_is_refused(limits):
    with pytest.raises(ValidationError, match=next(iter(limits))):
        BudgetConfig(**limits)
