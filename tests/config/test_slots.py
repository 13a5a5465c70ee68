"""Slots: a design at the clock of the target that runs it, against the budget, by hand."""

import pytest

from l1ae.config import SLOTS, Config, data_frames

MODEL = {"architecture": "dense_ae", "score": "squared_error"}


def fit(target, clocks, every, period, **budget):
    config = Config.model_validate({"name": "tiny", "model": MODEL, "budget": budget})
    return SLOTS[target].fit(latency=clocks, interval=every, period=period, given=config.budget)


@pytest.mark.parametrize(
    ("target", "design", "budget", "fits", "words"),
    [
        (
            "ugt",
            (26, 1, 5.0),
            {},
            False,
            "for a clock of 5 ns it takes 26 clocks, and the clock here is one of 25 ns, so that they are 650 ns, and the budget is 50 ns",
        ),
        ("ugt", (2, 1, 25.0), {}, True, "fits into the global trigger: it answers after 2 clocks of 25 ns, 2 crossings (50 ns)"),
        ("ugt", (3, 1, 25.0), {}, False, "and the budget is 50 ns"),
        ("ugt", (3, 1, 25.0), {"latency_ns": 75}, True, "3 crossings (75 ns)"),
        ("ugt", (2, 1, 25.0), {"latency_ns": 25}, False, "and the budget is 25 ns"),
        ("ugt", (2, 1, 25.0), {"latency_cycles": 1}, False, "and the budget is 1 clocks"),
        ("ugt", (2, 4, 25.0), {}, False, "takes an event every 4 clocks (II), and the budget is 1"),
        ("ugt", (2, 4, 25.0), {"interval": 4}, True, "2 crossings"),
        ("ugt", (1, 1, 30.0), {}, False, "it is for a clock of 30 ns, and that of the global trigger is 25 ns"),
        ("emp", (26, 1, 5.0), {}, False, "it is for a clock of 5 ns, and that of an EMP board is 4.167 ns"),
        ("emp", (26, 1, 4.16), {}, True, "26 clocks of 4.167 ns, 5 crossings (108.3 ns)"),
        ("emp", (26, 1, 25 / 6), {}, True, "26 clocks of 4.167 ns"),
        ("emp", (26, 1, 2.78), {}, True, "26 clocks of 2.778 ns, 3 crossings (72.22 ns)"),
        ("emp", (26, 1, 4.0), {"latency_ns": 100}, False, "so that they are 108.3 ns, and the budget is 100 ns"),
        ("emp", (26, 8, 4.0), {}, True, "26 clocks"),
    ],
)
def test_a_design_fits_at_the_clock_of_its_slot(target, design, budget, fits, words):
    found = fit(target, *design, **budget)
    assert (found.target, found.fits) == (target, fits)
    assert words in found.text
    assert ("; set rtl." in found.text) is not fits


@pytest.mark.parametrize("target", SLOTS)
def test_there_is_nothing_to_run_again_before_anything_was_made(target):
    def text(made):
        budget = Config.model_validate({"name": "tiny", "model": MODEL, "budget": {"latency_ns": 1}}).budget
        return SLOTS[target].fit(latency=26, interval=3, period=30.0, given=budget, made=made).text

    assert "run `l1ae rtl` again" in text(True)
    assert text(False) == text(True).replace(" and run `l1ae rtl` again", "")


def test_several_reasons_are_all_told():
    text = fit("ugt", 26, 3, 30.0).text
    assert text.index("it is for a clock") < text.index("it takes 26 clocks") < text.index("takes an event")


@pytest.mark.parametrize(("period", "frames"), [(25 / 9, 9), (2.78, 9), (2.5, 9), (2.79, 6), (4.16, 6), (5.0, 6), (25.0, 6)])
def test_frames_of_a_crossing(period, frames):
    assert data_frames(period) == frames


def test_every_slot_is_a_target():
    from l1ae.delivery import TARGETS

    assert set(SLOTS) <= set(TARGETS)
