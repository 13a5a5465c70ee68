"""The stages of a run, each from files to files. A stage's folder appears only when it is complete."""

import logging
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from l1ae.agreement import CsimReport, corner_vectors
from l1ae.config import Config, HlsConfig
from l1ae.contract import Contract, wrapped_text
from l1ae.data import dataset_folder, open_dataset
from l1ae.errors import CheckFailedError, UserError
from l1ae.evaluation import LEVEL
from l1ae.extras import needs
from l1ae.hls import check_strategy, simulate
from l1ae.manifest import digest_file, digest_tree
from l1ae.pipeline._at_rate import firmware_threshold
from l1ae.pipeline._comparison import float_comparison, quantized_comparison
from l1ae.pipeline._evaluation import measured
from l1ae.pipeline._models import copy_source, has_threshold, load_contract, load_models, source_files, untrained_contract
from l1ae.pipeline._preprocessing import resolved
from l1ae.pipeline._resources import collect_resources
from l1ae.pipeline._run import Run, exclusive, held_run
from l1ae.pipeline._samples import OBSERVED_EVENTS, Scorer, ValidationScores, csim_sample, validation_scores
from l1ae.pipeline._shared import changed_files, contract_digest, contract_of, data_digests, section_digest, tell_old_deliveries
from l1ae.pipeline._summary import contract_summary, hls_summary
from l1ae.pipeline._teacher import teacher_inputs, teachers_of
from l1ae.pipeline._zero_bias import check_rates, rate_inputs
from l1ae.progress import task
from l1ae.records import CONTRACT, CSIM, HLS, RTL_VERILOG, RTL_VHDL, TRAINING, ImportedModel, TrainedNetwork, TrainingRecord
from l1ae.tables import train_tables

if TYPE_CHECKING:
    from l1ae.training import Progress

__all__ = [
    "contract_inputs",
    "contract_stage",
    "csim_inputs",
    "csim_stage",
    "evaluate_stage",
    "evaluation_inputs",
    "hls_inputs",
    "hls_stage",
    "report_stage",
    "save_source",
    "train_inputs",
    "train_model",
    "train_stage",
    "verdicts",
]

_log = logging.getLogger("l1ae")

_TEST_VECTORS = 100


def train_stage(config: Config, folder: Path, *, resume: bool = False, progress: "Progress | None" = None) -> Run:
    """Train, float and then quantized, or import, and build the contract: RUN/train and RUN/contract.

    With `resume` an interrupted training of the same configuration continues, and a finished one stays as it is.
    """
    with held_run(folder):
        run = Run.create(resolved(config, folder), folder)
        if not (resume and run.is_current("train", train_inputs(run.config))):
            train_model(run, resume=resume, progress=progress)
        contract_stage(run)
        save_source(run)
    return run


def train_model(run: Run, *, resume: bool, progress: "Progress | None", backend: str | None = None) -> None:
    """RUN/train alone: without the contract, it is half of what `l1ae train` does."""
    if run.config.model.source is None:
        # what the firmware cannot be should not cost a training
        check_strategy(untrained_contract(run.config), _hls_config(run.config, backend))
        # nor should crossings that are not there, or a menu that is not possible
        check_rates(run.config)

    def make(target: Path) -> None:
        result: TrainingRecord
        if run.config.model.family.tabular:
            result = train_tables(run.config, target)
        elif run.config.model.source is None:
            with needs("train"):
                from l1ae.training import train
            found = train(run.config, target, resume=resume, progress=progress, teachers=teachers_of(run.config))
            result = TrainedNetwork(**vars(found))
        else:
            copy_source(run.config, target)
            result = ImportedModel(Path(run.config.model.source).name)
        TRAINING.write(target, result)

    run.produce("train", train_inputs(run.config), make, resumable=True, resume=resume)
    save_source(run)


def save_source(run: Run) -> None:
    """An imported model is from now on the copy in the run folder."""
    model = run.config.model
    if model.source is not None:
        model = model.model_copy(update={"source": f"train/{Path(model.source).name}"})
    Run(run.folder, run.config.model_copy(update={"model": model})).save_config()


