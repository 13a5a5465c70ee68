"""The search itself, with trainings that are pretended: nothing is lost, nothing is done twice, and chance has a seed."""

import json
from dataclasses import replace

import optuna
import pytest

from l1ae.engine import InlineEngine
from l1ae.errors import UserError
from l1ae.search import Ledger, SearchFolder, Trial, best_below, front_of, load_study, run_search, write_front

from .conftest import STUDY, cost, measured, pretend, without_times


@pytest.fixture(autouse=True)
def _known_costs(request, monkeypatch):
    """Forecasts take a second each: here they cost what the pretended trainings do, but where refusals are looked at."""
    if "refused" not in request.node.name:
        monkeypatch.setattr("l1ae.search._driver.forecast", lambda config: cost(300))


def searched(study, folder, *, function=pretend, engine=None, resume=False) -> tuple[SearchFolder, Ledger]:
    place = SearchFolder(folder)
    place.begin(study, resume=resume)
    ledger = Ledger(study, folder)
    run_search(study, place, ledger, engine or InlineEngine(), function=function)
    return place, ledger


def test_a_study_has_as_many_trials_as_were_asked_for(study, tmp_path):
    folder, ledger = searched(study, tmp_path / "search")
    trials = folder.trials()
    assert sum(trial.state in {"complete", "failed"} for trial in trials) == 6
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert {trial.number for trial in ledger.trials()} == set(range(len(trials)))
    assert {(trial.model, trial.reason) for trial in trials[:2]} == {("tree", ""), ("pairs", "")}
    stored = optuna.load_study(study_name="tiny", storage=ledger.url)
    assert stored.metric_names == ["mean efficiency at 1 kHz pure", "LUT, packed"]
    assert len(stored.best_trials) >= 1


class KilledError(Exception):
    pass


