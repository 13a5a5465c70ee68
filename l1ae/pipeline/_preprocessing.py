"""A configuration whose offsets, shifts and tables are all known, before anything depends on them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from l1ae.config import Config, DerivedPreprocessing
from l1ae.data import TRAIN, dataset_folder, events_of, open_dataset, weights_of
from l1ae.families import Front
from l1ae.inputs import WeightedBlock, derive_preprocessing, derive_tables, steps_of
from l1ae.manifest import digest_file
from l1ae.pipeline._run import Run

__all__ = ["resolved", "with_derived_inputs"]

_CHUNK = 65536


def resolved(config: Config, folder: Path) -> Config:
    """`with_derived_inputs`, without reading the data again where the run in `folder` was trained on them with the same configuration."""
    if not config.inputs.from_data or config.inputs.derived is not None or config.model.family.tabular:
        return config
    known = _known(config, folder)
    return with_derived_inputs(config) if known is None else known


def _known(config: Config, folder: Path) -> Config | None:
    """The configuration with what the run in `folder` found."""
    if not (folder / "config.yaml").is_file():
        return None
    run = Run.open(folder)
    found = config.model_copy(update={"inputs": config.inputs.model_copy(update={"derived": run.config.inputs.derived})})
    trained_on = run.manifest.inputs("train").get("data/background.h5")
    same = (run.config.inputs, run.config.data, run.config.model.architecture) == (found.inputs, found.data, found.model.architecture)
    return found if same and trained_on == digest_file(dataset_folder(config.data.source) / "background.h5") else None


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
    return ((inputs.event(events.hw), weights_of(events)) for events in events_of(config.data, store, TRAIN, size=_CHUNK))
