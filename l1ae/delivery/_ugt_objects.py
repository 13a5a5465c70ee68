"""Objects as the CMS global trigger (uGT, Run 3) receives them: bits of each word, and which of them the network reads."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from l1ae.delivery._words import Codes, Field
from l1ae.errors import UserError
from l1ae.inputs import InputView, ugt_input_spec

__all__ = ["KINDS", "SUMS", "Kind", "Objects", "Wire", "check_deliverable", "pack", "unpack", "wires"]


@dataclass(frozen=True)
class Kind:
    """`count` words of `bits` bits. `fields`: all that is known of a word, lowest bit first; other bits are 0."""

    name: str
    count: int
    bits: int
    fields: tuple[Field, ...]

    def __getitem__(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


def _fields(*widths: tuple[str, int]) -> tuple[Field, ...]:
    """Fields one above the other; angles named eta are signed."""
    ends = np.cumsum([0, *(width for _, width in widths)]).tolist()
    return tuple(
        Field(name, low, high - low, signed=name.startswith("eta")) for (name, _), (low, high) in zip(widths, pairwise(ends), strict=True)
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

# In the order of a line of a test-vector file.
KINDS = (
    Kind("muons", 8, 64, _MUON),
    Kind("egammas", 12, 32, _CALO),
    Kind("taus", 12, 32, _CALO),
    Kind("jets", 12, 32, _JET),
    Kind("sums", 6, 32, _SUM),
)

# Names of the energy sums in their order; ett and htt have no phi.
SUMS = ("ett", "htt", "etm", "htm", "etmhf", "htmhf")

# Where the groups of the input specification lie: kind, first word.
_GROUPS = {"met": ("sums", SUMS.index("etm")), "eg": ("egammas", 0), "mu": ("muons", 0), "jet": ("jets", 0)}


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


def wires() -> Iterator[Wire]:
    """All inputs that the hardware has, in their order. Without MET's eta, which is always 0."""
    spec = ugt_input_spec()
    kinds = {kind.name: kind for kind in KINDS}
    for group, where in zip(spec.groups, spec.slices().values(), strict=True):
        name, first = _GROUPS[group.name]
        for slot in range(where.start, where.stop):
            for k, (feature, scale) in enumerate(zip(("pt", "eta", "phi"), group.scales, strict=True)):
                if scale is not None:
                    yield Wire(3 * slot + k, spec.names[3 * slot + k], name, first + slot - where.start, kinds[name][feature])


def check_deliverable(spec: InputView | None) -> None:
    """Raise `UserError` unless the network reads the 19 objects of `ugt_input_spec`, whatever their preprocessing."""
    expected = ugt_input_spec()
    if spec is None or spec.digest != expected.digest:
        found = "inputs of its own" if spec is None else f"{spec.size} inputs of view '{spec.view}'"
        raise UserError(
            f"the global trigger gives {expected.size} inputs (MET, 4 e/gamma, 4 muons, 10 jets on its scales), and this network "
            f"reads {found}; deliver it with --target emp, or train on the objects view with the trigger's scales"
        )


def pack(events: npt.NDArray[np.integer]) -> Objects:
    """Hardware integers (N, 57) as words; fields that the network does not read are 0.

    Raises `UserError` for a code outside its scale.
    """
    spec = ugt_input_spec()
    spec.validate_hardware(np.asarray(events).reshape(len(events), *spec.event_shape))
    objects = Objects.empty(len(events))
    for wire in wires():
        words = objects.of(wire.kind)
        words[:, wire.word] |= wire.field.put(events[:, wire.input]).astype(words.dtype)
    return objects


def unpack(objects: Objects) -> Codes:
    """Hardware integers (N, 57) that the network reads from words, whatever else these hold."""
    events = np.zeros((len(objects.muons), ugt_input_spec().size), np.int64)
    for wire in wires():
        events[:, wire.input] = wire.field.take(objects.of(wire.kind)[:, wire.word])
    return events
