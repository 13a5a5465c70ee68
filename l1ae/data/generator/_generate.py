"""From a sample's name to a store: shards made by an engine, then mixed in a fixed order."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae import __version__
from l1ae.data._split import WEIGHT
from l1ae.data._store import Events, EventStore, StoreWriter
from l1ae.data.generator._calorimeter import REGIONS
from l1ae.data.generator._config import ZERO_BIAS, GeneratorConfig
from l1ae.data.generator._full import full_layout
from l1ae.data.generator._plan import Plan, Progress, Queue, make_library
from l1ae.data.generator._pythia import load_extra
from l1ae.data.generator._shards import DetectorShard, library_tasks, load_detector_shard, remove_shards
from l1ae.data.generator._zero_bias import strata
from l1ae.engine import Engine, EngineOptions, InlineEngine
from l1ae.engine import engine as open_engine
from l1ae.errors import UserError
from l1ae.files import held
from l1ae.inputs import named_layout
from l1ae.progress import tracked

__all__ = ["GenerationResult", "ProcessResult", "generate", "mixture"]

_PACKAGES = ("pythia8mc", "fastjet", "awkward")
_MIXTURE_BLOCK = 1000
_BLOCKS_PER_WRITE = 16

log = logging.getLogger("l1ae")


@dataclass(frozen=True)
class ProcessResult:
    """How the events of one process came about.

    `events` in the store descend from `source_events` parton-level events. The other numbers are those of the `shards` that
    they were taken from: `generated` parton-level events, leading-order `cross_section` [nb], `acceptance` of the
    preselection with its statistical error (copies of one parton-level event counted as correlated), CPU seconds.
    """

    name: str
    events: int
    source_events: int
    shards: int
    generated: int
    accepted: int
    cross_section: float
    cross_section_error: float
    acceptance: float
    acceptance_error: float
    truth_seconds: float
    detector_seconds: float


@dataclass(frozen=True)
class GenerationResult:
    """A finished store. `shards_made` counts the detector shards made in this run, `shards_reused` those found."""

    path: Path
    sample: str
    seed: int
    events: int
    processes: tuple[ProcessResult, ...]
    shards_made: int
    shards_reused: int
    wall_seconds: float


def generate(
    sample: str,
    events: int,
    output: Path,
    *,
    seed: int = 1,
    workers: int | None = None,
    engine: EngineOptions | None = None,
    config: GeneratorConfig | None = None,
    shards: Path | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    keep_shards: bool = True,
) -> GenerationResult:
    """Generate `events` events of `sample` that pass the preselection and write them to the store `output`.

    The sample 'zerobias' has no preselection: it consists of bunch crossings in strata, see
    `l1ae.data.generator._zero_bias`. Its process is the stratum and its extra column `weight` (float64, mean 1) undoes the
    shares of the strata; averages, fractions and rates must use it.

    The events depend on `sample`, `seed` and `config` alone: not on the number of `workers` here (default: one per core), or on
    the `engine`, which stands in place of them, and the first events of a longer run are those of a shorter one. One worker is
    this process. Workers on other machines must have the folder of the shards under the same path. Finished shards are kept in
    `shards` (default: the folder `shards` beside `output`), where an interrupted run continues and a run with more events or
    another detector finds what it can reuse; without `keep_shards` all that lie there go when the output is complete.
    `progress(done, total)` is called with numbers of events. With more than one worker, call it from a script under
    `if __name__ == "__main__":`, because the workers import the script.

    An `output` that exists is replaced if it holds the first events of the same request, or with `overwrite`.

    Raises `UserError` for an unknown sample, a number below 1, a missing package, an `output` or a folder of shards that another
    process writes, or an `output` that is a folder or holds something else, and as `l1ae.engine.engine`; `L1aeError` when workers die.
    """
    config = config or GeneratorConfig()
    options = engine or EngineOptions(workers)
    config.fractions(sample)
    _check(events, seed)
    output = Path(output)
    if output.is_dir():
        raise UserError(f"the output '{output}' is a folder; name a file to write")
    folder = (output.parent / "shards" if shards is None else Path(shards)).absolute()
    for needed in (output.parent, folder):
        needed.mkdir(parents=True, exist_ok=True)
    with held(output), held(folder):
        if not overwrite:
            _check_output(output, sample, events, seed, config)
        result = _generate(sample, events, output, folder, seed=seed, options=options, config=config, progress=progress)
        if not keep_shards:
            remove_shards(folder)
    if not keep_shards:
        # what else lies there is not ours
        with suppress(OSError):
            folder.rmdir()
    return result


def _generate(
    sample: str,
    events: int,
    output: Path,
    folder: Path,
    *,
    seed: int,
    options: EngineOptions,
    config: GeneratorConfig,
    progress: Progress | None,
) -> GenerationResult:
    begin = time.monotonic()
    fractions = config.fractions(sample)
    needed = sum(np.bincount(block, minlength=len(fractions)) for block in mixture(fractions, events, seed))
    queues = [Queue(name, int(need), seed, config, folder) for name, need in zip(fractions, np.atleast_1d(needed), strict=True)]
    plan = Plan(queues, events, progress)
    with _engine(options) as engine:
        make_library(engine, library_tasks(sample, seed, config, folder))
        plan.run(engine)
    log.info("%s: %d shards made, %d reused; writing %s", sample, plan.made, plan.reused, output)
    streams = [_Stream(queue) for queue in queues]
    with StoreWriter(
        output,
        config.layout,
        sample=sample,
        processes=list(fractions),
        provenance=_provenance(sample, seed, config, queues),
    ) as writer:
        blocks = _events(fractions, events, seed, streams)
        for block in tracked(blocks, f"writing {output.name}", total=_writes(events), unit="blocks"):
            writer.append(block if sample != ZERO_BIAS else _weighted(block, config))
    results = tuple(stream.result() for stream in streams)
    return GenerationResult(output, sample, seed, events, results, plan.made, plan.reused, time.monotonic() - begin)


def _engine(options: EngineOptions) -> AbstractContextManager[Engine]:
    """One worker without a limit needs no process of its own."""
    return nullcontext(InlineEngine()) if options == EngineOptions(workers=1) else open_engine(options)


def _check(events: int, seed: int) -> None:
    for name, value, least in (("events", events, 1), ("seed", seed, 0)):
        if value < least:
            raise UserError(f"{name} must be at least {least}, not {value}")
    for package in _PACKAGES:
        load_extra(package)


def _check_output(output: Path, sample: str, events: int, seed: int, config: GeneratorConfig) -> None:
    """Raise `UserError` when `output` exists and would not be reproduced or extended by this request."""
    if not output.exists():
        return
    store = EventStore.open(output)
    made = store.provenance
    processes = made.get("processes")
    digests = {name: facts["detector_digest"] for name, facts in processes.items()} if isinstance(processes, dict) else None
    wanted = {name: config.detector_digest(name) for name in config.fractions(sample)}
    alike = store.own.digest == config.layout.digest
    same = (store.sample, made.get("seed"), digests) == (sample, seed, wanted) and made.get("fractions") == config.fractions(sample)
    if not same or not alike or events < store.n_events:
        what = "the same events" if same and alike else f"seed {made.get('seed')}" + (", other choices" if digests != wanted else "")
        mine, other = ("", "") if alike else (f" in layout '{store.own.name}'", f" in layout '{config.layout.name}'")
        raise UserError(
            f"{output}: exists and holds {store.n_events} events of sample '{store.sample}'{mine} ({what}), which {events} events of "
            f"'{sample}'{other} with seed {seed} would replace; write to another file, or overwrite it with --force"
        )


def mixture(fractions: Mapping[str, float], events: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Process index of each event, in blocks of 1000: within one event of the exact mixture in every block, in random order.

    A block depends on its number, `fractions` and `seed` alone. (Stratified sampling: every event has a uniform number,
    each from its own thousandth of the unit interval.)
    """
    edges = np.cumsum(list(fractions.values()))[:-1]
    for block, first in enumerate(range(0, events, _MIXTURE_BLOCK)):
        rng = np.random.default_rng([seed, block])
        uniform = (rng.permutation(_MIXTURE_BLOCK) + rng.random()) / _MIXTURE_BLOCK
        yield np.searchsorted(edges, uniform, side="right")[: events - first]


