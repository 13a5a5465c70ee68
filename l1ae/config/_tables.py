"""Whether the tables of `inputs.transform`, and what stands beside them, can be meant."""

from collections.abc import Mapping

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Layout, Numbers, Steps, Transform, table_bits, transformed_columns

__all__ = ["check_no_shift", "check_steps"]


def check_no_shift(layout: Layout, transform: Mapping[str, Transform], group: str, numbers: Numbers, key: str) -> None:
    """Raise `UserError` where `groups.GROUP.KEY` has a number for a column that enters as a table, which would have no effect."""
    where, given = layout.where(group), layout.spread(group, numbers, key).ravel()
    for column in transformed_columns(layout, transform):
        if where.start <= column < where.stop and given[column - where.start]:
            raise UserError(
                f"groups.{group}.{key}: {layout.names[column]} enters as a table (transform.{layout.columns[column].feature.name}), on "
                "which this has no effect; write 0 there, or remove the transform"
            )


def check_steps(layout: Layout, transform: Mapping[str, Transform], tables: Mapping[str, Steps], form: FixedFormat) -> None:
    """Raise `UserError` unless `tables` are those of the columns of `transform`, of codes of `form` that do not fall."""
    columns = {layout.names[column]: column for column in transformed_columns(layout, transform)}
    if set(tables) != set(columns):
        raise UserError(
            f"derived.tables has {', '.join(tables) or 'no column'}, transform asks for {', '.join(columns) or 'none'}; remove derived, "
            "training finds it"
        )
    for name, steps in tables.items():
        first, values = [code for code, _ in steps], [value for _, value in steps]
        in_order = first[:1] == [0] and first == sorted(set(first)) and first[-1] < 1 << table_bits(layout, columns[name])
        inside = in_order and values == sorted(values) and form.low <= values[0] and values[-1] <= form.high
        if not inside or (values[0] != 0 and layout.gate[columns[name]] >= 0):
            raise UserError(
                f"derived.tables.{name}: its steps must rise from hardware code 0, with codes of {form} that do not fall, and the first 0 "
                "where a slot can be empty; remove derived, training finds it"
            )
