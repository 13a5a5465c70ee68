"""Anomaly scores, in float64: what the firmware computes in fixed point."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError

__all__ = ["kl", "mu2", "score", "squared_error"]

FloatArray = npt.NDArray[np.float64]


def squared_error(x: npt.ArrayLike, reconstruction: npt.ArrayLike, mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Sum over the inputs that carry information of (x - reconstruction)^2, (N,), in squared network units.

    `x` and `reconstruction` are (N, size), `mask` is `InputSpec.mask`, (N, size). A sum, not a mean: a divider would
    cost firmware and change no working point.
    """
    difference = np.asarray(x, np.float64) - np.asarray(reconstruction, np.float64)
    return np.asarray(np.where(mask, difference, 0.0) ** 2).sum(axis=1)


def mu2(mu: npt.ArrayLike) -> FloatArray:
    """Sum of mu^2 over the latent space, (N,); `mu` is (N, latent). Source: arXiv:2108.03986."""
    return (np.asarray(mu, np.float64) ** 2).sum(axis=1)


def kl(mu: npt.ArrayLike, log_var: npt.ArrayLike) -> FloatArray:
    """Kullback-Leibler divergence of N(mu, exp(log_var)) from the unit Gaussian, (N,), in nats.

    0.5 sum(mu^2 + exp(log_var) - log_var - 1); both arguments are (N, latent). Source: arXiv:1312.6114, appendix B.
    """
    mean, variance = np.asarray(mu, np.float64), np.asarray(log_var, np.float64)
    return 0.5 * np.asarray(mean**2 + np.exp(variance) - variance - 1.0).sum(axis=1)


def score(name: str, inputs: npt.ArrayLike, outputs: npt.ArrayLike | Sequence[npt.ArrayLike], mask: npt.NDArray[np.bool_]) -> FloatArray:
    """The configured score of a firmware graph, (N,).

    `outputs` is what the graph returns: the reconstruction (N, size) for squared_error, the pair [mu, log_var] for
    mu2 and kl. Raises `UserError` for an unknown score.
    """
    scores: dict[str, Callable[[], FloatArray]] = {
        "squared_error": lambda: squared_error(inputs, outputs, mask),  # type: ignore[arg-type]
        "mu2": lambda: mu2(outputs[0]),  # type: ignore[index]
        "kl": lambda: kl(outputs[0], outputs[1]),  # type: ignore[index]
    }
    if name not in scores:
        raise UserError(f"unknown score '{name}'; the scores are {', '.join(scores)}")
    return scores[name]()