@exclusive
def contract_stage(run: Run) -> Contract:
    """Build the contract of the trained model, with the threshold for the configured false-positive rate."""

    def make(target: Path) -> Contract:
        config = run.config
        contract = load_contract(config, run.path("train"))
        store = open_dataset(config.data.source, config.inputs.selected).background
        validation = validation_scores(config, store, contract)
        given = has_threshold(config, run.path("train"))
        of_rate = None if given else firmware_threshold(config, contract)
        if of_rate is not None:
            contract = contract.with_threshold(of_rate.code)
        elif not given:
            contract = contract.with_threshold(_threshold(contract, validation, config.model.target_fpr))
        contract.save(target / "contract.json")
        if text := wrapped_text(validation.wrapped, len(validation.ranked)):
            _log.warning("of the validation background %s", text)
        summary = contract_summary(
            contract,
            config,
            validation.first,
            threshold_given=given,
            threshold_events=(validation.ranked.events_above(contract.threshold), len(validation.ranked)),
            threshold_fraction=validation.ranked.accepted(contract.threshold) if validation.ranked.weighted else None,
            threshold_rate=of_rate,
            wrapped=validation.wrapped,
            wrapped_events=len(validation.ranked),
        )
        CONTRACT.write(target, summary)
        return contract

    return run.produce("contract", contract_inputs(run), make)


def _threshold(contract: Contract, validation: ValidationScores, fpr: float) -> int:
    """Threshold for a false-positive rate, by weight; a score that too many events share at its upper end is told."""
    wanted = validation.threshold(fpr)
    reachable = int(max(contract.intervals[contract.score.name].high))
    if wanted > reachable:
        _log.warning(
            "the score saturates: %d of %d background events have its largest value, more than the target of %g, and the trigger fires "
            "for all of them; widen model.score_type or model.output_bits, or raise training.output_quantile",
            validation.ranked.events_above(reachable),
            len(validation.ranked),
            fpr,
        )
    elif not validation.ranked.events_above(wanted):
        _log.warning(
            "model.target_fpr of %g cannot be set with %d background events: the threshold is above all of their scores, and the "
            "false-positive rate is only known to be below %.2g (68.3 %% confidence); use more validation events, a larger "
            "model.target_fpr, or zero-bias crossings and trigger.rates",
            fpr,
            len(validation.ranked),
            1 - (1 - LEVEL) ** (1 / len(validation.ranked)),
        )
    return min(wanted, reachable)


@exclusive
def evaluate_stage(run: Run) -> None:
    """AUC and TPR of the float, quantized and fixed-point model: RUN/evaluation."""

    from l1ae.evaluation import save_evaluation

    def make(target: Path) -> None:
        save_evaluation(target, *measured(_scorer(run)))

    run.produce("evaluation", evaluation_inputs(run), make)


@exclusive
def hls_stage(run: Run, *, backend: str | None = None) -> None:
    """Write the HLS project: RUN/hls. `backend` overrides the configuration's."""
    from l1ae.hls import convert

    hls = _hls_config(run.config, backend)
    contract = contract_of(run)

    def make(target: Path) -> None:
        project = convert(contract, hls, _test_vectors(run.config, contract))
        project.write(target)
        HLS.write(target, hls_summary(contract, hls, project))

    run.produce("hls", hls_inputs(run, backend), make)
    tell_old_deliveries(run, "hls", "another HLS project")


def _hls_config(config: Config, backend: str | None) -> HlsConfig:
    return config.hls if backend is None else config.hls.model_copy(update={"backend": backend})


def _test_vectors(config: Config, contract: Contract) -> npt.NDArray[np.int64]:
    """Events for the project's own test bench: the first of every sample, the highest scores among many, corner vectors."""
    sample = csim_sample(config, OBSERVED_EVENTS).hardware
    events = sample.reshape(len(sample), -1).astype(np.int64)
    scores = contract.evaluate(events, [contract.score.name])[contract.score.name][:, 0]
    corners = corner_vectors(contract)
    spread = np.linspace(0, len(corners) - 1, _TEST_VECTORS).astype(int)
    return np.concatenate([events[:_TEST_VECTORS], events[np.argsort(-scores, kind="stable")[:_TEST_VECTORS]], corners[spread]])


