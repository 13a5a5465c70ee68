"""What each run is judged on, and whether that is the same."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract
from l1ae.data import WEIGHT
from l1ae.pipeline import Run, contract_of, digest_file, digest_json, judge_of, rate_sample
from l1ae.trigger import Crossings, Judge, JudgedEvents, Menu, SignalEvents

__all__ = ["JudgedRun", "is_paired", "unlike"]

Scores = npt.NDArray[np.generic]

_CROSSINGS, _KHZ, _MENU, _SIGNALS = "crossings", "crossing_khz", "menu", "signals"
_OTHER = {
    _CROSSINGS: "other zero-bias crossings",
    _KHZ: "another rate of crossings",
    _SIGNALS: "other events of signals",
    _MENU: "another menu of seeds",
}
"""What two runs may have been judged on instead of the same."""


@dataclass(frozen=True, eq=False)
class JudgedRun:
    """A run, its contract, and what it is judged on; `judge` is None without zero-bias crossings in the columns of its inputs."""

    name: str
    run: Run
    contract: Contract
    judge: Judge | None

    @classmethod
    def open(cls, name: str, folder: Path) -> "JudgedRun":
        """Raises `UserError` when the folder is no run, or holds no contract."""
        run = Run.open(folder)
        return cls(name, run, contract_of(run), judge_of(run.config))

    @cached_property
    def sample(self) -> str:
        """What rates are measured on, in words."""
        return "" if self.judge is None else f"{rate_sample(self.run.config).name}, {len(self.crossings):,} crossings"

    @property
    def crossings(self) -> Crossings:
        """Those that rates are measured on."""
        assert self.judge is not None
        return self.judge.crossings

    @property
    def signal_events(self) -> Mapping[str, SignalEvents]:
        """What is counted of each signal."""
        assert self.judge is not None
        return self.judge.signal_events

    @cached_property
    def scores(self) -> tuple[Scores, dict[str, Scores]]:
        """Score codes of the fixed-point model: of all crossings (N,), and of each signal's events (M,)."""
        assert self.judge is not None
        name = self.contract.score.name
        return self.judge.scores(lambda hardware: self.contract.evaluate(hardware, [name])[name][:, 0])

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of everything that a score is judged on; empty without crossings."""
        if self.judge is None:
            return {}
        return {
            _CROSSINGS: _events_digest(self.judge.background),
            _KHZ: f"{self.judge.crossing_khz:.12g}",
            _MENU: _menu_digest(self.judge.menu),
            _SIGNALS: digest_json({name: _events_digest(events) for name, events in sorted(self.judge.signals.items())}),
        }


def _events_digest(events: JudgedEvents) -> str:
    """Of the store, and of which of its events in which order and with which weights."""
    digest = hashlib.sha256(digest_file(Path(events.name)).encode())
    for block in events.blocks():
        digest.update(np.asarray(block.process, np.int64).tobytes() + np.asarray(block.source_event, np.int64).tobytes())
        if WEIGHT in block.extra:
            digest.update(np.asarray(block.extra[WEIGHT], np.float64).tobytes())
    return digest.hexdigest()


def _menu_digest(menu: Menu | None) -> str:
    return digest_json(None if menu is None else [menu.origin, [[seed.name, seed.definition] for seed in menu.seeds]])


def _differing(first: JudgedRun, other: JudgedRun) -> tuple[str, ...]:
    """In what two runs were not judged alike."""
    one, two = first.digests, other.digests
    return tuple(what for what in _OTHER if one.get(what) != two.get(what))


def is_paired(first: JudgedRun, other: JudgedRun, kind: str) -> bool:
    """Whether efficiencies at a rate of `kind` are of the same events; raw rates do not know the menu."""
    return not set(_differing(first, other)) - ({_MENU} if kind == "raw" else set())


def unlike(runs: Sequence[JudgedRun]) -> tuple[str, ...]:
    """A sentence for each run that was not judged as the first one was, or not at all."""
    first, sentences = runs[0], []
    for judged in runs:
        found = _differing(first, judged)
        if judged.judge is None:
            sentences.append(
                f"{judged.name} has no zero-bias crossings in the columns of its inputs, so no efficiency at a rate; "
                "give some with trigger.zero_bias and compare again"
            )
        elif first.judge is not None and found:
            what = "pure rates and efficiencies are" if found == (_MENU,) else "efficiencies are"
            others = " and ".join(_OTHER[key] for key in found)
            sentences.append(f"{judged.name} was judged on {others} than {first.name}: {what} compared without pairing")
    return tuple(sentences)
