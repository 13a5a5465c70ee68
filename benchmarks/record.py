"""Repeat the study of the public CMS Level-1 record (doi:10.5281/zenodo.21787779) with the models and baselines of l1ae.

    python benchmarks/record.py FOLDER [--work runs/record] [--output runs/record/record.md] [--models NAME|FILE.yaml ...]
                                       [--signals NAME ...] [--set KEY=VALUE ...] [--most 163840] [--layout NAME|FILE]

FOLDER holds the record as it is downloaded: the three tar files of Zenodo, unpacked in one place, or the mirror. Every data set is
imported once, every model trained once on the training part of zero bias; what lies in WORK is kept. Each is judged by the protocol of the
study (`record_study.py`) and by that of `l1ae evaluate`, and stands above the published float models.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from record_study import PUBLISHED, PUBLISHED_MEANS, SHORT, Judged, Protocol, Scores, in_order

from l1ae.baselines import TrainingEvents, fit_baselines
from l1ae.config import Config, load_config
from l1ae.data import VALIDATION, EventStore, Request, events_of, import_sources
from l1ae.errors import UserError
from l1ae.evaluation import AtRate, Estimate, RateKind, format_estimate
from l1ae.inputs import Layout, find_layout
from l1ae.trigger import RATES, Judge, JudgedEvents, ScoreFunction, at_rate

CONFIGS = Path(__file__).parents[1] / "configs"
BASE = CONFIGS / "inputs" / "record_ae.yaml"
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "record_ae": (),
    "record_study_ae": (
        "model.encoder=[64, 32]",
        "model.decoder=[32, 64]",
        # more products than HLS tools unroll
        "hls.strategy=Resource",
        "hls.reuse_factor=8",
        "hls.layers={enc0: {reuse_factor: 9}}",
    ),
    "record_set_ae": ("model.architecture=set_ae", "model.objects=[16, 12]"),
    "record_vae_mu2": ("model.architecture=dense_vae", "model.score=mu2", "model.score_type=ufixed<18,8,TRN,SAT>", "training.kl_warmup=10"),
    "record_vae_kl": ("model.architecture=dense_vae", "model.score=kl", "model.score_type=ufixed<18,8,TRN,SAT>", "training.kl_warmup=10"),
    "record_surprise_ae": ("inputs.transform={pt: surprise}",),
}
"""Models by name, each as what it changes in `BASE`."""


# -- files -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Files:
    """Folders of the data sets: all of zero bias, and each simulated background and signal by name."""

    zero_bias: tuple[Path, ...]
    simulated: Mapping[str, Path]
    signals: Mapping[str, Path]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")) if folder.is_dir() else []


def find_files(folder: Path) -> Files:
    """The data sets below a folder, in either published layout. Raises `UserError` without zero bias or without a signal."""
    categories = {name: _folders(folder / name) for name in ("zerobias", "background", "signal")}
    if not any(categories.values()):
        mirrored = [path for path in _folders(folder / "data") or _folders(folder) if any(path.glob("*.parquet"))]
        categories = {"zerobias": [], "background": [], "signal": []}
        for path in mirrored:
            kind = "zerobias" if path.name.startswith("ZB_") else "background" if path.name.startswith("SingleNeutrino") else "signal"
            categories[kind].append(path)
    for name, example in (("zerobias", "ZB_run396102"), ("signal", "GluGluHTo2B_Par-MH-125")):
        if not categories[name]:
            raise UserError(
                f"{folder}: no {'zero bias' if name == 'zerobias' else 'signal'} there; give the folder in which train.tar, valid.tar and "
                f"test.tar were unpacked ({name}/{example}/test/...), or the mirror (data/{example}/test-00000-of-00001.parquet)"
            )
    named = {kind: {path.name: path for path in paths} for kind, paths in categories.items()}
    return Files(tuple(categories["zerobias"]), named["background"], {name: named["signal"][name] for name in in_order(named["signal"])})


def chosen_signals(files: Files, names: Sequence[str] | None) -> Files:
    """Only some signals, all without names. Raises `UserError` for a signal that is not there."""
    for name in names or ():
        if name not in files.signals:
            raise UserError(f"--signals {name}: no such signal; there are {', '.join(files.signals)}")
    return files if not names else replace(files, signals={name: path for name, path in files.signals.items() if name in names})


def _store(sources: Sequence[Path], target: Path, sample: str, layout: Layout) -> Path:
    """Import data sets into one store, unless it is there. Raises `UserError` for a store of other columns, and as the import."""
    if target.exists():
        if EventStore.open(target).own != layout:
            raise UserError(f"{target}: has another layout than '{layout.name}'; remove it, or choose another --work")
        return target
    print(f"importing {', '.join(path.name for path in sources)}", flush=True)
    import_sources(Request(tuple(sources), layout=layout, sample=sample), target)
    return target


@dataclass(frozen=True)
class Stores:
    """What was imported: `data`, a folder with background.h5 and signals; simulated backgrounds lie elsewhere, they are no signals."""

    data: Path
    simulated: Mapping[str, Path]
    signals: tuple[str, ...]


def import_all(files: Files, work: Path, layout: Layout) -> Stores:
    """Import what is not there yet. Raises `UserError` as the import."""
    data = work / "data"
    _store(files.zero_bias, data / "background.h5", "zerobias", layout)
    for name, path in files.signals.items():
        _store([path], data / f"{name}.h5", name, layout)
    simulated = {name: _store([path], work / "simulated" / f"{name}.h5", name, layout) for name, path in files.simulated.items()}
    return Stores(data, simulated, tuple(files.signals))


# -- models ------------------------------------------------------------------------------------------------------------


def model_config(name: str, overrides: Sequence[str]) -> Config:
    """A configuration by the name of a variant or by its file. Raises `UserError` when it is neither."""
    if name in VARIANTS:
        return load_config(BASE, (f"name={name}", *VARIANTS[name], *overrides))
    if not Path(name).is_file():
        raise UserError(f"--models {name}: neither a file nor one of {', '.join(VARIANTS)}")
    return load_config(Path(name), tuple(overrides))


def trained_scores(config: Config, folder: Path) -> tuple[Config, ScoreFunction, tuple[str, ...]]:
    """Train a model, or take it as it was trained: its score, (n, variants), and what the variants are called."""
    from l1ae.pipeline import contract_of, train_stage
    from l1ae.pipeline._models import Models, load_models
    from l1ae.pipeline._samples import Scorer

    run = train_stage(config, folder, resume=True)
    models = Models(load_models(run.config, run.path("train")).float_model, None)
    scorer = Scorer(run.config, contract_of(run), models)

    def score(hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        return np.stack(list(scorer(hardware).values()), axis=1)

    return run.config, score, scorer.variants


# -- judgement ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What was found of one score: by the study's protocol, and at rates as l1ae measures them."""

    model: str
    study: Judged
    own: AtRate


