"""What the emulator says about its inputs, as C++: what the first operations do from the contract, names and scales from its layout."""

import json
from typing import Any

import numpy as np

from l1ae.contract import Contract
from l1ae.inputs import Column, Group, Layout, Role

__all__ = ["address_rows", "column_rows", "cpp", "edge_rows", "group_values", "preprocessing_rows", "table_rows"]


def preprocessing_rows(contract: Contract) -> list[str]:
    """One initialiser of `Preprocessing` per input: offset, shift, present, gate. None where the network takes the codes themselves."""
    found = contract.preprocess
    if found is None:
        return []
    offset = (found.offset / 2**found.offset_fraction).tolist()
    return [", ".join(map(cpp, row)) for row in zip(offset, found.shift, found.present, found.gate, strict=True)]


def table_rows(contract: Contract) -> list[str]:
    """One initialiser of `Step` per step of every table: input, bits, first, value; none where no input enters as a table."""
    table = contract.input_table
    if table is None:
        return []
    values = iter(table.codes.tolist())
    rows = [
        (k, bits, first, next(values)) for k, (bits, starts) in enumerate(zip(table.bits, table.starts, strict=True)) for first in starts
    ]
    return [", ".join(map(cpp, row)) for row in rows if row[1]]


def edge_rows(contract: Contract) -> list[str]:
    """One initialiser of `Edge` per edge of every bin of hardware codes: operation, element, input, code, bin."""
    return [
        ", ".join(map(cpp, (item.name, element, column, edge, bin_)))
        for item in contract.input_bins
        for element, (column, edges) in enumerate(zip(item.index.tolist(), item.edges, strict=True))
        for bin_, edge in enumerate(edges, 1)
    ]


def address_rows(contract: Contract) -> list[str]:
    """One initialiser of `Address` per part of every address made of hardware codes: operation, element, input, bits."""
    return [
        ", ".join(map(cpp, (item.name, element, column, width)))
        for item in contract.input_lookups
        for element, (index, bits) in enumerate(zip(item.index, item.bits, strict=True))
        for column, width in zip(index, bits, strict=True)
    ]


def column_rows(layout: Layout) -> list[str]:
    """One initialiser of `Input` per column."""
    return [", ".join(map(cpp, _fields(column, int(gate)))) for column, gate in zip(layout.columns, layout.gate, strict=True)]


def _fields(column: Column, gate: int) -> tuple[Any, ...]:
    """name, unit, lsb, low, high, origin, period, centre, present, energy, is_signed, gate."""
    feature, (low, high) = column.feature, column.feature.range
    return (
        *(column.name, feature.unit, feature.lsb, low, high, feature.origin, feature.period or 0),
        *(feature.bin == "centre", not feature.absent, feature.role == Role.ENERGY and not feature.absent, feature.signed, gate),
    )


def cpp(value: Any) -> str:
    """A constant as C++ reads it."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)


def group_values(layout: Layout) -> list[dict[str, Any]]:
    """Every group for templates: where it is, its features, and the axes of an image."""
    return [_group(group, layout) for group in layout.groups]


def _group(group: Group, layout: Layout) -> dict[str, Any]:
    gate = group.gate_feature
    return {
        "name": group.name,
        "title": group.label,
        "kind": group.kind,
        "first": layout.where(group.name).start,
        "slots": group.slots,
        "gate": gate,
        "gate_index": -1 if gate is None else group.index(gate),
        "order": group.sort,
        "features": [
            {
                "name": feature.name,
                "unit": feature.unit,
                "lsb": feature.lsb,
                "low": feature.range[0],
                "high": feature.range[1],
                "origin": feature.origin,
                "bin": feature.bin or "edge",
                "period": feature.period,
                "role": feature.role.value,
                "present": not feature.absent,
            }
            for feature in group.features
        ],
        "axes": [{"name": axis.name, "unit": axis.unit, "edges": [repr(edge) for edge in axis.edges]} for axis in group.axes or ()],
    }
