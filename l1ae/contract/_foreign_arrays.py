"""The arrays of a description: read from its npz file, checked, and brought onto the grid of their types."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Description
from l1ae.contract._ops import IntArray
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

__all__ = ["Arrays"]

_MAX_FRACTION = 24


@dataclass(frozen=True)
class Arrays:
    """The arrays that a description at `path` refers to, by name; each `where` names the reader in errors."""

    path: Path
    weights_path: Path | None
    content: Mapping[str, npt.NDArray[Any]]

    @classmethod
    @contextmanager
    def open(cls, description: Description) -> Iterator["Arrays"]:
        """Open the npz file. On leaving without an error every array must have been read.

        Raises `UserError` when the file is missing or damaged.
        """
        content = _Once({} if description.weights is None else _read(description))
        yield cls(description.path, description.weights, content)
        unread = sorted(set(content) - content.read)
        if unread:
            raise UserError(f"{description.weights}: no layer of '{description.path}' uses the array '{unread[0]}'; remove it or use it")

    def _array(self, name: str, where: str) -> npt.NDArray[Any]:
        if self.weights_path is None:
            raise UserError(f"{self.path}: {where}: array '{name}' needs a file; name it with `weights: FILE.npz`")
        if name not in self.content:
            raise UserError(f"{self.path}: {where}: '{self.weights_path}' holds no array '{name}'; it holds {', '.join(self.content)}")
        return self.content[name]

    def integers(self, value: int | tuple[int, ...] | str, where: str, shape: tuple[int, ...] | None = None) -> IntArray:
        """Integers given in the description or in an array; one number stands for as many as `shape` says."""
        array = self._array(value, where) if isinstance(value, str) else np.asarray(value, np.int64)
        if not np.issubdtype(array.dtype, np.integer):
            raise UserError(f"{self.path}: {where}: array '{value}' must hold integers, not {array.dtype}")
        return self._shaped(np.full(shape, array) if array.ndim == 0 and shape else array, where, shape).astype(np.int64)

    def rows(self, value: tuple[tuple[int, ...] | str, ...] | str, where: str) -> tuple[tuple[int, ...], ...]:
        """Rows of integers of any length, given in the description or each in an array, or the rows of one array (rows, length)."""
        rows = self.integers(value, where) if isinstance(value, str) else value
        if not isinstance(rows, tuple) and rows.ndim != 2:
            raise UserError(f"{self.path}: {where}: array '{value}' must have shape (rows, length), not {rows.shape}")
        found = [self.integers(row, f"{where}[{k}]") if isinstance(row, tuple | str) else row for k, row in enumerate(rows)]
        for k, row in enumerate(found):
            if row.ndim != 1:
                raise UserError(f"{self.path}: {where}[{k}] must be a list of integers, not of shape {row.shape}")
        return tuple(tuple(row.tolist()) for row in found)

    def reals(self, value: float | tuple[float, ...] | str, where: str, shape: tuple[int, ...]) -> tuple[IntArray, int]:
        """Numbers given in the description or in an array, as integers in units of 2**-fraction, and the least fraction that holds them.

        Raises `UserError` naming the first that needs more than `_MAX_FRACTION` binary digits behind the point.
        """
        array = self._array(value, where) if isinstance(value, str) else np.asarray(value, np.float64)
        if array.dtype.kind not in "iuf":
            raise UserError(f"{self.path}: {where}: array '{value}' must hold real numbers, not {array.dtype}")
        numbers = self._shaped(np.full(shape, array) if array.ndim == 0 else array, where, shape).astype(np.float64)
        scaled = np.ldexp(numbers, _MAX_FRACTION)
        fits = np.isfinite(scaled) & (scaled == np.rint(scaled)) & (np.abs(numbers) < 2.0**31)
        if not fits.all():
            k = int(np.argmin(fits))
            raise UserError(
                f"{self.path}: {where}: number {k} is {numbers[k]:.17g}, which is no multiple of 2**-{_MAX_FRACTION} below 2**31; give the "
                "value that the firmware has, whose constants have a fixed-point type"
            )
        codes = scaled.astype(np.int64)
        spare = min([_MAX_FRACTION, *(_trailing_zeros(int(code)) for code in codes if code)])
        return codes >> spare, _MAX_FRACTION - spare

    def flags(self, value: tuple[bool, ...] | str, where: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """True and false, given in the description or in an array."""
        array = self._array(value, where) if isinstance(value, str) else np.asarray(value, np.bool_)
        if array.dtype != np.bool_:
            raise UserError(f"{self.path}: {where}: array '{value}' must hold true and false, not {array.dtype}")
        return self._shaped(array, where, shape)

    def _shaped(self, array: npt.NDArray[Any], where: str, shape: tuple[int, ...] | None) -> npt.NDArray[Any]:
        if shape is not None and array.shape != shape:
            raise UserError(f"{self.path}: {where} must have shape {shape}, not {array.shape}")
        return array

    def weights(self, name: str, form: FixedFormat, where: str) -> IntArray:
        """Codes of real weights. Raises `UserError` naming the first that `form` does not hold."""
        array = self._array(name, where)
        if array.dtype.kind not in "iuf":
            raise UserError(f"{self.path}: {where}: array '{name}' must hold real numbers, not {array.dtype}")
        if array.ndim == 0:
            raise UserError(f"{self.path}: {where}: array '{name}' is a single number; give it a shape")
        scaled = np.ldexp(array.astype(np.float64), form.fraction)
        on_grid = np.isfinite(scaled) & (scaled == np.rint(scaled))
        bad = np.argwhere(~on_grid | (scaled < form.low) | (scaled > form.high))
        if len(bad):
            place = tuple(int(k) for k in bad[0])
            problem = "lies outside" if on_grid[place] else "is no multiple of the LSB of"
            raise UserError(
                f"{self.path}: {where}: '{name}'{list(place)} = {array[place]:.17g} {problem} {form} "
                f"({form.low * form.lsb:g} to {form.high * form.lsb:g} in steps of {form.lsb:g}); "
                f"give the values that the firmware has, as real numbers, or their right type"
            )
        return scaled.astype(np.int64)


def _trailing_zeros(code: int) -> int:
    return (code & -code).bit_length() - 1


class _Once(dict[str, npt.NDArray[Any]]):
    """A dictionary that remembers what was read."""

    def __init__(self, content: Mapping[str, npt.NDArray[Any]]) -> None:
        super().__init__(content)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        self.read.add(name)
        return super().__getitem__(name)


def _read(description: Description) -> dict[str, npt.NDArray[Any]]:
    path = description.weights
    assert path is not None
    if not path.is_file():
        raise UserError(f"{description.path}: the weights '{path}' do not exist; the name is relative to the description")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' is no readable npz file of plain arrays ({error}); write it with numpy.savez") from error