@dataclass(frozen=True, eq=False)
class Samples:
    """The events that all models are judged on: zero bias by part, signals and simulated backgrounds."""

    judge: Judge
    validation: JudgedEvents
    simulated: Mapping[str, JudgedEvents]

    @classmethod
    def of(cls, config: Config, stores: Stores) -> "Samples":
        """Raises `UserError` when a store has no events of a part that is needed."""
        from l1ae.pipeline import judge_of, rate_sample

        sample, judge = rate_sample(config), judge_of(config)
        assert judge is not None
        judge = replace(judge, signals={name: judge.signals[name] for name in stores.signals})
        validation = replace(judge.background, stream=lambda extra: events_of(config.data, sample.store, VALIDATION, extra=extra))
        simulated = {name: EventStore.open(path, sample.store.layout) for name, path in stores.simulated.items()}
        return cls(judge, validation, {name: JudgedEvents.of(store, config.data, sample.inputs) for name, store in simulated.items()})

    def reading(self, layout: Layout) -> "Samples":
        """The same events for scores that read these columns. Raises `UserError` for events that lack some."""

        def of(events: JudgedEvents) -> JudgedEvents:
            layout.taken_from(events.layout, events.name)
            return replace(events, inputs=layout)

        signals = {name: of(events) for name, events in self.judge.signals.items()}
        judge = replace(self.judge, background=of(self.judge.background), signals=signals)
        return Samples(judge, of(self.validation), {name: of(events) for name, events in self.simulated.items()})

    def rows(self, names: Sequence[str], score: ScoreFunction, protocol: Protocol) -> list[Row]:
        """Judge some scores, functions (n, names) of hardware codes."""
        test, signals = self.judge.scores(score)
        validation = self.validation.scores(score)
        simulated = {name: events.scores(score) for name, events in self.simulated.items()}
        result = []
        for k, name in enumerate(names):
            of_signals = {signal: np.asarray(found[:, k], np.float64) for signal, found in signals.items()}
            scores = Scores(
                np.asarray(validation[:, k], np.float64),
                np.asarray(test[:, k], np.float64),
                of_signals,
                {background: np.asarray(found[:, k], np.float64) for background, found in simulated.items()},
            )
            own = at_rate(scores.test, self.judge.crossings, of_signals, self.judge.signal_events, rates=(protocol.khz, RATES[-1]))
            result.append(Row(name, protocol.judge(scores), own))
        return result


