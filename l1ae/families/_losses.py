"""Terms of the loss that come from outside: one record each, which needs no TensorFlow to be known."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from l1ae.families._score import Body
from l1ae.registry import Registry

__all__ = ["LOSSES", "Loss"]

OWN_TERMS = (
    *("reconstruction", "kl", "invariance", "variance", "covariance", "distillation", "teacher"),
    *("l1", "sparsity", "contractive", "weight_decay", "resources"),
)
"""Terms that l1ae makes itself, by the names that a training writes."""


@dataclass(frozen=True)
class Loss:
    """A term of the loss, which `training.losses` of a configuration gives its weight.

    `term(batch, outputs)` is a TensorFlow scalar of one batch of N events. `batch` has `inputs`, `second` and `clean` (N, size) in network
    units, `counted` (N, size), which inputs carry information, and `weights` (N,) or None, of mean 1 over the sample: a mean over events is
    `tf.reduce_mean(weights * values)`. `outputs` are, by the body of the architecture, of AUTOENCODER `reconstruction` (N, size), of
    VARIATIONAL also `latent`, the pair mu and log_var, (N, latent) each, of FEATURES `a` and `b`, the embeddings of two views, and `error`
    (N,), of STUDENT `student` and `target` (N,). It must be differentiable, and may not depend on random numbers of its own, so that a
    training that is continued gives the same bits.

    `replaces`: a term of l1ae's in whose place it stands, such as `reconstruction`; "" adds to all.
    """

    name: str
    title: str
    source: str
    bodies: frozenset[Body]
    term: Callable[[Any, Mapping[str, Any]], Any]
    replaces: str = ""


def _lacks(loss: Loss) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", loss.name):
        return f"'{loss.name}' is no name of a column in history.csv; use small letters, digits and _"
    if not (loss.title and loss.source):
        return "title and source must say in words what it is and where it comes from"
    if not loss.bodies or not loss.bodies <= {Body.AUTOENCODER, Body.VARIATIONAL, Body.FEATURES, Body.STUDENT}:
        return "bodies must name at least one l1ae.families.Body that is trained in epochs: autoencoder, variational, features, student"
    if loss.replaces and loss.replaces not in OWN_TERMS:
        return f"replaces is '{loss.replaces}', but the terms of l1ae are {', '.join(OWN_TERMS)}"
    return "" if callable(loss.term) else "term must be a function of (batch, outputs)"


LOSSES: Registry[Loss] = Registry("losses", Loss, (), reserved=OWN_TERMS, complaint=_lacks)
"""Every term from outside by its name; those of l1ae have keys of their own in `training`."""
