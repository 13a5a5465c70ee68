"""Scores of the latent distribution of a variational encoder."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from l1ae.families._score import Body, Firmware, FloatArray, Score
from l1ae.inputs import FixedFormat

__all__ = ["LATENT", "kl", "mu2", "precision", "rz", "variance_term"]


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


def variance_term(log_var: FloatArray) -> FloatArray:
    """exp(v) - v - 1 with v = ln sigma^2."""
    return np.asarray(np.expm1(log_var) - log_var, np.float64)


def precision(log_var: FloatArray) -> FloatArray:
    """exp(-v) = 1 / sigma^2 with v = ln sigma^2."""
    return np.asarray(np.exp(-log_var), np.float64)


def _kl(builder: Firmware, outputs: Sequence[str], table: FixedFormat) -> str:
    """0.5 * (sum mu^2 + sum (exp(v) - v - 1))."""
    norm = builder.dot("mu2", outputs[0])
    return builder.sum(
        "kl", norm, builder.table("variance_term", outputs[1], table, text="exp(v) - v - 1", function=variance_term), halvings=1
    )


def _rz(builder: Firmware, outputs: Sequence[str], table: FixedFormat) -> str:
    inverse = builder.table("precision", outputs[1], table, text="exp(-v)", function=precision)
    return builder.dot("rz", outputs[0], builder.multiply("mu_over_variance", outputs[0], inverse))


LATENT = (
    Score(
        name="mu2",
        title=r"Latent score $\sum\mu^2$",
        text="the sum of the squared latent means",
        source="arXiv:2108.03986",
        bodies=frozenset({Body.VARIATIONAL}),
        outputs=(1, 2),  # log_var, which it does not need, is part of a variational encoder all the same
        real=lambda inputs, outputs, mask: mu2(outputs[0]),
        firmware=lambda builder, outputs, table: builder.dot("mu2", outputs[0]),
    ),
    Score(
        name="kl",
        title="KL divergence of the latent distribution",
        text="the Kullback-Leibler divergence of the latent distribution from a unit Gaussian",
        source="arXiv:1312.6114",
        bodies=frozenset({Body.VARIATIONAL}),
        outputs=(2,),
        real=lambda inputs, outputs, mask: kl(outputs[0], outputs[1]),
        firmware=_kl,
        tabled=True,
    ),
    Score(
        name="rz",
        title=r"Latent score $R_z = \sum\mu^2/\sigma^2$",
        text="the sum of the squared latent means, each divided by its variance",
        source="arXiv:2108.03986",
        bodies=frozenset({Body.VARIATIONAL}),
        outputs=(2,),
        real=lambda inputs, outputs, mask: rz(outputs[0], outputs[1]),
        firmware=_rz,
        tabled=True,
    ),
)
