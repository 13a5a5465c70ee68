"""Fixed-point formats with the semantics of `ap_fixed` (Vitis HLS user guide UG1399, "Arbitrary Precision Fixed-Point")."""

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError

__all__ = ["FixedFormat", "Overflow", "Rounding"]

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


_PATTERN = re.compile(r"(?:ap_)?(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*(?:,\s*(?:AP_)?(\w+)\s*(?:,\s*(?:AP_)?(\w+)\s*)?)?(?:,\s*0\s*)?>")


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

    @classmethod
    def parse(cls, text: str) -> "FixedFormat":
        """Read `fixed<12,6,RND_CONV,SAT>`, `ufixed<18,14>` or the same with `ap_` and `AP_` prefixes.

        Raises `UserError` when `text` is no such format.
        """
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
        """Codes of real `values`, rounded and saturated (or wrapped) as this format says; float64 is exact here."""
        scaled = np.asarray(values, np.float64) * 2.0 ** (self.fraction + 20)
        return self.cast(np.floor(scaled).astype(np.int64), self.fraction + 20)


def _rescale(codes: IntArray, drop: npt.NDArray[np.integer], rounding: Rounding) -> IntArray:
    """Divide by 2**drop with rounding; a negative `drop` multiplies."""
    drop = np.broadcast_to(drop, np.broadcast_shapes(codes.shape, drop.shape)).astype(np.int64)
    grow = np.maximum(-drop, 0)
    largest = int(np.abs(codes).max(initial=0))
    if grow.size and largest and largest.bit_length() + int(grow.max()) > 62:
        raise OverflowError(f"aligning code {largest} by {int(grow.max())} bits does not fit into 63 bits")
    shift = np.minimum(np.maximum(drop, 0), 62)
    floor: IntArray = codes >> shift
    if rounding is Rounding.TRN:
        return np.asarray(floor << grow, np.int64)
    rest = codes - (floor << shift)
    half = (np.int64(1) << shift) >> 1
    tie = (rest == half) & (shift > 0)
    up = {
        Rounding.TRN_ZERO: (codes < 0) & (rest > 0),
        Rounding.RND: (rest >= half) & (shift > 0),
        Rounding.RND_ZERO: (rest > half) | tie & (codes < 0),
        Rounding.RND_MIN_INF: rest > half,
        Rounding.RND_INF: (rest > half) | tie & (codes >= 0),
        Rounding.RND_CONV: (rest > half) | tie & (floor & 1 == 1),
    }[rounding]
    return np.asarray((floor + up) << grow, np.int64)
