"""What the menu keeps without the trigger, and with it."""

import numpy as np
import pytest

from l1ae.report._at_rate import _menu_table, _together
from l1ae.trigger import Crossings, Exposure, SignalEvents, at_rate

SCORES = np.arange(1000)


def _found(alone):
    """1,000 crossings of 1 kHz each, none of which the menu accepts; half of the signal is above all of them."""
    crossings = Crossings(np.ones(1000), None, np.ones(1000, bool), Exposure.of(np.ones(1000), None, 1000.0))
    numbers = {"s": np.r_[np.full(50, 2000), np.zeros(50)]}
    return at_rate(SCORES, crossings, numbers, {"s": SignalEvents(None, alone)}, rates=(2.0,))


def test_the_menu_and_the_trigger_together_keep_what_either_keeps():
    alone = np.arange(100) % 5 > 0
    found = _found(alone)
    (table,) = _menu_table(found)
    assert table.header == ("Signal", "Menu alone", "with this trigger at 2 kHz pure")
    (row,) = table.rows
    assert row[1].startswith("(20")
    either = ~alone | (np.arange(100) < 50)
    assert _together(found.menu["s"], found.point("pure", 2.0).efficiency["s"]).value == pytest.approx(either.mean())
    assert f"({100 * either.mean():.0f}" in row[2]


def test_a_signal_that_the_menu_cannot_judge_has_no_table():
    assert _menu_table(_found(None)) == ()
