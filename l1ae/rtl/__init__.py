"""RTL from the contract: adder graph, pipeline or folded layers, Verilog and VHDL, simulation and proof."""

from l1ae.rtl._delay import Delays
from l1ae.rtl._emit import combinational_sources, layer_of_net, primitives
from l1ae.rtl._opcodes import ADDERS
from l1ae.rtl._project import DESCRIPTION, RtlProject, open_design
from l1ae.rtl._schedule import Clock, Pipeline, Stage, schedule
from l1ae.rtl._trace import Adders, Element, Graph, Layer, trace_contract
from l1ae.rtl._unroll import Unrolled, restructured, unroll
from l1ae.rtl.estimator import Estimate, LayerEstimate, estimate, long_stages
from l1ae.rtl.folding import Folded, fold
from l1ae.rtl.proofs import prove_linear, prove_netlist, prove_stages, prove_tables, prove_text
from l1ae.rtl.simulation import simulate_rtl

__all__ = [
    "ADDERS",
    "DESCRIPTION",
    "Adders",
    "Clock",
    "Delays",
    "Element",
    "Estimate",
    "Folded",
    "Graph",
    "Layer",
    "LayerEstimate",
    "Pipeline",
    "RtlProject",
    "Stage",
    "Unrolled",
    "combinational_sources",
    "estimate",
    "fold",
    "layer_of_net",
    "long_stages",
    "open_design",
    "primitives",
    "prove_linear",
    "prove_netlist",
    "prove_stages",
    "prove_tables",
    "prove_text",
    "restructured",
    "schedule",
    "simulate_rtl",
    "trace_contract",
    "unroll",
]