class Dying(InlineEngine):
    """Ends as a killed client does, after so many tasks."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def finished(self, timeout=None):
        if not self.after:
            raise KilledError
        self.after -= 1
        return super().finished(timeout)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_a_seed_gives_the_same_study_whether_interrupted_or_not(write_study, tmp_path, sampler):
    study = load_study(write_study(STUDY | {"trials": 28, "sampler": sampler}))
    whole, _ = searched(study, tmp_path / "whole")
    again, _ = searched(study, tmp_path / "again")
    assert without_times(again.path) == without_times(whole.path)
    parts, calls = tmp_path / "parts", []

    def counted(task):
        calls.append(task.configs[0].name)
        return pretend(task)

    for after in (3, 9):
        with pytest.raises(KilledError):
            searched(study, parts, function=counted, engine=Dying(after), resume=parts.exists())
    searched(study, parts, function=counted, resume=True)
    assert without_times(parts) == without_times(whole.path)
    assert len(calls) == len(set(calls)) == 28
    other = load_study(write_study(STUDY | {"trials": 28, "sampler": sampler, "seed": 2}))
    assert without_times(searched(other, tmp_path / "other")[0].path) != without_times(whole.path)


def test_what_finished_and_was_not_told_is_told(study, tmp_path, monkeypatch):
    """As if killed between the file of a trial and its database."""
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "tell", lambda *arguments, **options: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            searched(study, tmp_path / "search")
    assert len(list((tmp_path / "search" / "trials").iterdir())) == 1
    calls = []
    folder, ledger = searched(study, tmp_path / "search", function=lambda task: calls.append(task) or pretend(task), resume=True)
    assert len(calls) == 5
    assert not ledger.running()
    assert len(folder.trials()) == len(ledger.trials())


def test_a_search_is_not_begun_over_another(study, write_study, tmp_path):
    searched(study, tmp_path / "search")
    with pytest.raises(UserError, match="holds a search; continue it with --resume, or begin another one with --run"):
        searched(study, tmp_path / "search")
    before = without_times(tmp_path / "search")
    searched(study, tmp_path / "search", resume=True)
    assert without_times(tmp_path / "search") == before
    more = load_study(write_study(STUDY | {"trials": 8}))
    assert len(searched(more, tmp_path / "search", resume=True)[0].trials()) >= 8
    other = load_study(write_study(STUDY | {"seed": 5}))
    with pytest.raises(UserError, match="was begun with another study than"):
        searched(other, tmp_path / "search", resume=True)


def test_a_training_that_fails_is_a_trial_of_its_own(study, tmp_path):
    def failing(task):
        if task.configs[0].model.architecture == "pair_tables":
            raise UserError("learned nothing")
        return pretend(task)

    trials = searched(study, tmp_path / "search", function=failing)[0].trials()
    failed = [trial for trial in trials if trial.model == "pairs" and trial.state != "repeated"]
    assert failed
    assert {(trial.state, trial.reason) for trial in failed} == {("failed", "learned nothing")}


@pytest.mark.slow
def test_what_cannot_fit_is_refused_before_it_is_trained(write_study, tmp_path):
    space = {"model.latent": {"range": [1, 12]}, "model.encoder": {"choices": [[], [64, 64]]}}
    content = STUDY | {"models": {"net": {"base": "crossing_ae.yaml", "space": space}, "tree": STUDY["models"]["tree"]}, "trials": 8}
    calls = []

    def counted(task):
        calls.append(task.configs[0].model.encoder)
        return tuple(measured(0.1, 300, seed=config.seed) for config in task.configs)

    folder, ledger = searched(load_study(write_study(content)), tmp_path / "search", function=counted)
    refused = [trial for trial in folder.trials() if trial.state == "refused"]
    assert refused
    assert (64, 64) not in calls
    assert all("beyond the budget" in trial.reason or "stages of 25 ns" in trial.reason for trial in refused)
    states = {trial.number: trial.state.name for trial in ledger.trials()}
    assert {states[trial.number] for trial in refused} == {"PRUNED"}


@pytest.mark.slow
def test_only_the_best_of_the_short_trainings_become_long(write_study, tmp_path):
    study = load_study(write_study(STUDY | {"models": {"pairs": STUDY["models"]["pairs"]}, "halving": {"rungs": 2, "eta": 2}, "trials": 8}))
    trials = [trial for trial in searched(study, tmp_path / "search")[0].trials() if trial.state == "complete"]
    assert {trial.rung for trial in trials} == {0, 1}
    for trial in trials:
        assert len(trial.measured) == trial.rung + 1
        asked = trial.parameters["model.pair_tables.epochs"]
        epochs = trial.settings["model.pair_tables.epochs"]
        assert epochs == (asked if trial.rung else -(-asked // 2))
        assert bool(trial.reason) == (trial.rung == 0)


def test_a_space_without_more_points_ends(write_study, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("l1ae.search._driver._LONGEST_ROW", 15)
    few = {"base": "density_tree.yaml", "space": {"version": {"choices": [1, 2, 3]}}}
    folder, _ = searched(
        load_study(write_study(STUDY | {"models": {"tree": few}, "trials": 50})),
        tmp_path / "search",
        function=lambda task: (measured(0.1, 300),),
    )
    assert sum(trial.state == "complete" for trial in folder.trials()) == 3
    assert "the space holds no more" in caplog.text


def test_the_mean_over_seeds_counts_and_the_best_one_is_taken(write_study, tmp_path):
    def noisy(task):
        assert [config.seed for config in task.configs] == [1, 2, 3]
        return tuple(measured(value, 300, seed=config.seed) for config, value in zip(task.configs, (0.1, 0.3, 0.2), strict=True))

    study = load_study(write_study(STUDY | {"seeds": 3, "trials": 2}))
    folder, ledger = searched(study, tmp_path / "search", function=noisy)
    stored = next(trial for trial in ledger.trials() if trial.values)
    assert stored.values == pytest.approx([0.2, 300])
    front = front_of(study, folder.trials(), ledger)
    assert {point.seed for point in front.points} == {2}
    assert {point.values[0].value for point in front.points} == {0.3}


def trial(number: int, model: str, efficiency: float, lut: float, state="complete") -> Trial:
    found = () if state != "complete" else (measured(efficiency, lut, reported=efficiency / 2),)
    return Trial(number, model, {}, {"name": f"tiny_{number:04d}"}, state, 0, found, "" if found else "7 is too much", 1.0)


def test_the_front_and_what_is_best_below(study, tmp_path):
    ledger = Ledger(study, tmp_path)
    trials = [
        trial(0, "tree", 0.10, 300),
        trial(1, "tree", 0.08, 350),
        trial(2, "pairs", 0.13, 1200),
        trial(3, "pairs", 0.15, 9000),
        trial(4, "pairs", 0.13, 1300),
        trial(5, "tree", 0, 0, "refused"),
        trial(6, "tree", 0, 0, "refused"),
        trial(7, "tree", 0, 0, "failed"),
    ]
    front = front_of(study, trials, ledger)
    assert [(point.name, point.kind) for point in front.points] == [("tiny_0002", "pairs"), ("tiny_0000", "trees")]
    assert front.points[0].reported[0].value == pytest.approx(0.065)
    assert front.points[0].reported[1] is None
    assert (front.counts.complete, front.counts.refused, front.counts.failed) == (5, 2, 1)
    assert front.reasons == {"… is too much": 3}
    found = {
        (best.kind, best.lut): None if best.trial is None else best.trial.number for best in best_below(study, trials, (200, 1000, 20000))
    }
    assert found == {
        ("trees", 200): None,
        ("trees", 1000): 0,
        ("trees", 20000): 0,
        ("pairs", 200): None,
        ("pairs", 1000): None,
        ("pairs", 20000): 3,
    }
    folder = SearchFolder(tmp_path)
    write_front(study, folder, front, trials)
    assert folder.load_front() == front
    assert {path.name for path in (tmp_path / "front").iterdir()} == {"tiny_0000.yaml", "tiny_0002.yaml"}


def test_a_damaged_trial_is_said(study, tmp_path):
    folder, _ = searched(study, tmp_path / "search")
    path = folder.trial(1)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"seconds": -1}))
    with pytest.raises(UserError, match=r"000001.json' is no trial of a search of this version \(seconds: .*remove it"):
        folder.trials()


def test_another_study_of_the_same_name_in_a_database(study, write_study, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    first = replace(study, config=study.config.model_copy(update={"storage": url}))
    searched(first, tmp_path / "first")
    other = load_study(write_study(STUDY | {"seed": 9, "storage": url}))
    with pytest.raises(UserError, match="holds another study of the name 'tiny'"):
        Ledger(other, tmp_path)
