"""Casts of codes that are held as floats: rounding and overflow in place, where the float type loses no bit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["LIMITS", "FloatCast", "float_cast", "number_type", "round_in_place", "wrap_in_place"]

Array = npt.NDArray[Any]

LIMITS: dict[np.dtype[Any], int] = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}

_FAST_ROUNDING = {Rounding.RND_CONV, Rounding.RND, Rounding.TRN}


def number_type(largest: int) -> np.dtype[Any]:
    """The fastest number type in which all integers up to `largest` in magnitude, and their sums, are exact."""
    for dtype, limit in LIMITS.items():
        if largest < limit:
            return dtype
    return np.dtype(np.int64)


@dataclass(frozen=True)
class FloatCast:
    """The cast of codes that were scaled to the LSB of `form` already, which never loses a bit of a float.

    `rounds` and `overflows` say whether any code can change; `positive` is a ReLU before the cast.
    """

    form: FixedFormat
    rounds: bool
    overflows: bool
    positive: bool

    def __call__(self, codes: Array) -> None:
        """Cast in place."""
        if self.rounds:
            round_in_place(codes, self.form.rounding)
        if self.overflows and self.form.overflow is not Overflow.WRAP:
            np.clip(codes, max(self.form.low, 0) if self.positive else self.form.low, self.form.high, out=codes)
            return
        if self.positive:
            np.maximum(codes, 0, out=codes)
        if self.overflows:
            wrap_in_place(codes, self.form)


def float_cast(form: FixedFormat, drop: int, largest: int, dtype: np.dtype[Any], *, positive: bool = False) -> FloatCast | None:
    """The cast of codes up to `largest` in magnitude with `drop` bits below the LSB of `form`.

    None where `dtype` is no float, or loses a bit: at the codes' own LSB they must leave room for the half unit that RND
    adds and for the turn that a wrap subtracts.
    """
    if dtype not in LIMITS or form.rounding not in _FAST_ROUNDING or form.overflow is Overflow.SAT_ZERO:
        return None
    unit = 1 << max(drop, 0)
    reach = (largest << max(-drop, 0)) // unit + 1
    overflows = reach > form.high or (not positive and -reach < form.low)
    turn = 1 << form.width if overflows and form.overflow is Overflow.WRAP else 0
    exact = (reach + turn + 1) * unit < LIMITS[dtype]
    return FloatCast(form, drop > 0, overflows, positive) if exact else None


def round_in_place(codes: Array, rounding: Rounding) -> None:
    """Round half to even, half up, or down; the other modes have no fast way."""
    if rounding is Rounding.RND_CONV:
        np.rint(codes, out=codes)
        return
    if rounding is Rounding.RND:
        codes += codes.dtype.type(0.5)
    np.floor(codes, out=codes)


def wrap_in_place(codes: Array, form: FixedFormat) -> None:
    """Subtract the multiple of 2**width that brings each code into the range of `form`."""
    number, span = codes.dtype.type, 2.0**form.width
    low = -(2.0 ** (form.width - 1)) if form.signed else 0.0
    turns = codes - number(low)
    turns *= number(1 / span)
    np.floor(turns, out=turns)
    turns *= number(span)
    codes -= turns
