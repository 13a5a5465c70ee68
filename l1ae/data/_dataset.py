"""A data set: a folder with `background.h5` and one store per signal."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from l1ae.data._store import EventStore
from l1ae.errors import UserError
from l1ae.inputs import Layout

__all__ = ["Dataset", "dataset_folder", "open_dataset", "shipped_zero_bias"]

_SHIPPED = {"zerobias": "shipped_zerobias", "shipped": "shipped", "shipped_regions": "shipped_regions"}


@dataclass(frozen=True)
class Dataset:
    """The stores of a folder; `signals` is sorted by name, the file's name without `.h5`."""

    folder: Path
    background: EventStore
    signals: Mapping[str, EventStore]


def dataset_folder(source: str) -> Path:
    """The folder that `source` means: 'zerobias', 'shipped' and 'shipped_regions' come with the package, anything else is a path.

    'zerobias': weighted bunch crossings in recorded parts, and signals as a trigger meets them, at the same mean pileup of 20. 'shipped':
    background and signals with an isolated lepton of pT > 23 GeV, as in arXiv:2108.03986. 'shipped_regions' are fewer of these, with
    the calorimeter image beside the objects.

    Raises `UserError` when it has no `background.h5`.
    """
    folder = Path(__file__).parent / _SHIPPED[source] if source in _SHIPPED else Path(source)
    if not (folder / "background.h5").is_file():
        raise UserError(
            f"data source '{source}': there is no {folder / 'background.h5'}; give a folder with background.h5 and one file per "
            f"signal, made with l1ae data generate or l1ae data import, or one of {', '.join(_SHIPPED)}"
        )
    return folder


def shipped_zero_bias() -> Path:
    """The store of weighted zero-bias crossings that comes with the package: objects only, mean pileup 20, in recorded parts.

    Its extra column `weight` must be used wherever a fraction or a rate is counted.
    """
    return dataset_folder("zerobias") / "background.h5"


def open_dataset(source: str, layout: Layout | None = None) -> Dataset:
    """Open every store of a data set, in `layout` or each in its own.

    Raises `UserError` as `dataset_folder` and `EventStore.open` do, and for a store without events, on which nothing can be measured.
    """
    folder = dataset_folder(source)
    names = sorted(path.stem for path in folder.glob("*.h5") if path.stem != "background")
    signals = {name: EventStore.open(folder / f"{name}.h5", layout) for name in names}
    dataset = Dataset(folder, EventStore.open(folder / "background.h5", layout), signals)
    for store in (dataset.background, *signals.values()):
        if not store.n_events:
            remedy = "make it again" if store is dataset.background else "make it again, or take it out of the folder: no signal is needed"
            raise UserError(f"{store.path}: has no events; {remedy}")
    return dataset
