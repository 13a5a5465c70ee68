"""Events in hardware integers: the event store, and readers that fill it."""

from l1ae.data._adc2021 import import_adc2021
from l1ae.data._cms import import_cms_parquet
from l1ae.data._dataset import Dataset, dataset_folder, open_dataset, shipped_zero_bias
from l1ae.data._describe import GroupDescription, RegionDescription, StoreDescription, WeightDescription, describe
from l1ae.data._importing import ImportResult
from l1ae.data._store import Events, EventStore, StoreWriter, concatenate, split_fractions

__all__ = [
    "Dataset",
    "EventStore",
    "Events",
    "GroupDescription",
    "ImportResult",
    "RegionDescription",
    "StoreDescription",
    "StoreWriter",
    "WeightDescription",
    "concatenate",
    "dataset_folder",
    "describe",
    "import_adc2021",
    "import_cms_parquet",
    "open_dataset",
    "shipped_zero_bias",
    "split_fractions",
]
