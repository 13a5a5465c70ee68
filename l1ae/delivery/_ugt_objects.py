"""Objects as the CMS global trigger (uGT, Run 3) receives them: bits of each word, and which of them the network reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from l1ae.delivery._words import Codes, Field
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout

__all__ = ["KINDS", "SUMS", "Kind", "Objects", "Wire", "layout_of", "pack", "unpack", "wires"]

Fields = tuple[Field, ...]


@dataclass(frozen=True)
class Kind:
    """`count` words of `bits` bits. `fields`: all that is known of a word, lowest bit first; other bits are 0.

    `others`: the fields of words that differ, by number.
    """

    name: str
    count: int
    bits: int
    fields: Fields
    others: Mapping[int, Fields] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Field:
        return next(item for item in self.fields if item.name == name)

    def fields_of(self, word: int) -> Fields:
        """The fields of a word."""
        return self.others.get(word, self.fields)


def _fields(*widths: tuple[str, int]) -> Fields:
    """Fields one above the other; angles named eta are signed, a charge is a sign and a bit that says whether it is known."""
    ends = np.cumsum([0, *(width for _, width in widths)]).tolist()
    return tuple(
        Field(name, low, high - low, signed=name.startswith("eta") or name == "charge", charge=name == "charge")
        for (name, _), (low, high) in zip(widths, pairwise(ends), strict=True)
    )


# Positions: gtl_pkg of the public uGT firmware (cms-l1-globaltrigger/mp7_ugt_legacy) and the test-vector writer of CMSSW
# (L1Trigger/L1TGlobal/plugins/GtRecordDump.cc). Angles of muons are those extrapolated to the vertex; bits 53 to 60 were
# eta at the stations until the unconstrained pT replaced it in Run 3.
_MUON = _fields(
    ("phi", 10), ("pt", 9), ("quality", 4), ("eta", 9), ("isolation", 2), ("charge", 2), ("index", 7), ("phi_station", 10),
    ("pt_unconstrained", 8), ("unused", 1), ("impact", 2),
)  # fmt: skip
_CALO = _fields(("pt", 9), ("eta", 8), ("phi", 8), ("isolation", 2))
_JET = _fields(("pt", 11), ("eta", 8), ("phi", 8), ("quality", 1))
_SUM = _fields(("pt", 12), ("phi", 8))
_ETT, _HTT = _fields(("pt", 12), ("pt_em", 12)), _fields(("pt", 12), ("tower_count", 13))

# In the order of a line of a test-vector file.
KINDS = (
    Kind("muons", 8, 64, _MUON),
    Kind("egammas", 12, 32, _CALO),
    Kind("taus", 12, 32, _CALO),
    Kind("jets", 12, 32, _JET),
    Kind("sums", 6, 32, _SUM, {0: _ETT, 1: _HTT}),
)
_BY_NAME = {kind.name: kind for kind in KINDS}

# Names of the energy sums in their order.
SUMS = ("ett", "htt", "etm", "htm", "etmhf", "htmhf")


@dataclass(frozen=True, eq=False)
class Objects:
    """Words of N crossings: muons (N, 8) uint64; egammas, taus and jets (N, 12) and sums (N, 6) uint32."""

    muons: npt.NDArray[np.uint64]
    egammas: npt.NDArray[np.uint32]
    taus: npt.NDArray[np.uint32]
    jets: npt.NDArray[np.uint32]
    sums: npt.NDArray[np.uint32]

    @classmethod
    def empty(cls, crossings: int) -> "Objects":
        """All words 0."""
        return cls(**{kind.name: np.zeros((crossings, kind.count), f"u{kind.bits // 8}") for kind in KINDS})

    def of(self, kind: str) -> npt.NDArray[np.unsignedinteger]:
        """The words of one kind."""
        return getattr(self, kind)

    def same(self, other: "Objects") -> bool:
        """Whether all words are equal."""
        return all(np.array_equal(self.of(field.name), other.of(field.name)) for field in fields(self))


@dataclass(frozen=True)
class Wire:
    """Network input number `input` is `field` of word `word` of a kind."""

    input: int
    name: str
    kind: str
    word: int
    field: Field


def layout_of(layout: Layout | None) -> Layout:
    """The layout, which must have a place in the trigger's words for every column. Raises `UserError` saying what has none."""
    if layout is None:
        raise UserError(
            "nobody said what this network's inputs are, so none has a place in the words of the global trigger; name their layout "
            "(hardware.layout of the description), or deliver with --target emp, which takes any inputs in their order"
        )
    wires(layout)
    return layout


