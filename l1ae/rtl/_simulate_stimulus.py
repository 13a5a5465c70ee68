"""What the benches drive: all events back to back, events with gaps, resets and threshold writes in mid-stream."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract
from l1ae.rtl._project import Design
from l1ae.rtl._simulate_protocol import Codes, Flags, Stimulus, accept, due

__all__ = ["Events", "back_to_back", "gaps", "interruptions"]

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


def back_to_back(design: Design, events: Events, block: int, rng: np.random.Generator) -> Iterator[Stimulus]:
    """Every event once, every `interval` clocks, in blocks of at most `block` events; each begins with a reset."""
    for start in range(0, len(events.codes), block):
        chosen = np.arange(start, min(start + block, len(events.codes)))
        valid = np.arange(len(chosen) * design.interval) % design.interval == 0
        yield _stimulus(f"back to back from {start}", design, events, np.zeros_like(valid), valid, rng, chosen)


def gaps(design: Design, events: Events, count: int, rng: np.random.Generator) -> Stimulus:
    """About `count` randomly chosen events with random gaps, in which `in_event` carries random bits.

    With an interval above 1 many are offered while the design is not ready; those must not be taken.
    """
    valid = _offered(2 * count * design.interval, rng)
    return _stimulus("gaps", design, events, np.zeros_like(valid), valid, rng)


def interruptions(design: Design, events: Events, resets: int, rng: np.random.Generator) -> Stimulus:
    """Events with gaps, `resets` resets of 1 to 3 clocks at random times, and many writes to the threshold.

    Most thresholds are the score of an event that is about to show, or one LSB beside it; the others are the ends of the
    score's type.
    """
    cycles = resets * (3 * (design.latency + design.interval) + 20)
    reset = np.zeros(cycles, np.bool_)
    for cycle in rng.choice(cycles, resets, replace=False):
        reset[cycle : cycle + rng.integers(1, _MOST_RESET_CYCLES + 1)] = True
    plain = _stimulus("resets and thresholds", design, events, reset, _offered(cycles, rng), rng)
    return _with_thresholds(plain, design, events, rng)


def _offered(cycles: int, rng: np.random.Generator) -> Flags:
    share = np.repeat(rng.choice(_SHARES, cycles // _STRETCH + 1), _STRETCH)[:cycles]
    return rng.random(cycles) < share


def _stimulus(
    name: str,
    design: Design,
    events: Events,
    reset: Flags,
    valid: Flags,
    rng: np.random.Generator,
    chosen: npt.NDArray[np.intp] | None = None,
) -> Stimulus:
    """Put events (`chosen` in their order, or random ones) into the valid cycles and random bits into the others.

    Before them events are offered to a design in an unknown state, which a reset of one clock ends; after them come idle
    cycles, in which the last result shows and nothing may follow it.
    """
    idle = np.zeros(design.latency + design.interval + 4, np.bool_)
    unprepared = np.arange(_UNPREPARED + 1)
    reset = np.concatenate([unprepared == _UNPREPARED, reset, idle])
    valid = np.concatenate([unprepared >= 0, valid, idle])
    offered = np.flatnonzero(valid)
    event = rng.integers(len(events.codes), size=len(offered))
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
        codes=np.concatenate([events.codes[event], garbage]),
        event=np.concatenate([event, np.full(_GARBAGE, -1)]),
    )


def _with_thresholds(stimulus: Stimulus, design: Design, events: Events, rng: np.random.Generator) -> Stimulus:
    write = rng.random(len(stimulus.reset)) < 1 / (4 * design.interval)
    shown = due(stimulus.reset, accept(stimulus.reset, stimulus.valid, design.interval), stimulus.row, design.latency)
    results = np.flatnonzero(shown >= 0)
    cycles = np.flatnonzero(write)
    following = np.searchsorted(results, cycles, side="right") + rng.integers(0, 3, len(cycles))
    row = shown[results[np.minimum(following, len(results) - 1)]]
    values = events.scores[stimulus.event[row]] + rng.choice([0, 0, 0, 1, -1], len(cycles))
    ends = rng.choice([_lowest(design), _highest(design)], len(cycles))
    values = np.where(rng.random(len(cycles)) < 0.1, ends, values)
    threshold = stimulus.threshold.copy()
    threshold[cycles] = np.clip(values, _lowest(design), _highest(design))
    return replace(stimulus, write=write, threshold=threshold)


def _lowest(design: Design) -> int:
    return -(1 << (design.score_bits - 1)) if design.score_signed else 0


def _highest(design: Design) -> int:
    return (1 << (design.score_bits - design.score_signed)) - 1
