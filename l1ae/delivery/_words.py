"""Bit fields of hardware words, and words as hexadecimal text: what all test vectors share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError

__all__ = ["Codes", "Field", "Lines", "as_lines", "digits_of", "to_hex", "words_of"]

Codes = npt.NDArray[np.int64]
Lines = npt.NDArray[np.uint8]

_PAIRS = np.frombuffer(bytes.fromhex("".join(f"{ord(f'{byte:02x}'[0]):02x}{ord(f'{byte:02x}'[1]):02x}" for byte in range(256))), np.uint16)
_NO_DIGIT = 0xFF
_DIGITS = np.full(256, _NO_DIGIT, np.uint8)
for _value, _character in enumerate("0123456789abcdef"):
    _DIGITS[ord(_character)] = _DIGITS[ord(_character.upper())] = _value


@dataclass(frozen=True)
class Field:
    """Bits `low` to `low + width - 1` of a word. `signed`: two's complement.

    `charge`: codes -1, 0 and 1 instead, as two bits: whether it is negative, and above it whether it is known.
    """

    name: str
    low: int
    width: int
    signed: bool = False
    charge: bool = False

    @property
    def high(self) -> int:
        """The highest bit."""
        return self.low + self.width - 1

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest code."""
        if self.charge:
            return -1, 1
        return (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1) if self.signed else (0, (1 << self.width) - 1)

    def put(self, codes: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
        """Words that hold the codes, of any shape, and zeros elsewhere. The codes must lie within `range`."""
        codes = codes.astype(np.int64)
        bits = (codes != 0) * 2 + (codes < 0) if self.charge else codes & ((1 << self.width) - 1)
        return bits.astype(np.uint64) << np.uint64(self.low)

    def take(self, words: npt.NDArray[np.unsignedinteger[Any]]) -> Codes:
        """The codes that words of any shape hold."""
        bits = (words.astype(np.uint64) >> np.uint64(self.low) & np.uint64((1 << self.width) - 1)).astype(np.int64)
        if self.charge:
            return (bits >> 1) * (1 - 2 * (bits & 1))
        return bits - ((bits >> (self.width - 1)) << self.width) if self.signed else bits


def to_hex(words: npt.NDArray[np.unsignedinteger[Any]]) -> Lines:
    """(N, k) words of 8, 32 or 64 bits as characters (N, k x digits), lower case, highest digit first."""
    size = words.dtype.itemsize
    octets = np.ascontiguousarray(words.astype(words.dtype.newbyteorder(">"))).view(np.uint8).reshape(len(words), words.shape[1] * size)
    return _PAIRS[octets].view(np.uint8)


def digits_of(characters: Lines) -> Lines:
    """Values 0 to 15 of hexadecimal digits of any shape; 255 for any other character."""
    return _DIGITS[characters]


def words_of(digits: Lines, size: int) -> npt.NDArray[np.unsignedinteger[Any]]:
    """(N, k x 2 x size) digits as (N, k) words of `size` bytes, highest digit first."""
    octets = digits[:, 0::2] << np.uint8(4) | digits[:, 1::2]
    words = np.ascontiguousarray(octets).view(np.dtype(f">u{size}"))
    return words.astype(np.dtype(f"u{size}"))


def as_lines(content: bytes, template: bytes, where: str, free: npt.NDArray[np.intp]) -> Lines:
    """Lines (N, width) of a text whose lines all look like `template`, but for the columns `free`, which hold hexadecimal digits.

    Raises `UserError` with line and column of the first character that is none.
    """
    width = len(template)
    if not content or len(content) % width:
        short = content.find(b"\n") + 1
        raise UserError(f"{where}: {len(content)} bytes are not lines of {width} characters (the first has {short}); is this such a file?")
    lines = np.frombuffer(content, np.uint8).reshape(-1, width)
    fixed = np.ones(width, np.bool_)
    fixed[free] = False
    wrong = np.zeros(lines.shape, np.bool_)
    wrong[:, fixed] = lines[:, fixed] != np.frombuffer(template, np.uint8)[fixed]
    wrong[:, free] = digits_of(lines[:, free]) == _NO_DIGIT
    if wrong.any():
        line, column = (int(i) for i in np.argwhere(wrong)[0])
        kind = "a separator" if fixed[column] else "a hexadecimal digit"
        raise UserError(f"{where}: line {line + 1}, column {column + 1}: '{chr(lines[line, column])}' is not {kind}; write the file again")
    return lines