def baseline_rows(config: Config, stores: Stores, protocol: Protocol) -> list[Row]:
    """Fit all baselines on the training part of zero bias, in all columns of the stores, and judge them as the models."""
    training = TrainingEvents.of(config.data, EventStore.open(stores.data / "background.h5"))
    fitted = fit_baselines(training)
    samples = Samples.of(config, stores).reading(training.layout)
    print(f"baselines, fitted on {len(training)} of {training.available} events", flush=True)
    return samples.rows([found.candidate.title for found in fitted.fitted], fitted.scores, protocol)


# -- page --------------------------------------------------------------------------------------------------------------


def line(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}g}".replace("-", "−")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}".replace("-", "−")


def _mean_at(own: AtRate, kind: RateKind, khz: float) -> str:
    point = own.point(kind, khz)
    return "–" if point is None or point.mean is None else format_estimate(point.mean, 0.01)


SUMMARY = (
    "Model",
    "Mean [%]",
    "Median [%]",
    "CVaR25 [%]",
    "Validation accepted",
    "Rate of test [kHz]",
    "CAP",
    "CAP, adaptive",
    "W1 of log(1 + score)",
    "Drift (expected)",
)


def summary_line(row: Row) -> str:
    """What the study's protocol says of one model."""
    study, free = row.study, row.study.label_free
    numbers = (None,) * 3 if free is None else (free.capacity.value, free.adaptive.value, free.wasserstein_log)
    drift = None if free is None else free.drift
    cells = [
        row.model,
        _percent(study.mean),
        _percent(study.median),
        _percent(study.cvar25),
        f"{study.accepting:,}",
        format_estimate(study.reached),
        *map(_number, numbers),
        "–" if drift is None else f"{drift.value:.2g} ({drift.expected:.2g})",
    ]
    return line(cells)


def summary_table(rows: Sequence[Row]) -> list[str]:
    """Means and metrics of background, the published models beneath."""
    lines = [line(SUMMARY), f"|{'---|' * len(SUMMARY)}", *map(summary_line, rows)]
    empty = ["–"] * (len(SUMMARY) - 3)
    for found in PUBLISHED:
        lines.append(line([f"*published, float:* {found.model}", f"{np.mean(found.values):.2f}", f"{np.median(found.values):.2f}", *empty]))
    return lines


def means_table() -> list[str]:
    """Published means of all models of the study."""
    columns = ("Published, float", "chosen by signals", "by CAP", "stable", "by W1")
    values = [line([model, *(f"{mean:.2f}" for mean in means)]) for model, means in PUBLISHED_MEANS.items()]
    return [line(columns), f"|{'---|' * len(columns)}", *values]


def signal_table(rows: Mapping[str, Mapping[str, Estimate]], signals: Sequence[str], *, published: bool) -> list[str]:
    """Efficiencies in percent of each signal by model."""
    lines = [line(["Model", *(SHORT.get(name, name) for name in signals)]), f"|{'---|' * (len(signals) + 1)}"]
    for model, found in rows.items():
        lines.append(line([model, *(format_estimate(found[name], 0.01) if name in found else "–" for name in signals)]))
    for other in PUBLISHED if published else ():
        known = other.efficiency
        cells = [f"{known[name]:.2f}" if name in known else "–" for name in signals]
        lines.append(line([f"*published, float:* {other.model}", *cells]))
    return lines


def own_table(rows: Sequence[Row], khz: float) -> list[str]:
    """Mean efficiencies with intervals that include the threshold's."""
    points = [(kind, rate) for kind in ("raw", "pure") for rate in (khz, RATES[-1])]
    columns = ["Model", *(f"{kind}, {rate:g} kHz [%]" for kind, rate in points)]
    lines = [line([row.model, *(_mean_at(row.own, kind, rate) for kind, rate in points)]) for row in rows]  # type: ignore[arg-type]
    return [line(columns), f"|{'---|' * len(columns)}", *lines]


HEADER = """# The study of the public CMS Level-1 record, repeated

Made by `python benchmarks/record.py FOLDER`; record doi:10.5281/zenodo.21787779, its study github.com/bb511/ADatL1. Models are trained on
the training part of zero bias; "float" is the network before quantization, "fixed" the bit-exact contract of its firmware. Baselines are
functions of the same columns. Zero bias: {validation:,} crossings of validation, {test:,} of test; {signals} signals.

## As the study judges, {khz:g} kHz in total

The threshold is number ceil((n − 1)(1 − FPR)) of the n rising scores of validation, FPR = {khz:g} kHz / {crossing:.4f} kHz = {fpr:.4e}, so
that about {allowed:.1f} crossings set it; an event of the test part passes with score ≥ threshold. Of each simulated sample the
first {most:,} events of the test part count. Intervals (68.3 %, Clopper and Pearson) are those of these events alone, not of the threshold.
CVaR25: mean of the worst quarter of the signals less the mean efficiency of simulated backgrounds ({simulated}).
CAP and W1 compare the scores of zero bias and of simulation, negative ones as 0 for W1. Drift: |ln| of the rate of one half of the test
part, relative to {khz:g} kHz, at the threshold of the other.

"""

