"""What an engine is: tasks go in by key, and what became of them comes out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from l1ae.errors import L1aeError

__all__ = ["Engine", "InlineEngine", "Keys", "LostError", "Outcome", "outcome_of"]


class LostError(L1aeError):
    """A task that ended without a result or an error of its own, because its workers died."""


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or the error that it ended with."""

    key: str
    value: Any
    error: Exception | None


class Engine(Protocol):
    """Runs tasks, `workers` at a time: as many as there are, or were asked for. Keys are unique in the life of an engine."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Have `function` called; the workers must find it by import. Raises `ValueError` for a key that was given before."""

    def finished(self, timeout: float | None = None) -> list[Outcome]:
        """All tasks that ended since the last call: at least one, or none after `timeout` [s], or where no task is left.

        Raises `UserError` when the workers cannot be reached any more.
        """


class Keys:
    """The keys that were given."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def add(self, key: str) -> None:
        """Raises `ValueError` when it was given before."""
        if key in self._given:
            raise ValueError(f"task '{key}' was submitted before")
        self._given.add(key)


class InlineEngine:
    """Runs tasks in this process: one at a time, in their order, each when it is asked what has finished."""

    workers = 1

    def __init__(self) -> None:
        """Nothing is started."""
        self._keys = Keys()
        self._waiting: deque[tuple[str, Callable[..., Any], tuple[Any, ...]]] = deque()

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """See `Engine`; `function` needs no name."""
        self._keys.add(key)
        self._waiting.append((key, function, arguments))

    def finished(self, timeout: float | None = None) -> list[Outcome]:
        """See `Engine`; does not look at the clock."""
        del timeout
        if not self._waiting:
            return []
        return [outcome_of(*self._waiting.popleft())]


def outcome_of(key: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """Call a function; what it raises is part of the outcome, and so is its wish to end the process."""
    try:
        return Outcome(key, function(*arguments), None)
    except Exception as error:  # noqa: BLE001
        return Outcome(key, None, error)
    except SystemExit as error:
        return Outcome(key, None, LostError(f"task '{key}' wanted to end its process with status {error.code}"))
