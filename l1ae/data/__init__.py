"""Events in hardware integers: the event store, and readers that fill it."""

from l1ae.data._dataset import Dataset, dataset_folder, open_dataset, shipped_zero_bias
from l1ae.data._importing import ImportResult
from l1ae.data._store import Events, EventStore, StoreWriter, concatenate, split_fractions

__all__ = [
    "Dataset",
    "EventStore",
    "Events",
    "ImportResult",
    "StoreWriter",
    "concatenate",
    "dataset_folder",
    "open_dataset",
    "shipped_zero_bias",
    "split_fractions",
]
