"""The kinds of files that a table can be in, one record each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from l1ae.data.tables._arrow import open_csv, open_parquet
from l1ae.data.tables._hdf5 import open_hdf5
from l1ae.data.tables._numpy import open_npy, open_npz
from l1ae.data.tables._root import open_root
from l1ae.data.tables._table import Table
from l1ae.errors import UserError

__all__ = ["FORMATS", "FileFormat", "FormatName", "format_of", "open_table"]

FormatName = Literal["hdf5", "npz", "npy", "parquet", "root", "csv"]


@dataclass(frozen=True)
class FileFormat:
    """A kind of file: its first bytes (None: text), the endings of its name, and what opens it."""

    name: FormatName
    title: str
    magic: bytes | None
    endings: tuple[str, ...]
    open: Callable[..., Table]


FORMATS = (
    FileFormat("hdf5", "HDF5", b"\x89HDF\r\n\x1a\n", (".h5", ".hdf5", ".hdf"), open_hdf5),
    FileFormat("npz", "npz", b"PK\x03\x04", (".npz",), open_npz),
    FileFormat("npy", "npy", b"\x93NUMPY", (".npy",), open_npy),
    FileFormat("parquet", "parquet", b"PAR1", (".parquet", ".pq"), open_parquet),
    FileFormat("root", "ROOT", b"root", (".root",), open_root),
    FileFormat("csv", "CSV", None, (".csv", ".csv.gz", ".tsv", ".txt"), open_csv),
)


def format_of(path: Path) -> FileFormat:
    """What a file is, by its first bytes; a text file is CSV.

    Raises `UserError` for a missing or empty file, a folder, a file whose name says one thing and whose first bytes another (it
    is damaged, or has the wrong name), and one of no kind that is read.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: a folder, and none in a layout that is recognised; name the files in it")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise UserError(f"{path}: the file is empty; copy it again")
    named = next((item for item in FORMATS if path.name.lower().endswith(item.endings)), None)
    found = next((item for item in FORMATS if item.magic and start.startswith(item.magic)), None)
    if found is None and (path.name.lower().endswith(".csv.gz") or (b"\0" not in start and (named is None or named.magic is None))):
        found = FORMATS[-1]
    if named is not None and named.magic is not None and found is None:
        raise UserError(
            f"{path}: no {named.title} file (it begins with {start[:8]!r}); the file is damaged or has the wrong name; copy it again"
        )
    if found is None:
        raise UserError(f"{path}: a kind of file that is not read; convert it to one of {', '.join(item.title for item in FORMATS)}")
    return found


def open_table(
    path: Path,
    table: str | Sequence[str] | None = None,
    *,
    format: FormatName | None = None,
    delimiter: str | None = None,
    header: bool = True,
) -> Table:
    """Open the table of a file; see `open_hdf5`, `open_npz`, ... for what `table` can be.

    Raises `UserError` for damaged files, unknown tables, and where `delimiter` or `header` are given for no CSV file.
    """
    path = Path(path)
    kind = format_of(path) if format is None else next(item for item in FORMATS if item.name == format)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if kind.name == "csv":
        by_ending = "\t" if path.name.endswith(".tsv") else ","
        return kind.open(path, table, delimiter=delimiter or by_ending, header=header)
    if delimiter is not None or not header:
        raise UserError(f"{path}: delimiter and header are for CSV files, and this is {kind.title}; leave them out")
    if table is not None and not isinstance(table, str) and kind.name != "root":
        raise UserError(f"{path}: several tables at once are for ROOT files; name one")
    return kind.open(path, table)
