"""The budget against rows of figures: the latest stage decides, and what nobody knows is no pass."""

import pytest

from l1ae.config import BudgetConfig
from l1ae.delivery._budget import check_budget
from l1ae.delivery._reports import Amount
from l1ae.delivery._reports_find import StageFigures

LIMITS = {
    "latency_ns": 100,
    "latency_cycles": 20,
    "interval": 1,
    "lut": 1000,
    "ff": 2000,
    "dsp": 0,
    "bram": 1.5,
    "uram": 0,
    "slack_ns": 0.0,
}


def row(design="rtl", stage="route", doubts=(), **values):
    amounts = {name: Amount(values.pop(name), 10_000) for name in ("lut", "ff", "dsp", "bram", "uram") if name in values}
    return StageFigures(design, stage, "a tool", resources=amounts, doubts=doubts, **values)


FULL = {
    "latency_ns": 100.0,
    "latency_cycles": 20,
    "interval": 1,
    "lut": 1000,
    "ff": 2000,
    "dsp": 0,
    "bram": 1.5,
    "uram": 0,
    "slack_ns": 0.0,
}


def outcomes(budget, design="rtl"):
    return {line.quantity: (line.outcome, line.stage) for line in budget.verdicts if line.design == design}


def test_the_limit_itself_passes():
    budget = check_budget(BudgetConfig(**LIMITS), [row(**FULL)])
    assert budget.passed
    assert outcomes(budget) == dict.fromkeys(LIMITS, ("passed", "route"))


@pytest.mark.parametrize("quantity", list(LIMITS))
def test_each_quantity_can_fail(quantity):
    step = -0.001 if quantity == "slack_ns" else 1
    budget = check_budget(BudgetConfig(**LIMITS), [row(**FULL | {quantity: FULL[quantity] + step})])
    assert not budget.passed
    assert [line.quantity for line in budget.of("rtl", "failed")] == [quantity]


@pytest.mark.parametrize("quantity", list(LIMITS))
def test_not_known_is_no_pass(quantity):
    budget = check_budget(BudgetConfig(**LIMITS), [row(**{name: value for name, value in FULL.items() if name != quantity})])
    assert not budget.passed
    assert [(line.quantity, line.value, line.stage) for line in budget.of("rtl", "not known")] == [(quantity, None, None)]
    assert budget.of("rtl", "failed") == ()


def test_the_latest_stage_that_knows_it_decides():
    rows = [row(stage=stage, lut=lut) for stage, lut in (("estimate", 5), ("route", None), ("open synthesis", 7000), ("synth", 900))]
    budget = check_budget(BudgetConfig(lut=1000), rows)
    assert outcomes(budget) == {"lut": ("passed", "synth")}
    assert [(line.stage, line.outcome) for line in budget.lines] == [
        ("estimate", "passed"),
        ("open synthesis", "failed"),
        ("synth", "passed"),
        ("route", "not known"),
    ]
    order = ("estimate", "open synthesis", "csynth", "cosim", "synth", "place", "route")
    for k in range(1, len(order) + 1):
        several = [row(stage=stage, lut=1001 if stage == order[k - 1] else 1) for stage in order[:k]]
        assert outcomes(check_budget(BudgetConfig(lut=1000), several)) == {"lut": ("failed", order[k - 1])}


def test_designs_do_not_answer_for_each_other():
    budget = check_budget(BudgetConfig(lut=1000), [row("hls", "route", lut=2000), row("rtl", "open synthesis", lut=900)])
    assert outcomes(budget, "hls") == {"lut": ("failed", "route")}
    assert outcomes(budget, "rtl") == {"lut": ("passed", "open synthesis")}
    assert not budget.passed


def test_a_doubtful_row_decides_nothing():
    old = row(stage="route", lut=10, doubts=("older than the project",))
    assert outcomes(check_budget(BudgetConfig(lut=1000), [old])) == {"lut": ("not known", None)}
    assert outcomes(check_budget(BudgetConfig(lut=1000), [old, row(stage="open synthesis", lut=1200)])) == {
        "lut": ("failed", "open synthesis")
    }


def test_without_figures_or_limits_nothing_passes():
    assert not check_budget(BudgetConfig(**LIMITS), []).passed
    assert not check_budget(BudgetConfig(), [row(**FULL)]).passed


def test_in_words():
    lines = check_budget(BudgetConfig(lut=1000, slack_ns=0.1, uram=3), [row(lut=1200, slack_ns=0.25)]).verdicts
    assert [str(line) for line in lines] == [
        "LUT of the RTL design: 1200 (route, a tool), the budget is at most 1000: failed",
        "URAM of the RTL design: not known, the budget is 3",
        "slack in ns of the RTL design: 0.25 (route, a tool), the budget is at least 0.1: passed",
    ]
