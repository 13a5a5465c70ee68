"""What every family and every baseline finds at 1 and 0.25 kHz, on crossings that none of them was trained on: docs/at_rate_tables.md.

    python benchmarks/at_rate.py [--data zerobias] [--runs runs/at_rate] [--models NAME ...] [--part PART] [--synthesise]

DATA is a data set whose background is zero bias: what comes with l1ae, or a folder with background.h5 and signals, for example at
another pileup (`l1ae data generate --config configs/generator/pileup60.yaml`). Every configuration is trained on its training part, as
l1ae trains it, and judged as the fixed-point contract on its test part; `dnn_ae` is trained once more on the events with a lepton
(`data.source: shipped`), as it was before. Finished trainings in RUNS are not made again. Two views: signals as a trigger meets them
against the menu of Run 3, and signals with a lepton of pT > 23 GeV against the menu of eight seeds.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from results import mark, publish

from l1ae.baselines import FittedBaselines, TrainingEvents, fit_baselines, judge_baselines
from l1ae.config import Config, load_config
from l1ae.data import SPLIT, VALIDATION, EventStore, events_of, open_dataset
from l1ae.evaluation import AtRate, Estimate, format_estimate
from l1ae.pipeline import Run
from l1ae.rtl import Clock, estimate
from l1ae.trigger import RATES, Judge, JudgedEvents

CONFIGS = Path(__file__).parents[1] / "configs"
BEFORE = "dnn_ae"
SIMULATED = 1000
"""Events through the RTL before it is synthesised."""


@dataclass(frozen=True)
class View:
    """How scores are judged: the menu, and whose signals (None: those of the data set)."""

    name: str
    title: str
    menu: str
    signals: str | None


VIEWS = (
    View("inclusive", "Signals as a trigger meets them, pure against the menu `run3`", "run3", None),
    View("lepton", "Signals with a lepton of pT > 23 GeV, pure against the menu `eight`", "eight", "shipped"),
)


@dataclass(frozen=True)
class Row:
    """One line of the tables: efficiencies of each view, and what the firmware costs as far as that is known."""

    name: str
    trained_on: str
    views: tuple[AtRate, ...]
    cost: str = "–"


def views_of(part: str) -> tuple[View, ...]:
    """Signals with a lepton have no validation part: nothing is chosen on them."""
    return VIEWS if part == "test" else VIEWS[:1]


def judge(config: Config, view: View, part: str = "test") -> Judge:
    """The events of a view in the columns of a model's inputs; of the validation part, on which models are chosen, if asked."""
    found = _test_part(config, view)
    if part == "test":
        return found
    background = _validation(config, found.background)
    return replace(found, background=background, signals={name: _validation(config, events) for name, events in found.signals.items()})


def _validation(config: Config, events: JudgedEvents) -> JudgedEvents:
    """The validation part of a store where it has one, all of it where it has none."""
    if SPLIT not in events.extra:
        return events
    store = EventStore.open(Path(events.name), events.layout)
    return replace(events, stream=lambda extra: events_of(config.data, store, VALIDATION, extra=extra))


def _test_part(config: Config, view: View) -> Judge:
    from l1ae.pipeline import judge_of, rate_sample

    trigger = config.trigger.model_copy(update={"menu": view.menu, "zero_bias": "data"})
    config = config.model_copy(update={"trigger": trigger})
    found = judge_of(config)
    assert found is not None, "a data set has crossings"
    if view.signals is None:
        return found
    sample = rate_sample(config)
    stores = {name: EventStore.open(store.path, sample.store.layout) for name, store in open_dataset(view.signals).signals.items()}
    return replace(found, signals={name: JudgedEvents.of(store, inputs=sample.inputs) for name, store in stores.items()})


def trained(path: Path, data: str, runs: Path, changes: tuple[str, ...]) -> Run:
    """The run of a configuration with changes after training on a data set; a finished training is kept."""
    from l1ae.pipeline import train_stage

    config = load_config(path, (f"data.source={data}", *changes))
    return train_stage(config, runs / config.name, resume=True)


def estimated(run: Run) -> str:
    """Packed LUTs and clocks, estimated."""
    from l1ae.pipeline import contract_of

    rtl = run.config.rtl
    period = 25.0 if rtl.crossings else 5.0
    found = estimate(contract_of(run), Clock(period, rtl.clock_uncertainty, rtl.crossings))
    return f"{found.luts_packed.value:,.0f} LUT, {found.cycles.value:.0f} x {period:g} ns (estimated)"


def synthesised(run: Run) -> str:
    """Packed LUTs of the whole design, clocks, and the slowest path before placement, after simulation of some events."""
    from l1ae.pipeline.rtl import rtl_stage, synth_stage

    rtl_stage(run, events=SIMULATED)
    content = synth_stage(run, per_layer=False).content
    timing, resources = content["timing"], content["resources"]
    return (
        f"{resources['luts_packed']:,} LUT, {resources['dsp']} DSP, {content['latency_cycles']} x {content['clock_period']:g} ns; "
        f"{timing['typical']['ns']:.1f} (to {timing['pessimistic']['ns']:.1f}) ns"
    )


