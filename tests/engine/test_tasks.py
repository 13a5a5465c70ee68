"""What an engine is, without workers: the one of this process, and what options may not say."""

import operator
import sys

import pytest

from l1ae.engine import EngineOptions, InlineEngine, LostError
from l1ae.errors import UserError


def test_tasks_of_this_process_run_one_by_one_in_their_order():
    engine = InlineEngine()
    for key, divisor in (("half", 2), ("none", 0), ("third", 4)):
        engine.submit(key, operator.truediv, 1, divisor)
    outcomes = [engine.finished() for _ in range(4)]
    assert [[outcome.key for outcome in some] for some in outcomes] == [["half"], ["none"], ["third"], []]
    assert [outcomes[k][0].value for k in (0, 2)] == [0.5, 0.25]
    assert isinstance(outcomes[1][0].error, ZeroDivisionError)


def test_a_key_is_given_once_and_no_task_ends_the_process():
    engine = InlineEngine()
    engine.submit("a", sys.exit, 3)
    with pytest.raises(ValueError, match="task 'a' was submitted before"):
        engine.submit("a", operator.neg, 1)
    (outcome,) = engine.finished()
    assert isinstance(outcome.error, LostError)
    assert str(outcome.error) == "task 'a' wanted to end its process with status 3"
    with pytest.raises(ValueError, match="submitted before"):
        engine.submit("a", operator.neg, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be at least 1, not 0"),
        ({"scheduler": "tcp://a:1", "cluster": "slurm"}, "scheduler 'tcp://a:1' and cluster 'slurm' are two places; give one of them"),
        ({"scheduler": "tcp://a:1", "memory": "2GiB"}, "start them with `dask worker --memory-limit 2GiB`"),
    ],
)
def test_options_that_contradict_each_other(options, message):
    with pytest.raises(UserError, match=message):
        EngineOptions(**options)
