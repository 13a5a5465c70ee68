"""What `l1ae watch` found: one frozen result, written as JSON."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from l1ae.results import Count, FirstVersion, Fraction, load_result, save_result
from l1ae.watching._compare import Change

__all__ = ["Block", "Watched", "load_watched", "save_watched"]


@dataclass(frozen=True)
class Block:
    """Consecutive new events: `first` and `last` name where they begin and end, luminosity blocks (RUN:LUMI) or events."""

    first: str
    last: str
    change: Change


@dataclass(frozen=True)
class Watched:
    """New events of `other` against those of `reference`, all of them and in blocks; a p-value up to `alpha` is an alarm.

    `score` names the run whose anomaly score is watched as well, '' without one.
    """

    reference: str
    other: str
    layout: str
    score: str
    alpha: Fraction
    seed: Count
    change: Change
    blocks: tuple[Block, ...]
    format: Literal["l1ae-watched"] = "l1ae-watched"
    format_version: FirstVersion = 1
    tool: str = field(default="")

    @property
    def alarms(self) -> tuple[Block, ...]:
        """Blocks with a p-value up to `alpha`."""
        return tuple(block for block in self.blocks if block.change.p_value <= self.alpha)


def save_watched(path: Path, result: Watched) -> None:
    """Write as JSON, under a temporary name first."""
    save_result(path, result)


def load_watched(path: Path) -> Watched:
    """Read what `save_watched` wrote. Raises `UserError` for a file that is something else."""
    remedy = f"make it with `l1ae watch REFERENCE.h5 NEW.h5 -o {path.with_suffix('.html').name}`"
    return load_result(Watched, path, what="result of a watch", remedy=remedy, again="run `l1ae watch` again")
