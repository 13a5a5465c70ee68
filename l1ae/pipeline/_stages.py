"""The stages of a run, each from files to files. A stage's folder appears only when it is complete."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Config, HlsConfig
from l1ae.contract import Contract
from l1ae.data import dataset_folder, open_dataset
from l1ae.errors import CheckFailedError, UserError
from l1ae.evaluation import save_evaluation
from l1ae.hls import CsimReport, check_strategy, convert, corner_vectors, simulate, verdict
from l1ae.pipeline._at_rate import firmware_threshold
from l1ae.pipeline._baselines_stage import baselines_inputs, baselines_stage
from l1ae.pipeline._comparison import float_comparison, quantized_comparison, report_content
from l1ae.pipeline._evaluation import measured
from l1ae.pipeline._models import copy_source, has_threshold, load_contract, load_models, source_files, untrained_contract
from l1ae.pipeline._preprocessing import resolved
from l1ae.pipeline._resources import collect_resources
from l1ae.pipeline._run import Run, digest_file, digest_tree
from l1ae.pipeline._samples import OBSERVED_EVENTS, Scorer, ValidationScores, csim_sample, validation_scores
from l1ae.pipeline._shared import changed_files, contract_digest, contract_of, data_digests, read_json, section_digest, write_json
from l1ae.pipeline._summary import contract_summary, hls_summary
from l1ae.pipeline._teacher import teacher_inputs, teachers_of
from l1ae.pipeline._trigger_stage import trigger_inputs, trigger_stage
from l1ae.pipeline._zero_bias import has_zero_bias, rate_inputs
from l1ae.report import write_report
from l1ae.tables import train_tables
from l1ae.training import Progress, train

__all__ = ["contract_stage", "csim_stage", "csim_verdict", "evaluate_stage", "hls_stage", "report_stage", "run_all", "train_stage"]

_log = logging.getLogger("l1ae")

_Stage = tuple[str, Callable[[], Mapping[str, str]], Callable[[], Any]]

_TEST_VECTORS = 100


def train_stage(config: Config, folder: Path, *, resume: bool = False, progress: Progress | None = None) -> Run:
    """Train, float and then quantized, or import, and build the contract: RUN/train and RUN/contract.

    With `resume` an interrupted training of the same configuration continues, and a finished one stays as it is.
    """
    config = resolved(config, folder)
    run = Run.create(config, folder)
    if not (resume and run.is_current("train", _train_inputs(config))):
        _train(run, resume=resume, progress=progress)
    contract_stage(run)
    return run


def _train(run: Run, *, resume: bool, progress: Progress | None, backend: str | None = None) -> None:
    if run.config.model.source is None:
        # what the firmware cannot be should not cost a training
        check_strategy(untrained_contract(run.config), _hls_config(run.config, backend))

    def make(target: Path) -> None:
        if run.config.model.family.tabular:
            result = vars(train_tables(run.config, target))
        elif run.config.model.source is None:
            result = vars(train(run.config, target, resume=resume, progress=progress, teachers=teachers_of(run.config)))
        else:
            copy_source(run.config, target)
            result = {"imported_from": Path(run.config.model.source).name}
        write_json(target / "training.json", result)

    run.produce("train", _train_inputs(run.config), make, resume=resume)
    _save_config(run)


def _save_config(run: Run) -> None:
    """An imported model is from now on the copy in the run folder."""
    model = run.config.model
    if model.source is not None:
        model = model.model_copy(update={"source": f"train/{Path(model.source).name}"})
    Run(run.folder, run.config.model_copy(update={"model": model})).save_config()


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
        summary = contract_summary(contract, config, validation.first)
        summary |= {"threshold_given": given, "wrapping": list(contract.wrapping)}
        summary["threshold_events"] = [validation.ranked.events_above(contract.threshold), len(validation.ranked)]
        summary["threshold_rate"] = None if of_rate is None else asdict(of_rate)
        if validation.ranked.weighted:
            summary["threshold_fraction"] = validation.ranked.accepted(contract.threshold)
        write_json(target / "summary.json", summary)
        return contract

    return run.produce("contract", _contract_inputs(run), make)


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
    return min(wanted, reachable)


def evaluate_stage(run: Run) -> None:
    """AUC and TPR of the float, quantized and fixed-point model: RUN/evaluation."""

    def make(target: Path) -> None:
        save_evaluation(target, *measured(_scorer(run)))

    run.produce("evaluation", _evaluation_inputs(run), make)


def hls_stage(run: Run, *, backend: str | None = None) -> None:
    """Write the HLS project: RUN/hls. `backend` overrides the configuration's."""
    hls = _hls_config(run.config, backend)
    contract = contract_of(run)

    def make(target: Path) -> None:
        project = convert(contract, hls, _test_vectors(run.config, contract))
        project.write(target)
        write_json(target / "summary.json", hls_summary(contract, hls, project))

    run.produce("hls", _hls_inputs(run, backend), make)


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


