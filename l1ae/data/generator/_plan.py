"""Which shards to make, in which order, on how many processes."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from math import ceil
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from l1ae.data.generator._config import GeneratorConfig
from l1ae.data.generator._shards import ShardSummary, Task, finished, make_truth, run_task
from l1ae.errors import L1aeError, UserError

__all__ = ["Plan", "Progress", "Queue", "make_library", "start_pool"]

_HOPELESS = 200
"""Shards without a single accepted event after which a process is given up."""

Progress = Callable[[int, int], None]

log = logging.getLogger("l1ae")


class _InlineExecutor(Executor):
    """Runs each task at once in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def start_pool(workers: int) -> Executor:
    """Worker processes, or this process alone. A forked worker would inherit threads in an undefined state, hence spawn."""
    if workers == 1:
        return _InlineExecutor()
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_live_as_the_parent)


def _live_as_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; a worker that ignores it completes and keeps the shard in hand.

    A worker whose parent is gone would wait for work for ever, so it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def make_library(pool: Executor, tasks: Sequence[Task]) -> None:
    """Make what is missing of the truth shards that collisions to overlay are drawn from."""
    missing = [task for task in tasks if not task.has_truth]
    if missing:
        log.info("making the library of collisions to overlay, %d shards", len(missing))
    for future in [pool.submit(make_truth, task) for task in missing]:
        _outcome(future)


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise L1aeError(
            "a generator worker died, most likely for lack of memory, or because the calling script is not protected by "
            'if __name__ == "__main__":; finished shards are kept, run again with fewer workers'
        ) from error


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

    def run(self, pool: Executor, in_flight: int) -> None:
        """Work until every queue has its events, with at most `in_flight` shards handed to `pool` at any time.

        Shards of a queue are submitted in order and all of them are waited for, so the finished ones have no gap.
        """
        pending: dict[Future[Any], tuple[Queue, int]] = {}
        try:
            while True:
                while len(pending) < in_flight and (queue := self._most_urgent()) is not None:
                    self._start(pool, queue, pending)
                self._report()
                if not pending:
                    return
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    queue, index = pending.pop(future)
                    queue.done[index] = _outcome(future)
                    self.made += 1
        except KeyboardInterrupt:
            log.warning("interrupted; completing the shards in hand, run again to continue")
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, pool: Executor, queue: Queue, pending: dict[Future[Any], tuple[Queue, int]]) -> None:
        index, queue.submitted = queue.submitted, queue.submitted + 1
        summary = finished(queue.task(index))
        if summary is None:
            pending[pool.submit(run_task, queue.task(index))] = (queue, index)
        else:
            queue.done[index] = summary
            self.reused += 1

    def _most_urgent(self) -> Queue | None:
        """The queue with most shards missing, so that no long one is left to the end."""
        missing = [queue.missing_shards() for queue in self.queues]
        most = max(missing)
        return self.queues[missing.index(most)] if most > 0 else None

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(sum(queue.accepted() for queue in self.queues), self.total)
