"""Zero-bias crossings for a run: which ones set rates, and how they differ from what was trained on."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from l1ae.config import Config, DataConfig, TriggerConfig
from l1ae.data import (
    SPLIT,
    TEST,
    VALIDATION,
    Dataset,
    EventStore,
    dataset_folder,
    detector_of,
    is_recorded,
    is_unselected,
    open_dataset,
    selection_of,
    shipped_zero_bias,
)
from l1ae.errors import UserError
from l1ae.evaluation import RateKind
from l1ae.inputs import Layout
from l1ae.manifest import digest_file
from l1ae.pipeline._run import digest_json
from l1ae.pipeline._shared import section_digest
from l1ae.progress import task
from l1ae.trigger import Judge, JudgedEvents, Menu, check_menu, menu_of, no_menu

__all__ = [
    "CrossingSource",
    "RateSample",
    "check_rates",
    "crossing_source",
    "has_zero_bias",
    "judge_of",
    "ladder_of",
    "no_zero_bias",
    "open_zero_bias",
    "rate_inputs",
    "rate_sample",
    "zero_bias_events",
]

_log = logging.getLogger("l1ae")

RECORDED = DataConfig(split="recorded")

Use = Literal["all", "choosing", "reporting"]
"""What events are judged for. Choosing among models takes events that reporting does not: the validation part, or, where there is none,
one half of what is judged on otherwise."""


@dataclass(frozen=True)
class RateSample:
    """The crossings that set a run's rates: those of the store, of its test part if it has parts.

    `origin`: "data", the background that is trained on; "shipped", what comes with l1ae; "file", a store of its own. The menu may look
    at columns that the network does not read: the store is opened in the widest layout that all stores of the run have.
    """

    origin: Literal["data", "shipped", "file"]
    store: EventStore
    data: DataConfig
    inputs: Layout

    @property
    def events(self) -> JudgedEvents:
        """Those that rates are measured on."""
        return self.crossings("all")

    def crossings(self, use: Use) -> JudgedEvents:
        """The crossings for a use."""
        if self.origin == "data":
            return JudgedEvents.part_of(self.store, self.data, VALIDATION if use == "choosing" else TEST, self.inputs)
        every = JudgedEvents.of(self.store, RECORDED if SPLIT in self.store.extra else None, self.inputs)
        return every if use == "all" else every.half(use == "choosing")

    def signals(self, dataset: Dataset, use: Use = "all") -> dict[str, JudgedEvents]:
        """The events of each signal that efficiencies are measured on, in the same columns."""
        opened = {name: EventStore.open(store.path, self.store.layout) for name, store in dataset.signals.items()}
        return {name: self._signal(store, use) for name, store in opened.items()}

    def _signal(self, store: EventStore, use: Use) -> JudgedEvents:
        every = JudgedEvents.of(store, self.data, self.inputs)
        if is_recorded(self.data, store.extra) and SPLIT in store.extra:
            return JudgedEvents.part_of(store, self.data, VALIDATION, self.inputs) if use == "choosing" else every
        return every if use == "all" else every.half(use == "choosing")

    @property
    def name(self) -> str:
        """As it is said to people."""
        names = {"data": f"the test part of {self.store.path.name}", "shipped": "the zero bias that comes with l1ae"}
        return names.get(self.origin, self.store.path.name)

    @cached_property
    def digest_name(self) -> str:
        """Key of the store's digest among what a stage depends on."""
        return f"zero_bias/{self.store.path.name}"

    def differences(self, config: Config) -> tuple[str, ...]:
        """How the crossings differ from the background that was trained on: selection, pileup, columns; or from what a trigger sees.

        None when they are the same, and all crossings as far as the store can tell.
        """
        if self.origin == "data":
            selected = detector_of(self.store).get("trigger_pt") and not is_unselected(self.store)
            return (f"selection: rates on {selection_of(self.store)}, which are not all crossings",) if selected else ()
        trained = EventStore.open(dataset_folder(config.data.source) / "background.h5")
        pairs = (
            ("selection", selection_of(trained), selection_of(self.store)),
            ("pileup", _pileup(trained), _pileup(self.store)),
            ("layout", trained.own.name, self.store.own.name),
        )
        return tuple(f"{what}: trained on {one}, rates on {other}" for what, one, other in pairs if one != other)


def _pileup(store: EventStore) -> str:
    mean = detector_of(store).get("pileup_mean")
    return f"{mean:g} collisions on average" if mean is not None else "an unknown number of collisions"


def _origin(config: Config) -> Literal["data", "shipped", "file"]:
    asked = config.trigger.zero_bias
    if asked == "data" or (asked == "auto" and is_unselected(open_dataset(config.data.source).background)):
        return "data"
    return "shipped" if asked in ("auto", "shipped") else "file"


def has_zero_bias(config: Config) -> bool:
    """Whether there are crossings for the configuration: the shipped ones have the columns of layout `ugt` only."""
    if _origin(config) != "shipped":
        return True
    try:
        config.inputs.selected.taken_from(EventStore.open(shipped_zero_bias()).own, "the zero bias that comes with l1ae")
    except UserError:
        return False
    return True


