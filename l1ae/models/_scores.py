"""Anomaly scores, in float64: what the firmware computes in fixed point."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError

__all__ = ["absolute_error", "kl", "latent_error", "mu2", "rz", "score", "squared_error"]

FloatArray = npt.NDArray[np.float64]


def squared_error(x: npt.ArrayLike, reconstruction: npt.ArrayLike, mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Sum over the inputs that carry information of (x - reconstruction)^2, (N,), in squared network units.

    `x` and `reconstruction` are (N, size), `mask` is `InputSpec.mask`, (N, size). A sum, not a mean: a divider would
    cost firmware and change no working point.
    """
    difference = np.asarray(x, np.float64) - np.asarray(reconstruction, np.float64)
    return np.asarray(np.where(mask, difference, 0.0) ** 2).sum(axis=1)


def absolute_error(x: npt.ArrayLike, reconstruction: npt.ArrayLike, mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Sum over the inputs that carry information of |x - reconstruction|, (N,), in network units; arguments as `squared_error`."""
    difference = np.asarray(x, np.float64) - np.asarray(reconstruction, np.float64)
    return np.asarray(np.abs(np.where(mask, difference, 0.0))).sum(axis=1)


def latent_error(features: npt.ArrayLike, reconstruction: npt.ArrayLike) -> FloatArray:
    """Squared distance of features and their reconstruction, both (N, features); (N,), in squared units of the features."""
    return np.asarray((np.asarray(features, np.float64) - np.asarray(reconstruction, np.float64)) ** 2).sum(axis=1)


def mu2(mu: npt.ArrayLike) -> FloatArray:
    """Sum of mu^2 over the latent space, (N,); `mu` is (N, latent). Source: arXiv:2108.03986."""
    return (np.asarray(mu, np.float64) ** 2).sum(axis=1)


def kl(mu: npt.ArrayLike, log_var: npt.ArrayLike) -> FloatArray:
    """Kullback-Leibler divergence of N(mu, exp(log_var)) from the unit Gaussian, (N,), in nats.

    0.5 sum(mu^2 + exp(log_var) - log_var - 1); both arguments are (N, latent). Source: arXiv:1312.6114, appendix B.
    """
    mean, variance = np.asarray(mu, np.float64), np.asarray(log_var, np.float64)
    return 0.5 * np.asarray(mean**2 + np.exp(variance) - variance - 1.0).sum(axis=1)


def rz(mu: npt.ArrayLike, log_var: npt.ArrayLike) -> FloatArray:
    """Sum of mu^2 / sigma^2 over the latent space, (N,); both arguments are (N, latent). Source: arXiv:2108.03986."""
    return np.asarray(np.asarray(mu, np.float64) ** 2 * np.exp(-np.asarray(log_var, np.float64))).sum(axis=1)


def score(name: str, inputs: npt.ArrayLike, outputs: npt.ArrayLike | Sequence[npt.ArrayLike], mask: npt.NDArray[np.bool_]) -> FloatArray:
    """The configured score of a firmware graph, (N,).

    `outputs` is what the graph returns (`Networks.firmware`). Raises `UserError` for an unknown score.
    """
    pair = cast(Sequence[npt.ArrayLike], outputs)
    alone = cast(npt.ArrayLike, outputs)
    scores: dict[str, Callable[[], FloatArray]] = {
        "squared_error": lambda: squared_error(inputs, alone, mask),
        "absolute_error": lambda: absolute_error(inputs, alone, mask),
        "latent_error": lambda: latent_error(pair[0], pair[1]),
        "output": lambda: np.asarray(alone, np.float64)[:, 0],
        "mu2": lambda: mu2(pair[0]),
        "kl": lambda: kl(pair[0], pair[1]),
        "rz": lambda: rz(pair[0], pair[1]),
    }
    if name not in scores:
        raise UserError(f"unknown score '{name}'; the scores are {', '.join(scores)}")
    return scores[name]()
