"""Bins and look-up tables of the contract."""

from collections.abc import Iterator, Sequence

from l1ae.inputs import Column, Layout
from l1ae.records import BinsSummary, ContractSummary, TableSummary
from l1ae.report._blocks import Block, Table
from l1ae.report._text import count, number

__all__ = ["table_blocks"]


def table_blocks(contract: ContractSummary, layout: Layout) -> list[Block]:
    """One table of what is looked up, and one of the edges of every bin; nothing for a contract without."""
    blocks: list[Block] = []
    if contract.tables:
        caption = (
            "Look-up tables. Each element of a tensor has one table, or all share one, with an entry for every address. Saturated entries "
            "hold the largest code; the error is the largest deviation from the function over all others, where they approximate one."
        )
        header = ("Table", "Function", "Elements", "Address bits", "Entries", "Saturated", "Largest error")
        blocks.append(Table(caption, header, tuple(_row(table) for table in contract.tables), 2))
    if contract.bins:
        caption = (
            "Bins: the number of edges that a code reaches. Edges are codes; of columns of an event also the value at which a bin begins, "
            "in the unit of the column."
        )
        rows = tuple(row for bins in contract.bins for row in _edges(bins, layout))
        blocks.append(Table(caption, ("Operation", "Input", "Edges", "Codes", "Values"), rows, 2, folded=True))
    return blocks


def _row(table: TableSummary) -> tuple[str, ...]:
    return (
        table.name,
        table.function,
        count(table.elements),
        _range(*table.address_bits),
        count(table.entries),
        count(table.saturated),
        "–" if table.max_error is None else number(table.max_error, digits=3),
    )


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _edges(bins: BinsSummary, layout: Layout) -> Iterator[tuple[str, ...]]:
    columns = dict(zip(layout.names, layout.columns, strict=True))
    for element in bins.elements:
        edges, column = element.edges, columns.get(element.input)
        values = "–" if column is None else f"{_listed([_value(column, edge) for edge in edges])} {column.feature.unit}".strip()
        yield (bins.name, element.input, count(len(edges)), _listed(edges), values)


def _value(column: Column, code: int) -> float:
    """Where the bin of a code begins."""
    feature = column.feature
    return (code - feature.origin - (0.5 if feature.bin == "centre" else 0.0)) * feature.lsb


def _listed(values: Sequence[float]) -> str:
    """Without separators of thousands, which would look like those of the list."""
    return ", ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values).replace("-", "−") or "none"