def no_zero_bias(config: Config) -> str:
    """Why there are no crossings for a configuration, and what to do; '' where there are some."""
    if has_zero_bias(config):
        return ""
    background, inputs = open_dataset(config.data.source).background, config.inputs.selected
    none = "there are no crossings that could set rates"
    ours = f"the zero bias that comes with l1ae has layout 'ugt', without the columns of '{inputs.name}' that this network reads"
    if config.trigger.zero_bias != "auto":
        return f"{none}: {ours}; name a store of crossings, or `data` if the background is zero bias, in trigger.zero_bias"
    return (
        f"{none}: nothing says that {background.path} is zero bias (no weights, no runs and luminosity blocks, and its sample is called "
        f"'{background.sample}'), and {ours}; set trigger.zero_bias: data if it is zero bias, or name a store of crossings there"
    )


def rate_sample(config: Config, path: Path | None = None) -> RateSample:
    """The crossings that set the rates of a run: `path`, default those of the configuration.

    Raises `UserError` when they do not exist or lack columns.
    """
    inputs, origin = config.inputs.selected, "file" if path is not None else _origin(config)
    dataset = open_dataset(config.data.source)
    if origin == "shipped" and (reason := no_zero_bias(config)):
        raise UserError(reason)
    where = {"data": dataset.background.path, "shipped": shipped_zero_bias(), "file": path or Path(config.trigger.zero_bias)}[origin]
    layout = _widest(config, [EventStore.open(where, None), *dataset.signals.values()])
    return RateSample(origin, EventStore.open(where, layout), config.data, inputs)


def _widest(config: Config, stores: Sequence[EventStore]) -> Layout:
    """The columns of the first store if all have them, else those of the configuration's layout, else what the network reads."""

    def have(layout: Layout) -> bool:
        try:
            for store in stores:
                layout.taken_from(store.own, str(store.path))
            config.inputs.selected.taken_from(layout, layout.name)
        except UserError:
            return False
        return True

    return next((layout for layout in (stores[0].own, config.inputs.layout) if have(layout)), config.inputs.selected)


def rate_inputs(config: Config) -> dict[str, str]:
    """Digests of what rates depend on: the crossings and how they are judged."""
    if not has_zero_bias(config):
        return {}
    sample, named = rate_sample(config), config.trigger.named_menu
    return {
        sample.digest_name: digest_file(sample.store.path),
        "trigger": section_digest(config, "trigger")["config"],
        "menu": digest_json(None if named is None else named.model_dump(mode="json")),
        "menu_layout": digest_json(sample.store.layout.meaning),
    }


def check_rates(config: Config) -> None:
    """Raises `UserError` for crossings that are not there, and for seeds of the menu that their columns do not allow."""
    if has_zero_bias(config):
        store = rate_sample(config).store
        check_menu(config.trigger, store.layout, store)


def open_zero_bias(config: Config, path: Path | None = None) -> EventStore:
    """The store of `rate_sample`, all its events, in the columns of the run's inputs."""
    return EventStore.open(rate_sample(config, path).store.path, config.inputs.selected)


def judge_of(config: Config, *, signals: bool = True, use: Use = "all") -> Judge | None:
    """What scores of a run are judged on; None where there are no crossings. Raises `UserError` as `rate_sample` and `menu_of`."""
    if not has_zero_bias(config):
        return None
    sample = rate_sample(config)
    menu = menu_of(config.trigger, sample.store.layout, sample.store)
    judged = sample.signals(open_dataset(config.data.source), use) if signals else {}
    return Judge(sample.crossings(use), judged, menu, config.trigger.revolution_khz * config.trigger.bunches)


def ladder_of(config: TriggerConfig, layout: Layout, menu: Menu | None) -> RateKind:
    """Which rate the working points mean. Raises `UserError` for pure rates without a menu."""
    if config.ladder == "pure" and menu is None:
        raise UserError(f"trigger.ladder: pure is not possible, {no_menu(layout)}; use trigger.ladder: raw")
    if config.ladder == "auto":
        return "raw" if menu is None else "pure"
    return config.ladder


@dataclass(frozen=True)
class CrossingSource:
    """The first `events` crossings of a store, which are read as often as they are needed."""

    store: EventStore
    events: int

    def pieces(self, size: int = 1 << 16) -> Iterator[npt.NDArray[np.int64]]:
        """Hardware integers (n, size) of the events in their order, at most `size` at a time; an empty piece where there are none."""
        if not self.events:
            yield np.empty((0, self.store.layout.size), np.int64)
        with task(self.store.path.name, total=self.events, unit="crossings") as read:
            for start in range(0, self.events, size):
                yield self.store.read(start, min(start + size, self.events)).hw.astype(np.int64)
                read.update(min(start + size, self.events))


def crossing_source(config: Config, count: int | None, path: Path | None = None) -> CrossingSource:
    """The first `count` crossings, None: all. Raises `UserError` when the store holds fewer."""
    store = open_zero_bias(config, path)
    count = store.n_events if count is None else count
    if store.n_events < count:
        raise UserError(
            f"'{store.path}' holds {store.n_events} crossings, fewer than the {count} asked for; make more with "
            f"`l1ae data generate --sample zerobias --events {count} -o FILE.h5`"
        )
    return CrossingSource(store, count)


def zero_bias_events(config: Config, count: int, path: Path | None = None) -> npt.NDArray[np.int64]:
    """Hardware integers (N, size) of the first `count` crossings; none where the shipped store has no such columns.

    Raises `UserError` when a store that was named holds fewer.
    """
    if path is None and not has_zero_bias(config):
        return np.empty((0, config.inputs.selected.size), np.int64)
    return np.concatenate(list(crossing_source(config, count, path).pieces()))
