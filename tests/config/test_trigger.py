"""The section trigger."""

import pytest
from pydantic import ValidationError

from l1ae.config import Config, SeedConfig, TriggerConfig
from l1ae.inputs import named_layout


def test_defaults_are_those_of_the_lhc_in_run_3():
    model = {"architecture": "dense_ae", "score": "squared_error"}
    trigger = Config.model_validate({"name": "x", "model": model}).trigger
    assert trigger.revolution_khz * trigger.bunches == pytest.approx(28608.8, abs=0.05)
    assert trigger.rates == (0.15, 0.5, 1.0, 3.0, 10.0)
    assert (trigger.ladder, trigger.menu_from) == ("raw", "auto")


def test_the_menu_of_eight_has_a_seed_of_every_kind():
    legs = [leg for seed in TriggerConfig(menu="eight").seeds for leg in seed.all]
    kinds = {(leg.object, len(leg.pt), leg.sum is not None) for leg in legs}
    assert kinds == {(k, n, False) for k in ("eg", "mu", "jet") for n in (1, 2)} | {("jet", 1, True), ("met", 1, False)}
    assert {leg.object for leg in legs} <= {group.name for group in named_layout("ugt").groups}


def test_one_threshold_may_be_a_number():
    assert SeedConfig(name="x", object="mu", pt=22).all[0].pt == (22.0,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"menu": [{"name": "x", "object": "mu", "pt": [3, 5]}]}, "must fall"),
        ({"menu": [{"name": "x", "object": "jet", "pt": [30, 30], "sum": 300}]}, "one pt threshold"),
        ({"menu": [{"name": "x", "object": "mu", "pt": []}]}, "at least 1"),
        ({"menu": [{"name": "x", "object": "mu", "pt": [-1]}]}, "greater than 0"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3}] * 2}, "menu has x more than once"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3, "quality": 0}]}, "greater than or equal to 1"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3, "isolation": -1}]}, "greater than or equal to 1"),
        ({"rates": [1.0, 3.0, 1.0]}, "rates has 1 more than once"),
        ({"rates": [0.0]}, "greater than 0"),
        ({"bunches": 4000}, "3564"),
        ({"ladder": "total"}, "'raw' or 'pure'"),
        ({"menus": []}, "Extra inputs"),
    ],
)
def test_mistakes_are_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        TriggerConfig.model_validate(content)


def test_a_rate_above_that_of_the_crossings_is_refused():
    with pytest.raises(ValidationError, match=r"rates has 50000 kHz, but 2544 bunches cross at 28608\.8 kHz only"):
        TriggerConfig(rates=(1.0, 50000.0))
