"""A contract as a pipelined design that takes one event per clock (II = 1)."""

from dataclasses import dataclass

from l1ae.contract import Binning, Contract, Lookup
from l1ae.rtl._emit import emit
from l1ae.rtl._project import RtlProject
from l1ae.rtl._schedule import Clock, Pipeline, schedule
from l1ae.rtl._trace import Adders, Graph, trace_contract

__all__ = ["Unrolled", "restructured", "unroll"]


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


def restructured(contract: Contract) -> bool:
    """Whether synthesis may rewrite the logic of `contract` (`synthesise(..., restructure=)`).

    Not where it has bins or tables of several columns: they are LUTs and multiplexers already, and rewriting only takes them apart.
    """
    return not any(isinstance(operation, Binning | Lookup) for operation in contract.operations)
