"""Scores that compare something with its reconstruction."""

import numpy as np
import numpy.typing as npt

from l1ae.families._score import Body, BoolArray, FloatArray, Score

__all__ = ["ERRORS", "absolute_error", "latent_error", "squared_error"]


def squared_error(x: npt.ArrayLike, reconstruction: npt.ArrayLike, mask: BoolArray) -> FloatArray:
    """Sum over the inputs that carry information of (x - reconstruction)^2, (N,), in squared network units.

    `x` and `reconstruction` are (N, size), `mask` is `Layout.mask`, (N, size). A sum, not a mean: a divider would cost firmware
    and change no working point.
    """
    return np.asarray(np.where(mask, _difference(x, reconstruction), 0.0) ** 2).sum(axis=1)


def absolute_error(x: npt.ArrayLike, reconstruction: npt.ArrayLike, mask: BoolArray) -> FloatArray:
    """Sum over the inputs that carry information of |x - reconstruction|, (N,), in network units; arguments as `squared_error`."""
    return np.asarray(np.abs(np.where(mask, _difference(x, reconstruction), 0.0))).sum(axis=1)


def latent_error(features: npt.ArrayLike, reconstruction: npt.ArrayLike) -> FloatArray:
    """Squared distance of features and their reconstruction, both (N, features); (N,), in squared units of the features."""
    return np.asarray(_difference(features, reconstruction) ** 2).sum(axis=1)


def _difference(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    return np.asarray(a, np.float64) - np.asarray(b, np.float64)


ERRORS = (
    Score(
        name="squared_error",
        title="Squared reconstruction error",
        text="the squared difference between the event and its reconstruction",
        source="arXiv:2108.03986",
        bodies=frozenset({Body.AUTOENCODER}),
        outputs=(1,),
        real=lambda inputs, outputs, mask: squared_error(inputs, outputs[0], mask),
        firmware=lambda builder, outputs, table: builder.error("squared_error", "inputs", outputs[0], 2, masked=True),
    ),
    Score(
        name="absolute_error",
        title="Absolute reconstruction error",
        text="the absolute difference between the event and its reconstruction",
        source="arXiv:2108.03986, with another norm",
        bodies=frozenset({Body.AUTOENCODER}),
        outputs=(1,),
        real=lambda inputs, outputs, mask: absolute_error(inputs, outputs[0], mask),
        firmware=lambda builder, outputs, table: builder.error("absolute_error", "inputs", outputs[0], 1, masked=True),
    ),
    Score(
        name="latent_error",
        title="Squared error of the features",
        text="the squared distance between the event's learned features and their reconstruction",
        source="the anomaly trigger of CMS, CMS-DP-2024/059",
        bodies=frozenset({Body.FEATURES}),
        outputs=(2,),
        real=lambda inputs, outputs, mask: latent_error(outputs[0], outputs[1]),
        firmware=lambda builder, outputs, table: builder.error("latent_error", outputs[0], outputs[1], 2),
    ),
)
