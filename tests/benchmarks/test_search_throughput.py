"""How much a search tries in an hour: what follows from the times of trainings, and that two searches try the same."""

import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import search_throughput as throughput
from search_throughput import Events, InTurn, Results, Searched, Training

from l1ae.config import load_config
from l1ae.engine import InlineEngine
from l1ae.errors import UserError
from l1ae.results import save_result
from l1ae.search import SearchFolder, Task, run_search

from ..search.conftest import CONFIGS, cost, measured
from ..search.found import trial

EVENTS = Events(150_000, 100_000, 310_000, 24_000, 48_000)
MODELS = ("tree", "pairs", "autoencoder")


def chain(worker, start, cycles, wait=1.0):
    """Trainings of one worker, (number, seconds from one end to the next) each; it waits before each of them."""
    for number, seconds in cycles:
        yield Training(number, MODELS[number % 3], worker, start + wait, start + seconds)
        start += seconds


def searches(first, second):
    """A search with one worker and one with two, of cycles by number; beginnings and the end are of trials with long or short ones."""
    alone = tuple(chain(7, 5.0, [(0, 400.0), *first.items()]))
    last = max(second) + 1
    odd = [(number, second[number]) for number in second if number % 2]
    even = [(number, second[number]) for number in second if number % 2 == 0]
    together = (*chain(8, 9.0, [(0, 500.0), *even], 0.25), *chain(9, 9.0, [(1, 600.0), *odd, (last, 10_000.0)], 0.25))
    one = Searched(1, 4.0, alone[-1].ended, 24.0, 3, 1, (*alone, Training(last, MODELS[last % 3], 7, alone[-1].ended, alone[-1].ended + 2)))
    two = Searched(2, 8.0, together[-1].ended, 30.0, 3, 1, together)
    return Results("2 processors of a test", 0.1, EVENTS, one, two)


FIRST = {1: 22.0, 2: 55.0, 3: 10.0, 4: 18.0, 5: 65.0, 6: 8.0, 7: 20.0, 8: 60.0, 9: 12.0}
SECOND = {number: 1.25 * seconds for number, seconds in FIRST.items() if number != 1}


def test_what_counts_is_from_one_end_to_the_next():
    found = searches(FIRST, SECOND)
    # the second search leaves out its last one, 10, and the first of each worker, 0 and 1
    assert throughput.cycles(found.two) == pytest.approx(SECOND)
    assert throughput.cycles(found.one) == pytest.approx(FIRST | {10: 2.0})
    assert throughput.waits(found.two) == pytest.approx(dict.fromkeys(SECOND, 0.25))


def test_two_workers_that_disturb_each_other_by_a_quarter_do_sixteen_tenths():
    found = searches(FIRST, SECOND)
    gain = throughput.speed_up(found)
    assert gain.value == pytest.approx(1.6)
    assert gain.high - gain.low == pytest.approx(0, abs=1e-9)


def test_errors_are_of_the_scatter_within_a_model():
    models = {number: MODELS[number % 3] for number in range(7)}
    # two of a model at m ± d: variance 2 d², of the mean d²
    mean, error = throughput.in_equal_shares({1: 18.0, 4: 22.0, 2: 60.0, 5: 60.0, 3: 7.0, 6: 13.0}, models)
    assert mean == pytest.approx((20 + 60 + 10) / 3)
    assert error == pytest.approx((4 + 0 + 9) ** 0.5 / 3)
    # three tests of one model weigh as much as one of another
    assert throughput.in_equal_shares({1: 2.0, 4: 2.0, 2: 5.0, 5: 5.0, 0: 8.0, 3: 8.0, 6: 8.0}, models) == (5.0, 0.0)
    assert throughput.per_hour({1: 20.0, 4: 20.0, 2: 60.0, 5: 60.0, 3: 10.0, 6: 10.0}, models, 2).value == pytest.approx(240)


def test_the_error_of_the_quotient_is_that_of_repeated_measurements():
    """Candidates differ by a factor of two within a model, and each time of the two searches by 5 %."""
    rng = np.random.default_rng(5)
    numbers = range(2, 26)
    pulls = []
    for _ in range(200):
        true = {number: (10.0, 20.0, 60.0)[number % 3] * rng.uniform(0.7, 1.4) for number in numbers}
        first, second = ({n: s * rng.normal(1, 0.05) for n, s in true.items()} for _ in range(2))
        gain = throughput.speed_up(searches({1: 20.0} | first, {n: 1.1 * s for n, s in second.items()}))
        pulls.append((gain.value - 2 / 1.1) / (gain.high - gain.value))
    # of three models with eight trials each; a t distribution is wider than a normal one
    assert np.std(pulls) == pytest.approx(1.05, abs=0.15)
    assert abs(np.mean(pulls)) < 0.2


