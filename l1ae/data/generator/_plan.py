"""Which shards to make, in which order, by an engine."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from l1ae.data.generator._config import GeneratorConfig
from l1ae.data.generator._shards import ShardSummary, Task, finished, make_truth, run_task
from l1ae.engine import Engine, LostError, Outcome
from l1ae.errors import L1aeError, UserError
from l1ae.progress import task as shown

__all__ = ["Plan", "Progress", "Queue", "make_library"]

_HOPELESS = 200
"""Shards without a single accepted event after which a process is given up."""

_UNSEEN = 60.0
"""Seconds that a shared file system may take to show what another machine has written."""

Progress = Callable[[int, int], None]

log = logging.getLogger("l1ae")


def make_library(engine: Engine, tasks: Sequence[Task]) -> None:
    """Make what is missing of the truth shards that collisions to overlay are drawn from."""
    missing = {task.truth_key: task for task in tasks if not task.has_truth}
    if missing:
        log.info("making the library of collisions to overlay, %d shards", len(missing))
    for key, task in missing.items():
        engine.submit(key, make_truth, task)
    with shown("collisions to overlay", total=len(missing), unit="shards") as library:
        while missing:
            for outcome in engine.finished():
                _made(outcome, missing.pop(outcome.key).truth_path)
                library.advance()


def _made(outcome: Outcome, path: Path) -> Any:
    """The value of a task that made the file `path`. Raises what went wrong there."""
    if isinstance(outcome.error, LostError):
        raise L1aeError(
            f"shard {outcome.key}: {outcome.error}; finished shards are kept, and the same command continues"
        ) from outcome.error
    if outcome.error is not None:
        raise outcome.error
    deadline = time.monotonic() + _UNSEEN
    while not path.exists():
        if time.monotonic() > deadline:
            raise UserError(
                f"{path}: a worker made this shard, and here it is not; workers on other machines need the folder of the output under "
                "the same path, on a file system that is shared"
            )
        time.sleep(0.5)
        if path.parent.is_dir():
            # a network file system asks its server again when the folder is listed
            next(path.parent.iterdir(), None)
    return outcome.value


@dataclass
class Queue:
    """Shards 0, 1, 2, ... of one process until they hold `need` events."""

    process: str
    need: int
    seed: int
    config: GeneratorConfig
    folder: Path
    submitted: int = 0
    done: dict[int, ShardSummary] = field(default_factory=dict)

    def task(self, index: int) -> Task:
        """The task that makes shard `index`."""
        return Task(self.process, self.seed, index, self.config, self.folder)

    def accepted(self) -> int:
        """Events in finished shards, at most `need`."""
        return min(sum(summary.accepted for summary in self.done.values()), self.need)

    def used(self) -> list[ShardSummary]:
        """The first shards that hold `need` events: the same ones, however many were made ahead of need."""
        shards: list[ShardSummary] = []
        while sum(shard.accepted for shard in shards) < self.need:
            shards.append(self.done[len(shards)])
        return shards

    def missing_shards(self) -> int:
        """Estimate of how many more shards to submit; before the first is finished, no more than are surely needed."""
        found = sum(summary.accepted for summary in self.done.values())
        process = self.config.process(self.process)
        per_shard = found / len(self.done) if self.done else process.shard_events * process.detector_passes
        if len(self.done) >= _HOPELESS and not found:
            raise UserError(
                f"none of {len(self.done) * process.shard_events} events of process '{self.process}' passed the preselection; "
                "check the settings of the process"
            )
        return ceil((self.need - found) / max(per_shard, 1)) - (self.submitted - len(self.done))


@dataclass
class Plan:
    """All queues of a sample. `made` and `reused` count shards."""

    queues: list[Queue]
    total: int
    progress: Progress | None
    made: int = 0
    reused: int = 0

    def run(self, engine: Engine) -> None:
        """Work until every queue has its events, with at most as many shards handed to `engine` at any time as it has workers.

        Shards of a queue are submitted in order and all of them are waited for, so the finished ones have no gap.
        """
        pending: dict[str, tuple[Queue, int]] = {}
        with shown("collisions", total=self.total, unit="events") as collisions:
            self._fill(engine, pending)
            collisions.begin_at(self._report())
            while pending:
                self._take(engine, pending)
                self._fill(engine, pending)
                collisions.update(self._report())

    def _fill(self, engine: Engine, pending: dict[str, tuple[Queue, int]]) -> None:
        while len(pending) < engine.workers and (queue := self._most_urgent()) is not None:
            self._start(engine, queue, pending)

    def _take(self, engine: Engine, pending: dict[str, tuple[Queue, int]]) -> None:
        for outcome in engine.finished():
            queue, index = pending.pop(outcome.key)
            queue.done[index] = _made(outcome, queue.task(index).detector_path)
            self.made += 1

    def _start(self, engine: Engine, queue: Queue, pending: dict[str, tuple[Queue, int]]) -> None:
        index, queue.submitted = queue.submitted, queue.submitted + 1
        task = queue.task(index)
        summary = finished(task)
        if summary is None:
            pending[task.detector_key] = (queue, index)
            engine.submit(task.detector_key, run_task, task)
        else:
            queue.done[index] = summary
            self.reused += 1

    def _most_urgent(self) -> Queue | None:
        """The queue with most shards missing, so that no long one is left to the end."""
        missing = [queue.missing_shards() for queue in self.queues]
        most = max(missing)
        return self.queues[missing.index(most)] if most > 0 else None

    def _report(self) -> int:
        accepted = sum(queue.accepted() for queue in self.queues)
        if self.progress is not None:
            self.progress(accepted, self.total)
        return accepted
