"""Arrays in files of numpy that somebody else may have written: nothing is allocated before the file is known to hold it."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from l1ae.files._read import DamagedError

__all__ = ["array_header", "array_names", "read_arrays", "unpacked_bytes"]

_Array = npt.NDArray[Any]

# what zipfile, its decompressors and numpy's parser of headers raise
_ERRORS = (
    *(OSError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError, NotImplementedError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, SyntaxError, TokenError),
)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except DamagedError:
        raise
    except _ERRORS as error:
        raise DamagedError(" ".join(str(error).split())[:300] or type(error).__name__) from error


def array_header(stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and type of an array in numpy's format of `size` bytes; the stream stands at the data afterwards.

    Raises `DamagedError` for what is no such header, and for one whose array is larger than the file.
    """
    with _damage():
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        if min(shape, default=0) < 0:
            raise DamagedError(f"an array cannot have the shape {shape}")
        wanted, there = prod(shape) * dtype.itemsize, size - stream.tell()
        if not dtype.hasobject and wanted > there:
            raise DamagedError(f"an array of shape {shape} has {wanted} bytes, and there are {there}")
        return shape, fortran, dtype


def array_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays in a npz file. Raises `DamagedError` where it is none, `OSError` where it cannot be opened."""
    with path.open("rb") as file, _damage(), zipfile.ZipFile(file) as archive:
        return tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))


def unpacked_bytes(path: Path) -> int:
    """Of all members of a npz file together, as it says: reading stops there. Raises as `array_names` does."""
    with path.open("rb") as file, _damage(), zipfile.ZipFile(file) as archive:
        return sum(member.file_size for member in archive.infolist())


def read_arrays(path: Path, names: Sequence[str] | None = None) -> dict[str, _Array]:
    """The arrays of a npz file, or the named ones. Pickled objects are never loaded.

    Raises `DamagedError` where it is none, or one is missing or not whole, `OSError` where it cannot be opened.
    """
    wanted = array_names(path) if names is None else names
    with path.open("rb") as file, _damage(), zipfile.ZipFile(file) as archive:
        return {name: _array(archive, name) for name in wanted}


def _array(archive: zipfile.ZipFile, name: str) -> _Array:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        shape, fortran, dtype = array_header(member, info.file_size)
        if dtype.hasobject:
            raise DamagedError(f"array '{name}' holds objects, not numbers")
        size = prod(shape) * dtype.itemsize
        content = member.read()
    if len(content) != size:
        raise DamagedError(f"array '{name}' has {len(content)} bytes instead of {size}")
    flat = np.frombuffer(bytearray(content), dtype) if size else np.zeros(prod(shape), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")
