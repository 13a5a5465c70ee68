"""Watching the data: whether new events are still those of a reference, with a calibrated p-value, and what moved."""

from typing import TYPE_CHECKING

from l1ae.lazy import on_first_use
from l1ae.watching._compare import PERMUTATIONS, Change, Moved, Region, Sample, compare
from l1ae.watching._quantities import Quantity, quantities
from l1ae.watching._result import Block, Watched, load_watched, save_watched
from l1ae.watching._watch import ALPHA, EVENTS, WatchOptions, sample_of, watch

if TYPE_CHECKING:
    from l1ae.watching._page import (
        blocks_figure,
        blocks_verdict,
        brief_table,
        moved_table,
        p_text,
        shifts_figure,
        verdict,
        write_watched,
    )
else:
    __getattr__ = on_first_use(
        __name__, _page="blocks_figure blocks_verdict brief_table moved_table p_text shifts_figure verdict write_watched"
    )

__all__ = [
    "ALPHA",
    "EVENTS",
    "PERMUTATIONS",
    "Block",
    "Change",
    "Moved",
    "Quantity",
    "Region",
    "Sample",
    "WatchOptions",
    "Watched",
    "blocks_figure",
    "blocks_verdict",
    "brief_table",
    "compare",
    "load_watched",
    "moved_table",
    "p_text",
    "quantities",
    "sample_of",
    "save_watched",
    "shifts_figure",
    "verdict",
    "watch",
    "write_watched",
]
