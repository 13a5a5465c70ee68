"""How much a search tries in an hour, with one worker and with two: docs/search_throughput.md, or the page that `-o` names.

    python benchmarks/search_throughput.py [--trials 15] [-o docs/search_throughput.md] [--kept FILE.json]

Run it on an otherwise quiet machine with at least two cores; by default it takes some ten minutes. Density trees, tables of pairs and
autoencoders of configs/studies/one_crossing.yaml are searched twice, each kind in turn, first with one worker and then with two. Their
parameters are drawn at random from the study's seed and the number of the trial, so that both searches train the same candidates; all have
all their epochs. The searches are the real ones, in a folder that is removed. `--kept` writes what was measured to a file; if that is
there already, nothing is measured, and the page is made from it. `--source` takes other data, to try the script out.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import command
import numpy as np
import yaml
from page_text import markdown, paragraph
from results import publish

from l1ae.data import SPLIT, TEST, TRAIN, VALIDATION, EventStore, open_dataset
from l1ae.engine import EngineOptions, engine
from l1ae.errors import UserError
from l1ae.evaluation import Estimate, format_estimate
from l1ae.report import Table
from l1ae.results import Count, FirstVersion, Positive, load_result, save_result
from l1ae.search import Ledger, Measured, Point, SearchFolder, Study, Task, Trial, load_study, measure, run_search
from l1ae.search._sampling import MODEL

SHIPPED = Path(__file__).parents[1] / "configs" / "studies" / "one_crossing.yaml"
MODELS = ("tree", "pairs", "autoencoder")
LEAST = 4
"""Trainings of each kind: up to three are not counted, and a scatter needs two."""
DEFAULT = 5


@dataclass(frozen=True)
class Training:
    """One trial: its number, the process that trained it, and when that began and ended, in seconds after the search began."""

    number: Count
    model: str
    worker: Count
    began: Positive
    ended: Positive


@dataclass(frozen=True)
class Searched:
    """One search. `starting`: seconds until the workers are there; `processor`: seconds of CPU time of the process that asks and tells.

    `failed`: trainings that ended in an error, which are trials as the others.
    """

    workers: Count
    starting: Positive
    seconds: Positive
    processor: Positive
    refused: Count
    failed: Count
    trainings: tuple[Training, ...]


@dataclass(frozen=True)
class Events:
    """What a trial reads: crossings of each part, and events of all signals."""

    train: Count
    validation: Count
    test: Count
    validation_signals: Count
    test_signals: Count


@dataclass(frozen=True)
class Results:
    """All that the page is made of. `load`: processes that ran on the machine before, on the average of a minute."""

    machine: str
    load: Positive
    events: Events
    one: Searched
    two: Searched
    version: FirstVersion = 1


# -- the searches ----------------------------------------------------------------------------------------------------


class InTurn(Ledger):
    """A ledger that asks for the models of its study in turn, so that each has the same share of the trainings."""

    def __init__(self, study: Study, folder: Path) -> None:
        super().__init__(study, folder)
        self._models, self._turn = tuple(study.models), 0

    def ask(self) -> tuple[int, Point]:
        """The next trial; what its model leaves open is drawn at random."""
        model = self._models[self._turn % len(self._models)]
        self._turn += 1
        return len(self), self.restore({MODEL: model})

    def refuse(self, number: int, excess: dict[str, float], reason: str) -> None:
        """The model has another turn: its next candidate is asked for after this is told, however many workers there are."""
        self._turn -= 1
        super().refuse(number, excess, reason)


def write_study(path: Path, trials: int, source: Path | None = None) -> Study:
    """The shipped study with three of its models, without halving, whose candidates depend on their number alone.

    Of other data the rate is one that a few thousand crossings have.
    """
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    models = {name: content["models"][name] for name in MODELS}
    for model in models.values():
        model["base"] = str((SHIPPED.parent / model["base"]).resolve())
    content |= {"name": "throughput", "models": models, "sampler": "random", "trials": trials, "halving": None}
    if source is not None:
        content["set"] = {"data.source": str(source.resolve()), "trigger.zero_bias": "data"}
        content["objectives"] = [{"quantity": "efficiency", "kind": "raw", "khz": 100}, {"quantity": "lut"}]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_study(path)


def timed(task: Task, *, log: str) -> tuple[Measured, ...]:
    """`measure`, which leaves a line about itself. Runs in a worker."""
    began = time.time()
    try:
        return measure(task)
    finally:
        line = {"number": int(task.configs[0].name.rpartition("_")[2]), "worker": os.getpid(), "began": began, "ended": time.time()}
        # one write of a few bytes at the end of a file is never mixed with that of another process
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def search(study: Study, folder: Path, workers: int) -> tuple[Searched, list[Trial]]:
    """A search on so many workers. Raises `UserError` when a training is lost."""
    place, log = SearchFolder(folder), folder / "trainings"
    began, processor = time.time(), time.process_time()
    place.begin(study, resume=False)
    with InTurn(study, place.path) as ledger, engine(EngineOptions(workers=workers)) as opened:
        starting = time.time() - began
        run_search(study, place, ledger, opened, function=partial(timed, log=str(log)))
        seconds, processor = time.time() - began, time.process_time() - processor
    trials = place.trials()
    count = Counter(trial.state for trial in trials)
    trainings = tuple(sorted(trained(log, trials, began), key=lambda one: one.number))
    return Searched(workers, starting, seconds, processor, count["refused"], count["failed"], trainings), trials


def trained(log: Path, trials: list[Trial], began: float) -> Iterator[Training]:
    """What trainings said of themselves. Raises `UserError` when one was lost."""
    lines = {line["number"]: line for line in map(json.loads, log.read_text(encoding="utf-8").splitlines())}
    for trial in trials:
        if trial.state in {"complete", "failed"}:
            if trial.number not in lines:
                raise UserError(f"trial {trial.number} ({trial.model}) lost its worker, and nothing is measured: {trial.reason}")
            line = lines[trial.number]
            yield Training(trial.number, trial.model, line["worker"], line["began"] - began, line["ended"] - began)


def check_same(one: list[Trial], two: list[Trial]) -> None:
    """Both searches tried the same candidates and found the same contracts. Raises `UserError` otherwise: their times say nothing."""
    first, second = (
        [(trial.number, trial.model, trial.parameters, trial.state, trial.reason, [a.digest for a in trial.measured]) for trial in trials]
        for trials in (one, two)
    )
    if first != second:
        differ = [mine[0] for mine, other in zip(first, second, strict=False) if mine != other] or ["the number of them"]
        raise UserError(f"the two searches tried different candidates or trained them differently, and cannot be compared: {differ}")


def measured(trials: int, source: Path | None) -> Results:
    """Search with one worker and with two."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        study = write_study(Path(scratch) / "throughput.yaml", trials, source)
        one, first = search(study, Path(scratch) / "one", 1)
        print(f"one worker: {one.seconds:.0f} s", file=sys.stderr)
        two, second = search(study, Path(scratch) / "two", 2)
        print(f"two workers: {two.seconds:.0f} s", file=sys.stderr)
    check_same(first, second)
    machine = f"{len(os.sched_getaffinity(0))} processors of {platform.machine()}"
    config = study.models[MODELS[0]].config({}, str(study.path))
    return Results(machine, load, events_of(config.data.source), one, two)


