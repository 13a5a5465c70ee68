"""What was proven of RTL for all inputs."""

from dataclasses import dataclass
from typing import Literal

from l1ae.agreement import TensorComparison
from l1ae.results import Count, Positive

__all__ = ["LayerProof", "LinearProof", "NetlistProof", "RtlProof", "StageProof", "TableProof", "TablesProof", "TextProof", "Verdict"]

Verdict = Literal["proven", "differs", "not finished"]


@dataclass(frozen=True)
class LayerProof:
    """`outputs` elements made by `lines` of which `adders` add, subtract or negate. Unless `proven`, `reason` says why not."""

    name: str
    kind: str
    outputs: Count
    lines: Count
    adders: Count
    proven: bool
    reason: str
    seconds: Positive


@dataclass(frozen=True)
class LinearProof:
    """All layers with weights, and the other operations that only add or move what they read."""

    layers: tuple[LayerProof, ...]
    seconds: Positive


@dataclass(frozen=True)
class TableProof:
    """`outputs` elements made by `lines`, compared for `inputs` (codes, or combinations of codes) in all. Unless `proven`, `reason`."""

    name: str
    kind: str
    outputs: Count
    lines: Count
    inputs: Count
    proven: bool
    reason: str
    seconds: Positive


@dataclass(frozen=True)
class TablesProof:
    """All bins and tables."""

    layers: tuple[TableProof, ...]
    seconds: Positive


@dataclass(frozen=True)
class StageProof:
    """`lines` of the graph that the score needs, each found once in one of `stages`."""

    stages: Count
    lines: Count


@dataclass(frozen=True)
class TextProof:
    """`lines` of Verilog in `files` say what the pipeline's programs say."""

    files: Count
    lines: Count


@dataclass(frozen=True)
class NetlistProof:
    """The verdict on one module; unless it is `proven`, `reason` says why not. `seconds` are those of the run that found it."""

    module: str
    verdict: Verdict
    reason: str
    luts: Count
    seconds: Positive
    cached: bool


@dataclass(frozen=True)
class RtlProof:
    """rtl/proof.json. Folded designs have no proofs: None.

    `interpreter`: every tensor of the adder graph, or the score of a folded design's plan, evaluated on `interpreter_events` and compared
    with the contract.
    """

    linear: LinearProof | None
    tables: TablesProof | None
    stages: StageProof | None
    text: TextProof | None
    interpreter_events: Count
    interpreter: tuple[TensorComparison, ...]
