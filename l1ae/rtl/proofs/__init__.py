"""Proofs for every input: of the adder graph, the pipeline, the Verilog and the netlist."""

from l1ae.rtl.proofs._linear import LayerProof, LinearProof, prove_linear
from l1ae.rtl.proofs._netlist import NetlistProof, prove_netlist
from l1ae.rtl.proofs._stages import StageProof, prove_stages
from l1ae.rtl.proofs._tables import TableProof, TablesProof, prove_tables
from l1ae.rtl.proofs._text import TextProof, prove_text

__all__ = [
    "LayerProof",
    "LinearProof",
    "NetlistProof",
    "StageProof",
    "TableProof",
    "TablesProof",
    "TextProof",
    "prove_linear",
    "prove_netlist",
    "prove_stages",
    "prove_tables",
    "prove_text",
]
