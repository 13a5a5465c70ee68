"""One training of a candidate, and everything about it that an objective may ask for. Runs in a worker."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.data import TRAIN, VALIDATION, Events, events_of, open_dataset, weights_of
from l1ae.evaluation import AtRate, agreement
from l1ae.files import scratch
from l1ae.pipeline import contract_of, judge_of, scheduled, train_stage
from l1ae.search._results import Measured
from l1ae.trigger import RATES, Judge

__all__ = ["Task", "measure"]

FloatArray = npt.NDArray[np.float64]

_LABEL_FREE_EVENTS = 200_000


@dataclass(frozen=True)
class Task:
    """What is measured: a configuration for each seed, rates in kHz, and whether crossings alone are asked, too."""

    configs: tuple[Config, ...]
    rates: tuple[float, ...]
    label_free: bool


def measure(task: Task) -> tuple[Measured, ...]:
    """Train and judge. Nothing is left but what is returned. Raises `UserError` for what cannot be trained."""
    return tuple(_measured(config, task) for config in task.configs)


def _measured(config: Config, task: Task) -> Measured:
    started = time.perf_counter()
    with scratch("trial") as folder:
        run = train_stage(config, folder / "run")
        contract = contract_of(run)
        trained = run.config
    rates = tuple(dict.fromkeys((*task.rates, *RATES)))
    chosen, reported = (_at_rates(contract, judge, rates) for judge in _judges(_Judged(trained)))
    return Measured(
        seed=config.seed,
        digest=contract.digest,
        chosen=chosen,
        reported=reported,
        label_free=_label_free(trained, contract) if task.label_free else {},
        cost=scheduled(trained, contract),
        seconds=time.perf_counter() - started,
    )


def _at_rates(contract: Contract, judge: Judge | None, rates: Sequence[float]) -> AtRate | None:
    name = contract.score.name
    return None if judge is None else judge.at_rate(lambda hardware: contract.evaluate(hardware, [name])[name][:, 0], rates)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A configuration as far as it decides what scores are judged on: alike for most candidates, and read once for them."""

    config: Config

    @property
    def key(self) -> str:
        content = self.config.model_dump(mode="json", include={"data", "trigger"})
        return f"{content} {self.config.inputs.selected.meaning}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Judged) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=4)
def _judges(of: _Judged) -> tuple[Judge | None, Judge | None]:
    """What models are chosen on, and what they are reported on."""
    return judge_of(of.config, use="choosing"), judge_of(of.config, use="reporting")


def _label_free(config: Config, contract: Contract) -> dict[str, float]:
    """Crossings that were trained on against those of the validation part: nothing is reported on either."""
    store = open_dataset(config.data.source, config.inputs.selected).background
    (first, one), (second, other) = (_scored(contract, events_of(config.data, store, part)) for part in (TRAIN, VALIDATION))
    found = agreement(first, second, (one, other))
    return {
        "capacity": found["capacity"].value,
        "adaptive": found["adaptive"].value,
        "wasserstein": found["wasserstein"],
        "wasserstein_log": found["wasserstein_log"],
    }


def _scored(contract: Contract, blocks: Iterator[Events]) -> tuple[FloatArray, FloatArray]:
    """Scores and weights (N,) of the first events."""
    scores: list[FloatArray] = []
    weights: list[FloatArray] = []
    for events in blocks:
        codes = contract.evaluate(events.hw, [contract.score.name])[contract.score.name][:, 0]
        found = weights_of(events)
        scores.append(np.asarray(codes * contract.score.format.lsb, np.float64))
        weights.append(np.ones(len(events)) if found is None else found)
        if sum(map(len, scores)) >= _LABEL_FREE_EVENTS:
            break
    return np.concatenate(scores), np.concatenate(weights)