PUBLISHED_NOTE = """
Published rows are float models, trained for 200 epochs by others, whose epoch was chosen among all as said; no fixed-point result is
published. Their source gives 20 numbers a row without names: **their order is inferred** (falling label), from the size of the
numbers. `haa-4b-ma15` (H→aa→4b) had no pile-up overlay there, and is another sample than in the record.

"""


OWN_NOTE = """
The threshold is that of the test part itself, the lowest score with a rate not above the one asked for; intervals include its error, and
all events of a signal's test part count. Pure: what no recorded seed of the menu accepts, anomaly triggers left out; a signal is
judged by those seeds that it has. Mean over the signals.
"""


def page(rows: Sequence[Row], simulated: Sequence[str], protocol: Protocol) -> str:
    """The page: summary, signals, and the same at rates as l1ae measures them."""
    signals, (validation, test) = list(rows[0].study.efficiency), rows[0].study.events
    text = HEADER.format(
        validation=validation,
        test=test,
        signals=len(signals),
        khz=protocol.khz,
        crossing=protocol.crossing_khz,
        fpr=protocol.fpr,
        allowed=validation * protocol.fpr,
        most=protocol.most,
        simulated=", ".join(simulated) or "none was given",
    )
    parts = [
        *summary_table(rows),
        PUBLISHED_NOTE,
        *means_table(),
        "\n### Efficiency by signal [%]\n",
        *signal_table({row.model: row.study.efficiency for row in rows}, signals, published=True),
        "\n## As l1ae judges",
        OWN_NOTE,
        *own_table(rows, protocol.khz),
    ]
    for kind in ("raw", "pure"):
        found = {row.model: row.own.point(kind, protocol.khz) for row in rows}
        if any(found.values()):
            table = {model: {} if point is None else point.efficiency for model, point in found.items()}
            parts += [f"\n### {kind.capitalize()} efficiency at {protocol.khz:g} kHz by signal [%]\n"]
            parts += signal_table(table, signals, published=False)
    return text + "\n".join(parts) + "\n"


def configurations(models: Sequence[str], data: Path, overrides: Sequence[str]) -> list[Config]:
    """Of all models, on the record. Raises `UserError` for one that is not known, and for two of one name."""
    always = (f"data.source={data}", "data.split=recorded", "trigger.zero_bias=data", *overrides)
    configs = [model_config(name, always) for name in models]
    names = [config.name for config in configs]
    if len(set(names)) < len(names):
        raise UserError(f"--models: two of {', '.join(names)} have the same name; give each configuration a name of its own")
    return configs


def run(files: Files, work: Path, configs: Sequence[Config], layout: Layout, most: int) -> str:
    """Import, train, judge; the page."""
    stores = import_all(files, work, layout)
    trigger = configs[0].trigger
    protocol = Protocol(trigger.revolution_khz * trigger.bunches, most=most)
    rows: list[Row] = []
    for config in configs:
        print(config.name, flush=True)
        trained, score, variants = trained_scores(config, work / config.name)
        samples = Samples.of(trained, stores)
        rows += samples.rows([f"`{config.name}`, {variant}" for variant in variants], score, protocol)
    rows += baseline_rows(configs[0], stores, protocol)
    return page(rows, list(stores.simulated), protocol)


def layout_overrides(layout: str | None) -> tuple[str, ...]:
    """What gives a model the layout of `--layout`, a name or a file relative to the working folder."""
    if layout is None:
        return ()
    return (f"inputs.layout={Path(layout).resolve() if Path(layout).is_file() else layout}",)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/record"))
    parser.add_argument("--output", type=Path, help="default: WORK/record.md")
    parser.add_argument("--models", nargs="+", default=list(VARIANTS), help=f"of {', '.join(VARIANTS)}, or files; default: all of these")
    parser.add_argument("--signals", nargs="+", help="data sets; default: all that are there")
    parser.add_argument("--set", nargs="+", default=[], dest="overrides", metavar="KEY=VALUE", help="changes of every model")
    parser.add_argument("--most", type=int, default=163_840, help="events of each simulated sample, in the study's protocol")
    parser.add_argument("--layout", metavar="NAME|FILE", help="columns of the stores and inputs of all models; default: cms_l1_record")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write and print the page; 2 for a user's mistake."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = parse(arguments)
    output = options.output or options.work / "record.md"
    try:
        files = chosen_signals(find_files(options.folder), options.signals)
        overrides = (*layout_overrides(options.layout), *options.overrides)
        configs = configurations(options.models, options.work / "data", overrides)
        text = run(files, options.work, configs, find_layout(options.layout or "cms_l1_record"), options.most)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    print(text, output, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
