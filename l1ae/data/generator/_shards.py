"""Shards on disk: truth level and detector output apart, each file whole or absent.

`FOLDER/truth/PROCESS-DIGEST/seed-S/000000.npz` and `FOLDER/detector/PROCESS-DIGEST/seed-S/000000.npz`. The digest covers
everything that decides the content, so that another configuration makes other folders, and a changed detector finds the
truth shards that it needs. A task makes one shard; it is skipped when the shard is there.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import PILEUP, ZERO_BIAS, CollisionClass, DetectorConfig, GeneratorConfig
from l1ae.data.generator._detector import Readout, Reconstructed, simulate
from l1ae.data.generator._full import FullReadout
from l1ae.data.generator._particles import Particles
from l1ae.data.generator._pileup import PileupLibrary
from l1ae.data.generator._pythia import CrossSection, TruthShard, generate_class, generate_inclusive
from l1ae.data.generator._semileptonic import generate_semileptonic
from l1ae.data.generator._zero_bias import CollisionLibrary, expected_collisions, simulate_crossings
from l1ae.errors import UserError
from l1ae.files import DamagedError, array_names, json_content, read_arrays, replacing

__all__ = [
    "DetectorShard",
    "ShardSummary",
    "Task",
    "finished",
    "library_tasks",
    "load_detector_shard",
    "make_truth",
    "pileup_tasks",
    "remove_shards",
    "run_task",
]

_BATCH = 250
_PARTICLE_ARRAYS = tuple(field.name for field in fields(Particles))
# Full events need it; shards without it, which are older, hold the same particles.
_CHARGE = "charge"
_LEVELS = ("truth", "detector")

log = logging.getLogger("l1ae")


def remove_shards(folder: Path) -> None:
    """Remove all shards that lie in a folder, whatever they were made for, and nothing else."""
    for level in _LEVELS:
        shutil.rmtree(folder / level, ignore_errors=True)


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

    @property
    def truth_key(self) -> str:
        """What the task that makes the truth level is called."""
        return f"truth-{self.process}-{self.index}"

    @property
    def detector_key(self) -> str:
        """What the task that makes the detector output is called."""
        return f"shard-{self.process}-{self.index}"

    def _path(self, level: str, digest: str) -> Path:
        return self.folder / level / f"{self.process}-{digest[:12]}" / f"seed-{self.seed}" / f"{self.index:06d}.npz"

    @property
    def pythia_seed(self) -> int:
        """Consecutive within one (process, seed), so that no two of its shards can coincide."""
        return _hash(f"{self.process}/{self.seed}") + self.index

    def detector_rng(self) -> np.random.Generator:
        """Random numbers of the detector, independent of those of other shards."""
        return np.random.default_rng([_hash(f"{self.process}/{self.seed}/detector"), self.index])

    def readout(self) -> Readout:
        """What is read out beside the objects; full events have random numbers of their own."""
        full = self.config.full
        rng = np.random.default_rng([_hash(f"{self.process}/{self.seed}/full"), self.index])
        return Readout(self.config.regions, None if full is None else FullReadout(full, rng))

    @property
    def has_truth(self) -> bool:
        """Whether the truth level is there, with the charges that full events need."""
        return self.truth_path.exists() and (self.config.full is None or _CHARGE in _names(self.truth_path))


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

    Hardware codes where the configuration asks for them, else None: `regions` (n, 18, 14) of the calorimeter image, `full`
    (n, size) of the layout `ugt_full`.
    """

    physical: npt.NDArray[np.float32]
    source: npt.NDArray[np.int64]
    pileup: npt.NDArray[np.int16]
    summary: ShardSummary
    regions: npt.NDArray[np.uint16] | None = None
    full: npt.NDArray[np.integer] | None = None


def run_task(task: Task) -> ShardSummary:
    """Make a detector shard, and its truth shard, unless it is there. The library that it draws from must be there."""
    summary = finished(task)
    if summary is not None:
        return summary
    if task.config.process(task.process) is next(iter(task.config.zero_bias.classes.values())):
        return _make_soft_crossings(task)
    return _make_detector(task, *_truth(task))


def make_truth(task: Task) -> None:
    """Make the truth shard of a task unless it is there."""
    if not task.has_truth:
        _make_truth(task)


def _truth(task: Task) -> tuple[TruthShard, float]:
    """The truth shard, made if need be, and the seconds that it took."""
    return _load_truth(task) if task.has_truth else _make_truth(task)


