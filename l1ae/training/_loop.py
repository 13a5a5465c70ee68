"""Training steps and validation, as TensorFlow graphs that are handed their events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from l1ae.config import Config
from l1ae.models import Networks
from l1ae.training._checkpoint import Phase
from l1ae.training._data import TrainingData
from l1ae.training._events import Noise, Preprocessing
from l1ae.training._objective import Batch, objective_for
from l1ae.training._pruning import Pruning, pruning_epochs
from l1ae.training._rows import release

__all__ = ["Losses", "Trainer"]

VALIDATION_BATCH = 16384
_RELEASE = 16
"""Steps after which memory that was read of a file is given back."""

# keep the noise of the two views apart from each other and from that of the latent space
_FIRST_VIEW = 777_000_001
_SECOND_VIEW = 500_000_003


@dataclass(frozen=True)
class Losses:
    """Averages per event, by the events' weights, of the terms of the objective, and the sum that is minimised."""

    total: float
    terms: dict[str, float]


class Trainer:
    """Networks, their optimizer, and the compiled passes over the data.

    Nothing here depends on a global random state: the order of the events and all noise follow from
    (config.seed, phase, epoch), so an epoch can be repeated by itself.
    """

    def __init__(self, config: Config, networks: Networks, data: TrainingData, phase: Phase) -> None:
        self._config = config
        self._networks = networks
        self._phase = phase
        self._objective = objective_for(config, networks, phase)
        self._preprocessing = Preprocessing(config.inputs.spec())
        self._noise = Noise(config)
        self._pruning = Pruning(config, networks, phase)
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(self._objective.trainable_variables)
        self._data = data
        # no Python control flow depends on a tensor, and AutoGraph reads the source again and confuses lambdas of one line
        self._train_step = tf.function(self._train_step_graph, autograph=False)
        self._validate_batch = tf.function(self._validate_batch_graph, autograph=False)

    @property
    def variables(self) -> list[Any]:
        """Every variable that a checkpoint must hold: those of the networks, then those of the optimizer."""
        return [*self._networks.variables, *self._optimizer.variables]

    @property
    def n_network_variables(self) -> int:
        """How many of `variables` belong to the networks."""
        return len(self._networks.variables)

    @property
    def settled_after(self) -> int:
        """Last epoch of warm-up or growing sparsity: what was trained up to it is not the model that was asked for."""
        if self._phase == "float":
            return self._config.training.kl_warmup
        return pruning_epochs(self._config)

    def train(self, epoch: int, learning_rate: float) -> Losses:
        """One pass over the training events in an order of its own; the incomplete last batch is left out."""
        self._optimizer.learning_rate.assign(learning_rate)
        self._pruning.start_epoch(epoch)
        generator = np.random.default_rng([self._config.seed, *self._phase.encode(), epoch])
        batch = self._config.training.batch_size
        data, steps = self._data, len(self._data.training) // batch
        # as `permutation` does, in half of its memory
        order = np.arange(len(data.training), dtype=np.int32)
        generator.shuffle(order)
        seed = int(generator.integers(2**31))
        weights = tf.constant(self._objective.weights(epoch), tf.float32)
        sums = tf.zeros(len(self._objective.names))
        # measured: with this loop inside the graph the last bits of a VAE's weights depended on timing, op determinism or not
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            events = _taken((data.training, data.weights, data.targets), chosen)
            sums += self._train_step(*events, tf.constant([seed, step], tf.int32), weights)
            if step % _RELEASE == 0:
                _release(data)
        return self._losses(sums.numpy().astype(float) / steps)

    def validate(self) -> Losses:
        """Average losses of the validation events; all noise is the same at every call."""
        data, sums = self._data, np.zeros(len(self._objective.names))
        for index, start in enumerate(range(0, len(data.validation), VALIDATION_BATCH)):
            chosen = slice(start, start + VALIDATION_BATCH)
            events = _taken((data.validation, data.validation_weights, data.validation_targets), chosen)
            seed = tf.constant([self._config.seed % 2**31, index], tf.int32)
            sums += self._validate_batch(*events, seed).numpy() * len(data.validation[chosen])
            _release(data)
        return self._losses(sums / len(data.validation))

    def _losses(self, terms: npt.NDArray[np.float64]) -> Losses:
        total = float(np.dot(self._objective.weights(None), terms))
        return Losses(total, dict(zip(self._objective.names, terms.tolist(), strict=True)))

    def _batch(self, codes: Any, weights: Any, targets: Any, seed: Any) -> Batch:
        hardware = tf.cast(codes, tf.float32)
        mask = self._preprocessing.mask(hardware)
        clean, counted = self._preprocessing.inputs(hardware, mask), self._preprocessing.counted(hardware)
        if not self._config.training.noise.active:
            return Batch(clean, clean, clean, counted, weights, targets)
        views = []
        for offset in (_FIRST_VIEW, _SECOND_VIEW):
            noisy = self._noise(hardware, mask, seed + tf.constant([offset, 0], tf.int32))
            views.append(self._preprocessing.inputs(noisy, self._preprocessing.mask(noisy)))
        return Batch(views[0], views[1], clean, counted, weights, targets)

    def _train_step_graph(self, codes: Any, shares: Any, targets: Any, seed: Any, weights: Any) -> Any:
        """One step on a batch of events; returns the terms of its loss."""
        variables = self._objective.trainable_variables
        batch = self._batch(codes, shares, targets, seed)
        with tf.GradientTape() as tape:
            terms = self._objective(batch, seed, training=True)
            loss = tf.reduce_sum(weights * terms)
        gradients = tape.gradient(loss, variables)
        # measured: without it, one training in six with learned widths had other weights, since some update overtook a read
        with tf.control_dependencies([terms, *gradients]):
            self._optimizer.apply(gradients, variables)
            self._pruning.apply()
        return terms

    def _validate_batch_graph(self, codes: Any, weights: Any, targets: Any, seed: Any) -> Any:
        return self._objective(self._batch(codes, weights, targets, seed), seed, training=False)


def _taken(columns: Sequence[npt.NDArray[Any] | None], chosen: npt.NDArray[np.int32] | slice) -> list[Any]:
    """Some events of each column as tensors."""
    return [None if values is None else tf.constant(values[chosen]) for values in columns]


def _release(data: TrainingData) -> None:
    for values in vars(data).values():
        if isinstance(values, np.ndarray):
            release(values)
