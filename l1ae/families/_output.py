"""The score that the network computes itself."""

import numpy as np

from l1ae.families._score import Body, Score

__all__ = ["OUTPUT"]

OUTPUT = Score(
    name="output",
    title="Score of the student",
    text="the network's only output, which imitates the reconstruction error of a larger autoencoder",
    source="CMS CICADA, CMS-DP-2023/086",
    bodies=frozenset({Body.STUDENT}),
    outputs=(1,),
    real=lambda inputs, outputs, mask: np.asarray(outputs[0], np.float64)[:, 0],
    firmware=lambda builder, outputs, table: outputs[0],
)
