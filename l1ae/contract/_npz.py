"""Reading npz files that somebody else made: nothing is believed that the file says about itself, and nothing in it is executed."""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from l1ae.errors import UserError

__all__ = ["read_npz"]

_MOST_BYTES = 64 << 20
"""Of all arrays together: no network that fits into an FPGA has as many weights."""

_WRONG = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    RecursionError,
    MemoryError,
    RuntimeError,  # encrypted, or compressed in a way that nobody knows
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The plain arrays in an npz file of at most 64 MiB, by name.

    Raises `UserError` for a file that is damaged, larger, or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            if (total := sum(member.file_size for member in members)) > _MOST_BYTES:
                raise UserError(f"'{path}' holds {total >> 20} MiB, more than {_MOST_BYTES >> 20}; leave out what the network does not use")
            return {member.filename.removesuffix(".npy"): _array(file, member) for member in members}
    except _WRONG as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"'{path}' is no readable npz file of plain arrays ({reason}); write it with numpy.savez") from error


def _array(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with file.open(member) as stream:
        content = stream.read(member.file_size + 1)
        if stream.read(1) or len(content) != member.file_size:
            raise ValueError(f"{member.filename} is not as long as the file says")
    reader = io.BytesIO(content)
    shape, dtype = _header(reader)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds Python objects")
    if dtype.itemsize * math.prod(shape) != len(content) - reader.tell():
        raise ValueError(f"{member.filename} says shape {shape}, and holds {len(content) - reader.tell()} bytes")
    reader.seek(0)
    array: npt.NDArray[Any] = npy.read_array(reader, allow_pickle=False)
    return array


def _header(reader: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(reader)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"version {version[0]}.{version[1]} of the npy format")
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(reader)
    return shape, dtype
