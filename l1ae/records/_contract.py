"""What a contract holds, in numbers for people and for the report: contract/summary.json."""

from dataclasses import dataclass
from typing import Annotated

from l1ae.contract import OPERATIONS
from l1ae.evaluation import RateEstimate, RateKind
from l1ae.inputs import FormatText
from l1ae.results import Code, Count, Digest, Fraction, Positive, Real, check_that

__all__ = ["BinnedElement", "BinsSummary", "ContractSummary", "FirmwareThreshold", "TableSummary", "TensorSummary"]

OperationName = Annotated[str, check_that(lambda name: name in OPERATIONS, f"is no operation; there are {', '.join(OPERATIONS)}")]


@dataclass(frozen=True)
class TensorSummary:
    """One tensor in real units: proven bounds for any input, extremes on the observed events.

    `shape`: elements. `accumulator`: its type where it is a sum of products. `evaluated_in`: the number type that is exact for the bounds.
    """

    name: str
    op: OperationName
    type: FormatText
    shape: Count
    low: Real
    high: Real
    observed_low: Real
    observed_high: Real
    accumulator: FormatText | None
    evaluated_in: str


@dataclass(frozen=True)
class TableSummary:
    """Look-up tables of one operation: the least and the most `address_bits` of an element, entries, and how many hold the largest code.

    `max_error`: the largest deviation from the function over all other entries; None where nobody says which function they approximate.
    """

    name: str
    function: str
    elements: Count
    address_bits: tuple[Count, Count]
    entries: Count
    saturated: Count
    max_error: Positive | None


@dataclass(frozen=True)
class BinnedElement:
    """The edges that a code is compared with, in LSB of what is read: a column of the event by name, or an element of a tensor."""

    input: str
    edges: tuple[Code, ...]


@dataclass(frozen=True)
class BinsSummary:
    """Bins of every element of one operation, which reads the tensor `source`."""

    name: str
    source: str
    elements: tuple[BinnedElement, ...]


@dataclass(frozen=True)
class FirmwareThreshold:
    """The threshold, a score code, of the working point for `khz` of `kind`, and the rate that it has on `events` crossings (kHz)."""

    code: Code
    kind: RateKind
    khz: Positive
    reached: RateEstimate
    events: Count


@dataclass(frozen=True)
class ContractSummary:
    """Sizes, threshold, tensors, tables and bins of a contract.

    Attributes:
        weight_bits: widths of the weights as they are stored, one number or a range.
        used_bits: bits that all weights need, signs included, without leading and trailing zeros.
        bit_operations: effective bit operations per event.
        threshold, threshold_value: smallest code that triggers, and the same in units of the score.
        threshold_given: it came with an imported model.
        threshold_events: validation events that reach the threshold, and all of them.
        threshold_fraction: the same by weight, None without weights.
        threshold_rate: the working point that set the threshold, None where that was `target_fpr` or the model.
        observed_events: validation events that the observed ranges are of.
        wrapped: tensors of an imported model that some words at the input ports make wrap, with the number of `wrapped_events` that do.
    """

    project: str
    digest: Digest
    parameters: Count
    nonzero_parameters: Count
    weight_bits: str
    used_bits: Count
    bit_operations: Count
    score: str
    score_type: FormatText
    threshold: Code
    threshold_value: Real
    target_fpr: Fraction
    threshold_given: bool
    threshold_events: tuple[Count, Count]
    threshold_fraction: Fraction | None
    threshold_rate: FirmwareThreshold | None
    observed_events: Count
    tensors: tuple[TensorSummary, ...]
    tables: tuple[TableSummary, ...]
    bins: tuple[BinsSummary, ...]
    wrapped: dict[str, Count]
    wrapped_events: Count