def events_of(source: str) -> Events:
    """What there is in each recorded part of a data set."""
    data = open_dataset(source)
    background, signals = in_parts(data.background), [in_parts(store) for store in data.signals.values()]
    sums = {part: sum(counts[part] for counts in signals) for part in (VALIDATION, TEST)}
    return Events(background[TRAIN], background[VALIDATION], background[TEST], sums[VALIDATION], sums[TEST])


def in_parts(store: EventStore) -> dict[int, int]:
    """Events by part."""
    parts = store.read(extra=(SPLIT,)).extra[SPLIT]
    return {part: int(np.count_nonzero(parts == part)) for part in (TRAIN, VALIDATION, TEST)}


# -- what follows from them ------------------------------------------------------------------------------------------


def steady(found: Searched) -> Iterator[tuple[Training, Training]]:
    """Trainings while all workers work, each behind the one before it of the same worker.

    Left out are the first one of each worker, which loads libraries and data, and with several workers the one that ends last, as
    nothing runs beside it.
    """
    last = max(found.trainings, key=lambda one: one.ended)
    for worker in {one.worker for one in found.trainings}:
        mine = sorted((one for one in found.trainings if one.worker == worker), key=lambda one: one.ended)
        for before, one in pairwise(mine):
            if found.workers == 1 or one != last:
                yield before, one


