"""Event stores, opened for a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from l1ae.config import DataConfig
from l1ae.data import (
    TEST,
    TRAIN,
    VALIDATION,
    Events,
    EventStore,
    concatenate,
    dataset_folder,
    events_of,
    open_dataset,
    weight_columns,
    weights_of,
)
from l1ae.errors import UserError
from l1ae.html import html_table
from l1ae.inputs import Layout

__all__ = ["Store", "open_data", "open_store"]

Part = Literal["train", "validation", "test"]

_PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True, eq=False)
class Store:
    """An event store: N events of one sample, each a row of hardware integers. No file stays open.

    >>> store = l1ae.open_store("zerobias")
    >>> store.layout.names[:3]
    ('met_pt', 'met_eta', 'met_phi')
    >>> store.hardware(0, 2).shape
    (2, 57)
    """

    reader: EventStore

    def __len__(self) -> int:
        return self.reader.n_events

    @property
    def path(self) -> Path:
        """The file."""
        return self.reader.path

    @property
    def sample(self) -> str:
        """What the events are, in a word, such as `background`."""
        return self.reader.sample

    @property
    def layout(self) -> Layout:
        """What the columns of an event are: groups, slots, features, and the LSB and range of each."""
        return self.reader.layout

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what is known of an event beside its hardware integers, for `column`."""
        return ("process", "source_event", "pileup", *self.reader.extra)

    def events(self, start: int = 0, stop: int | None = None) -> Events:
        """Events [start, stop), clipped to the store as a slice is, with every column that the store has. Raises `UserError` for damage."""
        return self.reader.read(start, stop, extra=self.reader.extra)

    def hardware(self, start: int = 0, stop: int | None = None) -> npt.NDArray[np.integer]:
        """Hardware integers (n, size) of events [start, stop); column i is `layout.names[i]`, in LSB of `layout.lsb[i]`.

        `layout.to_physical` turns them into GeV and rad. Raises `UserError` for a damaged file.
        """
        return self.reader.read(start, stop).hw

    def weights(self, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float64]:
        """Weights (n,) of events [start, stop), without unit and of mean 1; 1 where the store has none. Raises `UserError` for damage.

        Every fraction and every rate must be counted with them.

        >>> float(l1ae.open_store("zerobias").weights(0, 1000).min()) >= 0
        True
        """
        events = self.reader.read(start, stop, extra=weight_columns(self.reader))
        weights = weights_of(events)
        return np.ones(len(events)) if weights is None else weights

    def column(self, name: str, start: int = 0, stop: int | None = None) -> npt.NDArray[np.generic]:
        """One of `columns` for events [start, stop), (n,). Raises `UserError` for another name."""
        if name not in self.columns:
            raise UserError(f"{self.path}: no column '{name}'; there are {', '.join(self.columns)}")
        if name in self.reader.extra:
            return self.reader.read(start, stop, extra=(name,)).extra[name]
        found: npt.NDArray[np.generic] = getattr(self.reader.read(start, stop), name)
        return found

    def part(self, name: Part, data: DataConfig | None = None) -> Events:
        """The events of one part of a background: as recorded with them, else by a hash of their source event.

        `data` as in a configuration (`config.data`), default its defaults. Events of weight 0 are left out; the weights of the others are
        `events.extra["weight"]` where the store has any. Raises `UserError` for another part, and for a test part without events.

        >>> len(l1ae.open_store("zerobias").part("test"))
        310000
        """
        if name not in _PARTS:
            raise UserError(f"there is no part '{name}'; the parts are {', '.join(_PARTS)}")
        return concatenate(list(events_of(data or DataConfig(), self.reader, _PARTS[name])))

    def __repr__(self) -> str:
        return f"Store({self.sample!r}, {len(self):,} events of layout {self.layout.name!r}, {str(self.path)!r})"

    def _repr_html_(self) -> str:
        rows = ((group.name, group.slots, ", ".join(feature.name for feature in group.features)) for group in self.layout.groups)
        caption = f"{self.sample}: {len(self):,} events of layout {self.layout.name}"
        return html_table(("group", "slots", "features"), rows, caption=caption)


def open_store(path: str | Path, layout: Layout | None = None) -> Store:
    """Open an event store; `zerobias`, `shipped` and `shipped_regions` mean the background that comes with l1ae.

    `layout`: the part of the store's columns to read, default all. Raises `UserError` when the file is missing, truncated, no event
    store, or without these columns.

    >>> l1ae.open_store("nowhere.h5")
    Traceback (most recent call last):
    l1ae.errors.UserError: nowhere.h5: no such file
    """
    return Store(EventStore.open(_file(path), layout))


def open_data(source: str | Path = "zerobias", layout: Layout | None = None) -> dict[str, Store]:
    """Every store of a data set by name, `background` first: of a folder, or of `zerobias`, `shipped` and `shipped_regions`.

    `layout` and what is raised as in `open_store`, and `UserError` for a folder without background.h5 and a store without events.

    >>> list(l1ae.open_data("zerobias"))
    ['background', 'a4l', 'h0', 'hc', 'lq']
    """
    found = open_dataset(str(source), layout)
    return {"background": Store(found.background)} | {name: Store(store) for name, store in found.signals.items()}


SHIPPED: Sequence[str] = ("zerobias", "shipped", "shipped_regions")


def _file(path: str | Path) -> Path:
    return dataset_folder(str(path)) / "background.h5" if str(path) in SHIPPED else Path(path)
