"""The result of an RTL simulation, and how one stimulus is judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l1ae.agreement import TensorComparison
from l1ae.contract import Contract
from l1ae.rtl.simulation._protocol import UNKNOWN, Flags, Stimulus, Trace, compare, expect
from l1ae.rtl.simulation._stimulus import Events
from l1ae.rtl_results import Design, Language, ProtocolViolation, RtlMismatch, RtlReport, RtlSeconds

__all__ = ["Judge", "Run", "summary"]


@dataclass(frozen=True, eq=False)
class Run:
    """What one stimulus showed: the numbers of the events whose result is wrong in any way, in its score, in its trigger bit."""

    cycles: int
    wrong: npt.NDArray[np.intp]
    wrong_score: npt.NDArray[np.intp]
    wrong_trigger: npt.NDArray[np.intp]
    max_difference: int
    violations: int
    first_mismatch: RtlMismatch | None
    first_violation: ProtocolViolation | None

    def shifted(self, before: int, corners: int) -> "Run":
        """The same of events that come after `before` real ones, which have `corners` corner vectors among them."""
        first = None if self.first_mismatch is None else replace(self.first_mismatch, event=self.first_mismatch.event + before)
        wrong = {name: getattr(self, name) + before + corners for name in ("wrong", "wrong_score", "wrong_trigger")}
        return replace(self, first_mismatch=first, **wrong)


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares what a design showed with what it must show."""

    contract: Contract
    design: Design
    events: Events

    def __call__(self, stimulus: Stimulus, found: Trace) -> Run:
        """Compare every clock cycle from the first reset on."""
        scores = np.append(self.events.scores, 0)[stimulus.event]
        expected, shown = expect(stimulus, scores, self.design.latency, self.design.interval, self.contract.threshold)
        wrong, violation = compare(stimulus, expected, found, shown)
        cycles = np.flatnonzero(wrong)
        event = stimulus.event[shown[cycles]]
        missing = found.valid[cycles] != 1
        score = missing | (found.score[cycles] != expected.score[cycles])
        trigger = missing | (found.trigger[cycles] != expected.trigger[cycles])
        known = cycles[~missing & (found.score[cycles] != UNKNOWN)]
        return Run(
            cycles=len(wrong),
            wrong=event,
            wrong_score=event[score],
            wrong_trigger=event[trigger],
            max_difference=int(np.abs(found.score[known] - expected.score[known]).max(initial=0)),
            violations=int(violation.sum()),
            first_mismatch=self._mismatch(stimulus, expected, found, int(cycles[0]), int(event[0])) if len(cycles) else None,
            first_violation=_violation(stimulus, expected, found, violation),
        )

    def _mismatch(self, stimulus: Stimulus, expected: Trace, found: Trace, cycle: int, event: int) -> RtlMismatch:
        score, trigger = self.contract.outputs
        pairs = {score: (expected.score[cycle], found.score[cycle]), trigger: (expected.trigger[cycle], found.trigger[cycle])}
        missing = found.valid[cycle] != 1
        name = next(name for name, (wanted, seen) in pairs.items() if missing or wanted != seen)
        wanted, seen = pairs[name]
        lsb = self.contract[name].format.lsb
        return RtlMismatch(
            layer=name,
            corner=event >= self.events.real,
            event=event - (self.events.real if event >= self.events.real else 0),
            contract=float(wanted * lsb),
            simulation=None if missing or seen == UNKNOWN else float(seen * lsb),
            stream=stimulus.name,
            cycle=cycle,
        )


def _violation(stimulus: Stimulus, expected: Trace, found: Trace, violation: Flags) -> ProtocolViolation | None:
    if not violation.any():
        return None
    cycle = int(np.argmax(violation))
    ports = {"out_valid": "valid", "out_score": "score", "out_trigger": "trigger", "in_ready": "ready", "threshold": "threshold"}
    values = {port: (int(getattr(expected, name)[cycle]), int(getattr(found, name)[cycle])) for port, name in ports.items()}
    port, (wanted, seen) = next((port, pair) for port, pair in values.items() if pair[0] != pair[1])
    return ProtocolViolation(port, wanted, None if seen == UNKNOWN else seen, stimulus.name, cycle)


def summary(judge: Judge, language: Language, runs: Sequence[Run], tool: str, seconds: tuple[float, float], *, real: int) -> RtlReport:
    """The report on all runs, of `real` events and the corner vectors of `judge`. `seconds` to compile and to simulate."""
    contract, design = judge.contract, judge.design
    return RtlReport(
        project=contract.project,
        language=language,
        events=real,
        corner_vectors=len(judge.events.codes) - judge.events.real,
        clock_cycles=sum(run.cycles for run in runs),
        latency=design.latency,
        interval=design.interval,
        mismatches=_distinct([run.wrong for run in runs]),
        first_mismatch=next((run.first_mismatch for run in runs if run.first_mismatch is not None), None),
        protocol_violations=sum(run.violations for run in runs),
        first_violation=next((run.first_violation for run in runs if run.first_violation is not None), None),
        outputs=_outputs(contract, runs),
        compiler=tool,
        seconds=RtlSeconds(*(round(value, 3) for value in seconds)),
    )


def _outputs(contract: Contract, runs: Sequence[Run]) -> tuple[TensorComparison, ...]:
    """Score and trigger bit: events with a wrong or missing value, and the largest difference of those that came."""
    score, trigger = contract.outputs
    scores, triggers = (_distinct([getattr(run, name) for run in runs]) for name in ("wrong_score", "wrong_trigger"))
    largest = max(run.max_difference for run in runs)
    return (
        TensorComparison(score, str(contract[score].format), scores, largest),
        TensorComparison(trigger, str(contract[trigger].format), triggers, min(triggers, 1)),
    )


def _distinct(parts: Sequence[npt.NDArray[np.intp]]) -> int:
    return len(np.unique(np.concatenate(parts)))
