"""What a configuration leaves to the training data: offsets and shifts, and tables."""

from collections.abc import Callable, Iterable, Iterator

from l1ae.config import Config, DerivedPreprocessing
from l1ae.data import TRAIN, events_of, open_dataset, weights_of
from l1ae.families import Front
from l1ae.inputs import WeightedBlock, derive_preprocessing, derive_tables, steps_of
from l1ae.training._data import CHUNK

__all__ = ["with_derived_inputs"]


def with_derived_inputs(config: Config, events: WeightedBlock | None = None) -> Config:
    """The configuration with the result of `inputs.preprocessing: auto` and of `inputs.transform` in it; the same one where nothing is
    left to the data.

    Reads the training part of the background once for each, in blocks, or takes `events` of `inputs.selected` instead. What a
    configuration has derived already stays. Raises `UserError` as `derive_preprocessing`, `derive_tables`, and for a data source that is
    missing or does not fit.
    """
    inputs = config.inputs
    if not inputs.from_data or inputs.derived is not None or config.model.family.imported or config.model.family.tabular:
        return config
    blocks: Callable[[Config], Iterable[WeightedBlock]] = (
        _training_blocks if events is None else lambda config: [(config.inputs.event(events[0]), events[1])]
    )
    by_group, layout = config.model.family.front is Front.OBJECTS, inputs.columns
    found: dict[str, object] = {}
    if inputs.automatic:
        offset, shift = derive_preprocessing(layout, blocks(config), by_group=by_group)
        found |= {"offset": tuple(offset.tolist()), "shift": tuple(shift.tolist())}
    if inputs.transform:
        tables = derive_tables(
            layout,
            inputs.linear().network,
            inputs.transform,
            blocks(config),
            by_group=by_group,
            leading=inputs.transform_bits,
        )
        found["tables"] = {layout.names[column]: steps_of(table) for column, table in tables.items()}
    return config.model_copy(update={"inputs": inputs.model_copy(update={"derived": DerivedPreprocessing.model_validate(found)})})


def _training_blocks(config: Config) -> Iterator[WeightedBlock]:
    inputs = config.inputs
    store = open_dataset(config.data.source, inputs.selected).background
    return ((inputs.event(events.hw), weights_of(events)) for events in events_of(config.data, store, TRAIN, size=CHUNK))
