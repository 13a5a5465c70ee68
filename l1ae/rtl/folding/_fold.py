"""Folded designs: an event every `interval` clocks instead of one per clock, in a fraction of the logic."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.rtl._delay import Delays
from l1ae.rtl._emit import combinational_sources, constraints, design_of, named, primitives, top_sources
from l1ae.rtl._project import RtlProject
from l1ae.rtl._schedule import Clock
from l1ae.rtl.folding._core import FoldedCore, folded_core
from l1ae.rtl.folding._netlist import Module, to_verilog, to_vhdl
from l1ae.rtl.folding._plan import FoldPlan, plan_fold
from l1ae.rtl_results import Design

__all__ = ["Folded", "fold"]

_PARTS = "l1ae_fold"
# Names of layers become parts of VHDL identifiers, which know no two _ in a row, none at the end, and no case.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.IGNORECASE)


@dataclass(frozen=True)
class Folded:
    """The project, and the plan that it was made from."""

    project: RtlProject
    plan: FoldPlan


def fold(contract: Contract, interval: int, clock: Clock, part: str) -> Folded:
    """Fold `contract` so that it takes an event every `interval` clocks, and write out Verilog and VHDL.

    Raises `UserError` when nothing can be folded, when `interval` is below 2, when the clock is too fast for one addition of
    what is not folded, and when the name of a layer is none for VHDL.
    """
    _check_names(contract)
    plan = plan_fold(contract, interval)
    core = folded_core(plan, f"{contract.project}_core", clock, Delays())
    design = design_of(contract, latency=core.latency, interval=interval, clock_period=clock.period, part=part)
    verilog = {f"verilog/{name}": text for name, text in _sources(core, design, "v").items()}
    vhdl = {f"vhdl/{name}": text for name, text in _sources(core, design, "vhd").items()}
    return Folded(RtlProject(design, verilog | vhdl | constraints(design), tuple(verilog), tuple(vhdl)), plan)


def _check_names(contract: Contract) -> None:
    names = [operation.name for operation in contract.operations]
    times = Counter(name.lower() for name in names)
    for name in names:
        if not _NAME.fullmatch(name) or times[name.lower()] > 1:
            raise UserError(
                f"layer '{name}': folded designs use this name in VHDL, where neither two _ in a row nor one at the end are allowed and "
                "capital letters make no difference; rename the layer, or use rtl.interval 1"
            )


def _sources(core: FoldedCore, design: Design, suffix: str) -> dict[str, str]:
    """In order of compilation."""
    names: Sequence[str] = list(core.logic)
    logic = combinational_sources(list(core.logic.values()), lambda k: names[k], suffix)
    parts = {f"{_PARTS}.{suffix}": (files("l1ae.rtl") / "templates" / f"{_PARTS}.{suffix}").read_text()}
    modules = {f"{module.name}.{suffix}": _text(module, suffix) for module in (*core.nets, core.core)}
    return primitives(suffix) | parts | named(logic | modules, design, suffix) | top_sources(design, suffix)


def _text(module: Module, suffix: str) -> str:
    return to_verilog(module) if suffix == "v" else to_vhdl(module)
