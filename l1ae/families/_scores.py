"""The list of all scores."""

import re
from collections.abc import Sequence

import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.families._density import DENSITY
from l1ae.families._errors import ERRORS
from l1ae.families._latent import LATENT
from l1ae.families._output import OUTPUT
from l1ae.families._score import Body, BoolArray, FloatArray, Score
from l1ae.registry import Registry

__all__ = ["SCORES", "find_score", "score"]


def _lacks(score: Score) -> str:
    """What a score from outside must bring, and what no other place would say clearly."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", score.name):
        return f"'{score.name}' is no name of a tensor in C++ and HDL; use small letters, digits and _"
    if not (score.title and score.text and score.source):
        return "title, text and source must say in words what it is and where it comes from: reports print them"
    if not score.bodies or not all(isinstance(body, Body) for body in score.bodies):
        return "bodies must name at least one l1ae.families.Body"
    if not score.outputs or not (callable(score.real) and callable(score.firmware)):
        return "it needs outputs, and both formulas: real(inputs, outputs, mask) and firmware(builder, outputs, table)"
    return ""


SCORES = Registry("scores", Score, (*ERRORS, OUTPUT, *LATENT, *DENSITY), complaint=_lacks)
"""Every score by its name."""


def find_score(name: str) -> Score:
    """A score by name. Raises `UserError` naming those there are."""
    if name not in SCORES:
        raise UserError(f"unknown score '{name}'; the scores are {', '.join(SCORES)}")
    return SCORES[name]


def score(name: str, inputs: npt.ArrayLike, outputs: npt.ArrayLike | Sequence[npt.ArrayLike], mask: BoolArray) -> FloatArray:
    """The score of a firmware graph in real numbers, (N,).

    `outputs` is what the graph returns: one array, or a list of them. Raises `UserError` for an unknown score.
    """
    several = outputs if isinstance(outputs, list | tuple) and find_score(name).outputs != (1,) else [outputs]
    return find_score(name).real(inputs, several, mask)  # type: ignore[arg-type]
