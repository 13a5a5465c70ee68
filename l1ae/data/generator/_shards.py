"""Shards on disk: truth level and detector output apart, each file whole or absent.

`FOLDER/truth/PROCESS-DIGEST/seed-S/000000.npz` and `FOLDER/detector/PROCESS-DIGEST/seed-S/000000.npz`. The digest covers
everything that decides the content, so that another configuration makes other folders, and a changed detector finds the
truth shards that it needs. A task makes one shard; it is skipped when the shard is there.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig, GeneratorConfig
from l1ae.data.generator._detector import Reconstructed, simulate
from l1ae.data.generator._particles import Particles
from l1ae.data.generator._pileup import PileupLibrary
from l1ae.data.generator._pythia import CrossSection, TruthShard, generate_inclusive
from l1ae.data.generator._semileptonic import generate_semileptonic
from l1ae.errors import UserError

__all__ = ["PILEUP", "DetectorShard", "ShardSummary", "Task", "finished", "load_detector_shard", "pileup_tasks", "run_task"]

PILEUP = "pileup"
"""Name under which the library of inelastic collisions is kept among the processes."""

_BATCH = 250
_PARTICLE_ARRAYS = tuple(field.name for field in fields(Particles))

log = logging.getLogger("l1ae")


@dataclass(frozen=True)
class Task:
    """One shard: shard `index` of `process` for `seed`, under `folder`."""

    process: str
    seed: int
    index: int
    config: GeneratorConfig
    folder: Path

    @property
    def truth_path(self) -> Path:
        """File of the truth level."""
        return self._path("truth", self.config.truth_digest(self.process))

    @property
    def detector_path(self) -> Path:
        """File of the detector output."""
        return self._path("detector", self.config.detector_digest(self.process))

    def _path(self, level: str, digest: str) -> Path:
        return self.folder / level / f"{self.process}-{digest[:12]}" / f"seed-{self.seed}" / f"{self.index:06d}.npz"

    @property
    def pythia_seed(self) -> int:
        """Consecutive within one (process, seed), so that no two of its shards can coincide."""
        return _hash(f"{self.process}/{self.seed}") + self.index

    def detector_rng(self) -> np.random.Generator:
        """Random numbers of the detector, independent of those of other shards."""
        return np.random.default_rng([_hash(f"{self.process}/{self.seed}/detector"), self.index])


@dataclass(frozen=True)
class ShardSummary:
    """What a detector shard holds.

    `accepted` events out of `generated` parton-level events x `trials`; `accepted_squares` is the sum of squared numbers
    of copies of each parton-level event, the variance of `accepted`; cross section in nb; CPU time in seconds.
    """

    accepted: int
    accepted_squares: int
    generated: int
    trials: float
    cross_section: float
    cross_section_error: float
    truth_seconds: float
    detector_seconds: float


@dataclass(frozen=True)
class DetectorShard:
    """Accepted events of a shard: `physical` (n, 19, 3) [GeV, -, rad], parton-level event (n,), overlaid collisions (n,).

    `regions` (n, 18, 14) are the hardware codes of the calorimeter image where the configuration asks for it, else None.
    """

    physical: npt.NDArray[np.float32]
    source: npt.NDArray[np.int64]
    pileup: npt.NDArray[np.int16]
    summary: ShardSummary
    regions: npt.NDArray[np.uint16] | None = None


def run_task(task: Task) -> ShardSummary | None:
    """Make a shard and everything it needs unless it is there; None for a shard of the pileup library."""
    if task.process == PILEUP:
        if not task.truth_path.exists():
            _make_truth(task)
        return None
    summary = finished(task)
    if summary is None:
        truth, seconds = _load_truth(task) if task.truth_path.exists() else _make_truth(task)
        summary = _make_detector(task, truth, seconds)
    return summary


def finished(task: Task) -> ShardSummary | None:
    """Summary of a detector shard that is there already."""
    if not task.detector_path.exists():
        return None
    return ShardSummary(**_load(task.detector_path, ("summary",))["summary"])


def load_detector_shard(task: Task) -> DetectorShard:
    """Read a detector shard. Raises `UserError` naming the file when it is damaged."""
    image = () if task.config.regions is None else ("regions",)
    content = _load(task.detector_path, ("physical", "source", "pileup", "summary", *image))
    return DetectorShard(**content | {"summary": ShardSummary(**content["summary"])})


def pileup_tasks(config: GeneratorConfig, folder: Path) -> tuple[Task, ...]:
    """The tasks that make the pileup library."""
    number = -(-config.pileup.library_events // config.pileup.shard_events)
    return tuple(Task(PILEUP, config.pileup.seed, index, config, folder) for index in range(number))


def _make_truth(task: Task) -> tuple[TruthShard, float]:
    begin = time.process_time()
    if task.process == PILEUP:
        shard = generate_inclusive(task.config.pileup.process(), task.pythia_seed, filtered=False)
    else:
        process = task.config.processes[task.process]
        generate = generate_semileptonic if process.semileptonic else generate_inclusive
        shard = generate(process, task.pythia_seed)
    seconds = time.process_time() - begin
    facts = {
        "generated": shard.generated,
        "trials": shard.trials,
        "cross_section": shard.cross_section.value,
        "cross_section_error": shard.cross_section.error,
        "seconds": seconds,
    }
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(shard.particles, name) for name in _PARTICLE_ARRAYS}
    _save(task.truth_path, {**arrays, "source": shard.source}, facts)
    return shard, seconds


def _load_truth(task: Task) -> tuple[TruthShard, float]:
    content = _load(task.truth_path, (*_PARTICLE_ARRAYS, "source", "summary"))
    facts = content["summary"]
    particles = Particles(*(content[name] for name in _PARTICLE_ARRAYS))
    cross_section = CrossSection(facts["cross_section"], facts["cross_section_error"])
    return TruthShard(particles, content["source"], facts["generated"], facts["trials"], cross_section), facts["seconds"]


def _make_detector(task: Task, truth: TruthShard, truth_seconds: float) -> ShardSummary:
    library = _library(_library_paths(task), task.config.pileup.library_events, task.config.detector)
    begin = time.process_time()
    passes, rng = task.config.processes[task.process].detector_passes, task.detector_rng()
    events = _simulate_in_batches(truth.particles, passes, task.config, library, rng)
    # Copies of one collision lie apart after the shuffle, so that a piece of a store is not full of them.
    order = rng.permutation(len(events.truth))
    source = truth.source[events.truth[order]]
    summary = ShardSummary(
        accepted=len(order),
        accepted_squares=int((np.unique(source, return_counts=True)[1] ** 2).sum()),
        generated=truth.generated,
        trials=truth.trials * passes,
        cross_section=truth.cross_section.value,
        cross_section_error=truth.cross_section.error,
        truth_seconds=truth_seconds,
        detector_seconds=time.process_time() - begin,
    )
    arrays: dict[str, npt.NDArray[Any]] = {
        "physical": events.physical[order],
        "source": source,
        "pileup": events.pileup[order].astype(np.int16),
    }
    if events.regions is not None:
        arrays["regions"] = events.regions[order]
    _save(task.detector_path, arrays, asdict(summary))
    return summary


def _simulate_in_batches(
    truth: Particles, passes: int, config: GeneratorConfig, library: PileupLibrary, rng: np.random.Generator
) -> Reconstructed:
    """All passes over all truth events; batches keep the flat arrays small enough for the processor's cache."""
    parts = [Reconstructed.nothing(regions=config.regions is not None)]
    for _ in range(passes):
        for first in range(0, len(truth), _BATCH):
            chosen = np.arange(first, min(first + _BATCH, len(truth)))
            events = simulate(truth.take(chosen), config.detector, library, rng, config.regions)
            parts.append(replace(events, truth=chosen[events.truth]))
    return Reconstructed.concatenate(parts)


def _library_paths(task: Task) -> tuple[Path, ...]:
    """Files of the pileup library that `task` draws from."""
    return tuple(part.truth_path for part in pileup_tasks(task.config, task.folder))


@lru_cache(maxsize=1)
def _library(paths: tuple[Path, ...], events: int, detector: DetectorConfig) -> PileupLibrary:
    parts = [Particles(**_load(path, _PARTICLE_ARRAYS)) for path in paths]
    collisions = Particles.concatenate(parts).take(np.arange(events))
    return PileupLibrary.build(collisions, detector)


def _save(path: Path, arrays: Mapping[str, npt.NDArray[Any]], summary: Mapping[str, object]) -> None:
    """Write under a temporary name in the same folder, then rename: a job that is killed leaves no half shard behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", suffix=".npz", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, summary=np.array(json.dumps(summary)), **arrays)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    log.debug("wrote %s", path)


def _load(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        # Opened here, because np.load leaves a file open that turns out to be damaged.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            content: dict[str, Any] = {name: file[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete this shard, it will be made again") from error
    if "summary" in content:
        content["summary"] = json.loads(str(content["summary"]))
    return content


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
