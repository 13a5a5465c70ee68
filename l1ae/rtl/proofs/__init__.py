"""Proofs for every input: of the adder graph, the pipeline, the Verilog and the netlist."""

from l1ae.rtl.proofs._linear import prove_linear
from l1ae.rtl.proofs._netlist import prove_netlist
from l1ae.rtl.proofs._stages import prove_stages
from l1ae.rtl.proofs._tables import prove_tables
from l1ae.rtl.proofs._text import prove_text

__all__ = [
    "prove_linear",
    "prove_netlist",
    "prove_stages",
    "prove_tables",
    "prove_text",
]
