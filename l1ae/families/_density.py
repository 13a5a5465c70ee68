"""The score of a density model."""

import numpy as np

from l1ae.families._score import Body, Score

__all__ = ["DENSITY"]

DENSITY = Score(
    name="surprisal",
    title=r"Surprisal $-\log_2 p$",
    text="−log₂ of the probability that the density model gives the event, up to a constant",
    source="Chow and Liu, IEEE Trans. Inf. Theory 14 (1968) 462",
    bodies=frozenset({Body.DENSITY}),
    outputs=(1,),
    real=lambda inputs, outputs, mask: np.asarray(outputs[0], np.float64).sum(axis=1),
    firmware=lambda builder, outputs, table: outputs[0],
    tabled=True,
)
