"""Training steps and validation, as TensorFlow graphs over data that stays in memory."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l1ae.config import Config
from l1ae.models import Networks
from l1ae.training._data import Block, TrainingData

__all__ = ["Losses", "Trainer"]

VALIDATION_BATCH = 16384


@dataclass(frozen=True)
class Losses:
    """Averages per event: `reconstruction` in squared network units, `kl` in nats, `total` as configured."""

    total: float
    reconstruction: float
    kl: float


class Trainer:
    """Networks, their optimizer, and the compiled passes over the data.

    Nothing here depends on a global random state: the order of the events and the VAE's noise follow from
    (config.seed, phase, epoch), so an epoch can be repeated by itself.
    """

    def __init__(self, config: Config, networks: Networks, data: TrainingData, phase: str) -> None:
        self._config = config
        self._networks = networks
        self._data = data
        self._phase = phase
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(networks.trainable_variables)
        # converted once: a graph then refers to the arrays instead of copying them at every call
        self._training = _tensors(data.training)
        self._validation = _tensors(data.validation)
        self._train_step = tf.function(self._train_step_graph)
        self._validate_batch = tf.function(self._validate_batch_graph)

    @property
    def variables(self) -> list[Any]:
        """Every variable that a checkpoint must hold: those of the networks, then those of the optimizer."""
        return [*self._networks.variables, *self._optimizer.variables]

    @property
    def n_network_variables(self) -> int:
        """How many of `variables` belong to the networks."""
        return len(self._networks.variables)

    def train(self, epoch: int, learning_rate: float) -> Losses:
        """One pass over the training events in an order of its own; the incomplete last batch is left out."""
        self._optimizer.learning_rate.assign(learning_rate)
        generator = np.random.default_rng([self._config.seed, *self._phase.encode(), epoch])
        batch = self._config.training.batch_size
        steps = len(self._data.training) // batch
        order = generator.permutation(len(self._data.training))[: steps * batch].reshape(steps, batch)
        seed = int(generator.integers(2**31))
        sums = tf.zeros(2)
        # measured: with this loop inside the graph the last bits of a VAE's weights depended on timing, op determinism or not
        for step, chosen in enumerate(order.astype(np.int32)):
            sums += self._train_step(tf.constant(chosen), tf.constant([seed, step], tf.int32))
        return self._losses(*sums.numpy().astype(float) / steps)

    def validate(self) -> Losses:
        """Average losses of the validation events; the VAE's noise is the same at every call."""
        inputs, mask = self._validation
        sums = np.zeros(2)
        for index, start in enumerate(range(0, len(self._data.validation), VALIDATION_BATCH)):
            where = slice(start, start + VALIDATION_BATCH)
            seed = tf.constant([self._config.seed % 2**31, index], tf.int32)
            sums += self._validate_batch(inputs[where], mask[where], seed).numpy()
        return self._losses(*sums / len(self._data.validation))

    def _losses(self, reconstruction: float, kl: float) -> Losses:
        return Losses(float(self._weighted(reconstruction, kl)), float(reconstruction), float(kl))

    def _weighted(self, reconstruction: Any, kl: Any) -> Any:
        """The configured loss; for an autoencoder the reconstruction error alone."""
        if self._networks.decoder is None:
            return reconstruction
        beta = self._config.training.beta
        return (1 - beta) * reconstruction + beta * kl

    def _terms(self, inputs: Any, mask: Any, seed: Any, *, training: bool) -> tuple[Any, Any]:
        """Per event, both (N,): squared reconstruction error over inputs that carry information, and KL divergence."""
        outputs = self._networks.firmware(inputs, training=training)
        if self._networks.decoder is None:
            return _masked_squared_error(inputs, outputs, mask), tf.zeros(tf.shape(inputs)[0])
        mu, log_var = outputs
        noise = tf.random.stateless_normal(tf.shape(mu), seed)
        reconstruction = self._networks.decoder(mu + tf.exp(0.5 * log_var) * noise, training=training)
        divergence = 0.5 * tf.reduce_sum(tf.square(mu) + tf.exp(log_var) - log_var - 1.0, axis=1)
        return _masked_squared_error(inputs, reconstruction, mask), divergence

    def _train_step_graph(self, chosen: Any, seed: Any) -> Any:
        """One step on the events `chosen`, (batch,); returns its average (reconstruction, kl)."""
        inputs, mask = self._training
        variables = self._networks.trainable_variables
        with tf.GradientTape() as tape:
            terms = self._terms(tf.gather(inputs, chosen), tf.gather(mask, chosen), seed, training=True)
            reconstruction, kl = (tf.reduce_mean(term) for term in terms)
            loss = self._weighted(reconstruction, kl)
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return tf.stack([reconstruction, kl])

    def _validate_batch_graph(self, inputs: Any, mask: Any, seed: Any) -> Any:
        return tf.stack([tf.reduce_sum(term) for term in self._terms(inputs, mask, seed, training=False)])


def _tensors(block: Block) -> tuple[Any, Any]:
    return tf.constant(block.inputs), tf.constant(block.mask)


def _masked_squared_error(inputs: Any, reconstruction: Any, mask: Any) -> Any:
    difference = tf.where(mask, inputs - reconstruction, 0.0)
    return tf.reduce_sum(tf.square(difference), axis=1)
