"""hls4ml projects made from a contract, and their C simulation compared with it to the last bit."""

from l1ae.hls._convert import convert
from l1ae.hls._csim import simulate
from l1ae.hls._graph import to_model_graph
from l1ae.hls._project import Project
from l1ae.hls._strategy import check_strategy

__all__ = ["Project", "check_strategy", "convert", "simulate", "to_model_graph"]
