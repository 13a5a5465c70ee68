"""The arrays of a description: read from its npz file, checked, and brought onto the grid of their types."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Description
from l1ae.contract._npz import read_npz
from l1ae.contract._ops import IntArray
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Overflow

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
        if array.size and not -(1 << 61) < int(array.min()) <= int(array.max()) < 1 << 61:
            raise UserError(f"{self.path}: {where}: array '{value}' holds integers beyond 61 bits; no code has as many")
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

    def reals(
        self, value: float | tuple[float, ...] | str, where: str, shape: tuple[int, ...], form: FixedFormat | None = None
    ) -> tuple[IntArray, int]:
        """Numbers given in the description or in an array, as integers in units of 2**-fraction, and the least fraction that holds them.

        With `form` they are rounded to it, and `fraction` is its own. Raises `UserError` naming the first that it does not hold, or
        without it the first that needs more than `_MAX_FRACTION` binary digits behind the point.
        """
        array = self._real_array(value, where) if isinstance(value, str) else np.asarray(value, np.float64)
        numbers = self._shaped(np.full(shape, array) if array.ndim == 0 else array, where, shape).astype(np.float64)
        if form is not None:
            return self.codes(numbers, form, where, rounds=True) << max(-form.fraction, 0), max(form.fraction, 0)
        with np.errstate(over="ignore"):
            scaled = np.ldexp(numbers, _MAX_FRACTION)
        fits = np.isfinite(scaled) & (scaled == np.rint(scaled)) & (np.abs(numbers) < 2.0**31)
        if not fits.all():
            k = int(np.argmin(fits))
            raise UserError(
                f"{self.path}: {where}: number {k} is {numbers[k]:.17g}, which is no multiple of 2**-{_MAX_FRACTION} below 2**31; give the "
                "value that the firmware has, whose constants have a fixed-point type, or that type as offset_type"
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

    def _real_array(self, name: str, where: str) -> npt.NDArray[Any]:
        array = self._array(name, where)
        if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
            raise UserError(f"{self.path}: {where}: array '{name}' must hold real numbers, not {array.dtype}; 64 bits at most")
        if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) > 1 << 53:
            raise UserError(f"{self.path}: {where}: array '{name}' holds integers beyond 2**53; no weight is as large")
        return array.astype(np.float64)

    def numbers(self, name: str, where: str) -> npt.NDArray[np.float64]:
        """An array of finite real numbers with a shape."""
        array = self._real_array(name, where)
        if array.ndim == 0:
            raise UserError(f"{self.path}: {where}: array '{name}' is a single number; give it a shape")
        if not (finite := np.isfinite(array)).all():
            place = [int(k) for k in np.argwhere(~finite)[0]]
            raise UserError(
                f"{self.path}: {where}: '{name}'{place} = {array[tuple(place)]} is no number; give the value that the firmware has"
            )
        return array

    def weights(self, name: str, form: FixedFormat, where: str, *, rounds: bool = False) -> IntArray:
        """Codes of real weights, as `codes` makes them."""
        return self.codes(self.numbers(name, where), form, f"{where}: '{name}'", rounds=rounds)

    def codes(self, numbers: npt.NDArray[np.float64], form: FixedFormat, where: str, *, rounds: bool) -> IntArray:
        """Codes of finite real numbers; with `rounds` those between two codes are rounded as `form` says.

        Raises `UserError` naming the first that `form` does not hold.
        """
        # what lies far outside would have more bits than a float has
        within = np.clip(numbers, -(2.0 ** (form.integer + 1)), 2.0 ** (form.integer + 1))
        scaled = np.ldexp(within, form.fraction)
        spare = min(2, 62 - form.width)
        codes = replace(form, width=form.width + spare, integer=form.integer + spare, signed=True, overflow=Overflow.SAT).quantize(within)
        outside = (codes < form.low) | (codes > form.high) | (scaled <= form.low - 1) | (scaled >= form.high + 1)
        bad = np.argwhere(outside | (scaled != np.rint(scaled)) & (not rounds))
        if len(bad):
            place = tuple(int(k) for k in bad[0])
            problem = "lies outside" if outside[place] else "is no multiple of the LSB of"
            remedy = "" if outside[place] else ", or round them to it with `round_weights: true`"
            raise UserError(
                f"{self.path}: {where}{list(place)} = {numbers[place]:.17g} {problem} {form} "
                f"({form.low * form.lsb:g} to {form.high * form.lsb:g} in steps of {form.lsb:g}); "
                f"give the values that the firmware has, as real numbers, or their right type{remedy}"
            )
        return codes


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
    try:
        exists = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        exists = False
    if not exists:
        raise UserError(f"{description.path}: the weights '{path}' do not exist; the name is relative to the description")
    return read_npz(path)
