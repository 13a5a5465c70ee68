"""Architectures and scores, each one record that configuration, plan, contract, report and documentation read."""

from l1ae.families._architectures import ARCHITECTURES, Architecture, Front
from l1ae.families._errors import absolute_error, latent_error, squared_error
from l1ae.families._latent import kl, mu2, precision, rz, variance_term
from l1ae.families._losses import LOSSES, Loss
from l1ae.families._score import Body, Firmware, Score
from l1ae.families._scores import SCORES, find_score, score

__all__ = [
    "ARCHITECTURES",
    "LOSSES",
    "SCORES",
    "Architecture",
    "Body",
    "Firmware",
    "Front",
    "Loss",
    "Score",
    "absolute_error",
    "find_score",
    "kl",
    "latent_error",
    "mu2",
    "precision",
    "rz",
    "score",
    "squared_error",
    "variance_term",
]
