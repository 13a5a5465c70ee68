"""hls4ml projects made from a contract, and their C simulation compared with it to the last bit."""

from typing import TYPE_CHECKING

from l1ae.hls._csim import simulate
from l1ae.hls._project import Project
from l1ae.hls._strategy import check_strategy
from l1ae.lazy import on_first_use

if TYPE_CHECKING:
    from l1ae.hls._convert import convert
    from l1ae.hls._graph import to_model_graph
else:
    __getattr__ = on_first_use(
        __name__,
        _convert="convert",
        _graph="to_model_graph",
    )

__all__ = ["Project", "check_strategy", "convert", "simulate", "to_model_graph"]
