"""Events on which a trained model is judged, and its three answers: float, quantized, fixed point."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.data import TEST, TRAIN, VALIDATION, Events, EventStore, events_of, held_out, is_recorded, open_dataset, split_parts
from l1ae.evaluation import ScoreSet, group_ids
from l1ae.families import score
from l1ae.pipeline._models import Models

__all__ = ["TEST", "TRAIN", "CsimSample", "csim_sample", "evaluation_scores", "first_events", "part_of", "predict", "validation_events"]

_log = logging.getLogger("l1ae")

FloatArray = npt.NDArray[np.float64]

_BATCH = 8192


def part_of(config: Config, events: Events) -> npt.NDArray[np.int8]:
    """Which part each background event belongs to; a recorded split must have been read with it, see `split_columns`."""
    return split_parts(config.data, events)


def validation_events(config: Config, store: EventStore) -> npt.NDArray[np.integer]:
    """Hardware integers (N, size) of the validation part of the background."""
    return np.concatenate([events.hw for events in events_of(config.data, store, VALIDATION)])


@dataclass(frozen=True)
class Scorer:
    """The variants of one model: "fixed", the contract, and before it "float" and "quantized" where there are Keras models."""

    config: Config
    contract: Contract
    models: Models

    @property
    def _keras(self) -> dict[str, Any]:
        named = {"float": self.models.float_model, "quantized": self.models.quantized_model}
        return {name: model for name, model in named.items() if model is not None}

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants that exist."""
        return (*self._keras, "fixed")

    def __call__(self, hardware: npt.NDArray[np.integer]) -> dict[str, FloatArray]:
        """Scores of each variant, (N,), in real units."""
        spec = self.config.inputs.spec()
        result: dict[str, FloatArray] = {}
        if self._keras:
            inputs, mask = spec.to_network_float(hardware), spec.mask(hardware)
            result = {name: self._score(inputs, predict(model, inputs), mask) for name, model in self._keras.items()}
        form = self.contract.score.format
        fixed = self.contract.evaluate(hardware, [self.contract.score.name])[self.contract.score.name]
        return result | {"fixed": np.asarray(fixed[:, 0] * form.lsb, np.float64)}

    def _score(self, inputs: npt.NDArray[np.float32], outputs: list[npt.NDArray[np.float32]], mask: npt.NDArray[np.bool_]) -> FloatArray:
        return score(self.config.model.score, inputs, outputs if len(outputs) > 1 else outputs[0], mask)

    def quantized_tensors(self, hardware: npt.NDArray[np.integer]) -> dict[str, npt.NDArray[np.float32]]:
        """Outputs of the quantized Keras model by the name of the contract's tensor; none without a Keras model."""
        if self.models.quantized_model is None:
            return {}
        outputs = predict(self.models.quantized_model, self.config.inputs.spec().to_network_float(hardware))
        names = [self._contract_tensor(tensor) for tensor in self.models.quantized_model.outputs]
        return {name: output.reshape(len(output), -1) for name, output in zip(names, outputs, strict=True)}

    def _contract_tensor(self, tensor: Any) -> str:
        """The contract's name of a Keras tensor; layers that only change the shape are no operations of the contract."""
        known = {operation.name for operation in self.contract.operations}
        layer = tensor._keras_history.operation
        while layer.name not in known:
            layer = layer.input._keras_history.operation
        return str(layer.name)


