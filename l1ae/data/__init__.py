"""Events in hardware integers: the event store, and readers that fill it."""

from l1ae.data._dataset import Dataset, dataset_folder, open_dataset
from l1ae.data._store import Events, EventStore, StoreWriter, concatenate, split_fractions

__all__ = [
    "Dataset",
    "EventStore",
    "Events",
    "StoreWriter",
    "concatenate",
    "dataset_folder",
    "open_dataset",
    "split_fractions",
]
