"""Events on which a trained model is judged, and its three answers: float, quantized, fixed point."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.contract import Contract, wrapped_total
from l1ae.data import (
    PART_EVENTS,
    TEST,
    TRAIN,
    VALIDATION,
    WEIGHT,
    Events,
    EventStore,
    Spool,
    concatenate,
    events_of,
    held_out,
    is_recorded,
    open_dataset,
    split_columns,
    split_parts,
    weight_columns,
    weights_of,
)
from l1ae.errors import UserError
from l1ae.evaluation import Ranked, ScoreSet, SpooledScores, group_ids
from l1ae.families import score
from l1ae.pipeline._models import Models, load_models

__all__ = [
    "OBSERVED_EVENTS",
    "TEST",
    "TRAIN",
    "CsimSample",
    "EvaluationScores",
    "Scorer",
    "ValidationScores",
    "csim_sample",
    "evaluation_scores",
    "first_events",
    "part_of",
    "predict",
    "scores_of",
    "spooled_part",
    "spooled_scores",
    "validation_scores",
]

_log = logging.getLogger("l1ae")

FloatArray = npt.NDArray[np.float64]

_BATCH = 8192

OBSERVED_EVENTS = 20_000
"""The first events of a sample, at which the inputs and the ranges of tensors are looked at."""


def part_of(config: Config, events: Events) -> npt.NDArray[np.int8]:
    """Which part each background event belongs to; a recorded split must have been read with it, see `split_columns`."""
    return split_parts(config.data, events)


@dataclass(frozen=True, eq=False)
class ValidationScores:
    """Score codes of the validation part of the background, and the hardware integers (n, size) of its first events.

    `wrapped` is what `Contract.wrapped` counts in it.
    """

    first: npt.NDArray[np.integer]
    ranked: Ranked
    wrapped: dict[str, int]

    def threshold(self, fpr: float) -> int:
        """The smallest one that accepts at most this fraction of the events, by weight."""
        return int(self.ranked.highest_refused(fpr)) + 1


def validation_scores(config: Config, store: EventStore, contract: Contract) -> ValidationScores:
    """Score the validation part of the background."""
    first: list[npt.NDArray[np.integer]] = []
    ranked: list[Ranked] = []
    held: list[tuple[FloatArray, FloatArray | None]] = []
    wrapped: list[dict[str, int]] = []
    for events in events_of(config.data, store, VALIDATION):
        wrapped.append(contract.wrapped(events.hw))
        if sum(map(len, first)) < OBSERVED_EVENTS:
            first.append(events.hw[:OBSERVED_EVENTS])
        codes = contract.evaluate(events.hw, [contract.score.name])[contract.score.name][:, 0]
        held.append((np.asarray(codes, np.float64), weights_of(events)))
        if sum(len(codes) for codes, _ in held) >= PART_EVENTS:
            ranked, held = [Ranked.merged([*ranked, _ranked(held)])], []
    if held:
        ranked = [Ranked.merged([*ranked, _ranked(held)])]
    return ValidationScores(np.concatenate(first)[:OBSERVED_EVENTS], ranked[0], wrapped_total(wrapped))


def _ranked(blocks: Sequence[tuple[FloatArray, FloatArray | None]]) -> Ranked:
    return Ranked.of(np.concatenate([codes for codes, _ in blocks]), None, _joined([weights for _, weights in blocks]))


def _joined(weights: Sequence[FloatArray | None]) -> FloatArray | None:
    """Weights of blocks of one store, which all have some or none."""
    found = [block for block in weights if block is not None]
    return np.concatenate(found) if found else None


@dataclass(frozen=True)
class Scorer:
    """The variants of one model: "fixed", the contract, before it "float" and, of a Keras model, "quantized", where there are such."""

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
        return (*self._keras, *(() if self.models.tables is None else ("float",)), "fixed")

    def __call__(self, hardware: npt.NDArray[np.integer]) -> dict[str, FloatArray]:
        """Scores of each variant, (N,), in real units."""
        return {name: self.variant(name, hardware) for name in self.variants}

    def variant(self, name: str, hardware: npt.NDArray[np.integer]) -> FloatArray:
        """Scores of one variant, (N,), in real units."""
        if name == "float" and self.models.tables is not None:
            return self.models.tables(self.config.inputs.event(hardware))
        if name != "fixed":
            spec = self.config.inputs.spec()
            inputs, counted = spec.to_network_float(hardware), spec.counted(hardware)
            return self._score(inputs, predict(self._keras[name], inputs), counted)
        fixed = self.contract.evaluate(hardware, [self.contract.score.name])[self.contract.score.name]
        return np.asarray(fixed[:, 0] * self.contract.score.format.lsb, np.float64)

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


@dataclass(frozen=True)
class EvaluationScores:
    """Scores of each variant on the background's test part and on all signals; by sample the source event of each event (N,) and, where
    the store has them, weights (N,).
    """

    scores: dict[str, ScoreSet]
    groups: dict[str, npt.NDArray[np.int64]]
    weights: dict[str, FloatArray]


def evaluation_scores(scorer: Scorer) -> EvaluationScores:
    """Score every sample on which a model is judged: with a recorded split, of signals too the test part, where they say it."""
    config = scorer.config
    dataset = open_dataset(config.data.source, config.inputs.selected)
    scores: dict[str, dict[str, FloatArray]] = {variant: {} for variant in scorer.variants}
    groups: dict[str, npt.NDArray[np.int64]] = {}
    weights: dict[str, FloatArray] = {}
    for name, store in {"background": dataset.background, **dataset.signals}.items():
        blocks, ids, weighed = [], [], []
        for chosen in _judged(config, store, background=name == "background"):
            blocks.append(scorer(chosen.hw))
            ids.append((chosen.process, chosen.source_event))
            weighed.append(weights_of(chosen))
        found = _joined(weighed)
        weights |= {} if found is None else {name: found}
        groups[name] = group_ids(*(np.concatenate(column) for column in zip(*ids, strict=True)))
        for variant in scorer.variants:
            scores[variant][name] = np.concatenate([block[variant] for block in blocks])
    lsb = {"fixed": scorer.contract.score.format.lsb}
    sets = {variant: ScoreSet(by_sample.pop("background"), by_sample, lsb.get(variant)) for variant, by_sample in scores.items()}
    return EvaluationScores(sets, groups, weights)


def scores_of(config: Config, contract: Contract, folder: Path, variants: Sequence[str]) -> EvaluationScores:
    """As `evaluation_scores`, of some variants of the model that the train stage left in `folder`; "fixed" alone needs no more than the
    contract. A variant that the model does not have is left out. Raises `UserError` for one that no model has.
    """
    if unknown := sorted(set(variants) - {"float", "quantized", "fixed"}):
        raise UserError(f"there is no variant '{unknown[0]}' of a model; variants are float, quantized, fixed")
    models = Models(None, None) if set(variants) == {"fixed"} else load_models(config, folder)
    if "quantized" not in variants:
        models = replace(models, quantized_model=None)
    if "float" not in variants:
        models = replace(models, float_model=None, tables=None)
    return evaluation_scores(Scorer(config, contract, models))


def spooled_scores(scorer: Scorer) -> dict[str, SpooledScores]:
    """As `evaluation_scores`, in spools, by sample."""
    config = scorer.config
    dataset = open_dataset(config.data.source, config.inputs.selected)
    stores = {"background": dataset.background, **dataset.signals}
    return {
        name: _spooled(scorer, name, store.n_events, _judged(config, store, background=name == "background"))
        for name, store in stores.items()
    }


def spooled_part(scorer: Scorer, store: EventStore, part: int) -> SpooledScores:
    """Scores of one part of the background."""
    return _spooled(scorer, "background", store.n_events, events_of(scorer.config.data, store, part))


def _spooled(scorer: Scorer, name: str, at_most: int, blocks: Iterable[Events]) -> SpooledScores:
    lsb = {variant: scorer.contract.score.format.lsb if variant == "fixed" else None for variant in scorer.variants}
    spool = Spool(at_most)
    for block in blocks:
        weights = weights_of(block)
        counting = block if weights is None or weights.all() else block.select(weights > 0)
        if not len(counting):
            continue
        found = weights_of(counting)
        weighed = {} if found is None else {WEIGHT: found}
        spool.append({"process": counting.process, "source_event": counting.source_event, **weighed, **scorer(counting.hw)})
    return SpooledScores(name, spool, lsb)


def _judged(config: Config, store: EventStore, *, background: bool) -> Iterator[Events]:
    """Events of a sample on which a model is judged."""
    return events_of(config.data, store, TEST) if background else held_out(config.data, store, extra=weight_columns(store))


def first_events(config: Config, events: int) -> tuple[dict[str, npt.NDArray[np.integer]], dict[str, FloatArray]]:
    """The first events of every sample, (N, size), and the weights (N,) of those that have some, for a look at the inputs."""
    dataset = open_dataset(config.data.source, config.inputs.selected)
    stores = {"background": dataset.background, **dataset.signals}
    blocks = {name: store.read(0, min(events, store.n_events), extra=weight_columns(store)) for name, store in stores.items()}
    weights = {name: weights_of(block) for name, block in blocks.items()}
    usable = {name: found for name, found in weights.items() if found is not None and found.any()}
    return {name: block.hw for name, block in blocks.items()}, usable


@dataclass(frozen=True)
class CsimSample:
    """Real events for the C simulation; `sample` names each event's store, `held_out` excludes what was trained on.

    `weights` (N,) are 1 where a store has none, None where no store has any.
    """

    hardware: npt.NDArray[np.integer]
    sample: npt.NDArray[np.str_]
    held_out: npt.NDArray[np.bool_]
    weights: FloatArray | None = None


def _first_of_background(config: Config, store: EventStore, count: int) -> tuple[Events, npt.NDArray[np.bool_]]:
    """At most `count` events, and which of them are held out. A store with a recorded split may begin with its whole training part:
    of such a one the first test events.
    """
    if not is_recorded(config.data, store.extra):
        block = store.read(0, min(count, store.n_events), extra=weight_columns(store))
        return block, part_of(config, block) == TEST
    found = [store.read(0, 0, extra=(*split_columns(config.data, store), *weight_columns(store)))]
    for events in _judged(config, store, background=True):
        found.append(events.select(slice(count - sum(map(len, found)))))
        if sum(map(len, found)) >= count:
            break
    joined = concatenate(found)
    return joined, np.ones(len(joined), np.bool_)


def csim_sample(config: Config, events: int) -> CsimSample:
    """The first `events` of the data set, a fifth of them signal; fewer when the data set holds fewer."""
    dataset = open_dataset(config.data.source, config.inputs.selected)
    parts = list(_first_events(config, dataset.background, dataset.signals, events))
    found = sum(len(block) for _, block, _ in parts)
    if found < events:
        _log.warning("'%s' holds %d events, fewer than the %d asked for", config.data.source, found, events)
    return CsimSample(
        np.concatenate([block.hw for _, block, _ in parts]),
        np.concatenate([np.full(len(block), name) for name, block, _ in parts]),
        np.concatenate([held for _, _, held in parts]),
        _weights_or_ones([block for _, block, _ in parts]),
    )


def _weights_or_ones(blocks: Sequence[Events]) -> FloatArray | None:
    """Weights of all events; None where no block has any."""
    found = [weights_of(block) for block in blocks]
    if all(weights is None for weights in found):
        return None
    return np.concatenate([np.ones(len(block)) if w is None else w for block, w in zip(blocks, found, strict=True)])


def _first_events(
    config: Config, background: EventStore, signals: Mapping[str, EventStore], events: int
) -> Iterator[tuple[str, Events, npt.NDArray[np.bool_]]]:
    available = sum(store.n_events for store in signals.values())
    wanted = max(events // 5, events - background.n_events)
    share = {name: min(wanted * store.n_events // max(available, 1), store.n_events) for name, store in signals.items()}
    yield ("background", *_first_of_background(config, background, events - sum(share.values())))
    for name, count in share.items():
        yield name, signals[name].read(0, count, extra=weight_columns(signals[name])), np.ones(count, np.bool_)