def cycles(found: Searched) -> dict[int, float]:
    """Seconds by trial from one end to the next of the same worker: a training, and what the worker waits for it."""
    return {one.number: one.ended - before.ended for before, one in steady(found)}


def waits(found: Searched) -> dict[int, float]:
    """Seconds by trial in which its worker had nothing to do before it."""
    return {one.number: one.began - before.ended for before, one in steady(found)}


def in_equal_shares(seconds: Mapping[int, float], models: Mapping[int, str]) -> tuple[float, float]:
    """Mean and its standard error, from the scatter within each model, of trials of which each model has the same share.

    Raises `UserError` when there are fewer than two of a model.
    """
    by_model: dict[str, list[float]] = {model: [] for model in models.values()}
    for number, value in seconds.items():
        by_model[models[number]].append(value)
    for model, values in by_model.items():
        if len(values) < 2:
            raise UserError(f"fewer than two trainings of '{model}' were among others; give more with --trials")
    mean = statistics.fmean(statistics.fmean(values) for values in by_model.values())
    return mean, sum(statistics.variance(values) / len(values) for values in by_model.values()) ** 0.5 / len(by_model)


def models_of(found: Results) -> dict[int, str]:
    """Models by trial."""
    return {one.number: one.model for one in found.one.trainings}


def counted(found: Results, seconds: Callable[[Searched], dict[int, float]]) -> tuple[dict[int, float], dict[int, float]]:
    """`cycles` or `waits` of both searches, of the trials that both have: what is compared is alike."""
    one, two = seconds(found.one), seconds(found.two)
    both = sorted(one.keys() & two.keys())
    return {number: one[number] for number in both}, {number: two[number] for number in both}


def per_hour(cycle: Mapping[int, float], models: Mapping[int, str], workers: int) -> Estimate:
    """Trials in an hour while all workers work, of cycles by trial."""
    mean, error = in_equal_shares(cycle, models)
    rate = 3600 * workers / mean
    return with_error(rate, rate * error / mean)


def speed_up(found: Results) -> Estimate:
    """How many times as much two workers do as one.

    The error is that of a ratio of means of pairs (Cochran, Sampling Techniques, 3rd ed., section 6.4): how much longer or shorter a
    candidate takes than others is in both, and is no part of it.
    """
    models, (one, two) = models_of(found), counted(found, cycles)
    first, second = (in_equal_shares(seconds, models)[0] for seconds in (one, two))
    ratio = first / second
    _, error = in_equal_shares({number: one[number] - ratio * two[number] for number in one}, models)
    gain = found.two.workers / found.one.workers
    return with_error(gain * ratio, gain * error / second)


def with_error(value: float, error: float) -> Estimate:
    """A value and its standard error."""
    return Estimate(value, value - error, value + error)


# -- the page --------------------------------------------------------------------------------------------------------


def throughput_table(found: Results) -> Table:
    """What both searches did."""
    models, both = models_of(found), (found.one, found.two)
    whole = [3600 * len(one.trainings) / one.seconds for one in both]
    rates = [format_estimate(per_hour(cycle, models, one.workers)) for cycle, one in zip(counted(found, cycles), both, strict=True)]
    waiting = [format_estimate(with_error(*in_equal_shares(wait, models))) for wait in counted(found, waits)]
    asked = [len(one.trainings) + one.refused for one in both]
    rows = (
        ("trials per hour while all workers work", *rates, format_estimate(speed_up(found))),
        ("trials per hour of the whole search", *(f"{rate:.1f}" for rate in whole), f"{whole[1] / whole[0]:.2f}"),
        ("trained", *(str(len(one.trainings)) for one in both), ""),
        ("of which failed", *(str(one.failed) for one in both), ""),
        ("refused before any training", *(str(one.refused) for one in both), ""),
        ("the whole search [s]", *(f"{one.seconds:.1f}" for one in both), ""),
        ("of which until there are workers [s]", *(f"{one.starting:.1f}" for one in both), ""),
        ("a worker waits between two trainings [s]", *waiting, ""),
        (
            "to ask and to tell, of each candidate [s of CPU time]",
            *(f"{one.processor / n:.2f}" for one, n in zip(both, asked, strict=True)),
            "",
        ),
    )
    return Table("Searches with the same candidates", ("", "One worker", "Two workers", "Two to one"), rows, 1)


