"""Running stages, and estimating before they run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from l1ae.api._names import load_config
from l1ae.api._run import LoadedRun
from l1ae.config import Config, overridden
from l1ae.contract import Contract
from l1ae.pipeline import RunOptions, forecast, forecast_of, run_all
from l1ae.rtl_results import Forecast

__all__ = ["estimate", "run"]


def run(
    config: Config | str | Path,
    folder: str | Path | None = None,
    *,
    to: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    events: int | None = None,
    backend: str | None = None,
    announce: Callable[[str, bool], None] = lambda stage, current: None,
) -> LoadedRun:
    """Make the stages of a configuration, skipping what is up to date: `l1ae run`, from a notebook.

    `config`: one that is loaded, its name, or a YAML file; `overrides` are values by dotted key, such as {"training.batch_size": 512}.
    `folder`: the run folder, default runs/NAME. `to`: the command of the last stage (train, evaluate, trigger, hls, csim, rtl, synth,
    deliver, verify, latent), default the C simulation. `events`: real events of simulations. `announce(stage, current)` is called before
    each stage; `current`: it is skipped.

    Raises `UserError` for a configuration that is wrong and a folder that another process works on, `CheckFailedError` where a simulation
    differs from the contract, and `UserError` naming the package that is not installed (`train` for Keras models).

    >>> run = l1ae.run("density_tree", "runs/mine", to="train", overrides=small)
    >>> run.stages
    ('train', 'contract')
    """
    loaded = _with(config, overrides)
    where = Path(folder) if folder is not None else Path("runs") / loaded.name
    made, _ = run_all(loaded, where, to=to, options=RunOptions(backend, events), announce=announce)
    return LoadedRun(made.folder, made.config)


def estimate(what: Config | Contract | LoadedRun | str | Path, config: Config | None = None) -> Forecast:
    """What RTL will cost (LUTs, flip-flops, clock cycles, ns), with 90 % ranges, before it is made.

    Of a run, or of a contract with its `config`, that contract; of a configuration (loaded, by name, or a YAML file) a model about as
    training leaves it. Raises `UserError` for designs that the estimator does not know, and without the extra `train` for a
    configuration of a Keras model.

    >>> found = l1ae.estimate("density_tree")
    >>> found.luts_packed.low < found.luts_packed.value < found.luts_packed.high
    True
    """
    if isinstance(what, LoadedRun):
        return forecast_of(what.config, what.contract)
    if isinstance(what, Contract):
        return forecast_of(config or _standing_for(what), what)
    return forecast(_with(what, None))


def _standing_for(contract: Contract) -> Config:
    """Clock and adders of a configuration that says nothing else; the network is the contract's."""
    return Config.model_validate({"name": "estimate", "model": {"architecture": "dense_ae", "score": "squared_error"}})


def _with(config: Config | str | Path, overrides: Mapping[str, Any] | None) -> Config:
    if not isinstance(config, Config):
        return load_config(config, overrides)
    return config if not overrides else overridden(config, overrides)