@lru_cache(maxsize=16)
def wires(layout: Layout) -> tuple[Wire, ...]:
    """All columns that the hardware has, in their order.

    Raises `UserError` naming group, column and remedy for one that is no field of a word of the global trigger, and for two
    columns in one place.
    """
    found: dict[tuple[str, int, int], str] = {}
    result = []
    for column in layout.columns:
        if column.feature.absent:
            continue
        kind, word = _word_of(column.group, column.slot, layout)
        where = kind.name, word, _bit_of(column.feature, column.group, layout)
        if where in found:
            raise _no_place(layout, column.group, column.feature, f"has the bits of {found[where]}; read each number once")
        found[where] = column.name
        result.append(Wire(column.number, column.name, kind.name, word, _field_at(kind, word, column.feature, column.group, layout)))
    return tuple(result)


_INSTEAD = "or deliver with --target emp, which takes any inputs in their order"


def _no_place(layout: Layout, group: Group, feature: Feature | None, problem: str) -> UserError:
    what = f"group '{group.name}'" + ("" if feature is None else f", column '{feature.name}'")
    return UserError(f"--target ugt: {what} of layout '{layout.name}' {problem}; {_INSTEAD}")


def _word_of(group: Group, slot: int, layout: Layout) -> tuple[Kind, int]:
    if group.word not in _BY_NAME:
        missing = "has no word of the global trigger" if group.word is None else f"has the word '{group.word}', which is none of its words"
        raise _no_place(layout, group, None, f"{missing}; give it `word`, one of {', '.join(_BY_NAME)}, and `bit` to its features")
    kind = _BY_NAME[group.word]
    if group.first_word + slot >= kind.count:
        raise _no_place(
            layout,
            group,
            None,
            f"has slots up to word {group.first_word + group.slots - 1}, but there are {kind.count} {kind.name}; take fewer slots",
        )
    return kind, group.first_word + slot


def _bit_of(feature: Feature, group: Group, layout: Layout) -> int:
    if feature.bit is None:
        remedy = "leave it out with inputs.select: {features: [...]}, or use a layout whose columns all have a bit, as `ugt` has"
        vertex = " (of muons: their angles at the vertex, sources muonIEtaAtVtx and muonIPhiAtVtx)" if group.word == "muons" else ""
        raise _no_place(layout, group, feature, f"has no bit in the words of the global trigger; {remedy}{vertex}")
    return feature.bit


def _field_at(kind: Kind, word: int, feature: Feature, group: Group, layout: Layout) -> Field:
    """The field of the hardware that a feature is."""
    known = kind.fields_of(word)
    found = next((item for item in known if item.low == feature.bit), None)
    if found is None or (found.width, found.signed) != (feature.bits, feature.signed):
        mine = f"{feature.bits} bits from bit {feature.bit} on{', with sign' if feature.signed else ''}"
        there = ", ".join(f"{item.name} ({item.width} from {item.low} on{', with sign' if item.signed else ''})" for item in known)
        raise _no_place(layout, group, feature, f"has {mine}, which is no field of word {word} of {kind.name}; there are {there}")
    low, high = feature.range
    least, most = found.range
    if not least <= low <= high <= most:
        raise _no_place(layout, group, feature, f"has codes {low} to {high}, the field {least} to {most}; change low and high")
    return found


def pack(events: npt.NDArray[np.integer], layout: Layout) -> Objects:
    """Hardware integers (N, size) of a layout as words; fields that it does not have are 0.

    Raises `UserError` for a code outside its scale, and as `wires`.
    """
    layout.validate_hardware(np.asarray(events))
    objects = Objects.empty(len(events))
    for wire in wires(layout):
        words = objects.of(wire.kind)
        words[:, wire.word] |= wire.field.put(events[:, wire.input]).astype(words.dtype)
    return objects


def unpack(objects: Objects, layout: Layout) -> Codes:
    """Hardware integers (N, size) of a layout from words, whatever else these hold."""
    events = np.zeros((len(objects.muons), layout.size), np.int64)
    for wire in wires(layout):
        events[:, wire.input] = wire.field.take(objects.of(wire.kind)[:, wire.word])
    return events
