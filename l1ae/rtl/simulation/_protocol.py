"""What the ports of a design must show in every clock cycle: a model of the protocol that shares nothing with the firmware.

Edges are counted from 0. Inputs are set before edge c and sampled by it; `in_ready` is read between the two, all other
outputs after edge c. The rules, which `l1ae_trigger` implements:

* an event is accepted at edge k if `in_valid` and `in_ready` are 1 and `rst` is 0;
* `in_ready` is 0 while fewer than `interval` clocks have passed since the last accepted event, unless a reset came between;
* its result shows after edge k + latency, for one clock, unless any of the edges k to k + latency saw `rst`;
* `out_score` and `out_trigger` are 0 whenever `out_valid` is 0;
* the threshold register takes `threshold_in` at an edge with `threshold_write`, and the default at an edge with `rst`,
  which has priority; a result that shows after edge c was compared with the register's value before edge c.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["UNKNOWN", "Stimulus", "Trace", "accept", "compare", "due", "expect"]

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# No code of at most 62 bits: a port of which the simulator does not know every bit.
UNKNOWN = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, eq=False)
class Stimulus:
    """What a bench drives in every clock cycle.

    `reset`, `valid`, `write` (cycles,); `threshold` (cycles,), codes on `threshold_in`; `row` (cycles,), the row of
    `codes` (rows, inputs) on `in_event`. `event` (rows,) numbers the events, -1 for rows of random bits, which are never
    valid. `first` is the first cycle with a reset: before it nothing is known.
    """

    name: str
    reset: Flags
    valid: Flags
    row: npt.NDArray[np.intp]
    write: Flags
    threshold: Codes
    codes: Codes
    event: npt.NDArray[np.intp]

    @property
    def first(self) -> int:
        """The first cycle with a reset."""
        return int(np.argmax(self.reset))


@dataclass(frozen=True, eq=False)
class Trace:
    """Outputs in every clock cycle, all (cycles,): bits as 0 or 1, score and threshold as codes, `UNKNOWN` where not known."""

    ready: Codes
    valid: Codes
    trigger: Codes
    score: Codes
    threshold: Codes


def accept(reset: Flags, valid: Flags, interval: int) -> Flags:
    """(cycles,) whether an event is accepted, as if the design had been ready in the first cycle."""
    offered = valid & ~reset
    if interval == 1:
        return offered
    taken = np.zeros_like(offered)
    ready_at = 0
    for cycle in np.flatnonzero(offered | reset).tolist():
        if reset[cycle]:
            ready_at = cycle + 1
        elif cycle >= ready_at:
            taken[cycle] = True
            ready_at = cycle + interval
    return taken


def due(reset: Flags, accepted: Flags, row: npt.NDArray[np.intp], latency: int) -> npt.NDArray[np.intp]:
    """(cycles,) the row whose result shows after each edge, -1 for none."""
    resets = np.concatenate([[0], np.cumsum(reset)])
    start = np.flatnonzero(accepted)
    start = start[start + latency < len(reset)]
    start = start[resets[start + latency + 1] == resets[start]]
    shown = np.full(len(reset), -1, np.intp)
    shown[start + latency] = row[start]
    return shown


def expect(stimulus: Stimulus, scores: Codes, latency: int, interval: int, default_threshold: int) -> tuple[Trace, npt.NDArray[np.intp]]:
    """The trace that must be seen, and the row that is due in each cycle. `scores` (rows,) of the rows that are events.

    Values before the first reset mean nothing.
    """
    accepted = accept(stimulus.reset, stimulus.valid, interval)
    shown = due(stimulus.reset, accepted, stimulus.row, latency)
    valid = shown >= 0
    score = np.where(valid, scores[shown], 0)
    threshold = _hold(stimulus.reset | stimulus.write, np.where(stimulus.reset, default_threshold, stimulus.threshold))
    before = np.concatenate([[default_threshold], threshold[:-1]])
    ready = _ready(stimulus.reset, accepted, interval)
    return Trace(ready.astype(np.int64), valid.astype(np.int64), (valid & (score >= before)).astype(np.int64), score, threshold), shown


def _hold(change: Flags, value: Codes) -> Codes:
    """The last value at a change, up to and with each cycle."""
    return value[np.maximum.accumulate(np.where(change, np.arange(len(change)), 0))]


def _ready(reset: Flags, accepted: Flags, interval: int) -> Flags:
    cycles = np.arange(len(reset))
    long_ago = -interval
    last = np.maximum.accumulate(np.where(accepted, cycles, long_ago))
    clear = np.maximum.accumulate(np.where(reset, cycles, long_ago))
    last, clear = (np.concatenate([[long_ago], values[:-1]]) for values in (last, clear))
    return (cycles - last >= interval) | (clear > last)


def compare(stimulus: Stimulus, expected: Trace, found: Trace, shown: npt.NDArray[np.intp]) -> tuple[Flags, Flags]:
    """Cycles (cycles,) in which a result is due and is not there as it must be, and those in which anything else differs.

    From the first reset on; `in_ready` is not looked at while `rst` is 1, where nothing is accepted whatever it is.
    """
    known = np.arange(len(shown)) >= stimulus.first
    result = (expected.valid != found.valid) | (expected.score != found.score) | (expected.trigger != found.trigger)
    ready = (expected.ready != found.ready) & ~stimulus.reset
    wrong = known & result & (shown >= 0)
    violation = known & ((result & (shown < 0)) | ready | (expected.threshold != found.threshold))
    return wrong, violation