def finished(task: Task) -> ShardSummary | None:
    """Summary of a detector shard that is there already."""
    if not task.detector_path.exists():
        return None
    return ShardSummary(**_load(task.detector_path, ("summary",))["summary"])


def load_detector_shard(task: Task) -> DetectorShard:
    """Read a detector shard. Raises `UserError` naming the file when it is damaged."""
    more = [name for name in ("regions", "full") if getattr(task.config, name) is not None]
    content = _load(task.detector_path, ("physical", "source", "pileup", "summary", *more))
    return DetectorShard(**content | {"summary": ShardSummary(**content["summary"])})


def library_tasks(sample: str, seed: int, config: GeneratorConfig, folder: Path) -> tuple[Task, ...]:
    """The tasks whose truth shards are the library of a sample: one for all, but zero bias has one of each seed."""
    if sample != ZERO_BIAS:
        return pileup_tasks(config, folder)
    return tuple(task for tasks in _class_tasks(seed, config, folder) for task in tasks)


def _class_tasks(seed: int, config: GeneratorConfig, folder: Path) -> tuple[tuple[Task, ...], ...]:
    """The tasks that make the library of each class of zero-bias collisions."""
    classes = config.zero_bias.classes.items()
    return tuple(tuple(Task(name, seed, index, config, folder) for index in range(item.library_shards)) for name, item in classes)


def pileup_tasks(config: GeneratorConfig, folder: Path) -> tuple[Task, ...]:
    """The tasks that make the pileup library."""
    number = -(-config.pileup.library_events // config.pileup.shard_events)
    return tuple(Task(PILEUP, config.pileup.seed, index, config, folder) for index in range(number))


def _make_truth(task: Task) -> tuple[TruthShard, float]:
    begin = time.process_time()
    if task.process == PILEUP:
        shard = generate_inclusive(task.config.pileup.process(), task.pythia_seed, filtered=False)
    else:
        process = task.config.process(task.process)
        if isinstance(process, CollisionClass):
            shard = generate_class(process, task.pythia_seed)
        else:
            shard = (generate_semileptonic if process.semileptonic else generate_inclusive)(process, task.pythia_seed)
    seconds = time.process_time() - begin
    facts = {
        "generated": shard.generated,
        "trials": shard.trials,
        "cross_section": shard.cross_section.value,
        "cross_section_error": shard.cross_section.error,
        "seconds": seconds,
    }
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(shard.particles, name) for name in _PARTICLE_ARRAYS}
    if shard.pt_hat is not None:
        arrays["pt_hat"] = shard.pt_hat
    _save(task.truth_path, {**arrays, "source": shard.source}, facts)
    return shard, seconds


def _load_truth(task: Task) -> tuple[TruthShard, float]:
    return _load_truth_file(task.truth_path, of_class=task.process in task.config.zero_bias.classes)


def _load_truth_file(path: Path, *, of_class: bool) -> tuple[TruthShard, float]:
    """A truth shard, with the hardness that only collisions of a zero-bias class have, and the seconds that it took."""
    content = _load(path, (*_particle_arrays(path), "source", "summary", *(("pt_hat",) if of_class else ())))
    facts = content["summary"]
    particles = Particles(**{name: content[name] for name in _PARTICLE_ARRAYS if name in content})
    cross_section = CrossSection(facts["cross_section"], facts["cross_section_error"])
    shard = TruthShard(particles, content["source"], facts["generated"], facts["trials"], cross_section, content.get("pt_hat"))
    return shard, facts["seconds"]


def _make_detector(task: Task, truth: TruthShard, truth_seconds: float) -> ShardSummary:
    simulate_batch = _detector(task)
    begin = time.process_time()
    passes, rng = task.config.process(task.process).detector_passes, task.detector_rng()
    parts = []
    for _ in range(passes):
        for chosen in _batches(len(truth.particles)):
            events = simulate_batch(truth.particles.take(chosen), rng)
            parts.append(replace(events, truth=chosen[events.truth]))
    nothing = Reconstructed.nothing(regions=task.config.regions is not None, full=task.config.full is not None)
    events = Reconstructed.concatenate([nothing, *parts])
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
    _save_events(task, events.select(order), source, summary)
    return summary


def _batches(events: int) -> list[npt.NDArray[np.int64]]:
    """Indices of the events of each batch: few enough to keep the flat arrays in the processor's cache."""
    return [np.arange(first, min(first + _BATCH, events)) for first in range(0, events, _BATCH)]


