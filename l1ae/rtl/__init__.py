"""RTL from the contract: adder graph, pipeline, Verilog and VHDL, simulation and proof."""

from l1ae.rtl._emit import layer_of_net
from l1ae.rtl._project import DESCRIPTION, Design, RtlProject, open_design
from l1ae.rtl._schedule import Clock, Pipeline, Stage, schedule
from l1ae.rtl._trace import Adders, Element, Graph, Layer, trace_contract
from l1ae.rtl._unroll import Unrolled, unroll

__all__ = [
    "DESCRIPTION",
    "Adders",
    "Clock",
    "Design",
    "Element",
    "Graph",
    "Layer",
    "Pipeline",
    "RtlProject",
    "Stage",
    "Unrolled",
    "layer_of_net",
    "open_design",
    "schedule",
    "trace_contract",
    "unroll",
]
