from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l1ae.data.generator import GeneratorConfig, _plan
from l1ae.data.generator._plan import Plan, Queue
from l1ae.data.generator._shards import ShardSummary
from l1ae.errors import UserError


def summary(accepted: int) -> ShardSummary:
    return ShardSummary(accepted, accepted, 100, 1.0, 1.0, 0.0, 0.0, 0.0)


class LastFirst(Executor):
    """Finishes what was submitted last first, as the worst of several workers would."""

    def __init__(self, yields: dict[str, list[int]]) -> None:
        self.yields = yields
        self.submitted: list[tuple[str, int]] = []
        self.waiting: list[tuple[Future[Any], ShardSummary]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        del fn, kwargs
        (task,) = args
        self.submitted.append((task.process, task.index))
        future: Future[Any] = Future()
        numbers = self.yields[task.process]
        self.waiting.append((future, summary(numbers[task.index % len(numbers)])))
        if len(self.waiting) >= 2:
            last, result = self.waiting.pop()
            last.set_result(result)
        return future


@pytest.fixture
def wait_for_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `wait` that lets the oldest task finish when nothing else has."""

    def wait(pending: Any, return_when: str) -> Any:
        done = {future for future in pending if future.done()}
        if not done:
            executor = PLANS[-1]
            future, result = executor.waiting.pop(0)
            future.set_result(result)
            done = {future}
        return type("Done", (), {"done": done})

    monkeypatch.setattr(_plan, "wait", wait)


PLANS: list[LastFirst] = []


def run(
    needs: dict[str, int], yields: dict[str, list[int]], folder: Path, in_flight: int = 4
) -> tuple[Plan, LastFirst, list[tuple[int, int]]]:
    executor, progress = LastFirst(yields), []
    PLANS.append(executor)
    queues = [Queue(name, need, 1, GeneratorConfig(), folder) for name, need in needs.items()]
    plan = Plan(queues, sum(needs.values()), lambda done, total: progress.append((done, total)))
    plan.run(executor, in_flight)
    return plan, executor, progress


@pytest.mark.usefixtures("wait_for_oldest")
def test_every_queue_gets_its_events_without_gaps(tmp_path):
    plan, executor, progress = run({"w": 1000, "z": 300, "ttbar": 0}, {"w": [100, 120, 80], "z": [90, 0, 60]}, tmp_path)
    for queue in plan.queues:
        assert sorted(queue.done) == list(range(queue.submitted))
        assert sum(shard.accepted for shard in queue.used()) >= queue.need
    assert not [process for process, _ in executor.submitted if process == "ttbar"]
    assert plan.made == len(executor.submitted)
    assert plan.reused == 0
    assert progress[-1] == (1300, 1300)
    assert progress == sorted(progress)


@pytest.mark.usefixtures("wait_for_oldest")
@pytest.mark.parametrize("in_flight", [1, 2, 8])
def test_the_shards_used_do_not_depend_on_what_was_made_ahead_of_need(in_flight, tmp_path):
    plan, _, _ = run({"w": 1000}, {"w": [100, 300, 20]}, tmp_path, in_flight)
    assert [shard.accepted for shard in plan.queues[0].used()] == [100, 300, 20, 100, 300, 20, 100, 300]


@pytest.mark.usefixtures("wait_for_oldest")
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
