"""Events in hardware integers: the event store, and readers that fill it."""

from l1ae.data._dataset import Dataset, dataset_folder, open_dataset, shipped_zero_bias
from l1ae.data._describe import ArrayDescription, GroupDescription, StoreDescription, WeightDescription, describe
from l1ae.data._importing import ImportResult
from l1ae.data._store import Events, EventStore, StoreWriter, concatenate, split_fractions

__all__ = [
    "ArrayDescription",
    "Dataset",
    "EventStore",
    "Events",
    "GroupDescription",
    "ImportResult",
    "StoreDescription",
    "StoreWriter",
    "WeightDescription",
    "concatenate",
    "dataset_folder",
    "describe",
    "open_dataset",
    "shipped_zero_bias",
    "split_fractions",
]
