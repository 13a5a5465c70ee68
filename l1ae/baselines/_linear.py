"""Linear models of the sizes of all slots: a linear autoencoder and a Gaussian."""

from dataclasses import dataclass

import numpy as np

from l1ae.baselines._columns import Codes, FloatArray, Sizes, sizes_of
from l1ae.baselines._training import TrainingEvents

__all__ = ["EXPLAINED", "Gaussian", "LinearAutoencoder", "Standardised"]

EXPLAINED = 0.5
"""The linear autoencoder keeps the fewest components that explain this part of the variance."""

_FLAT = 1e-9
"""Variance, as a part of the largest one, below which a direction counts as constant: no event is judged by it."""


@dataclass(frozen=True, eq=False)
class Standardised:
    """The sizes of slots (empty ones 0) with weighted mean 0 and variance 1, without the columns that are constant in training."""

    sizes: Sizes
    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, training: TrainingEvents) -> "Standardised":
        """Mean and deviation over the training events."""
        every = sizes_of(training.layout)
        values = every.values(training.hardware)
        varies = (values != values[:1]).any(axis=0)
        mean = np.average(values[:, varies], axis=0, weights=training.weights)
        variance = np.average((values[:, varies] - mean) ** 2, axis=0, weights=training.weights)
        return cls(Sizes.of(training.layout, every.columns[varies]), mean, np.sqrt(variance))

    def __call__(self, hardware: Codes) -> FloatArray:
        """(N, K) out of events (N, size)."""
        return (self.sizes.values(hardware) - self.mean) / self.deviation

    def principal(self, training: TrainingEvents) -> tuple[FloatArray, FloatArray]:
        """Variances (K,), falling, and directions (K, K), one per column, of the weighted covariance."""
        values = self(training.hardware)
        covariance = (values * training.weights[:, None]).T @ values / training.weights.sum()
        variances, directions = np.linalg.eigh(covariance)
        return np.maximum(variances[::-1], 0.0), directions[:, ::-1]


@dataclass(frozen=True, eq=False)
class LinearAutoencoder:
    """Squared distance of standardised sizes from the plane of the first principal components.

    The least squared error that a linear autoencoder with as many latent numbers can have (Baldi and Hornik, Neural Networks 2 (1989)
    53). `left_out` (K, K - k) are the directions that it cannot represent.
    """

    standardised: Standardised
    left_out: FloatArray

    @classmethod
    def of(cls, training: TrainingEvents, components: int | None = None) -> "LinearAutoencoder":
        """With the fewest components that explain the part `EXPLAINED` of the variance, or as many as are asked for."""
        standardised = Standardised.of(training)
        variances, directions = standardised.principal(training)
        if components is None:
            components = int(np.searchsorted(np.cumsum(variances), EXPLAINED * variances.sum())) + 1
        return cls(standardised, directions[:, components:])

    def __call__(self, hardware: Codes) -> FloatArray:
        """(N,)."""
        return np.asarray(((self.standardised(hardware) @ self.left_out) ** 2).sum(axis=1))


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Squared Mahalanobis distance from the weighted mean by the weighted covariance: -2 log density of a Gaussian, up to a constant.

    `whitening` (K, r) brings standardised sizes to unit variance in all r directions in which the training events vary.
    """

    standardised: Standardised
    whitening: FloatArray

    @classmethod
    def of(cls, training: TrainingEvents) -> "Gaussian":
        """Mean and covariance of the training events."""
        standardised = Standardised.of(training)
        variances, directions = standardised.principal(training)
        kept = variances > _FLAT * variances.max(initial=0.0)
        return cls(standardised, directions[:, kept] / np.sqrt(variances[kept]))

    def __call__(self, hardware: Codes) -> FloatArray:
        """(N,)."""
        return np.asarray(((self.standardised(hardware) @ self.whitening) ** 2).sum(axis=1))
