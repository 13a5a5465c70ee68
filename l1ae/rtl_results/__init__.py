"""What is known of RTL that was made: its design, proofs and simulations, readable without the packages that make RTL."""

from l1ae.rtl_results._design import Design, DesignFile, Folding, LayerAdders, RtlSummary, StageDelay
from l1ae.rtl_results._forecast import Estimated, Forecast, beyond, sentences
from l1ae.rtl_results._proof import LayerProof, LinearProof, NetlistProof, RtlProof, StageProof, TableProof, TablesProof, TextProof, Verdict
from l1ae.rtl_results._simulation import Language, ProtocolViolation, RtlMismatch, RtlReport, RtlSeconds, rtl_verdict

__all__ = [
    "Design",
    "DesignFile",
    "Estimated",
    "Folding",
    "Forecast",
    "Language",
    "LayerAdders",
    "LayerProof",
    "LinearProof",
    "NetlistProof",
    "ProtocolViolation",
    "RtlMismatch",
    "RtlProof",
    "RtlReport",
    "RtlSeconds",
    "RtlSummary",
    "StageDelay",
    "StageProof",
    "TableProof",
    "TablesProof",
    "TextProof",
    "Verdict",
    "beyond",
    "rtl_verdict",
    "sentences",
]
