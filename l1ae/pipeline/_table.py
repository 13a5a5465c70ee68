"""The stages as one table, and what is derived from it: `l1ae run`."""

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l1ae.config import Config
from l1ae.errors import CheckFailedError, UserError
from l1ae.pipeline._baselines_stage import baselines_inputs, baselines_stage
from l1ae.pipeline._delivery_stage import deliver_stage, delivery_inputs
from l1ae.pipeline._preprocessing import resolved
from l1ae.pipeline._run import Run, held_run
from l1ae.pipeline._stages import (
    contract_inputs,
    contract_stage,
    csim_inputs,
    csim_stage,
    evaluate_stage,
    evaluation_inputs,
    hls_inputs,
    hls_stage,
    report_stage,
    save_source,
    train_inputs,
    train_model,
)
from l1ae.pipeline._trigger_stage import trigger_inputs, trigger_stage
from l1ae.pipeline._verify_stage import verification_inputs, verify_stage
from l1ae.pipeline._zero_bias import no_zero_bias

if TYPE_CHECKING:
    from l1ae.training import Progress

__all__ = ["STAGES", "RunOptions", "Stage", "run_all", "stages_to"]

_log = logging.getLogger("l1ae")


@dataclass(frozen=True)
class RunOptions:
    """What `l1ae run` is told beside the configuration. `events`: real events of the simulations; None: the configuration's."""

    backend: str | None = None
    events: int | None = None
    progress: "Progress | None" = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a run.

    `name`: its folder below the run's, and its key in the manifest. `command`: the one of `l1ae` that makes it. `needs`: the stages
    before it, by name. `inputs` by name and sha256 decide whether it is made again; `make` makes it. `always`: part of `l1ae run` where
    nothing else was asked for. `impossible` says why a configuration has no such stage, or "".
    """

    name: str
    command: str
    needs: tuple[str, ...] = ()
    inputs: Callable[[Run, RunOptions], Mapping[str, str]]
    make: Callable[[Run, RunOptions], object]
    always: bool = False
    impossible: Callable[[Config], str] = lambda config: ""


def _train(run: Run, options: RunOptions) -> None:
    unfinished = run.can_resume("train", train_inputs(run.config))
    train_model(run, resume=unfinished, progress=options.progress, backend=options.backend)


def _events(run: Run, options: RunOptions) -> int:
    return options.events or run.config.csim.events


def _rtl() -> Any:
    """Imported where it is needed: it makes RTL."""
    return importlib.import_module("l1ae.pipeline.rtl")


def _latent() -> Any:
    """Imported where it is needed: it draws."""
    return importlib.import_module("l1ae.pipeline._latent_stage")


def _without_latent_space(config: Config) -> str:
    return "" if config.model.family.code else f"a {config.model.architecture} has no latent space"


def _delivery(target: str, *needs: str) -> Stage:
    return Stage(
        name=f"delivery/{target}",
        command="deliver",
        needs=("contract", *needs),
        inputs=lambda run, options: delivery_inputs(run, target),
        make=lambda run, options: deliver_stage(run, target),
    )


STAGES: tuple[Stage, ...] = (
    Stage(name="train", command="train", always=True, inputs=lambda run, options: train_inputs(run.config), make=_train),
    Stage(
        name="contract",
        command="train",
        needs=("train",),
        always=True,
        inputs=lambda run, options: contract_inputs(run),
        make=lambda run, options: contract_stage(run),
    ),
    Stage(
        name="evaluation",
        command="evaluate",
        needs=("contract",),
        always=True,
        inputs=lambda run, options: evaluation_inputs(run),
        make=lambda run, options: evaluate_stage(run),
    ),
    Stage(
        name="baselines",
        command="baselines",
        needs=("train",),
        always=True,
        inputs=lambda run, options: baselines_inputs(run),
        make=lambda run, options: baselines_stage(run),
        impossible=no_zero_bias,
    ),
    Stage(
        name="trigger",
        command="trigger",
        needs=("contract",),
        always=True,
        inputs=lambda run, options: trigger_inputs(run),
        make=lambda run, options: trigger_stage(run),
        impossible=no_zero_bias,
    ),
    Stage(
        name="hls",
        command="hls",
        needs=("contract",),
        always=True,
        inputs=lambda run, options: hls_inputs(run, options.backend),
        make=lambda run, options: hls_stage(run, backend=options.backend),
    ),
    Stage(
        name="csim",
        command="csim",
        needs=("hls",),
        always=True,
        inputs=lambda run, options: csim_inputs(run, _events(run, options)),
        make=lambda run, options: csim_stage(run, events=_events(run, options)),
    ),
    Stage(
        name="rtl",
        command="rtl",
        needs=("contract",),
        inputs=lambda run, options: _rtl().rtl_inputs(run, options.events or run.config.rtl.events),
        make=lambda run, options: _rtl().rtl_stage(run, events=options.events),
    ),
    Stage(
        name="synth",
        command="synth",
        needs=("rtl",),
        inputs=lambda run, options: _rtl().synth_inputs(run),
        make=lambda run, options: _rtl().synth_stage(run),
    ),
    _delivery("cmssw", "csim"),
    _delivery("ugt"),
    _delivery("emp", "rtl"),
    _delivery("vivado", "csim"),
    Stage(
        name="verification",
        command="verify",
        needs=("csim", "rtl", "delivery/cmssw", "delivery/ugt"),
        inputs=lambda run, options: verification_inputs(run),
        make=lambda run, options: verify_stage(run),
        impossible=no_zero_bias,
    ),
    Stage(
        name="latent",
        command="latent",
        needs=("contract",),
        inputs=lambda run, options: _latent().latent_inputs(run),
        make=lambda run, options: _latent().latent_stage(run),
        impossible=_without_latent_space,
    ),
)
"""In the order in which they are made."""


def stages_to(command: str | None, config: Config) -> tuple[Stage, ...]:
    """The stages that `l1ae run --to COMMAND` goes through, in order; None: those of every run.

    Raises `UserError` when no stage has such a command, or the configuration has no such stage.
    """
    if command is None:
        return tuple(stage for stage in STAGES if stage.always and not stage.impossible(config))
    asked = [stage for stage in STAGES if stage.command == command]
    if not asked:
        raise UserError(f"--to {command}: there is no such stage; stages are {', '.join(dict.fromkeys(stage.command for stage in STAGES))}")
    for stage in asked:
        if why := stage.impossible(config):
            raise UserError(f"--to {command}: {why}")
    wanted = _with_needs({stage.name for stage in asked})
    return tuple(stage for stage in STAGES if stage.name in wanted and not stage.impossible(config))


def _with_needs(names: set[str]) -> set[str]:
    needed = {need for stage in STAGES if stage.name in names for need in stage.needs}
    return names if needed <= names else _with_needs(names | needed)


def run_all(
    config: Config,
    folder: Path,
    *,
    to: str | None = None,
    options: RunOptions | None = None,
    announce: Callable[[str, bool], None] = lambda stage, current: None,
) -> tuple[Run, Path]:
    """The stages of `stages_to` in order, skipping those whose inputs and outputs did not change. Returns the run and its report.

    `announce(stage, current)` is called before each stage; `current` says that it is skipped. Raises `UserError` when another
    process works on the folder, and whatever the stages raise.
    """
    options, stages = options or RunOptions(), stages_to(to, config)
    with held_run(folder):
        run = Run.create(resolved(config, folder), folder)
        for stage in stages:
            current = run.is_current(stage.name, stage.inputs(run, options))
            announce(stage.name, current)
            if not current:
                _make(stage, run, options)
        save_source(run)
        return run, report_stage(run)


def _make(stage: Stage, run: Run, options: RunOptions) -> None:
    """Make a stage, with which the run is one of this configuration; what is refused leaves the one that it had."""
    try:
        stage.make(run, options)
    except CheckFailedError:
        save_source(run)
        raise
    save_source(run)
