"""What was recognised of the record, in words."""

from collections.abc import Sequence
from pathlib import Path

from l1ae.data.record._seeds import L1BIT, seed_names
from l1ae.data.record._sources import SEEDS, Part, find_parts

__all__ = ["describe_record"]


def describe_record(sources: Sequence[Path]) -> str | None:
    """Data sets, splits, events, collections and seeds under the sources; None where one of them is not of the record.

    Raises `UserError` as `find_parts` does, for files that are of the record but damaged or incomplete.
    """
    parts = find_parts([Path(source) for source in sources])
    if parts is None:
        return None
    kinds = {"tree": "as on Zenodo, a folder per object", "mirror": "as on its mirror, one row per event"}
    lines = [f"public CMS Level-1 record, {' and '.join(kinds[kind] for kind in sorted({part.kind for part in parts}))}"]
    lines += [f"  {_line(part)}" for part in parts]
    return "\n".join([*lines, f"  {sum(part.rows for part in parts)} events in all"])


def _line(part: Part) -> str:
    text = f"{part.dataset}, {part.split or 'no split'}: {part.rows} events, {', '.join(part.collections)}"
    if SEEDS not in part.tables:
        return f"{text}; no seeds"
    table = part.tables[SEEDS]
    return f"{text}; {len(seed_names(table))} seeds{f' and {L1BIT}' if table.has(L1BIT) else ''}"
