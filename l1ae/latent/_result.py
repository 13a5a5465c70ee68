"""Everything that `l1ae latent` measured: one frozen result, written as JSON."""

from dataclasses import dataclass
from pathlib import Path

from l1ae.latent._bump_hunt import BumpHunt
from l1ae.latent._drift import Drift
from l1ae.latent._generate import Generation
from l1ae.latent._resolution import Compression, Emptiness, Resolution
from l1ae.results import Count, Fraction, Real, load_result, save_result

__all__ = ["CodesFile", "LatentResult", "SelectedHunt", "load_latent", "save_latent"]


@dataclass(frozen=True)
class CodesFile:
    """A file of latent codes: its name below the folder, the sample, events and source events."""

    file: str
    sample: str
    events: Count
    groups: Count


@dataclass(frozen=True)
class SelectedHunt:
    """A bump hunt among events whose score is at least `threshold`, in units of the score.

    Of the background events that have the mass, the fraction `quantile` scores less. `events` are independent (one per
    source event) and in the spectrum; `injected` of them are signal, put there on request.
    """

    mass: str
    quantile: Fraction
    threshold: Real
    events: Count
    injected: Count
    hunt: BumpHunt


@dataclass(frozen=True)
class LatentResult:
    """Measurements of one run's latent space. What could not be measured is in `skipped` with the reason.

    `tensors` maps each latent tensor to its format. Resolution, emptiness and generation refer to the test part of the
    background, `events` of it at most.
    """

    project: str
    contract: str
    tensors: dict[str, str]
    events: Count
    seed: Count
    codes: tuple[CodesFile, ...]
    compression: Compression
    resolution: tuple[Resolution, ...]
    emptiness: tuple[Emptiness, ...]
    generation: Generation | None
    drift: tuple[Drift, ...]
    hunts: tuple[SelectedHunt, ...]
    injected: dict[str, Count]
    skipped: dict[str, str]


def save_latent(path: Path, result: LatentResult) -> None:
    """Write the result as JSON, to a temporary name first."""
    save_result(path, result)


def load_latent(path: Path) -> LatentResult:
    """Read what `save_latent` wrote. Raises `UserError` when the file is missing or damaged."""
    return load_result(LatentResult, path, what="latent study", remedy="run `l1ae latent` first", again="run `l1ae latent` again")