def models_table(found: Results) -> Table:
    """How long trainings take, of those that are compared."""
    rows, models, compared = [], models_of(found), counted(found, cycles)[0].keys()
    for model in dict.fromkeys(models.values()):
        columns = [
            sorted(one.ended - one.began for one in searched.trainings if one.model == model and one.number in compared)
            for searched in (found.one, found.two)
        ]
        medians = (f"{statistics.median(one):.1f} ({one[0]:.1f} to {one[-1]:.1f})" for one in columns)
        rows.append((f"`{model}`", str(len(columns[0])), *medians))
    header = ("Model of the study", "Trainings", "One worker: median (range) [s]", "Two workers: median (range) [s]")
    return Table("A training, with everything that is measured of it", header, tuple(rows), 1)


def page(found: Results) -> str:
    """The page. Raises `UserError` when too little was measured for it."""
    events = found.events
    lines = [
        "# How much a search tries in an hour\n",
        "```\npython benchmarks/search_throughput.py -o docs/search_throughput.md\n```\n",
        paragraph(
            f"{found.machine}, load before {found.load:.1f}. Density trees (`tree`), tables of pairs (`pairs`) and autoencoders "
            "(`autoencoder`) of `configs/studies/one_crossing.yaml` have a third of the trainings each, within the spaces and the budget "
            "of that study, with parameters at random and all epochs. The search with two workers tried the same candidates as the one "
            "with one, and made the same contracts; the script compares them. A worker is a process with one thread "
            "([search.md](search.md))."
        ),
        paragraph(
            f"Every trial has {events.train + events.validation:,} crossings to train and to choose on: {events.train:,} to train, "
            f"{events.validation:,} for rates, beside {events.validation_signals:,} events of signals for efficiencies. It is reported on "
            f"{events.test:,} other crossings and {events.test_signals:,} other events of signals, which is part of its time."
        ),
        *markdown(throughput_table(found), "search_throughput"),
        paragraph(
            "While all workers work: of the trials that were in neither search the first of a worker, which loads libraries and data, and "
            "not the last one of the search with two, beside which nothing runs; each kind of model has a third. Errors are standard "
            "errors from the scatter of trials within each kind; that of the quotient is of pairs of the same trial, so that what "
            "candidates differ by is no part of it. The whole search is from nothing to the last trial, measured once; the longer a "
            "search is, the less do its beginning and its end count."
        ),
        *markdown(models_table(found), "search_throughput"),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Measure, or take what was measured, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=DEFAULT * len(MODELS), help="trainings of each of the two searches")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/search_throughput.md"))
    parser.add_argument("--kept", type=Path, help="file of what was measured; made where there is none")
    parser.add_argument("--source", type=Path, help="a folder with other data, as in data.source")
    arguments = parser.parse_args()
    least = LEAST * len(MODELS)
    if arguments.trials < least:
        parser.error(f"{arguments.trials} trials are too few for a scatter of each kind; give at least {least} with --trials")
    if arguments.kept is not None and arguments.kept.is_file():
        again = "remove it, and it is measured again"
        found = load_result(Results, arguments.kept, what="measured throughput", remedy=again, again=again)
    else:
        found = measured(arguments.trials, arguments.source)
        if arguments.kept is not None:
            save_result(arguments.kept, found)
    text = page(found)
    print(text)
    publish(arguments.output, text, "python benchmarks/search_throughput.py")


if __name__ == "__main__":
    command.run(main)
