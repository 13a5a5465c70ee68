"""Tasks: what a listener learns, and how long the rest takes."""

import threading

import pytest

from l1ae import progress
from l1ae.progress import Task, listening, task, tracked


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int]] = []

    def begun(self, task: Task) -> None:
        self.events.append(("begun", task.what, task.done))

    def ended(self, task: Task) -> None:
        self.events.append(("ended", task.what, task.done))


def test_a_listener_hears_of_tasks_while_it_listens():
    heard = Heard()
    with task("before"):
        pass
    with listening(heard), task("outer", total=3, unit="events") as outer, task("inner"):
        outer.advance(2)
    with task("after"):
        pass
    assert heard.events == [("begun", "outer", 0), ("begun", "inner", 0), ("ended", "inner", 0), ("ended", "outer", 2)]


def test_a_task_ends_with_an_error_too():
    heard = Heard()
    with listening(heard), pytest.raises(ValueError, match="wrong"), task("fails"):
        raise ValueError("wrong")
    assert [what for what, _, _ in heard.events] == ["begun", "ended"]


def test_tracked_items_are_counted_and_a_loop_that_is_left_ends_the_task():
    heard = Heard()
    with listening(heard):
        assert list(tracked("abc", "letters")) == ["a", "b", "c"]
        for letter in tracked("abc", "left"):
            if letter == "b":
                break
    assert heard.events == [("begun", "letters", 0), ("ended", "letters", 3), ("begun", "left", 0), ("ended", "left", 1)]


@pytest.mark.parametrize(
    ("total", "done_before", "done", "seconds", "expected", "left"),
    [
        (100, 0, 25, 10.0, None, 30.0),  # 2.5 a second
        (100, 50, 75, 10.0, None, 10.0),  # as fast, and half was done before
        (100, 0, 100, 10.0, None, 0.0),
        (100, 0, 0, 10.0, None, None),  # nothing is known yet
        (100, 0, 50, 0.5, None, None),  # too early to say
        (None, 0, 0, 10.0, 30.0, 20.0),
        (None, 0, 0, 40.0, 30.0, None),  # longer than expected: nobody knows
    ],
)
def test_what_is_left_follows_from_what_was_done(total, done_before, done, seconds, expected, left, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with task("work", total=total, expected=expected) as found:
        found.begin_at(done_before)
        found.update(done)
        now += seconds
        assert found.left == left if left is None else found.left == pytest.approx(left)


def test_threads_lose_no_count_and_what_another_program_does_is_asked_for():
    with task("together", total=4000) as found:
        threads = [threading.Thread(target=lambda: [found.advance() for _ in range(1000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with found.measured(lambda: 7):
            assert found.done == 4007
        assert found.done == 4000
