"""Fifty workers whose trainings take no time: what the client, its files and its database can keep up with, and that nothing is lost."""

import logging
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from distributed import LocalCluster

from l1ae.engine import EngineOptions, engine
from l1ae.search import Ledger, SearchFolder, load_study, run_search

from .pretended import calls, forecast, logged, write_study

WORKERS = 50


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a scheduler with its workers, which are in this process: as processes they would be fifty times its size."""
    with LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        processes=False,
        protocol="inproc://",
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("trials", [pytest.param(100, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.exhaustive)])
def test_fifty_workers_lose_no_trial_and_do_none_twice(tmp_path, monkeypatch, scheduler, trials):
    """Candidates at random: those of the estimators cost more time with every trial, and this is about the rest."""
    monkeypatch.setattr("l1ae.search._driver.forecast", forecast)
    study = load_study(write_study(tmp_path, trials=trials, sampler="random", seed=5))
    folder, log = SearchFolder(tmp_path / "search"), tmp_path / "calls"
    folder.begin(study, resume=False)
    most = 0

    def note(progress) -> None:
        nonlocal most
        most = max(most, progress.running)

    with Ledger(study, folder.path) as ledger, engine(EngineOptions(scheduler=scheduler)) as opened:
        assert opened.workers == WORKERS
        began, used = time.monotonic(), time.process_time()
        run_search(study, folder, ledger, opened, function=logged(log), progress=note)
        seconds, used = time.monotonic() - began, time.process_time() - used
    speed = f"{trials / seconds:.1f} per second, {trials / used:.1f} per second of a core"
    print(f"{trials} trials of {WORKERS} workers in {seconds:.1f} s: {speed}; at most {most} under way")  # noqa: T201

    found = folder.trials()
    done = Counter(trial.settings["name"] for trial in found if trial.state == "complete")
    assert Counter(name for name, _ in calls(log)) == done
    assert set(calls(log).values()) == {1}
    assert done.total() == len(done) == trials
    assert {trial.state for trial in found} <= {"complete", "refused", "repeated"}
    assert [trial.number for trial in found] == list(range(len(found)))
    with Ledger(study, folder.path) as ledger:
        told = ledger.trials()
        assert not ledger.running()
    assert [trial.number for trial in told] == list(range(len(found)))
    states = {"complete": "COMPLETE", "refused": "PRUNED"}
    assert all(other.state.name == states[trial.state] for trial, other in zip(found, told, strict=True) if trial.state in states)
    for trial, other in zip(found, told, strict=True):
        if trial.state == "complete":
            one = trial.measured[0]
            assert other.values == [one.chosen.points[0].mean.value, one.cost.luts_packed.value]
    assert most > 1
