"""The scores of models made of tables."""

import numpy as np

from l1ae.families._score import Body, Score

__all__ = ["DENSITY"]

DENSITY = (
    Score(
        name="surprisal",
        title=r"Surprisal $-\log_2 p$",
        text="−log₂ of the probability that the density model gives the event, up to a constant",
        source="Chow and Liu, IEEE Trans. Inf. Theory 14 (1968) 462",
        bodies=frozenset({Body.DENSITY}),
        outputs=(1,),
        real=lambda inputs, outputs, mask: np.asarray(outputs[0], np.float64).sum(axis=1),
        firmware=lambda builder, outputs, table: outputs[0],
        tabled=True,
    ),
    Score(
        name="log_ratio",
        title=r"Ratio of densities $\log_2 (p_\mathrm{injected}/p)$",
        text="log₂ of how much more probable the event is among crossings with objects put into them, up to a constant",
        source="Gutmann and Hyvärinen, AISTATS 2010",
        bodies=frozenset({Body.CONTRAST, Body.DENSITY}),
        outputs=(1,),
        real=lambda inputs, outputs, mask: np.asarray(outputs[0], np.float64).sum(axis=1),
        firmware=lambda builder, outputs, table: outputs[0],
        tabled=True,
    ),
)
