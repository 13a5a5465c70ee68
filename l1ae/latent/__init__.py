"""The latent space: codes of events, what they keep, new events from them, drift between data sets, and a bump hunt."""

from typing import TYPE_CHECKING

from l1ae.latent._bump_hunt import BumpHunt, Window, bump_hunt
from l1ae.latent._codes import LatentCodes, encode_store, latent_tensors, read_codes, write_codes
from l1ae.latent._drift import DimensionDrift, Drift, holm, measure_drift
from l1ae.latent._generate import Decoder, Generation, compare_generated, sample_prior
from l1ae.latent._inverse import decoded_codes, from_network
from l1ae.latent._mass import MASSES, MassKind, find_mass, invariant_mass, masses_of
from l1ae.latent._resolution import Compression, Emptiness, Resolution, compression, emptiness, resolutions
from l1ae.latent._result import CodesFile, LatentResult, SelectedHunt, load_latent, save_latent
from l1ae.latent._two_sample import (
    FeatureComparison,
    Occupancy,
    classifier_auc,
    compare_features,
    compare_occupancy,
    first_of_each_group,
)
from l1ae.lazy import on_first_use

if TYPE_CHECKING:
    from l1ae.latent._figures import bump_figure, correlation_figure, dimensions_figure, pairs_figure, resolution_figure
else:
    __getattr__ = on_first_use(
        __name__,
        _figures="bump_figure correlation_figure dimensions_figure pairs_figure resolution_figure",
    )

__all__ = [
    "MASSES",
    "BumpHunt",
    "CodesFile",
    "Compression",
    "Decoder",
    "DimensionDrift",
    "Drift",
    "Emptiness",
    "FeatureComparison",
    "Generation",
    "LatentCodes",
    "LatentResult",
    "MassKind",
    "Occupancy",
    "Resolution",
    "SelectedHunt",
    "Window",
    "bump_figure",
    "bump_hunt",
    "classifier_auc",
    "compare_features",
    "compare_generated",
    "compare_occupancy",
    "compression",
    "correlation_figure",
    "decoded_codes",
    "dimensions_figure",
    "emptiness",
    "encode_store",
    "find_mass",
    "first_of_each_group",
    "from_network",
    "holm",
    "invariant_mass",
    "latent_tensors",
    "load_latent",
    "masses_of",
    "measure_drift",
    "pairs_figure",
    "read_codes",
    "resolution_figure",
    "resolutions",
    "sample_prior",
    "save_latent",
    "write_codes",
]
