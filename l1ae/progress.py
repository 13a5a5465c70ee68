"""What takes time says here how far it is; whoever wants to show it listens.

Anything in the package may open a task, in any thread, whether somebody listens or not:

    with task("scoring", total=len(events), unit="events") as scoring:
        for piece in pieces:
            ...
            scoring.advance(len(piece))
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Protocol, TypeVar

__all__ = ["Listener", "Task", "listening", "task", "tracked"]

_T = TypeVar("_T")

# an estimate from less is a guess
_LEAST_SECONDS = 1.0


class Task:
    """Something that takes time: `done` of `total` things of a `unit` (None: cannot be counted), since `begun` (`time.monotonic()`).

    `expected`: about how many seconds it takes, for what cannot be counted. `note`: what else there is to say now.
    """

    def __init__(self, what: str, total: int | None, unit: str, expected: float | None) -> None:
        self.what, self.total, self.unit, self.expected = what, total, unit, expected
        self.note, self.begun = "", time.monotonic()
        self._counted_from, self._done = 0, 0
        self._measures: list[Callable[[], int]] = []
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        """`count` more are done; from any thread."""
        with self._lock:
            self._done += count

    def update(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """`done` are done now, of `total` where that has changed."""
        with self._lock:
            self._done = done
            self.total = self.total if total is None else total
            self.note = self.note if note is None else note

    def begin_at(self, done: int) -> None:
        """`done` were done by an earlier attempt, and say nothing of how long the rest takes."""
        with self._lock:
            self._done = self._counted_from = done

    @contextmanager
    def measured(self, measure: Callable[[], int]) -> Iterator[None]:
        """While the block runs, so many more are done as `measure` says: for what another program does."""
        with self._lock:
            self._measures.append(measure)
        try:
            yield
        finally:
            with self._lock:
                self._measures.remove(measure)

    @property
    def done(self) -> int:
        """How many are done."""
        with self._lock:
            return self._done + sum(measure() for measure in self._measures)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.begun

    @property
    def left(self) -> float | None:
        """About how many more seconds it takes; None where that is not known."""
        seconds, done = self.seconds, self.done
        made = done - self._counted_from
        if self.total is not None and made > 0 and seconds > _LEAST_SECONDS:
            return seconds * max(0, self.total - done) / made
        # what takes longer than expected is not known to end soon
        return self.expected - seconds if self.expected is not None and self.expected > seconds else None


class Listener(Protocol):
    """Who shows tasks. What happens between beginning and end it finds in the task, whenever it looks."""

    def begun(self, task: Task) -> None:
        """A task has begun."""

    def ended(self, task: Task) -> None:
        """It has ended, whether well or not."""


_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` of all tasks of this process while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def task(what: str, *, total: int | None = None, unit: str = "", expected: float | None = None) -> Iterator[Task]:
    """A task for the block. `what` names stage and work, as in `csim: compiling`; `unit` is the plural of what is counted."""
    found = Task(what, total, unit, expected)
    told = tuple(_listeners)
    for listener in told:
        listener.begun(found)
    try:
        yield found
    finally:
        for listener in told:
            listener.ended(found)


def tracked(items: Iterable[_T], what: str, *, total: int | None = None, unit: str = "") -> Iterator[_T]:
    """The items, as a task that ends with them; `total` where they have no length."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with task(what, total=total, unit=unit) as found:
        for item in items:
            yield item
            found.advance()
