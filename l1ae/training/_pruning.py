"""Magnitude pruning: the smallest weights of each layer become 0 and stay it, of table layers the flattest edges."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from l1ae.config import Config
from l1ae.models import Networks, TableDense
from l1ae.training._checkpoint import Phase

__all__ = ["Pruning", "pruning_epochs", "sparsity_at"]


def sparsity_at(final: float, epoch: int, epochs: int) -> float:
    """Fraction of zeros in an epoch, counted from 1: grows as a cubic to `final` in epoch `epochs`.

    Zhu and Gupta, arXiv:1710.01878, equation 1, with one pruning step per epoch.
    """
    return final * (1.0 - (1.0 - min(1.0, epoch / epochs)) ** 3)


def pruning_epochs(config: Config) -> int:
    """Epochs of the quantized phase after which the wanted sparsity is reached: as configured, at most all; 0 without pruning."""
    pruning = config.training.pruning
    return min(pruning.epochs, config.training.quantized_phase.epochs) if pruning else 0


class Pruning:
    """Masks of the firmware's kernels in the quantized phase; does nothing where no pruning is configured.

    A mask follows from the weights at the beginning of an epoch, zeros first among the smallest, so it needs no place
    in a checkpoint. The magnitude of a weight is its own, that of a table's edge the standard deviation of its entries.
    """

    def __init__(self, config: Config, networks: Networks, phase: Phase) -> None:
        self._settings = config.training.pruning if phase == "quantized" else None
        self._epochs = pruning_epochs(config)
        layers = networks.firmware.layers if self._settings else []
        self._layers: list[Any] = [layer for layer in layers if hasattr(layer, "kernel") or isinstance(layer, TableDense)]
        self._masks = [tf.Variable(tf.ones(_magnitudes(layer).shape), trainable=False) for layer in self._layers]

    def start_epoch(self, epoch: int) -> None:
        """Choose the weights that are 0 from now on, and set them so."""
        if self._settings is None:
            return
        fraction = sparsity_at(self._settings.sparsity, epoch, self._epochs)
        for layer, mask in zip(self._layers, self._masks, strict=True):
            values = _magnitudes(layer)
            keep = np.ones(values.size, np.float32)
            keep[np.argsort(values, axis=None, kind="stable")[: round(fraction * values.size)]] = 0
            mask.assign(keep.reshape(values.shape))
        self.apply()

    def apply(self) -> None:
        """Set the chosen weights to 0."""
        for layer, mask in zip(self._layers, self._masks, strict=True):
            if isinstance(layer, TableDense):
                layer.keep(mask)
            else:
                layer.kernel.assign(layer.kernel * mask)


def _magnitudes(layer: Any) -> npt.NDArray[np.float32]:
    return np.asarray(layer.spread()) if isinstance(layer, TableDense) else np.abs(layer.kernel.numpy())
