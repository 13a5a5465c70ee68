"""Events in hardware integers: the event store, and readers that fill it."""

from l1ae.data._adc2021 import import_adc2021
from l1ae.data._dataset import Dataset, dataset_folder, open_dataset, shipped_zero_bias
from l1ae.data._importing import ImportResult
from l1ae.data._readers import READERS, Reader, Request, describe_sources, import_sources
from l1ae.data._store import Events, EventStore, StoreWriter, concatenate, split_fractions

__all__ = [
    "READERS",
    "Dataset",
    "EventStore",
    "Events",
    "ImportResult",
    "Reader",
    "Request",
    "StoreWriter",
    "concatenate",
    "dataset_folder",
    "describe_sources",
    "import_adc2021",
    "import_sources",
    "open_dataset",
    "shipped_zero_bias",
    "split_fractions",
]
