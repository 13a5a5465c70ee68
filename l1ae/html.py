"""Tables as notebooks show them."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["html_table"]


def html_table(heading: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """A table of texts and numbers as HTML; all of it is escaped. None is an empty cell."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in heading)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    return "" if value is None else escape(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))
