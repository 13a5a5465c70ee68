"""Batch normalization whose statistics follow the weights of the events."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops

__all__ = ["WeightedBatchNormalization", "event_weights"]

_weights: ContextVar[Any] = ContextVar("event_weights", default=None)


@contextmanager
def event_weights(weights: Any) -> Iterator[None]:
    """Within the `with` block each `WeightedBatchNormalization` that is called counts its events by `weights`, (N,); None: alike.

    Weights are no input of the graph: the firmware has none, and what reads a trained graph should not know of them.
    """
    token = _weights.set(weights)
    try:
        yield
    finally:
        _weights.reset(token)


@keras.saving.register_keras_serializable(package="l1ae")
class WeightedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """As in Keras (Ioffe and Szegedy, arXiv:1502.03167, algorithm 1), with weighted mean and variance of a batch in training.

    All positions of an image have the weight of their event. The scale of the weights does not matter, and an event of weight 0
    changes nothing. Without weights it is Keras' own layer; that one's `mask` knows only events that count and events that do not.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalised `inputs`; in training the moving averages change."""
        weights = _weights.get()
        if weights is None or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        mean, variance = self._weighted_moments(inputs, weights)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return ops.batch_normalization(inputs, mean, variance, self.axis, offset=self.beta, scale=self.gamma, epsilon=self.epsilon)

    def _weighted_moments(self, inputs: Any, weights: Any) -> tuple[Any, Any]:
        """Of each channel: mean and mean squared distance from it, (channels,) each."""
        axes = list(range(len(inputs.shape) - 1))
        shares = ops.reshape(weights / ops.sum(weights), (-1, *[1] * len(axes)))
        shares = shares / float(_positions(inputs.shape))
        mean = ops.sum(shares * inputs, axes)
        return mean, ops.sum(shares * ops.square(inputs - mean), axes)


def _positions(shape: tuple[int | None, ...]) -> int:
    """Of an image (N, rows, columns, channels) the number of its positions; of (N, size) 1."""
    positions = 1
    for size in shape[1:-1]:
        assert size is not None, "layers have fixed sizes but for the number of events"
        positions *= size
    return positions
