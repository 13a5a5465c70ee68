"""Where the events of a store come from, as far as it can tell."""

from typing import Any

from l1ae.data._split import WEIGHT
from l1ae.data._store import EventStore

__all__ = ["detector_of", "is_unselected", "origin_of", "selection_of"]


def detector_of(store: EventStore) -> dict[str, Any]:
    """What the generator says of the detector; nothing for stores from elsewhere."""
    detector = store.provenance.get("detector")
    return detector if isinstance(detector, dict) else {}


def is_unselected(store: EventStore) -> bool:
    """Whether a background is zero bias as far as its store can tell: by name, by weights of strata, by luminosity blocks."""
    return store.sample.lower().startswith(("zerobias", "zb", "zero_bias")) or WEIGHT in store.extra or {"run", "lumi"} <= set(store.extra)


def selection_of(store: EventStore) -> str:
    """Which events the store holds: `all crossings`, those with a lepton, or those of a sample of which no more is known."""
    if is_unselected(store):
        return "all crossings"
    pt = detector_of(store).get("trigger_pt")
    return f"events with an isolated lepton of pT > {pt:g} GeV" if pt else f"events of sample '{store.sample}'"


def origin_of(store: EventStore) -> str:
    """What a figure is stamped with: `simulation` for events of the generator, else the name of the sample.

    Nothing where that is only the name that every background's file has: `--sample` of the import gives it another.
    """
    return "simulation" if detector_of(store) else "" if store.sample == "background" else store.sample