def predict(model: Any, inputs: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Every output of a Keras model, in blocks that bound the memory.

    `Model.predict` would trace its graph anew, and warn, for every new number of events.
    """
    blocks = []
    for start in range(0, len(inputs), _BATCH):
        outputs = model(inputs[start : start + _BATCH], training=False)
        blocks.append([np.asarray(output) for output in (outputs if isinstance(outputs, list) else [outputs])])
    return [np.concatenate(column) for column in zip(*blocks, strict=True)]


def evaluation_scores(scorer: Scorer) -> tuple[dict[str, ScoreSet], dict[str, npt.NDArray[np.int64]]]:
    """Scores of each variant on the background's test part and on all signals, and the source events of each sample.

    With a recorded split, of signals too those of the test part, where they say it.
    """
    config = scorer.config
    dataset = open_dataset(config.data.source, config.inputs.selected)
    scores: dict[str, dict[str, FloatArray]] = {variant: {} for variant in scorer.variants}
    groups: dict[str, npt.NDArray[np.int64]] = {}
    for name, store in {"background": dataset.background, **dataset.signals}.items():
        blocks, ids = [], []
        for chosen in _judged(config, store, background=name == "background"):
            blocks.append(scorer(chosen.hw))
            ids.append((chosen.process, chosen.source_event))
        groups[name] = group_ids(*(np.concatenate(column) for column in zip(*ids, strict=True)))
        for variant in scorer.variants:
            scores[variant][name] = np.concatenate([block[variant] for block in blocks])
    lsb = {"fixed": scorer.contract.score.format.lsb}
    sets = {variant: ScoreSet(by_sample.pop("background"), by_sample, lsb.get(variant)) for variant, by_sample in scores.items()}
    return sets, groups


def _judged(config: Config, store: EventStore, *, background: bool) -> Iterator[Events]:
    """Events of a sample on which a model is judged."""
    return events_of(config.data, store, TEST) if background else held_out(config.data, store)


def first_events(config: Config, events: int) -> dict[str, npt.NDArray[np.integer]]:
    """The first events of every sample, (N, size), for a look at the inputs."""
    dataset = open_dataset(config.data.source, config.inputs.selected)
    stores = {"background": dataset.background, **dataset.signals}
    return {name: store.read(0, min(events, store.n_events)).hw for name, store in stores.items()}


@dataclass(frozen=True)
class CsimSample:
    """Real events for the C simulation; `sample` names each event's store, `held_out` excludes what was trained on."""

    hardware: npt.NDArray[np.integer]
    sample: npt.NDArray[np.str_]
    held_out: npt.NDArray[np.bool_]


def _first_of_background(config: Config, store: EventStore, count: int) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.bool_]]:
    """At most `count` events, and which of them are held out. A store with a recorded split may begin with its whole training part:
    of such a one the first test events.
    """
    if not is_recorded(config.data, store.extra):
        block = store.read(0, min(count, store.n_events))
        return block.hw, part_of(config, block) == TEST
    found = [np.zeros((0, store.layout.size), store.layout.dtype)]
    for events in _judged(config, store, background=True):
        found.append(events.hw[: count - sum(map(len, found))])
        if sum(map(len, found)) >= count:
            break
    hardware = np.concatenate(found)
    return hardware, np.ones(len(hardware), np.bool_)


def csim_sample(config: Config, events: int) -> CsimSample:
    """The first `events` of the data set, a fifth of them signal; fewer when the data set holds fewer."""
    dataset = open_dataset(config.data.source, config.inputs.selected)
    parts = list(_first_events(config, dataset.background, dataset.signals, events))
    found = sum(len(hw) for _, hw, _ in parts)
    if found < events:
        _log.warning("'%s' holds %d events, fewer than the %d asked for", config.data.source, found, events)
    names = np.concatenate([np.full(len(hw), name) for name, hw, _ in parts])
    return CsimSample(np.concatenate([hw for _, hw, _ in parts]), names, np.concatenate([held for _, _, held in parts]))


def _first_events(
    config: Config, background: EventStore, signals: Mapping[str, EventStore], events: int
) -> Iterator[tuple[str, npt.NDArray[np.integer], npt.NDArray[np.bool_]]]:
    available = sum(store.n_events for store in signals.values())
    wanted = max(events // 5, events - background.n_events)
    share = {name: min(wanted * store.n_events // max(available, 1), store.n_events) for name, store in signals.items()}
    yield ("background", *_first_of_background(config, background, events - sum(share.values())))
    for name, count in share.items():
        yield name, signals[name].read(0, count).hw, np.ones(count, np.bool_)
