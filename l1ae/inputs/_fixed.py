"""Fixed-point formats with the semantics of `ap_fixed` (Vitis HLS user guide UG1399, "Arbitrary Precision Fixed-Point")."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.results import check_that

__all__ = ["FixedFormat", "FormatText", "Overflow", "Rounding"]

IntArray = npt.NDArray[np.int64]


class Rounding(StrEnum):
    """What happens to the bits below the LSB; the names are those of `ap_q_mode`."""

    TRN = "TRN"
    TRN_ZERO = "TRN_ZERO"
    RND = "RND"
    RND_ZERO = "RND_ZERO"
    RND_MIN_INF = "RND_MIN_INF"
    RND_INF = "RND_INF"
    RND_CONV = "RND_CONV"


class Overflow(StrEnum):
    """What happens to values outside the range; the names are those of `ap_o_mode`."""

    WRAP = "WRAP"
    SAT = "SAT"
    SAT_ZERO = "SAT_ZERO"
    SAT_SYM = "SAT_SYM"


# A last argument 0, which is the value of AP_SAT, says that no bits saturate when a code wraps.
_PATTERN = re.compile(
    r"(?:ap_)?(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*(?:,\s*(?:AP_)?(\w+)\s*(?:,\s*(?:AP_)?(\w+)\s*)?)?(?:,\s*(?:0|AP_SAT)\s*)?>"
)

# double precision holds every code of such a format, and every product of two
_MOST_INTEGER = 400

_INTEGER = re.compile(r"(?:ap_)?(u?)int<\s*(\d+)\s*>")


@dataclass(frozen=True)
class FixedFormat:
    """A fixed-point format: `code * 2**-fraction` with `width` bits, `integer` of them left of the point.

    `integer` counts the sign bit of a signed format, as `ap_fixed<width, integer>` does, and may be
    negative or larger than `width`.
    """

    signed: bool
    width: int
    integer: int
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 62:
            raise UserError(f"width must be 1 to 62 bits so that int64 holds every code, not {self.width}")
        if abs(self.integer) > _MOST_INTEGER:
            raise UserError(f"the bits left of the point must be -{_MOST_INTEGER} to {_MOST_INTEGER}, not {self.integer}; check the format")

    @classmethod
    def parse(cls, text: str) -> "FixedFormat":
        """Read `fixed<12,6,RND_CONV,SAT>`, `ufixed<18,14>` or the same with `ap_` and `AP_` prefixes; `ap_int<8>`, `ap_uint<8>`.

        Raises `UserError` when `text` is no such format.
        """
        if whole := _INTEGER.fullmatch(text.strip()):
            return cls(not whole[1], int(whole[2]), int(whole[2]))
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise UserError(f"'{text}' is no fixed-point format; write for example fixed<12,6,RND_CONV,SAT> or ufixed<18,14>")
        unsigned, width, integer, rounding, overflow = match.groups()
        try:
            return cls(not unsigned, int(width), int(integer), Rounding(rounding or "TRN"), Overflow(overflow or "WRAP"))
        except ValueError as error:
            modes = ", ".join([*Rounding, *Overflow])
            raise UserError(f"'{text}' names an unknown rounding or overflow mode; known are {modes}") from error

    @classmethod
    def covering(cls, low: int, high: int, fraction: int) -> "FixedFormat":
        """The narrowest format with `fraction` fractional bits that holds every code of [low, high]."""
        signed = low < 0
        bits = max(int(high).bit_length(), int(-low - 1).bit_length() if signed else 0)
        width = max(bits + signed, 1)
        return cls(signed, width, width - fraction)

    @property
    def fraction(self) -> int:
        """Number of bits right of the binary point; may be negative."""
        return self.width - self.integer

    @property
    def lsb(self) -> float:
        """Value of one code step."""
        return 2.0**-self.fraction

    @property
    def low(self) -> int:
        """Smallest code."""
        if not self.signed:
            return 0
        return -(1 << (self.width - 1)) + (self.overflow is Overflow.SAT_SYM)

    @property
    def high(self) -> int:
        """Largest code."""
        return (1 << (self.width - self.signed)) - 1

    def __str__(self) -> str:
        modes = "" if (self.rounding, self.overflow) == (Rounding.TRN, Overflow.WRAP) else f",{self.rounding},{self.overflow}"
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{modes}>"

    @property
    def cpp(self) -> str:
        """The C++ spelling of the HLS headers."""
        return f"ap_{'' if self.signed else 'u'}fixed<{self.width},{self.integer},AP_{self.rounding},AP_{self.overflow},0>"

    def cast(self, codes: npt.ArrayLike, fraction: int | IntArray) -> IntArray:
        """Convert codes with `fraction` fractional bits (a scalar, or one per element) into codes of this format.

        Exact for every input: rounds and then handles the overflow as the hardware does.
        Raises `OverflowError` when aligning the binary points would not fit into int64.
        """
        return self.bring_into_range(_rescale(np.asarray(codes, np.int64), np.asarray(fraction) - self.fraction, self.rounding))

    def bring_into_range(self, codes: IntArray) -> IntArray:
        """Apply the overflow mode to codes that already have this format's LSB."""
        if self.overflow is Overflow.WRAP:
            span = np.int64(1) << np.int64(self.width)
            wrapped: IntArray = ((codes - self.low) & (span - 1)) + self.low
            return wrapped
        if self.overflow is Overflow.SAT_ZERO:
            return np.where((codes < self.low) | (codes > self.high), 0, codes)
        return np.clip(codes, self.low, self.high)

    def quantize(self, values: npt.ArrayLike) -> IntArray:
        """Codes of real `values`, rounded and saturated (or wrapped) as this format says; exact for every float64.

        Infinities saturate. Raises `ValueError` for NaN, and for an infinity where the format wraps.
        """
        real = np.asarray(values, np.float64)
        wraps = self.overflow is Overflow.WRAP
        if np.isnan(real).any() or (wraps and np.isinf(real).any()):
            raise ValueError(f"NaN, or infinity in a format that wraps, has no code in {self}")
        # Neither touches a bit below the LSB of a value in range, and what is out of range stays so.
        bound = 2.0**self.integer
        scaled = np.ldexp(np.fmod(real, bound) if wraps else np.clip(real, -bound, bound), self.fraction)
        scaled = np.where((scaled == 0) & (real != 0) & (np.abs(real) < bound), np.copysign(0.25, real), scaled)  # underflow
        floor = np.floor(scaled)
        rest = np.where(scaled == floor, 0, np.where(scaled < floor + 0.5, 1, np.where(scaled == floor + 0.5, 2, 3)))
        codes = floor.astype(np.int64)
        return self.bring_into_range(codes + _rounds_up(codes, rest, np.int64(4), self.rounding))


