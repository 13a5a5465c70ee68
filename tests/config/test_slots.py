"""Slots: a design at the clock of the target that runs it, against the budget, by hand."""

import pytest

from l1ae.config import SLOTS, BudgetConfig, Config, data_frames

MODEL = {"architecture": "dense_ae", "score": "squared_error"}


def fit(target, clocks, every, period, collected=0, **budget):
    config = Config.model_validate({"name": "tiny", "model": MODEL, "budget": budget})
    return SLOTS[target].fit(latency=clocks, interval=every, period=period, given=config.budget, collected=collected)


@pytest.mark.parametrize(
    ("target", "design", "budget", "fits", "words"),
    [
        (
            "ugt",
            (26, 1, 5.0),
            {},
            False,
            "answers after 26 clocks of 25 ns (650 ns, within 26 crossings), at the clock there and not at that of 5 ns that it was "
            "made for, and the budget is 50 ns",
        ),
        ("ugt", (2, 1, 25.0), {}, True, "fits into the global trigger: it answers after 2 clocks of 25 ns (50 ns, within 2 crossings)"),
        ("ugt", (1, 1, 25.0), {}, True, "1 clock of 25 ns (25 ns, within 1 crossing)"),
        ("ugt", (3, 1, 25.0), {}, False, "and the budget is 50 ns"),
        ("ugt", (3, 1, 25.0), {"latency_ns": 75}, True, "(75 ns, within 3 crossings)"),
        ("ugt", (2, 1, 25.0), {"latency_ns": 25}, False, "and the budget is 25 ns"),
        ("ugt", (2, 1, 25.0), {"latency_cycles": 1}, False, "and the budget is 1 clock;"),
        ("ugt", (2, 4, 25.0), {}, False, "takes an event every 4 clocks (II), and the budget is 1"),
        ("ugt", (2, 4, 25.0), {"interval": 4}, True, "within 2 crossings"),
        ("ugt", (1, 1, 30.0), {}, False, "made for a clock of 30 ns, and that of the global trigger is 25 ns"),
        ("emp", (26, 1, 5.0), {}, False, "made for a clock of 5 ns, and that of an EMP board is 4.167 ns"),
        ("emp", (26, 1, 25 / 6), {}, True, "26 clocks of 4.167 ns"),
        ("emp", (26, 1, 2.78), {}, True, "26 clocks of 2.778 ns (72.22 ns, within 3 crossings)"),
        # 5 frames of 4.167 ns to collect, 1 into the network, 4 in it
        (
            *("emp", (4, 1, 4.16, 5), {}, True),
            "it answers 10 clocks of 4.167 ns (41.67 ns, within 2 crossings) after the first frame of its event: 5 to collect it, "
            "1 into the network, 4 in it",
        ),
        ("emp", (7, 1, 2.77, 5), {"latency_ns": 30}, False, "13 clocks of 2.778 ns (36.11 ns, within 2 crossings) after the first frame"),
        ("emp", (7, 1, 2.77, 5), {"latency_ns": 36.2}, True, "36.11 ns"),
        ("emp", (4, 1, 4.0, 5), {"latency_cycles": 9}, False, "and the budget is 9 clocks"),
        ("emp", (26, 8, 4.0), {}, True, "26 clocks"),
    ],
)
def test_a_design_fits_at_the_clock_of_its_slot(target, design, budget, fits, words):
    found = fit(target, *design, **budget)
    assert (found.target, found.fits) == (target, fits)
    assert words in found.text


@pytest.mark.parametrize(
    ("target", "design", "budget", "helps", "does_not"),
    [
        ("emp", (7, 1, 2.77, 5), {"latency_ns": 15}, "raise budget.latency_ns", "rtl.clock_period"),
        ("emp", (7, 1, 5.0, 5), {}, "set rtl.clock_period to 4.16 (240 MHz) or 2.77 (360 MHz)", "budget."),
        ("emp", (7, 4, 2.77, 5), {"interval": 1}, "set rtl.interval to a smaller value", "rtl.clock_period"),
        ("ugt", (2, 4, 25.0), {}, "set rtl.interval to 1", "rtl.crossings"),
        ("ugt", (4, 1, 25.0), {}, "set rtl.crossings to 1 or 2", "rtl.interval"),
    ],
)
def test_the_remedy_is_one_for_what_is_missed(target, design, budget, helps, does_not):
    text = fit(target, *design, **budget).text
    assert helps in text
    assert does_not not in text


@pytest.mark.parametrize(("target", "design"), [("ugt", (26, 3, 30.0)), ("emp", (26, 3, 5.0))])
def test_there_is_nothing_to_run_again_before_anything_was_made(target, design):
    latency, interval, period = design
    given = BudgetConfig(latency_ns=1, interval=1)
    made, asked = (
        SLOTS[target].fit(latency=latency, interval=interval, period=period, given=given, made=made).text for made in (True, False)
    )
    assert "run `l1ae rtl` again" in made
    assert asked == made.replace(" and run `l1ae rtl` again", "")


def test_several_reasons_are_all_told():
    text = fit("ugt", 26, 3, 30.0).text
    assert text.index("made for a clock") < text.index("answers after") < text.index("takes an event")


@pytest.mark.parametrize(("period", "frames"), [(25 / 9, 9), (2.78, 9), (2.5, 9), (2.79, 6), (4.16, 6), (5.0, 6), (25.0, 6)])
def test_frames_of_a_crossing(period, frames):
    assert data_frames(period) == frames


def test_every_slot_is_that_of_a_target():
    from l1ae.delivery import TARGETS, Timing

    timing, config = Timing(57, 16, 2, 1, 25.0), Config.model_validate({"name": "tiny", "model": MODEL})
    found = {name: target.slot(timing, config.budget).target for name, target in TARGETS.items() if target.slot is not None}
    assert found == {name: name for name in SLOTS}
