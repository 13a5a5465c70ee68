"""Test-vector files of the uGT: one orbit of crossings, one line each, with the bits that the trigger must answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.agreement import contract_answers
from l1ae.contract import Contract
from l1ae.delivery._source import Provenance
from l1ae.delivery._ugt_objects import KINDS, Objects, layout_of, pack, unpack
from l1ae.delivery._words import Codes, Lines, as_lines, digits_of, to_hex, words_of
from l1ae.errors import UserError

__all__ = [
    "ALGORITHMS",
    "ORBIT",
    "Crossings",
    "Difference",
    "Filling",
    "Orbit",
    "WorkingPoint",
    "compare_orbit",
    "orbits",
    "read_orbit",
    "read_scores",
    "working_points",
    "write_orbit",
    "write_scores",
]

ORBIT = 3564  # crossings
ALGORITHMS = 512
_SPARE, _EXTERNAL = 6, 256  # words, bits

# (what, words of a line, hexadecimal digits of a word)
_LAYOUT = (
    ("index", 1, 4),
    *((kind.name, kind.count, kind.bits // 4) for kind in KINDS),
    ("spare", _SPARE, 8),
    ("external", 1, _EXTERNAL // 4),
    ("algorithms", 1, ALGORITHMS // 4),
    ("final_or", 1, 1),
)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WorkingPoint:
    """Algorithm `bit` is 1 where the score is at least `threshold`."""

    bit: int
    name: str
    threshold: int


def working_points(contract: Contract, given: Mapping[str, Any] | None) -> tuple[WorkingPoint, ...]:
    """The working points that have a threshold, on bits 0, 1, ... in their order; else the contract's threshold on bit 0.

    `given`: the content of working_points.json. Raises `UserError` when there are more than algorithm bits.
    """
    found = [(point["name"], point["threshold"]) for point in (given or {}).get("working_points", ()) if point["threshold"] is not None]
    if len(found) > ALGORITHMS:
        raise UserError(f"{len(found)} working points do not fit into {ALGORITHMS} algorithm bits; ask for fewer rates in trigger.rates")
    return tuple(WorkingPoint(bit, *point) for bit, point in enumerate(found or [("default", contract.threshold)]))


@dataclass(frozen=True)
class Filling:
    """Which crossings of an orbit hold collisions.

    `colliding` of them, in trains of `train` at equal distances, none in the last `abort_gap`. More than fit into trains
    follow each other from crossing 0 on. The default has as many as the LHC in 2024 but no filling scheme of it: 53 trains
    of 48, each followed by 17 empty crossings, then the abort gap.
    """

    crossings: int = ORBIT
    colliding: int = 2544
    train: int = 48
    abort_gap: int = 119

    def __post_init__(self) -> None:
        if not 1 <= self.colliding <= self.crossings <= 9999:
            raise UserError(
                f"{self.colliding} colliding of {self.crossings} crossings: the first must be 1 to the second, this at most 9999"
            )

    @cached_property
    def pattern(self) -> Flags:
        """(crossings,)."""
        trains = -(-self.colliding // self.train)
        period = (self.crossings - self.abort_gap) // trains
        crossing = np.arange(self.crossings)
        candidates = (
            (crossing % period < self.train) & (crossing < trains * period) if period >= self.train else np.ones(self.crossings, np.bool_)
        )
        return candidates & (np.cumsum(candidates) <= self.colliding)


@dataclass(frozen=True, eq=False)
class Crossings:
    """What one file holds of N crossings.

    `index` (N,), `objects`, `spare` (N, 6) words, `external` (N, 256), `algorithms` (N, 512), `final_or` (N,).
    """

    index: Codes
    objects: Objects
    spare: npt.NDArray[np.uint32]
    external: Flags
    algorithms: Flags
    final_or: Flags


@dataclass(frozen=True)
class _Line:
    """Columns of a line; `free` hold digits."""

    template: bytes
    columns: Mapping[str, slice]
    free: npt.NDArray[np.intp]

    @classmethod
    def of(cls, layout: Sequence[tuple[str, int, int]]) -> "_Line":
        text, columns, position = "", {}, 0
        for name, words, digits in layout:
            text += ("0" * digits + " ") * words
            columns[name] = slice(position, position + words * digits)
            position += words * digits
        template = (text[:-1] + "\n").encode()
        return cls(template, columns, np.flatnonzero(np.frombuffer(template, np.uint8) == ord("0")))

    def write(self, digits: Mapping[str, Lines]) -> bytes:
        """Text of the digits (N, columns) of every part."""
        count = len(digits["index"])
        lines = np.empty((count, len(self.template)), np.uint8)
        lines[:] = np.frombuffer(self.template, np.uint8)
        lines[:, self.free] = np.concatenate([digits[name] for name in self.columns], axis=1)
        return lines.tobytes()

    def read(self, content: bytes, where: str) -> dict[str, Lines]:
        """Values 0 to 15 of the digits of every part. Raises `UserError` for another layout."""
        lines = as_lines(content, self.template, where, self.free)
        digits = digits_of(lines[:, self.free])
        return {name: digits[:, columns] for name, columns in self.columns.items()}


_LINE = _Line.of(_LAYOUT)


def _decimal(index: Codes) -> Lines:
    """(N, 4) decimal digits as characters."""
    return (index[:, None] // np.array([1000, 100, 10, 1]) % 10 + ord("0")).astype(np.uint8)


def _index(digits: Lines, where: str) -> Codes:
    if (digits > 9).any():
        raise UserError(
            f"{where}: line {int(np.argwhere(digits > 9)[0, 0]) + 1}: the crossing is not a decimal number; write the file again"
        )
    return digits.astype(np.int64) @ np.array([1000, 100, 10, 1])


def _bits_to_hex(bits: Flags) -> Lines:
    """(N, n) bits, bit 0 first, as characters, bit 0 last."""
    return to_hex(np.packbits(bits[:, ::-1], axis=1))


def _hex_to_bits(digits: Lines) -> Flags:
    return np.unpackbits(words_of(digits, 1).astype(np.uint8), axis=1)[:, ::-1].astype(np.bool_)


def write_orbit(crossings: Crossings) -> bytes:
    """The text of a file, one line per crossing."""
    objects = {kind.name: to_hex(crossings.objects.of(kind.name)) for kind in KINDS}
    return _LINE.write(
        objects
        | {
            "index": _decimal(crossings.index),
            "spare": to_hex(crossings.spare),
            "external": _bits_to_hex(crossings.external),
            "algorithms": _bits_to_hex(crossings.algorithms),
            "final_or": (crossings.final_or[:, None] + np.uint8(ord("0"))).astype(np.uint8),
        }
    )


def read_orbit(content: bytes, where: str = "test vectors") -> Crossings:
    """What a file holds. Raises `UserError` naming `where`, line and column for another format."""
    digits = _LINE.read(content, where)
    objects = Objects(**{kind.name: words_of(digits[kind.name], kind.bits // 8) for kind in KINDS})
    final_or = digits["final_or"][:, 0]
    if (final_or > 1).any():
        raise UserError(f"{where}: line {int(np.argmax(final_or > 1)) + 1}: the final OR is neither 0 nor 1; write the file again")
    return Crossings(
        index=_index(digits["index"], where),
        objects=objects,
        spare=words_of(digits["spare"], 4).astype(np.uint32),
        external=_hex_to_bits(digits["external"]),
        algorithms=_hex_to_bits(digits["algorithms"]),
        final_or=final_or == 1,
    )


def _score_line(contract: Contract) -> _Line:
    return _Line.of((("index", 1, 4), ("score", 1, -(-contract.score.format.width // 4))))


def write_scores(contract: Contract, index: Codes, scores: Codes) -> bytes:
    """The sidecar: two lines of comment, then crossing and score code (hexadecimal, two's complement) of each line of the vector file."""
    width = contract.score.format.width
    words = (scores & ((1 << width) - 1)).astype(np.uint64)[:, None]
    line = _score_line(contract)
    digits = line.columns["score"].stop - line.columns["score"].start
    header = Provenance.of(contract).header("#", "expected score of each crossing")
    return header.encode() + line.write({"index": _decimal(index), "score": to_hex(words)[:, -digits:]})


def read_scores(contract: Contract, content: bytes, where: str = "scores") -> tuple[Codes, Codes]:
    """Crossings and score codes, both (N,). Raises `UserError` for another format."""
    _, _, body = content.partition(b"\n")
    if not content.startswith(b"#") or not body.startswith(b"#"):
        raise UserError(f"{where}: the first two lines must be comments that say whose scores these are; write the file again")
    digits = _score_line(contract).read(body.partition(b"\n")[2], where)
    form = contract.score.format
    padded = np.zeros((len(digits["score"]), 16), np.uint8)
    padded[:, 16 - digits["score"].shape[1] :] = digits["score"]
    codes = words_of(padded, 8)[:, 0].astype(np.int64)
    if form.signed:
        codes -= (codes >> (form.width - 1)) << form.width
    return _index(digits["index"], where), codes


@dataclass(frozen=True)
class Orbit:
    """Two files: the test vectors, and the scores that they have no room for. `events`: how many of them are collisions."""

    vectors: bytes
    scores: bytes
    events: int


def _answers(contract: Contract, events: npt.NDArray[np.integer], points: Sequence[WorkingPoint]) -> tuple[Codes, Flags]:
    """Scores (N,) and algorithm bits (N, 512)."""
    scores, _ = contract_answers(contract, events)
    bits = np.zeros((len(events), ALGORITHMS), np.bool_)
    for point in points:
        bits[:, point.bit] = scores >= point.threshold
    return scores, bits


def orbits(
    contract: Contract, events: npt.NDArray[np.integer], points: Sequence[WorkingPoint], filling: Filling | None = None
) -> Iterator[Orbit]:
    """Files for events (N, size) of the contract's layout, in their order, one orbit after the other; the last one ends in empty crossings.

    The trigger answers an empty crossing as well: its bits are what the contract says about an event of zeros.
    Raises `UserError` for events outside the scales, and for a layout that has no place in the trigger's words.
    """
    layout = layout_of(contract.layout)
    filling = filling or Filling()
    where = np.flatnonzero(filling.pattern)
    index = np.arange(filling.crossings)
    for start in range(0, len(events), len(where)):
        part = events[start : start + len(where)]
        filled = np.zeros((filling.crossings, events.shape[1]), np.int64)
        filled[where[: len(part)]] = part
        scores, bits = _answers(contract, filled, points)
        crossings = Crossings(
            index=index,
            objects=pack(filled, layout),
            spare=np.zeros((filling.crossings, _SPARE), np.uint32),
            external=np.zeros((filling.crossings, _EXTERNAL), np.bool_),
            algorithms=bits,
            final_or=np.any(bits, axis=1),
        )
        yield Orbit(write_orbit(crossings), write_scores(contract, index, scores), len(part))


@dataclass(frozen=True, eq=False)
class Difference:
    """In how many crossings of one orbit bits, final OR or score are not the contract's.

    `wrong` (crossings,): where any of the three is not. `first`: the number of the first such crossing. `events`
    (crossings, size): the objects that were read.
    """

    bits: int
    final_or: int
    scores: int
    first: int | None
    wrong: Flags
    events: Codes

    @property
    def crossings(self) -> int:
        """How many were compared."""
        return len(self.wrong)

    @property
    def differing(self) -> int:
        """Crossings in which any of the three differs."""
        return int(self.wrong.sum())


def compare_orbit(
    contract: Contract, points: Sequence[WorkingPoint], vectors: bytes, scores: bytes, where: str = "test vectors"
) -> Difference:
    """Read two files and compare what they say with what the contract answers to the objects in them.

    Raises `UserError` when a file cannot be read, when the two are not of the same crossings or do not count them from 0, or
    when writing what was read gives other bytes.
    """
    crossings = read_orbit(vectors, where)
    index, written = read_scores(contract, scores, f"scores of {where}")
    if not np.array_equal(index, crossings.index):
        raise UserError(f"{where}: its crossings are not those of the file of scores; deliver both again")
    if not np.array_equal(index, np.arange(len(index))):
        raise UserError(f"{where}: its crossings are not numbered from 0 without a gap, so some are missing; deliver both again")
    if write_orbit(crossings) != vectors.lower():
        raise UserError(f"{where}: written again, it is another file; deliver it again")
    events = unpack(crossings.objects, layout_of(contract.layout))
    expected, bits = _answers(contract, events, points)
    wrong = (crossings.algorithms != bits).any(axis=1), crossings.final_or != bits.any(axis=1), written != expected
    anywhere = np.asarray(np.any(wrong, axis=0))
    first = int(crossings.index[np.argmax(anywhere)]) if anywhere.any() else None
    bits_wrong, final_or_wrong, scores_wrong = (int(part.sum()) for part in wrong)
    return Difference(bits_wrong, final_or_wrong, scores_wrong, first, anywhere, events)