def test_the_page_has_all_figures():
    text = throughput.page(searches(FIRST, SECOND))
    lines = {line.split(" | ")[0][2:]: line[2:-2].split(" | ")[1:] for line in text.splitlines() if line.startswith("| ")}
    assert lines["trials per hour while all workers work"][2] == "1.6"
    # both of the trials that count in both searches: the means of 10, 20 and 60 s without trial 1 are 10, 19 and 60
    one, two = (float(text.split()[0]) for text in lines["trials per hour while all workers work"][:2])
    assert one == pytest.approx(3600 * 3 / 89, abs=1)
    assert two == pytest.approx(1.6 * 3600 * 3 / 89, abs=1)
    assert lines["a worker waits between two trainings [s]"][1] == "0.25"
    assert lines["trained"][:2] == ["11", "11"]
    assert lines["of which failed"][:2] == ["1", "1"]
    assert lines["refused before any training"][:2] == ["3", "3"]
    assert lines["to ask and to tell, of each candidate [s of CPU time]"][:2] == [f"{24 / 14:.2f}", f"{30 / 14:.2f}"]
    # trainings are a wait shorter than their cycles
    assert lines["`autoencoder`"] == ["3", "59.0 (54.0 to 64.0)", "74.8 (68.5 to 81.0)"]
    assert lines["`tree`"][1:] == ["9.0 (7.0 to 11.0)", "12.2 (9.8 to 14.8)"]
    assert "250,000 crossings to train and to choose on: 150,000 to train, 100,000 for rates, beside 24,000 events of signals" in flat(text)
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {5}


def flat(text):
    return " ".join(text.split())


def test_too_few_trainings_are_said():
    found = searches({number: FIRST[number] for number in (1, 2, 3)}, {2: 60.0, 3: 12.0})
    with pytest.raises(UserError, match=r"fewer than two trainings of '\w+' were among others; give more with --trials"):
        throughput.page(found)


def test_a_page_is_made_of_what_was_kept(tmp_path, monkeypatch):
    found = searches(FIRST, SECOND)
    save_result(tmp_path / "kept.json", found)
    monkeypatch.setattr("sys.argv", ["x", "--kept", str(tmp_path / "kept.json"), "-o", str(tmp_path / "page.md")])
    monkeypatch.setattr(throughput, "measured", lambda *_: pytest.fail("measured again"))
    throughput.main()
    assert (tmp_path / "page.md").read_text() == throughput.page(found)


# -- the searches ----------------------------------------------------------------------------------------------------


class Two(InlineEngine):
    """Does what it was given last before the rest, as when trainings differ in length."""

    workers = 2

    def finished(self, timeout=None):
        self._waiting.rotate(1)
        return super().finished(timeout)


def pretend(task):
    """In place of a training; tables of pairs fail where they would learn for long."""
    model = task.configs[0].model
    if model.architecture == "pair_tables" and model.pair_tables.epochs > 12:
        raise UserError("nothing was learnt")
    return (measured(0.1, 300.0 + len(str(task.configs[0].inputs))),)


def searched(folder, engine):
    study = throughput.write_study(folder / "study.yaml", 12)
    place = SearchFolder(folder / "search")
    place.begin(study, resume=False)
    with InTurn(study, place.path) as ledger:
        run_search(study, place, ledger, engine, function=pretend)
    return place.trials()


@pytest.mark.slow
def test_both_searches_try_the_same_and_of_each_model_as_much(tmp_path, monkeypatch):
    def forecast(config):
        """Refuses some of the autoencoders."""
        return cost(9000.0 if config.model.architecture == "dense_ae" and config.training.weight_power > 0.4 else 300.0)

    monkeypatch.setattr("l1ae.search._driver.forecast", forecast)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = searched(tmp_path / "one", InlineEngine()), searched(tmp_path / "two", Two())
    throughput.check_same(one, two)
    assert Counter(trial.model for trial in one if trial.state in {"complete", "failed"}) == dict.fromkeys(MODELS, 4)
    assert any(trial.state == "failed" for trial in one)
    assert any(trial.state == "refused" for trial in one)
    assert {trial.rung for trial in one} == {0}
    assert len({str(trial.parameters) for trial in one}) == len(one)
    other = [replace(two[0], parameters=two[1].parameters), *two[1:]]
    with pytest.raises(UserError, match=r"different candidates or trained them differently, and cannot be compared: \[0\]"):
        throughput.check_same(one, other)
    with pytest.raises(UserError, match=r"cannot be compared: \['the number of them'\]"):
        throughput.check_same(one, two[:-1])


def test_a_training_that_fails_counts_and_one_that_is_lost_is_said(tmp_path, monkeypatch):
    log = tmp_path / "trainings"

    def failing(task):
        raise UserError("nothing was learnt")

    trials = [trial(0, "tree", {}, (0.1, 300.0)), trial(1, "pairs", {}, None, state="failed", reason="nothing was learnt")]
    task = Task((load_config(CONFIGS / "density_tree.yaml").model_copy(update={"name": "throughput_0000"}),), (), False)
    monkeypatch.setattr(throughput, "measure", pretend)
    throughput.timed(task, log=str(log))
    with pytest.raises(UserError, match=r"trial 1 \(pairs\) lost its worker, and nothing is measured: nothing was learnt"):
        list(throughput.trained(log, trials, 0.0))
    monkeypatch.setattr(throughput, "measure", failing)
    with pytest.raises(UserError):
        throughput.timed(replace(task, configs=(task.configs[0].model_copy(update={"name": "throughput_0001"}),)), log=str(log))
    found = list(throughput.trained(log, [*trials, trial(2, "pairs", {}, None, state="refused")], 0.0))
    assert [(one.number, one.model, one.worker) for one in found] == [(0, "tree", os.getpid()), (1, "pairs", os.getpid())]
    assert all(one.began <= one.ended for one in found)