def csim_stage(run: Run, *, events: int | None = None) -> CsimReport:
    """C simulation of the project in RUN/hls as it lies there: RUN/csim/report.json.

    Raises `CheckFailedError` when one bit differs from the contract; the report is written all the same.
    """
    n_events = events or run.config.csim.events
    contract = contract_of(run)
    changed = changed_files(run, "hls")
    summary = read_json(run.path("hls") / "summary.json", "l1ae hls")

    def make(target: Path) -> CsimReport:
        started = time.perf_counter()
        sample = csim_sample(run.config, n_events)
        scorer = _scorer(run)
        comparisons = float_comparison(scorer, sample), quantized_comparison(scorer, sample)
        prepared = time.perf_counter() - started
        report = simulate(contract, run.path("hls"), summary["backend"], sample.hardware)
        write_json(target / "report.json", report_content(report, *comparisons, prepared) | {"changed_files": changed})
        return report

    report = run.produce("csim", _csim_inputs(run, n_events), make)
    if not report.passed:
        run.forget("csim")
        problems = [str(problem) for problem in (report.first_mismatch, *report.type_mismatches) if problem is not None]
        raise CheckFailedError("\n".join([report.verdict, *problems]))
    return report


def report_stage(run: Run) -> Path:
    """RUN/report.html from whatever stages exist, and RUN/resources.json."""
    collect_resources(run)
    return write_report(run.folder)


def run_all(
    config: Config,
    folder: Path,
    *,
    backend: str | None = None,
    events: int | None = None,
    progress: Progress | None = None,
    announce: Callable[[str, bool], None] = lambda stage, current: None,
) -> tuple[Run, Path]:
    """All stages in order, skipping those whose inputs and outputs did not change. Returns the run and its report.

    `announce(stage, current)` is called before each stage; `current` says that it is skipped.
    """
    config = resolved(config, folder)
    run = Run.create(config, folder)
    n_events = events or config.csim.events
    train_inputs = _train_inputs(config)
    if run.is_current("train", train_inputs):
        _save_config(run)
    unfinished = run.can_resume("train", train_inputs)
    stages: tuple[_Stage, ...] = (
        ("train", lambda: train_inputs, lambda: _train(run, resume=unfinished, progress=progress, backend=backend)),
        ("contract", lambda: _contract_inputs(run), lambda: contract_stage(run)),
        ("evaluation", lambda: _evaluation_inputs(run), lambda: evaluate_stage(run)),
        *(_of_rates(run) if has_zero_bias(config) else ()),
        ("hls", lambda: _hls_inputs(run, backend), lambda: hls_stage(run, backend=backend)),
        ("csim", lambda: _csim_inputs(run, n_events), lambda: csim_stage(run, events=n_events)),
    )
    for name, inputs, execute in stages:
        current = run.is_current(name, inputs())
        announce(name, current)
        if not current:
            execute()
    return run, report_stage(run)


def _of_rates(run: Run) -> tuple[_Stage, ...]:
    """Stages that need crossings."""
    return (
        ("baselines", lambda: baselines_inputs(run), lambda: baselines_stage(run)),
        ("trigger", lambda: trigger_inputs(run), lambda: trigger_stage(run)),
    )


def csim_verdict(run: Run) -> str:
    """The verdict line of the C simulation that the run folder holds."""
    content = read_json(run.path("csim") / "report.json", "l1ae csim")
    return verdict(content["mismatches"], content["events"])


def _scorer(run: Run) -> Scorer:
    """Raises `UserError` when the contract was not made from the training and configuration that the run holds."""
    if not run.is_current("contract", _contract_inputs(run)):
        raise UserError(f"'{run.path('contract')}' was not made from the training and configuration in '{run.folder}'; train again")
    trained_on = run.manifest()["stages"].get("train", {"inputs": {}})["inputs"].get("data/background.h5")
    if trained_on not in {None, digest_file(_background(run.config))}:
        _log.warning("the data in '%s' have changed since the training", run.config.data.source)
    return Scorer(run.config, contract_of(run), load_models(run.config, run.path("train")))


# -- what each stage depends on ------------------------------------------------------------------------------------


def _train_inputs(config: Config) -> dict[str, str]:
    if config.model.source is not None:
        return section_digest(config, "inputs", "model") | {f"source/{path.name}": digest_file(path) for path in source_files(config)}
    sections = section_digest(config, "seed", "data", "inputs", "model", "training")
    return sections | {"data/background.h5": digest_file(_background(config))} | teacher_inputs(config)


def _background(config: Config) -> Path:
    return dataset_folder(config.data.source) / "background.h5"


def _contract_inputs(run: Run) -> dict[str, str]:
    weights = {f"train/{name}": digest for name, digest in digest_tree(run.path("train")).items() if not name.startswith("logs/")}
    # the threshold follows from the background; a trained model has digested it already
    data = {} if run.config.model.source is None else {"data/background.h5": digest_file(_background(run.config))}
    # and the threshold follows from the working point
    crossings = rate_inputs(run.config)
    return section_digest(run.config, "name", "version", "data", "inputs", "model") | weights | data | crossings


def _evaluation_inputs(run: Run) -> dict[str, str]:
    return _contract_inputs(run) | data_digests(run.config) | contract_digest(run)


def _hls_inputs(run: Run, backend: str | None) -> dict[str, str]:
    vectors_and_readme = section_digest(run.config, "hls", "data", "inputs") | data_digests(run.config)
    return vectors_and_readme | contract_digest(run) | {"backend": backend or run.config.hls.backend}


def _csim_inputs(run: Run, events: int) -> dict[str, str]:
    project = {f"hls/{name}": digest for name, digest in digest_tree(run.path("hls")).items()}
    return _evaluation_inputs(run) | project | {"events": str(events)}
