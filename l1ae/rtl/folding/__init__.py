"""Folded layers: an event every few clocks instead of one per clock, in a fraction of the logic."""

from l1ae.rtl.folding._fold import Folded, fold

__all__ = ["Folded", "fold"]
