"""Events in hardware integers: the event store, and readers that fill it."""

from typing import TYPE_CHECKING

from l1ae.data._bits import Bits, is_or_column
from l1ae.data._dataset import Dataset, dataset_folder, open_dataset, shipped_zero_bias
from l1ae.data._describe import ArrayDescription, GroupDescription, StoreDescription, WeightDescription, describe
from l1ae.data._importing import ImportResult
from l1ae.data._origin import detector_of, is_unselected, origin_of, selection_of
from l1ae.data._split import (
    SPLIT,
    TEST,
    TRAIN,
    VALIDATION,
    WEIGHT,
    check_weights,
    divided,
    events_of,
    held_out,
    is_recorded,
    some_of,
    split_columns,
    split_parts,
    weight_columns,
    weights_of,
)
from l1ae.data._spool import PART_EVENTS, Spool, parts_of
from l1ae.data._store import Events, EventStore, StoreWriter, concatenate, split_fractions
from l1ae.lazy import on_first_use

if TYPE_CHECKING:
    from l1ae.data._adc2021 import import_adc2021
    from l1ae.data._readers import READERS, Reader, Request, describe_sources, import_sources
    from l1ae.data.record import describe_record, import_record
else:
    __getattr__ = on_first_use(
        __name__,
        _adc2021="import_adc2021",
        _readers="READERS Reader Request describe_sources import_sources",
        record="describe_record import_record",
    )

__all__ = [
    "PART_EVENTS",
    "READERS",
    "SPLIT",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "WEIGHT",
    "ArrayDescription",
    "Bits",
    "Dataset",
    "EventStore",
    "Events",
    "GroupDescription",
    "ImportResult",
    "Reader",
    "Request",
    "Spool",
    "StoreDescription",
    "StoreWriter",
    "WeightDescription",
    "check_weights",
    "concatenate",
    "dataset_folder",
    "describe",
    "describe_record",
    "describe_sources",
    "detector_of",
    "divided",
    "events_of",
    "held_out",
    "import_adc2021",
    "import_record",
    "import_sources",
    "is_or_column",
    "is_recorded",
    "is_unselected",
    "open_dataset",
    "origin_of",
    "parts_of",
    "selection_of",
    "shipped_zero_bias",
    "some_of",
    "split_columns",
    "split_fractions",
    "split_parts",
    "weight_columns",
    "weights_of",
]
