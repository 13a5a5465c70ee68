"""What people see: one console for the log and the bars (stderr), one for results (stdout)."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Task as Row
from rich.table import Column
from rich.text import Text

from l1ae.progress import Task, listening

__all__ = ["LOG", "RESULTS", "close_terminal", "duration", "log_to_terminal", "progress_shown", "state_of"]


class _Stderr:
    """Standard error; once it is kept, as it was then: what libraries say to file descriptor 2 while they are loaded is swallowed."""

    def __init__(self) -> None:
        self._kept: IO[str] | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """In the block, where file descriptor 2 leads at its begin."""
        sys.stderr.flush()
        # whatever happens to be said must not end the command
        with os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace") as stream:
            self._kept = stream
            try:
                yield
            finally:
                self._kept = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept or sys.stderr, name)


_stderr = _Stderr()

LOG = Console(file=cast("IO[str]", _stderr))
"""For log and bars, which must know of each other."""

RESULTS = Console()
"""For results."""

_TICK = 0.2
_SHOWN_AFTER = 0.7
"""Seconds before a task gets a bar: what is done at once needs none."""

_TOLD_AFTER = (2.0, 10.0, 30.0)
_TOLD_EVERY = 60.0
"""Seconds after which a task is told of where there are no bars."""

_WIDE = 90
_NARROW = 66


def duration(seconds: float) -> str:
    """For people: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _counted(task: Task) -> str:
    if task.total is None or not task.unit:
        return ""
    return f"{task.done:,} of {task.total:,} {task.unit}"


def _time(task: Task) -> str:
    left = task.left
    return duration(task.seconds) + ("" if left is None else f", about {duration(left)} left")


def state_of(task: Task) -> str:
    """A line that says everything, as for a log."""
    return f"{task.what}: {', '.join(part for part in (_counted(task), task.note, _time(task)) if part)}"


class _Told(ProgressColumn):
    """Count, note and time of a task; the note where there is room for it."""

    def render(self, task: Row) -> Text:
        told: Task = task.fields["told"]
        width = LOG.width
        parts = (_counted(told) if width >= _NARROW else "", told.note if width >= _WIDE else "", _time(told))
        return Text(", ".join(part for part in parts if part))


def _bars() -> Progress:
    width = LOG.width
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
    ]
    if width >= _NARROW:
        columns.append(BarColumn(bar_width=20 if width >= _WIDE else 8))
    return Progress(*columns, _Told(table_column=Column(no_wrap=True, overflow="ellipsis")), console=LOG, transient=True)


class _Bars:
    """A bar for every task that lasts, below the log, while there is one."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._rows: dict[Task, TaskID] = {}

    def look(self, tasks: list[Task]) -> None:
        """Show how far these are."""
        for task in tasks:
            if task in self._rows or task.seconds >= _SHOWN_AFTER:
                self._show(task)

    def _show(self, task: Task) -> None:
        if self._bars is None:
            self._bars = _bars()
            self._bars.start()
        if task not in self._rows:
            self._rows[task] = self._bars.add_task(task.what, total=None, told=task)
        self._bars.update(self._rows[task], description=task.what, completed=task.done, total=task.total)

    def forget(self, task: Task) -> None:
        """It has ended."""
        if self._bars is not None and task in self._rows:
            self._bars.remove_task(self._rows.pop(task))
            if not self._rows:
                self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bars is not None:
            self._bars.stop()
        self._bars, self._rows = None, {}


class _Lines:
    """A line for every task that lasts, seldom: for files and for whoever reads what a job has written."""

    def __init__(self) -> None:
        self._told: dict[Task, int] = {}

    def look(self, tasks: list[Task]) -> None:
        """Say how far these are, those of which it is time to."""
        for task in tasks:
            due = sum(task.seconds >= after for after in _TOLD_AFTER) + int(task.seconds // _TOLD_EVERY)
            if due > self._told.get(task, 0):
                self._told[task] = due
                _stderr.write(f"{state_of(task)}\n")
                _stderr.flush()

    def forget(self, task: Task) -> None:
        """It has ended."""
        self._told.pop(task, None)

    def close(self) -> None:
        """Nothing to do."""


class _Watch:
    """Looks at the tasks that are open, from a thread of its own, for a view of them."""

    def __init__(self, view: _Bars | _Lines) -> None:
        self._view = view
        self._tasks: list[Task] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def begun(self, task: Task) -> None:
        """As `Listener`."""
        with self._lock:
            self._tasks.append(task)

    def ended(self, task: Task) -> None:
        """As `Listener`."""
        with self._lock:
            self._tasks.remove(task)
            self._view.forget(task)

    def look(self) -> None:
        """Until `close`."""
        while not self._ended.wait(_TICK):
            with self._lock:
                if not self._ended.is_set():
                    self._view.look(self._tasks)

    def close(self) -> None:
        """No view any more."""
        self._ended.set()
        with self._lock:
            self._view.close()

    def abandon(self) -> None:
        """As `close`, where who draws may never give back what it holds."""
        self._ended.set()
        if self._lock.acquire(timeout=0.2):
            with suppress(Exception):
                self._view.close()


_watches: list[_Watch] = []


def _has_bars() -> bool:
    return bool(_stderr.isatty()) and not LOG.is_dumb_terminal


@contextmanager
def progress_shown() -> Iterator[None]:
    """Show the tasks of the block: as bars on a terminal, else as lines."""
    with _stderr.kept():
        watch = _Watch(_Bars() if _has_bars() else _Lines())
        _watches.append(watch)
        threading.Thread(target=watch.look, name="progress", daemon=True).start()
        try:
            with listening(watch):
                yield
        finally:
            _watches.remove(watch)
            watch.close()


def close_terminal() -> None:
    """Leave the terminal as it was, from whatever thread, however the others are."""
    for watch in _watches:
        watch.abandon()


class _Plain(logging.StreamHandler):  # type: ignore[type-arg]
    """One line per record, whatever its length, on what stderr is now."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)-8s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = _stderr
        super().emit(record)


def log_to_terminal(level: int) -> None:
    """Show the library's log."""
    log = logging.getLogger("l1ae")
    handler: logging.Handler = RichHandler(console=LOG, show_path=False, show_time=False) if _has_bars() else _Plain()
    log.addHandler(handler)
    log.setLevel(level)
