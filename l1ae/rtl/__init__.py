"""RTL from the contract: adder graph, pipeline, Verilog and VHDL, simulation and proof."""

from l1ae.rtl._project import DESCRIPTION, Design, RtlProject, open_design
from l1ae.rtl._trace import Adders, Element, Graph, Layer, trace_contract

__all__ = ["DESCRIPTION", "Adders", "Design", "Element", "Graph", "Layer", "RtlProject", "open_design", "trace_contract"]