@exclusive
def csim_stage(run: Run, *, events: int | None = None) -> CsimReport:
    """C simulation of the project in RUN/hls as it lies there: RUN/csim/report.json.

    Raises `CheckFailedError` when one bit differs from the contract; the report is written all the same.
    """
    n_events = events or run.config.csim.events
    contract = contract_of(run)
    changed = changed_files(run, "hls")
    summary = HLS.read(run.folder)

    def make(target: Path) -> CsimReport:
        started = time.perf_counter()
        sample = csim_sample(run.config, n_events)
        scorer = _scorer(run)
        with task(f"float and quantized model on {len(sample.hardware):,} events"):
            against_float, quantized = float_comparison(scorer, sample), quantized_comparison(scorer, sample)
        prepared = round(time.perf_counter() - started, 3)
        found = simulate(contract, run.path("hls"), summary.backend, sample.hardware)
        report = replace(
            found,
            seconds=replace(found.seconds, convert=prepared),
            changed_files=tuple(changed),
            quantized=quantized,
            float=against_float,
        )
        CSIM.write(target, report)
        return report

    report = run.produce("csim", csim_inputs(run, n_events), make)
    if not report.passed:
        run.forget("csim")
        problems = [str(problem) for problem in (report.first_mismatch, *report.type_mismatches) if problem is not None]
        raise CheckFailedError("\n".join([report.verdict, *problems]))
    return report


@exclusive
def report_stage(run: Run) -> Path:
    """RUN/report.html from whatever stages exist, and RUN/resources.json."""
    from l1ae.report import write_report

    with task("report"):
        collect_resources(run)
        return write_report(run.folder)


def verdicts(run: Run, stages: Collection[str]) -> tuple[str, ...]:
    """What the simulations among `stages` found, as the run folder holds them, one line each."""
    csim = [CSIM.find(run.folder)] if "csim" in stages else []
    rtl = [file.find(run.folder) for file in (RTL_VERILOG, RTL_VHDL)] if "rtl" in stages else []
    return tuple(report.verdict for report in (*csim, *rtl) if report is not None)


def _scorer(run: Run) -> Scorer:
    """Raises `UserError` when the contract was not made from the training and configuration that the run holds."""
    if not run.is_current("contract", contract_inputs(run)):
        raise UserError(f"'{run.path('contract')}' was not made from the training and configuration in '{run.folder}'; train again")
    trained_on = run.manifest.inputs("train").get("data/background.h5")
    if trained_on not in {None, digest_file(_background(run.config))}:
        _log.warning("the data in '%s' have changed since the training", run.config.data.source)
    return Scorer(run.config, contract_of(run), load_models(run.config, run.path("train")))


# -- what each stage depends on ------------------------------------------------------------------------------------


def train_inputs(config: Config) -> dict[str, str]:
    if config.model.source is not None:
        return section_digest(config, "inputs", "model") | {f"source/{path.name}": digest_file(path) for path in source_files(config)}
    sections = section_digest(config, "seed", "data", "inputs", "model", "training")
    return sections | {"data/background.h5": digest_file(_background(config))} | teacher_inputs(config)


def _background(config: Config) -> Path:
    return dataset_folder(config.data.source) / "background.h5"


def contract_inputs(run: Run) -> dict[str, str]:
    weights = {f"train/{name}": digest for name, digest in digest_tree(run.path("train")).items() if not name.startswith("logs/")}
    # the threshold follows from the background; a trained model has digested it already
    data = {} if run.config.model.source is None else {"data/background.h5": digest_file(_background(run.config))}
    # and the threshold follows from the working point
    crossings = rate_inputs(run.config)
    return section_digest(run.config, "name", "version", "data", "inputs", "model") | weights | data | crossings


def evaluation_inputs(run: Run) -> dict[str, str]:
    return contract_inputs(run) | data_digests(run.config) | contract_digest(run)


def hls_inputs(run: Run, backend: str | None) -> dict[str, str]:
    vectors_and_readme = section_digest(run.config, "hls", "data", "inputs") | data_digests(run.config)
    return vectors_and_readme | contract_digest(run) | {"backend": backend or run.config.hls.backend}


def csim_inputs(run: Run, events: int) -> dict[str, str]:
    project = {f"hls/{name}": digest for name, digest in digest_tree(run.path("hls")).items()}
    return evaluation_inputs(run) | project | {"events": str(events)}
