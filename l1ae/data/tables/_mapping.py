"""The mapping file: which columns of a table are which columns of a layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from l1ae.data.tables._formats import FormatName
from l1ae.data.tables._reference import Reference
from l1ae.documents import read_yaml, validate
from l1ae.errors import UserError
from l1ae.inputs import Layout, find_layout
from l1ae.inputs._base import Frozen
from l1ae.schema import Unit

__all__ = ["FeatureSource", "GroupSource", "Kind", "ProcessSource", "SplitSource", "TableMapping", "load_mapping"]

Kind = Literal["codes", "physical", "grid"]
Split = Literal["train", "valid", "test"]
_SPLIT_NAMES: dict[int | str, Split] = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "test": "test"}


def _feature(content: Any) -> Any:
    """A column alone is short for a mapping with the key `column`."""
    return content if isinstance(content, Mapping | FeatureSource) else {"column": content}


def _group(content: Any) -> Any:
    """A text is short for the key `array`, a mapping of features for the key `features`."""
    if isinstance(content, str):
        return {"array": content}
    if isinstance(content, Mapping) and not {"features", "array"} & set(content):
        if options := [name for name in content if name in GroupSource.model_fields]:
            raise ValueError(f"with {', '.join(options)}, give the columns as features: {{NAME: COLUMN}}, or array: COLUMN")
        return {"features": dict(content)}
    return content


def _named(content: Any) -> Any:
    """A text is short for the key `column`."""
    return {"column": content} if isinstance(content, str | int) else content


def _as_pairs(content: Any) -> Any:
    """A list of names is short for a mapping of each to itself."""
    return {str(name): name for name in content} if isinstance(content, list | tuple) else content


class FeatureSource(Frozen):
    """Where a feature comes from.

    `values`: `codes` are hardware integers, `physical` values are rounded into the feature's bins, `grid` values are codes times
    a step (the feature's LSB, or `step`), made from codes by some other program, and become them again. `unit` is that of
    the physical values, by default the feature's. `where` keeps those entries of a list for which other lists have a value.
    """

    column: Reference = Field(description="name, pattern, list or number of the column")
    values: Kind | None = Field(None, description="codes: hardware integers; physical: rounded into bins; grid: codes times a step")
    unit: str | None = Field(None, description="of physical values; default: the feature's")
    step: Annotated[float | None, Unit("`unit`")] = Field(
        None, gt=0, description="value of one code in the file, where it is not the LSB of the layout"
    )
    where: dict[str, float] = Field(default_factory=dict, description="keep the entries of a list for which other lists have these values")


class GroupSource(Frozen):
    """Where the slots of a group come from: `features`, or an `array` whose last two axes are slots and features.

    `axis` names the last axis of the array, `null` for a number that is not used; by default it has the features of the group.
    A slot is filled where `filled` is not 0; in the first `count` slots; where the list has an entry; or else where the value of
    the group's gate is above 0. One whose gate has the value `missing` is empty.
    """

    features: dict[str, Annotated[FeatureSource, BeforeValidator(_feature)]] = Field(
        default_factory=dict, description="by feature: its column"
    )
    array: str | None = Field(None, description="column of shape (N, slots, features), instead of `features`")
    axis: tuple[str | None, ...] = Field((), description="names of the last axis of the array, null for a number that is not used")
    values: Kind | None = Field(None, description="as of a feature, for the whole group")
    units: tuple[str, ...] = Field((), description="units of the file, one for each kind of quantity")
    where: dict[str, float] = Field(default_factory=dict, description="keep the entries of lists for which other lists have these values")
    count: str | None = Field(None, description="column that says how many slots are filled")
    filled: Reference | None = Field(None, description="column that is not 0 where a slot is filled")
    missing: float | None = Field(None, description="value of the group's gate that makes a slot empty")

    @model_validator(mode="after")
    def _one_form(self) -> "GroupSource":
        if (self.array is None) == (not self.features):
            raise ValueError("give either features: {NAME: COLUMN}, or array: COLUMN")
        if self.axis and self.array is None:
            raise ValueError("axis names the last axis of an array; give it with array:")
        if self.count is not None and self.filled is not None:
            raise ValueError("count and filled both say which slots are filled; give one")
        return self


class ProcessSource(Frozen):
    """The process of an event: a column of numbers that count `names` from 0, or of texts that are among them."""

    column: Reference = Field(description="numbers that count `names` from 0, or texts that are among them")
    names: tuple[str, ...] = Field(min_length=1, description="of the processes")


class SplitSource(Frozen):
    """The recorded split of an event: a column of the texts train, valid (or validation, val) and test, or of `names`."""

    column: Reference = Field(description="texts train, valid, test, or of `names`")
    names: dict[int | str, Split] = Field(
        default_factory=lambda: dict(_SPLIT_NAMES), description="by value of the column: train, valid or test"
    )


class TableMapping(Frozen):
    """A mapping file. Groups that are not named are looked for under the names of their columns in the layout."""

    layout: str | Layout | None = Field(None, description="a name, a YAML file beside this one, or the layout itself")
    format: FormatName | None = Field(None, description="of the files; default: by their first bytes")
    table: str | tuple[str, ...] | None = Field(None, description="dataset or group, tree or trees, array")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="CSV: between columns; default: a comma")
    header: bool = Field(True, description="CSV: the first line has the names of the columns")
    values: Kind | None = Field(None, description="what numbers are, where a group or feature says nothing else")
    units: tuple[str, ...] = Field((), description="units of the file, one for each kind of quantity: [MeV, deg]")
    groups: dict[str, Annotated[GroupSource, BeforeValidator(_group)]] = Field(
        default_factory=dict, description="by group of the layout: its columns"
    )
    process: Annotated[ProcessSource | None, BeforeValidator(_named)] = Field(
        None, description="the process of an event; a column alone is short for `column`"
    )
    source_event: Reference | None = Field(
        None, description="column: events of one generated collision have one number; default: each event its own"
    )
    pileup: Reference | None = Field(None, description="column: number of pileup collisions")
    split: Annotated[SplitSource | None, BeforeValidator(_named)] = Field(
        None, description="the recorded split; a column alone is short for `column`"
    )
    extra: Annotated[dict[str, Reference], BeforeValidator(_as_pairs)] = Field(
        default_factory=dict, description="further columns by their name in the store, or a list of names; patterns with * are allowed"
    )


def load_mapping(path: Path) -> tuple[TableMapping, Layout | None]:
    """A mapping file and its layout, if it names one.

    Raises `UserError` for a missing file, and with file, key and remedy for what is wrong in it.
    """
    content = read_yaml(path)
    inline = content.get("layout")
    if isinstance(inline, Mapping):
        content = {**content, "layout": validate(Layout, dict(inline), f"{path}: layout")}
    mapping = validate(TableMapping, content, str(path))
    if mapping.layout is None or isinstance(mapping.layout, Layout):
        return mapping, mapping.layout
    try:
        return mapping, find_layout(mapping.layout, Path(path).parent)
    except UserError as error:
        raise UserError(f"{path}: layout: {error}") from error
