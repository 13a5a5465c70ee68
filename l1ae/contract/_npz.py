"""Reading npz files that somebody else made: nothing is believed that the file says about itself, and nothing in it is executed."""

from pathlib import Path
from typing import Any

import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.files import DamagedError, read_arrays, unpacked_bytes

__all__ = ["read_npz"]

_MOST_BYTES = 64 << 20
"""Of all arrays together: no network that fits into an FPGA has as many weights."""


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The plain arrays in an npz file of at most 64 MiB, by name.

    Raises `UserError` for a file that is damaged, larger, or holds Python objects.
    """
    try:
        if (total := unpacked_bytes(path)) > _MOST_BYTES:
            raise UserError(f"'{path}' holds {total >> 20} MiB, more than {_MOST_BYTES >> 20}; leave out what the network does not use")
        return read_arrays(path)
    except (OSError, DamagedError) as error:
        raise UserError(f"'{path}' is no readable npz file of plain arrays ({error}); write it with numpy.savez") from error