def model_row(path: Path, trained_on: str, arguments: argparse.Namespace) -> Row:
    """Train and judge one configuration."""
    from l1ae.pipeline import contract_of

    data, changes = arguments.data, tuple(arguments.set)
    run = trained(path, trained_on, arguments.runs / Path(trained_on).name, changes)
    contract, config = contract_of(run), load_config(path, (f"data.source={data}", *changes))
    name = contract.score.name
    views = [
        judge(config, view, arguments.part).at_rate(lambda hw: contract.evaluate(hw, [name])[name][:, 0], RATES)
        for view in views_of(arguments.part)
    ]
    return Row(f"`{config.name}`", trained_on, tuple(views), synthesised(run) if arguments.synthesise else estimated(run))


def baseline_rows(data: str, part: str) -> list[Row]:
    """Fit all baselines once and judge them in every view."""
    config = load_config(CONFIGS / f"{BEFORE}.yaml", (f"data.source={data}",))
    fitted: FittedBaselines = fit_baselines(TrainingEvents.of(config.data, open_dataset(data).background))
    results = [judge_baselines(fitted, judge(config, view, part)).results for view in views_of(part)]
    return [Row(items[0].title, data, tuple(item.at_rate for item in items)) for items in zip(*results, strict=True)]


def lines(rows: list[Row], index: int) -> Iterator[str]:
    """The table of a view, the best mean at the pure rate of 1 kHz first."""
    signals = list(rows[0].views[index].points[0].efficiency)
    header = ["score", "trained on", *(f"{kind} {khz:g} kHz" for kind in ("raw", "pure") for khz in reversed(RATES)), "CVaR25", "cost"]
    each = ", ".join(signals)
    yield f"Efficiencies in percent: mean of the signals with its 68.3 % interval, and below it {each}. CVaR25 is of pure 1 kHz."
    yield f"\n{mark('at_rate', VIEWS[index].name)}\n| {' | '.join(header)} |\n|{'---|' * len(header)}"
    for row in sorted(rows, key=lambda row: -mean_of(row.views[index]).value):
        found = row.views[index]
        cells = []
        for kind in ("raw", "pure"):
            for khz in reversed(RATES):
                point = found.point(kind, khz)  # type: ignore[arg-type]
                if point is None or point.mean is None:
                    cells.append("–")
                    continue
                each = ", ".join(f"{100 * point.efficiency[name].value:.1f}" for name in signals)
                cells.append(f"**{format_estimate(point.mean, 0.01)}**<br>{each}")
        headline = found.headline
        worst = "–" if headline is None or headline.cvar25 is None else format_estimate(headline.cvar25, 0.01)
        yield f"| {row.name} | {row.trained_on} | {' | '.join(cells)} | {worst} | {row.cost} |"


def mean_of(found: AtRate) -> Estimate:
    """Mean efficiency at the headline rate, 0 where it cannot be measured."""
    point = found.headline
    return Estimate(0.0, 0.0, 0.0) if point is None or point.mean is None else point.mean


def page(rows: list[Row], data: str, part: str) -> str:
    """The tables of all views."""
    store = open_dataset(data).background
    text = [
        "# At a rate: every family, every baseline\n",
        f"Made by `python benchmarks/at_rate.py --data {Path(data).name}`; see [at_rate.md](at_rate.md) for what is measured.",
        f"{store.n_events:,} crossings in training, validation and test part.",
    ]
    for index, view in enumerate(views_of(part)):
        text += [f"\n## {view.title}\n", *lines(rows, index)]
    return "\n".join(text) + "\n"


def families() -> list[str]:
    """Configurations that are trained on the objects of layout `ugt`."""
    found = {path.stem: load_config(path) for path in sorted(CONFIGS.glob("*.yaml"))}
    return [name for name, config in found.items() if config.inputs.layout.name == "ugt" and not config.model.family.imported]


def main() -> None:
    """Train what is missing, judge everything, and write the page."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="zerobias")
    parser.add_argument("--runs", type=Path, default=Path("runs/at_rate"))
    parser.add_argument("--models", nargs="*", default=families())
    parser.add_argument("--without-baselines", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all models; give --runs a folder of its own")
    parser.add_argument(
        "--synthesise", action="store_true", help="take every model to RTL, simulate it and synthesise it: minutes for each"
    )
    parser.add_argument(
        "--part", choices=["test", "validation"], default="test", help="models are chosen on the one, reported on the other"
    )
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows = [] if arguments.without_baselines else baseline_rows(arguments.data, arguments.part)
    todo = [(name, arguments.data) for name in arguments.models] + ([(BEFORE, "shipped")] if BEFORE in arguments.models else [])
    for name, trained_on in todo:
        print(f"{name}, trained on {trained_on}", flush=True)
        rows.append(model_row(CONFIGS / f"{name}.yaml", trained_on, arguments))
        written = page(rows, arguments.data, arguments.part)
        if arguments.output is not None:
            publish(arguments.output, written, f"python benchmarks/at_rate.py --data {Path(arguments.data).name}")
    print(page(rows, arguments.data, arguments.part))


if __name__ == "__main__":
    main()