def _detector(task: Task) -> Callable[[Particles, np.random.Generator], Reconstructed]:
    """One pass of the detector over the hard collisions of some events."""
    config, readout = task.config, task.readout()
    if task.process not in config.zero_bias.classes:
        library = _library(_library_paths(task), config.pileup.library_events, config.detector, charges=config.full is not None)
        return lambda truth, rng: simulate(truth, config.detector, library, rng, readout)
    collisions = _collision_library(task)
    means = expected_collisions(config.zero_bias, config.detector.pileup_mean)[: config.zero_bias.rank(task.process) + 1]
    return lambda truth, rng: simulate_crossings(len(truth), truth, means, collisions, config.detector, rng=rng, readout=readout)


def _make_soft_crossings(task: Task) -> ShardSummary:
    """A detector shard of the first zero-bias stratum, whose crossings consist of nothing but collisions of the library."""
    library, detector, number = _collision_library(task), task.config.detector, task.config.process(task.process).shard_events
    begin, rng = time.process_time(), task.detector_rng()
    means = expected_collisions(task.config.zero_bias, detector.pileup_mean)[:1]
    readout = task.readout()
    parts = [simulate_crossings(len(batch), None, means, library, detector, rng=rng, readout=readout) for batch in _batches(number)]
    seconds = time.process_time() - begin
    sigma = _load_truth(replace(task, index=0))[0].cross_section
    summary = ShardSummary(number, number, number, 1.0, sigma.value, sigma.error, 0.0, seconds)
    _save_events(task, Reconstructed.concatenate(parts), np.arange(number), summary)
    return summary


def _save_events(task: Task, events: Reconstructed, source: npt.NDArray[np.int64], summary: ShardSummary) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {"physical": events.physical, "source": source, "pileup": events.pileup.astype(np.int16)}
    arrays |= {name: column for name in ("regions", "full") if (column := getattr(events, name)) is not None}
    _save(task.detector_path, arrays, asdict(summary))


def _library_paths(task: Task) -> tuple[Path, ...]:
    """Files of the pileup library that `task` draws from."""
    return tuple(part.truth_path for part in pileup_tasks(task.config, task.folder))


@lru_cache(maxsize=1)
def _library(paths: tuple[Path, ...], events: int, detector: DetectorConfig, *, charges: bool) -> PileupLibrary:
    """`charges`: full events need those of the particles; shards without are made again, so that what was loaded before is not good."""
    assert not charges or all(_CHARGE in _names(path) for path in paths)
    parts = [Particles(**_load(path, _particle_arrays(path))) for path in paths]
    collisions = Particles.concatenate(parts).take(np.arange(events))
    return PileupLibrary.build(collisions, detector)


def _collision_library(task: Task) -> CollisionLibrary:
    tasks = _class_tasks(task.seed, task.config, task.folder)
    paths = tuple(tuple(part.truth_path for part in mine) for mine in tasks)
    return _load_collisions(paths, task.config.detector, charges=task.config.full is not None)


@lru_cache(maxsize=1)
def _load_collisions(paths: tuple[tuple[Path, ...], ...], detector: DetectorConfig, *, charges: bool) -> CollisionLibrary:
    """`charges` as for `_library`."""
    assert not charges or all(_CHARGE in _names(path) for mine in paths for path in mine)
    return CollisionLibrary.build([[_load_truth_file(path, of_class=True)[0] for path in mine] for mine in paths], detector)


def _save(path: Path, arrays: Mapping[str, npt.NDArray[Any]], summary: Mapping[str, object]) -> None:
    """Write a shard, whole or not at all: a job that is killed leaves no half one behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, summary=np.array(json.dumps(summary)), **arrays)
    log.debug("wrote %s", path)


def _load(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        content: dict[str, Any] = dict(read_arrays(path, names))
        if "summary" in content:
            content["summary"] = json_content(str(content["summary"]))
    except (OSError, DamagedError) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete this shard, it will be made again") from error
    return content


def _particle_arrays(path: Path) -> tuple[str, ...]:
    """The arrays of particles that a truth shard has."""
    return tuple(name for name in _PARTICLE_ARRAYS if name != _CHARGE or name in _names(path))


def _names(path: Path) -> set[str]:
    """Names of the arrays of a shard; none where it is damaged, which `_load` says."""
    try:
        return set(array_names(path))
    except (OSError, DamagedError):
        return set()


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
