from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l1ae.data.generator import GeneratorConfig, _plan
from l1ae.data.generator._plan import Plan, Queue
from l1ae.data.generator._shards import ShardSummary
from l1ae.engine import InlineEngine, LostError, Outcome
from l1ae.errors import L1aeError, UserError


def summary(accepted: int) -> ShardSummary:
    return ShardSummary(accepted, accepted, 100, 1.0, 1.0, 0.0, 0.0, 0.0)


class LastFirst:
    """An engine that finishes what was submitted last first, as the worst of several workers would."""

    def __init__(self, yields: dict[str, list[int]], workers: int = 4) -> None:
        self.yields = yields
        self.workers = workers
        self.submitted: list[tuple[str, int]] = []
        self.waiting: list[Outcome] = []

    def submit(self, key: str, function: Any, *arguments: Any) -> None:
        del function
        (task,) = arguments
        assert (task.process, task.index) not in self.submitted
        self.submitted.append((task.process, task.index))
        task.detector_path.parent.mkdir(parents=True, exist_ok=True)
        task.detector_path.touch()
        numbers = self.yields[task.process]
        self.waiting.append(Outcome(key, summary(numbers[task.index % len(numbers)]), None))

    def finished(self, timeout: float | None = None) -> list[Outcome]:
        del timeout
        return [self.waiting.pop()]


def run(
    needs: dict[str, int], yields: dict[str, list[int]], folder: Path, workers: int = 4
) -> tuple[Plan, LastFirst, list[tuple[int, int]]]:
    engine, progress = LastFirst(yields, workers), []
    queues = [Queue(name, need, 1, GeneratorConfig(), folder) for name, need in needs.items()]
    plan = Plan(queues, sum(needs.values()), lambda done, total: progress.append((done, total)))
    plan.run(engine)
    return plan, engine, progress


def test_every_queue_gets_its_events_without_gaps(tmp_path):
    plan, engine, progress = run({"w": 1000, "z": 300, "ttbar": 0}, {"w": [100, 120, 80], "z": [90, 0, 60]}, tmp_path)
    for queue in plan.queues:
        assert sorted(queue.done) == list(range(queue.submitted))
        assert sum(shard.accepted for shard in queue.used()) >= queue.need
    assert not [process for process, _ in engine.submitted if process == "ttbar"]
    assert plan.made == len(engine.submitted)
    assert plan.reused == 0
    assert progress[-1] == (1300, 1300)
    assert progress == sorted(progress)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_shards_used_do_not_depend_on_what_was_made_ahead_of_need(workers, tmp_path):
    plan, _, _ = run({"w": 1000}, {"w": [100, 300, 20]}, tmp_path, workers)
    assert [shard.accepted for shard in plan.queues[0].used()] == [100, 300, 20, 100, 300, 20, 100, 300]


def test_a_process_that_never_passes_is_given_up(tmp_path):
    with pytest.raises(UserError, match="none of 800000 events of process 'w' passed the preselection"):
        run({"w": 10}, {"w": [0]}, tmp_path, 1)


def test_estimates_follow_what_the_shards_yield(tmp_path):
    queue = Queue("w", 1000, 1, GeneratorConfig(), tmp_path)
    assert queue.missing_shards() == 1  # 4000 events in a shard
    queue.submitted, queue.done[0] = 1, summary(130)
    assert queue.missing_shards() == int(np.ceil(870 / 130))
    queue.submitted = 5
    assert queue.missing_shards() == int(np.ceil(870 / 130)) - 4


class Interrupted(LastFirst):
    """Is interrupted when it is asked the second time."""

    def finished(self, timeout: float | None = None) -> list[Outcome]:
        if len(self.submitted) > 4 and not self.interrupted:
            self.interrupted = True
            raise KeyboardInterrupt
        return super().finished(timeout)

    interrupted = False


def test_interrupted_it_waits_for_nothing_and_begins_nothing_more(tmp_path):
    engine = Interrupted({"w": [10]})
    plan = Plan([Queue("w", 1000, 1, GeneratorConfig(), tmp_path)], 1000, None)
    with pytest.raises(KeyboardInterrupt):
        plan.run(engine)
    assert len(engine.submitted) == 5
    assert plan.made == 1
    assert len(engine.waiting) == 4


@pytest.mark.slow
def test_interrupted_in_this_process_it_waits_for_nothing(tmp_path):
    class InterruptedInline(InlineEngine):
        def finished(self, timeout: float | None = None) -> list[Outcome]:
            outcomes = super().finished(timeout)
            if outcomes:
                raise KeyboardInterrupt
            return outcomes

    plan = Plan([Queue("w", 1000, 1, GeneratorConfig(), tmp_path)], 1000, None)
    with pytest.raises(KeyboardInterrupt):
        plan.run(InterruptedInline())


class Elsewhere(LastFirst):
    """Its workers write to another disk, or die."""

    error: Exception | None = None

    def submit(self, key: str, function: Any, *arguments: Any) -> None:
        super().submit(key, function, *arguments)
        arguments[0].detector_path.unlink()
        self.waiting.append(Outcome(key, self.waiting.pop().value, self.error))


def test_shards_that_are_not_here_and_workers_that_die(tmp_path, monkeypatch):
    monkeypatch.setattr(_plan, "_UNSEEN", 0.0)
    plan = Plan([Queue("w", 10, 1, GeneratorConfig(), tmp_path)], 10, None)
    with pytest.raises(UserError, match=r"000000\.npz: a worker made this shard, and here it is not; .* a file system that is shared"):
        plan.run(Elsewhere({"w": [10]}))
    dying = Elsewhere({"w": [10]})
    dying.error = LostError("its worker died 3 times")
    plan = Plan([Queue("w", 10, 1, GeneratorConfig(), tmp_path)], 10, None)
    with pytest.raises(L1aeError, match="shard-w-0: its worker died 3 times; finished shards are kept"):
        plan.run(dying)