def _writes(events: int) -> int:
    return -(-events // (_MIXTURE_BLOCK * _BLOCKS_PER_WRITE))


def _events(fractions: Mapping[str, float], events: int, seed: int, streams: list["_Stream"]) -> Iterator[Events]:
    """The events of the store, some blocks of the mixture at a time."""
    blocks = list(mixture(fractions, events, seed))
    for first in range(0, len(blocks), _BLOCKS_PER_WRITE):
        process = np.concatenate(blocks[first : first + _BLOCKS_PER_WRITE])
        taken = [stream.take(int((process == index).sum())) for index, stream in enumerate(streams)]
        # Where in the concatenated columns each event's own process has got to.
        place = np.empty(len(process), np.int64)
        place[np.argsort(process, kind="stable")] = np.arange(len(process))
        columns = {name: np.concatenate([part[name] for part in taken])[place] for name in taken[0]}
        yield Events(_hardware(columns), process.astype(np.int16), columns["source"], columns["pileup"])


def _hardware(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.integer]:
    """Codes (n, size) in the layout of the configuration out of the columns of shards."""
    physical, image = columns["physical"], columns.get("regions")
    objects = columns["full"] if "full" in columns else named_layout("ugt").to_hardware(physical.reshape(len(physical), -1))
    return objects if image is None else np.concatenate([objects, image.reshape(len(image), -1).astype(objects.dtype)], axis=1)


def _weighted(events: Events, config: GeneratorConfig) -> Events:
    """The same events with the weight of their stratum."""
    weights = np.array([stratum.weight for stratum in strata(config.zero_bias, config.detector.pileup_mean)])
    return replace(events, extra={WEIGHT: weights[events.process]})


class _Stream:
    """The events of one process in the order of its shards."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._shard: DetectorShard | None = None
        self._next = 0
        self._position = 0
        self._events = 0
        self._source_events = 0

    def take(self, count: int) -> dict[str, npt.NDArray[Any]]:
        """The next `count` events: physical (count, 19, 3), source (the parton-level event), pileup and, if made, regions and full."""
        self._events += count
        parts = [_nothing(self._queue.config)]
        while count > 0:
            shard, first_source = self._current()
            piece = slice(self._position, self._position + count)
            part = {name: getattr(shard, name)[piece] for name in parts[0]}
            part["source"] = first_source + part["source"]
            parts.append(part)
            self._position += len(part["source"])
            count -= len(part["source"])
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _current(self) -> tuple[DetectorShard, int]:
        """The shard to read on in, and the number of its first parton-level event."""
        while self._shard is None or self._position == len(self._shard.source):
            self._source_events += self._unique_sources()
            self._shard, self._position = load_detector_shard(self._queue.task(self._next)), 0
            self._next += 1
        return self._shard, (self._next - 1) * self._queue.config.process(self._queue.process).shard_events

    def _unique_sources(self) -> int:
        return 0 if self._shard is None else len(np.unique(self._shard.source[: self._position]))

    def result(self) -> ProcessResult:
        """What the events taken so far came from."""
        return _summarise(self._queue, self._events, self._source_events + self._unique_sources())


def _nothing(config: GeneratorConfig) -> dict[str, npt.NDArray[Any]]:
    """The columns of no event."""
    columns: dict[str, npt.NDArray[Any]] = {
        "physical": np.zeros((0, 19, 3), np.float32),
        "source": np.zeros(0, np.int64),
        "pileup": np.zeros(0, np.int16),
    }
    if config.regions is not None:
        columns["regions"] = np.zeros((0, *REGIONS), np.uint16)
    if config.full is not None:
        columns["full"] = np.zeros((0, full_layout().size), full_layout().dtype)
    return columns


def _summarise(queue: Queue, events: int, source_events: int) -> ProcessResult:
    used = queue.used()
    trials = sum(shard.generated * shard.trials for shard in used)
    accepted = sum(shard.accepted for shard in used)
    sigma, sigma_error = (np.array([getattr(shard, name) for shard in used]) for name in ("cross_section", "cross_section_error"))
    return ProcessResult(
        name=queue.process,
        events=events,
        source_events=source_events,
        shards=len(used),
        generated=sum(shard.generated for shard in used),
        accepted=accepted,
        cross_section=float(sigma.mean()) if used else 0.0,
        cross_section_error=float(np.hypot.reduce(sigma_error)) / len(used) if used else 0.0,
        acceptance=accepted / trials if used else 0.0,
        acceptance_error=sum(shard.accepted_squares for shard in used) ** 0.5 / trials if used else 0.0,
        truth_seconds=sum(shard.truth_seconds for shard in used),
        detector_seconds=sum(shard.detector_seconds for shard in used),
    )


def _provenance(sample: str, seed: int, config: GeneratorConfig, queues: list[Queue]) -> dict[str, object]:
    """What a reader needs to judge the sample, or to make it again. Nothing in it depends on time or number of workers."""
    processes: dict[str, object] = {}
    for queue in queues:
        facts = asdict(_summarise(queue, queue.need, 0))
        measured = ("shards", "generated", "accepted", "cross_section", "cross_section_error", "acceptance", "acceptance_error")
        processes[queue.process] = {
            **{name: facts[name] for name in measured},
            "events": queue.need,
            "truth_digest": config.truth_digest(queue.process),
            "detector_digest": config.detector_digest(queue.process),
            "config": config.process(queue.process).model_dump(mode="json"),
        }
    return {
        "tool": f"l1ae {__version__} generator",
        "packages": {name: version(name) for name in _PACKAGES},
        "note": "ADC2021-like (arXiv:2107.02157); own detector model; cross sections in nb, leading order, 13 TeV",
        "sample": sample,
        "fractions": config.fractions(sample),
        "seed": seed,
        "processes": processes,
        "detector": config.detector.model_dump(mode="json"),
        "pileup": config.pileup.model_dump(mode="json"),
        **_zero_bias_provenance(sample, config),
        **{name: part.model_dump(mode="json") for name in ("regions", "full") if (part := getattr(config, name)) is not None},
    }


def _zero_bias_provenance(sample: str, config: GeneratorConfig) -> dict[str, object]:
    if sample != ZERO_BIAS:
        return {}
    facts = {
        stratum.name: asdict(stratum) | {"weight": stratum.weight, "cross_section": config.zero_bias.classes[stratum.name].cross_section}
        for stratum in strata(config.zero_bias, config.detector.pileup_mean)
    }
    return {"zero_bias": {"strata": facts, "pileup_counts": "all collisions of the crossing, the hardest included"}}
