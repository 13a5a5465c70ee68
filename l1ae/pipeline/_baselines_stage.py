"""What simpler triggers find at the same rates: RUN/baselines/baselines.json."""

import logging
from pathlib import Path

from l1ae.baselines import BaselinesResult, TrainingEvents, fit_baselines, judge_baselines, save_baselines
from l1ae.config import Config
from l1ae.data import EventStore, open_dataset
from l1ae.errors import UserError
from l1ae.inputs import Layout
from l1ae.pipeline._run import Run, exclusive
from l1ae.pipeline._shared import data_digests, section_digest
from l1ae.pipeline._zero_bias import has_zero_bias, judge_of, rate_inputs, rate_sample

__all__ = ["baselines_inputs", "baselines_of", "baselines_stage"]

_log = logging.getLogger("l1ae")


@exclusive
def baselines_stage(run: Run) -> BaselinesResult:
    """Train every baseline on the run's background and judge it on the run's crossings and signals: RUN/baselines.

    Raises `UserError` as `baselines_of`.
    """

    def make(target: Path) -> BaselinesResult:
        result = baselines_of(run.config)
        save_baselines(target / "baselines.json", result)
        return result

    return run.produce("baselines", baselines_inputs(run), make)


def baselines_inputs(run: Run) -> dict[str, str]:
    """What RUN/baselines depends on: data and rates, not the model."""
    layout = _layout(run.config).digest if has_zero_bias(run.config) else ""
    return rate_inputs(run.config) | data_digests(run.config) | section_digest(run.config, "data") | {"layout": layout}


def baselines_of(config: Config) -> BaselinesResult:
    """The baselines of a configuration, without a run folder. Raises `UserError` where no crossings have the columns of its inputs."""
    # says what is wrong where there are no crossings
    sample = rate_sample(config)
    judge, layout = judge_of(config), _layout(config)
    assert judge is not None
    training = TrainingEvents.of(config.data, EventStore.open(open_dataset(config.data.source).background.path, layout))
    if len(training) < training.available:
        _log.info("baselines are trained on %d of %d events", len(training), training.available)
    trigger = config.trigger
    return judge_baselines(fit_baselines(training), judge, source=sample.name, rates=trigger.rates, quoted=trigger.firmware_khz)


def _layout(config: Config) -> Layout:
    """All columns that crossings, signals and the background have, whatever part of them a model reads."""
    layout, background = rate_sample(config).store.layout, open_dataset(config.data.source).background
    try:
        layout.taken_from(background.own, str(background.path))
    except UserError:
        return config.inputs.selected
    return layout
