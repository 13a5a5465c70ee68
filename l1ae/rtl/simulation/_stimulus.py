"""What the benches drive: all events back to back, events with gaps, resets and threshold writes in mid-stream."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract
from l1ae.rtl.simulation._protocol import Codes, Flags, Stimulus, accept, due
from l1ae.rtl_results import Design

__all__ = ["Events", "Streams"]

_GARBAGE = 256  # rows of random bits
_UNPREPARED = 5  # cycles before the first reset, in which events are offered to a design in an unknown state
_SHARES = (0.05, 0.3, 0.7, 1.0)  # of cycles in which an event is offered, in stretches of _STRETCH cycles
_STRETCH = 64
_MOST_RESET_CYCLES = 3


@dataclass(frozen=True, eq=False)
class Events:
    """`codes` (N, inputs) hardware codes and `scores` (N,) of the real events and then of the corner vectors."""

    codes: Codes
    scores: Codes
    real: int

    @classmethod
    def of(cls, contract: Contract, hardware: npt.NDArray[np.integer], corners: Codes) -> "Events":
        """Evaluate the contract."""
        codes = np.concatenate([hardware.reshape(len(hardware), -1).astype(np.int64), corners])
        return cls(codes, contract.evaluate(codes, [contract.score.name])[contract.score.name][:, 0], len(hardware))


@dataclass(frozen=True, eq=False)
class Streams:
    """Makes the stimuli of a design, drawn from `rng`."""

    design: Design
    events: Events
    rng: np.random.Generator

    def back_to_back(self, block: int) -> Iterator[Stimulus]:
        """Every event once, every `interval` clocks, in blocks of at most `block` events; each begins with a reset."""
        interval = self.design.interval
        for start in range(0, len(self.events.codes), block):
            chosen = np.arange(start, min(start + block, len(self.events.codes)))
            valid = np.arange(len(chosen) * interval) % interval == 0
            yield self._stimulus(f"back to back from {start}", np.zeros_like(valid), valid, chosen)

    def gaps(self, count: int) -> Stimulus:
        """About `count` randomly chosen events with random gaps, in which `in_event` carries random bits.

        With an interval above 1 many are offered while the design is not ready; those must not be taken.
        """
        valid = self._offered(2 * count * self.design.interval)
        return self._stimulus("gaps", np.zeros_like(valid), valid)

    def interruptions(self, resets: int) -> Stimulus:
        """Events with gaps, `resets` resets of 1 to 3 clocks at random times, and many writes to the threshold.

        Most thresholds are the score of an event that is about to show, or one LSB beside it; the others are the ends of
        the score's type.
        """
        cycles = resets * (3 * (self.design.latency + self.design.interval) + 20)
        reset = np.zeros(cycles, np.bool_)
        for cycle in self.rng.choice(cycles, resets, replace=False):
            reset[cycle : cycle + self.rng.integers(1, _MOST_RESET_CYCLES + 1)] = True
        return self._with_thresholds(self._stimulus("resets and thresholds", reset, self._offered(cycles)))

    def _offered(self, cycles: int) -> Flags:
        share = np.repeat(self.rng.choice(_SHARES, cycles // _STRETCH + 1), _STRETCH)[:cycles]
        return self.rng.random(cycles) < share

    def _stimulus(self, name: str, reset: Flags, valid: Flags, chosen: npt.NDArray[np.intp] | None = None) -> Stimulus:
        """Put events (`chosen` in their order, or random ones) into the valid cycles and random bits into the others.

        Before them events are offered to a design in an unknown state, which a reset of one clock ends; after them come
        idle cycles, in which the last result shows and nothing may follow it.
        """
        design, rng = self.design, self.rng
        idle = np.zeros(design.latency + design.interval + 4, np.bool_)
        unprepared = np.arange(_UNPREPARED + 1)
        reset = np.concatenate([unprepared == _UNPREPARED, reset, idle])
        valid = np.concatenate([unprepared >= 0, valid, idle])
        offered = np.flatnonzero(valid)
        event = rng.integers(len(self.events.codes), size=len(offered))
        if chosen is not None:
            event[len(unprepared) :] = chosen
        garbage = rng.integers(0, 1 << design.input_bits, (_GARBAGE, design.inputs))
        row = len(event) + rng.integers(_GARBAGE, size=len(valid))
        row[offered] = np.arange(len(event))
        return Stimulus(
            name=name,
            reset=reset,
            valid=valid,
            row=row,
            write=np.zeros_like(valid),
            threshold=rng.integers(_lowest(design), _highest(design) + 1, len(valid)),
            codes=np.concatenate([self.events.codes[event], garbage]),
            event=np.concatenate([event, np.full(_GARBAGE, -1)]),
        )

    def _with_thresholds(self, stimulus: Stimulus) -> Stimulus:
        design, rng = self.design, self.rng
        shown = due(stimulus.reset, accept(stimulus.reset, stimulus.valid, design.interval), stimulus.row, design.latency)
        results = np.flatnonzero(shown >= 0)
        write = rng.random(len(shown)) < 1 / (4 * design.interval)
        cycles = np.flatnonzero(write)
        following = np.searchsorted(results, cycles, side="right") + rng.integers(0, 3, len(cycles))
        row = shown[results[np.minimum(following, len(results) - 1)]]
        values = self.events.scores[stimulus.event[row]] + rng.choice([0, 0, 0, 1, -1], len(cycles))
        ends = rng.choice([_lowest(design), _highest(design)], len(cycles))
        values = np.where(rng.random(len(cycles)) < 0.1, ends, values)
        threshold = stimulus.threshold.copy()
        threshold[cycles] = np.clip(values, _lowest(design), _highest(design))
        return replace(stimulus, write=write, threshold=threshold)


def _lowest(design: Design) -> int:
    return -(1 << (design.score_bits - 1)) if design.score_signed else 0


def _highest(design: Design) -> int:
    return (1 << (design.score_bits - design.score_signed)) - 1
