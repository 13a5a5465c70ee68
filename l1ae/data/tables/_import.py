"""Import of tables into an event store."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from l1ae.data._importing import ImportResult, Progress, write_blocks
from l1ae.data._store import Events
from l1ae.data.tables._convert import Converter
from l1ae.data.tables._plan import Plan
from l1ae.data.tables._table import Block, Jagged, Table
from l1ae.errors import UserError

__all__ = ["SPLITS", "describe_tables", "describe_values", "import_tables"]

log = logging.getLogger("l1ae")

SPLITS = ("train", "valid", "test")
"""Names of the recorded splits, in the order of their codes in the extra column `split`."""


def import_tables(
    sources: Sequence[tuple[Table, Plan]],
    output: Path,
    *,
    importer: str,
    sample: str,
    split: str | None = None,
    provenance: Mapping[str, object] | None = None,
    chunk: int = 65536,
    progress: Progress | None = None,
) -> ImportResult:
    """Convert tables, each with the plan for it and all into one layout, into one store; reads `chunk` events at a time.

    `split` takes only the events of one recorded split. Without a column of processes all events are of one process, which is
    called like the `sample`. Raises `UserError` as `Converter` does, and for a split that no column records.
    """
    layout = sources[0][1].layout
    processes = sources[0][1].processes or (sample,)
    if split is not None and any(plan.split is None for _, plan in sources):
        raise UserError(
            f"--split {split}: no column says which split an event is of; add split: COLUMN to the mapping file, or leave --split out"
        )
    files = [{"name": table.path.name, "bytes": table.path.stat().st_size} for table, _ in sources]
    content: dict[str, object] = {"importer": importer, "files": files, **(provenance or {})}
    if split is not None:
        content["split"] = split
    total = sum(_expected(table, plan) for table, plan in sources)
    vetoed: list[int] = []
    result = write_blocks(
        _blocks(sources, chunk, None if split is None else SPLITS.index(split), vetoed),
        output,
        layout,
        sample=sample,
        processes=processes,
        provenance=content,
        total=total,
        progress=None if progress is None else lambda done, total: progress(done, max(done, total)),
    )
    return replace(result, left_out={"vetoed by a cut of the layout": sum(vetoed)} if sum(vetoed) else {})


def _expected(table: Table, plan: Plan) -> int:
    """The number of events, or about it where only reading tells."""
    rows = plan.rows(table)
    return table.expected() if rows is None else rows


def _blocks(sources: Sequence[tuple[Table, Plan]], chunk: int, split: int | None, vetoed: list[int]) -> Iterator[tuple[Events, int]]:
    """Events, and how many of them were put in order; the numbers of vetoed ones are appended to `vetoed`."""
    before = 0
    for table, plan in sources:
        converter = Converter(plan, table.path, before)
        number = _event_number(table, plan)
        names = plan.names if number is None or number in plan.names else (*plan.names, number)
        for block in table.blocks(names, chunk):
            if number is not None and _warn_of_repeats(table, number, block, converter.done):
                number = None
            converted = converter(block, split)
            vetoed.append(converted.vetoed)
            yield converted.events, converted.reordered
        if not converter.done:
            log.warning("%s: no events", table.path)
        for text in converter.warnings:
            log.warning("%s", text)
        before += converter.done


_EVENT_NUMBERS = {"event", "entry", "evt", "eventnumber"}


def _event_number(table: Table, plan: Plan) -> str | None:
    """A column that by its name counts events, and that the mapping does not take for `source_event`; None without one."""
    taken = () if plan.source_event is None else plan.source_event.names
    for name, field in table.fields.items():
        if re.split(r"[./]", name)[-1].lower() not in _EVENT_NUMBERS or name in taken:
            continue
        if not field.jagged and not field.shape and field.rows == plan.rows(table):
            return name
    return None


def _warn_of_repeats(table: Table, name: str, block: Block, first: int) -> bool:
    """Whether consecutive rows of the block, the first of which is number `first`, have one event number: then it is said."""
    values = block[name]
    assert not isinstance(values, Jagged)
    same = values[1:] == values[:-1]
    if not same.any():
        return False
    row = int(same.argmax())
    log.warning(
        "%s: column '%s' is %s in row %d and in the next, but every row becomes one event; if a row is one object, make one row of lists "
        "of each event first, for example with pyarrow's group_by('%s') into a parquet file (docs/import.md shows how); if rows are events "
        "of one collision, write source_event: %s",
        table.path,
        name,
        values[row],
        first + row,
        name,
        name,
    )
    return True


def describe_tables(sources: Sequence[tuple[Table, Plan]], title: str) -> str:
    """What was recognised, the layout, the columns of the first file, and the number of events of all."""
    plan = sources[0][1]
    layout = plan.layout
    counts = [(item.rows(table), table) for table, item in sources]
    events = sum(table.count() if rows is None else rows for rows, table in counts)
    lines = [
        f"{title}: {', '.join(str(table.path) for table, _ in sources)}",
        f"layout: {layout.name} ({layout.title or 'no title'}; {layout.size} columns)",
        f"events: {events}",
        "columns:",
        str(plan),
    ]
    scalars = {"process": plan.process and plan.process.source, "source_event": plan.source_event, "pileup": plan.pileup}
    scalars["split"] = plan.split and plan.split.source
    lines += [f"  {name}: {source}" for name, source in scalars.items() if source is not None]
    if plan.extra:
        lines.append(f"extra columns: {_shortened(list(plan.extra))}")
    return "\n".join(lines)


_LOOKED_AT = 10_000
"""Events of which `describe_values` speaks."""
_QUANTILES = (0.1, 0.5, 0.9)


def describe_values(sources: Sequence[tuple[Table, Plan]]) -> str:
    """What the first events become: quantiles of every feature in filled slots, in the unit of the layout; '' without events.

    Raises `UserError` as `Converter` does.
    """
    table, plan = sources[0]
    block = next(iter(table.blocks(plan.names, _LOOKED_AT)), None)
    if block is None:
        return ""
    layout, hardware = plan.layout, Converter(plan, table.path, 0)(block).events.hw
    values, filled = layout.to_physical(hardware), layout.mask(hardware)
    lines = [f"in the units of the layout, of the first {len(hardware)} events, 10 % / 50 % / 90 % of what is there:"]
    for group in layout.groups:
        for feature in (item for item in group.features if not item.absent):
            columns = layout.positions(group.name, feature.name)
            there = values[:, columns][filled[:, columns]]
            text = " / ".join(f"{value:.4g}" for value in np.quantile(there, _QUANTILES)) if len(there) else "nothing is there"
            lines.append(f"  {group.name} {feature.name}: {text} {feature.unit}".rstrip())
    return "\n".join(lines)


def _shortened(names: Sequence[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
