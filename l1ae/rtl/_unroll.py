"""A contract as a pipelined design that takes one event per clock (II = 1)."""

from dataclasses import dataclass

from l1ae.contract import Contract
from l1ae.rtl._emit import emit
from l1ae.rtl._project import RtlProject
from l1ae.rtl._schedule import Clock, Pipeline, schedule
from l1ae.rtl._trace import Adders, Graph, trace_contract

__all__ = ["Unrolled", "unroll"]


@dataclass(frozen=True)
class Unrolled:
    """The project, and the graph and pipeline that it was made from."""

    project: RtlProject
    graph: Graph
    pipeline: Pipeline


def unroll(contract: Contract, clock: Clock, part: str, adders: Adders = "binary") -> Unrolled:
    """Trace, cut into stages and write out.

    Raises `UserError` when the clock is too fast for one addition, or allows too few stages.
    """
    graph = trace_contract(contract, adders)
    pipeline = schedule(graph, clock)
    return Unrolled(emit(contract, pipeline, part), graph, pipeline)
