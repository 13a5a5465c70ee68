"""What a C simulation found, as it is written to csim/report.json: in the shape that all simulation reports share."""

from dataclasses import dataclass, field

from l1ae.agreement._tensors import TensorComparison
from l1ae.contract import wrapped_text
from l1ae.results import Count, Fraction, Positive, Real

__all__ = [
    "CsimReport",
    "CsimSeconds",
    "FloatComparison",
    "Mismatch",
    "QuantizedComparison",
    "TypeMismatch",
    "verdict",
]


def verdict(mismatches: int, events: int) -> str:
    """One line on the outcome of a C simulation."""
    return f"C simulation: {mismatches} mismatches in {events} events"


@dataclass(frozen=True)
class Mismatch:
    """The first value that differs: `event` counts the real events, or the corner vectors if `corner`."""

    layer: str
    corner: bool
    event: Count
    element: Count
    contract: Real
    simulation: Real

    def __str__(self) -> str:
        kind = "corner vector" if self.corner else "event"
        return (
            f"layer '{self.layer}', {kind} {self.event}, element {self.element}: "
            f"contract {self.contract!r}, C simulation {self.simulation!r}"
        )


@dataclass(frozen=True)
class TypeMismatch:
    """A type that is compiled into the project but is not the contract's."""

    layer: str
    role: str
    contract: str
    project: str

    def __str__(self) -> str:
        return f"layer '{self.layer}', type of its {self.role}: contract {self.contract}, project {self.project}"


@dataclass(frozen=True)
class FloatComparison:
    """Fixed point against float on the same events, in units of the score; AUCs on held-out events only, by weight.

    The other numbers ask how far arithmetic is off on what was simulated, and count each event once.
    """

    max_abs: Positive
    rms: Positive
    auc_float: dict[str, Fraction]
    auc_fixed: dict[str, Fraction]
    decision_flips: Count
    threshold: Real


@dataclass(frozen=True)
class QuantizedComparison:
    """`mismatches` counts values in which the quantized Keras model's outputs differ from the contract's; `events` may be 0."""

    events: Count
    mismatches: Count


@dataclass(frozen=True)
class CsimSeconds:
    """Wall times: answers of the contract and of the Keras models, g++, and the simulation with its comparison."""

    convert: Positive
    compile: Positive
    simulate: Positive


@dataclass(frozen=True)
class CsimReport:
    """Result of a C simulation.

    `mismatches` counts the events and corner vectors in which any value of any layer or output differs, `types_compared`
    the fixed-point types that were compared with the contract's. `changed_files` of the project were not as they had been written.
    `wrapped` counts the events in which each tensor of `Contract.wrapping` really wraps, and the simulation with it.
    `quantized` and `float` compare the contract with the Keras models on the same events, None where that was not done.
    """

    project: str
    backend: str
    events: Count
    corner_vectors: Count
    mismatches: Count
    first_mismatch: Mismatch | None
    types_compared: Count
    type_mismatches: tuple[TypeMismatch, ...]
    outputs: tuple[TensorComparison, ...]
    layers: tuple[TensorComparison, ...]
    compiler: str
    seconds: CsimSeconds
    changed_files: tuple[str, ...] = ()
    quantized: QuantizedComparison | None = None
    float: FloatComparison | None = None
    wrapped: dict[str, Count] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Every value and every type is the contract's."""
        return self.mismatches == 0 and not self.type_mismatches

    @property
    def verdict(self) -> str:
        """The line that is printed and that CI looks for."""
        return verdict(self.mismatches, self.events)

    @property
    def wrapped_text(self) -> str:
        """What wraps and how often, in words; empty where nothing does."""
        return wrapped_text(self.wrapped, self.events)