def _rescale(codes: IntArray, drop: npt.NDArray[np.integer], rounding: Rounding) -> IntArray:
    """Divide by 2**drop with rounding; a negative `drop` multiplies."""
    drop = drop.astype(np.int64)
    grow = np.maximum(-drop, 0)
    if grow.any():
        _check_alignment(codes, grow)
    if (drop > 62).any():
        # int64 holds no unit above 2**62: drop the excess first and keep in the last bit whether anything was lost.
        excess = np.clip(drop - 62, 0, 63)
        kept = codes >> excess
        codes = kept | (kept << excess != codes)
    shift = np.clip(drop, 0, 62)
    floor = codes >> shift
    if rounding is not Rounding.TRN:
        floor = floor + _rounds_up(floor, codes - (floor << shift), np.int64(1) << shift, rounding)
    return np.asarray(floor << grow, np.int64)


def _rounds_up(floor: IntArray, rest: IntArray, unit: IntArray | np.int64, rounding: Rounding) -> npt.NDArray[np.bool_]:
    """Whether `floor + rest / unit`, 0 <= rest < unit <= 2**62, is rounded to `floor + 1` rather than to `floor`."""
    over, tie = 2 * rest > unit, 2 * rest == unit
    match rounding:
        case Rounding.TRN:
            up = np.zeros_like(tie)
        case Rounding.TRN_ZERO:
            up = (floor < 0) & (rest > 0)
        case Rounding.RND:
            up = over | tie
        case Rounding.RND_ZERO:
            up = over | tie & (floor < 0)
        case Rounding.RND_MIN_INF:
            up = over
        case Rounding.RND_INF:
            up = over | tie & (floor >= 0)
        case Rounding.RND_CONV:
            up = over | tie & (floor & 1 == 1)
    return np.asarray(up, np.bool_)


def _check_alignment(codes: IntArray, grow: IntArray) -> None:
    int64 = np.iinfo(np.int64)
    shift = np.minimum(grow, 63)
    bad = (codes > int64.max >> shift) | (codes < int64.min >> shift) | ((grow > 63) & (codes != 0))
    if bad.any():
        first = np.flatnonzero(bad)[0]
        codes, grow = np.broadcast_arrays(codes, grow)
        raise OverflowError(f"aligning code {codes.flat[first]} by {grow.flat[first]} bits does not fit into int64")


FormatText = Annotated[str, check_that(FixedFormat.parse, "is no fixed-point format")]
"""A format as `FixedFormat.parse` reads it."""
