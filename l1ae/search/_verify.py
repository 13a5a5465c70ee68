"""The points of a front made for real: trained from their configurations, simulated bit by bit, synthesised, rates measured."""

import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from l1ae.config import BudgetConfig
from l1ae.errors import L1aeError
from l1ae.pipeline import Run, contract_of
from l1ae.progress import task
from l1ae.records import CSIM, RTL_VERILOG, SYNTHESIS
from l1ae.search._files import SearchFolder
from l1ae.search._results import Front, FrontPoint, Verified
from l1ae.tools import run_program

__all__ = ["verify_front"]

_log = logging.getLogger("l1ae")

_STAGES = ("trigger", "csim", "synth")
_MAIN = "from l1ae.cli import main; main()"


def verify_front(
    folder: SearchFolder,
    front: Front,
    budget: BudgetConfig,
    *,
    most: int,
    workers: int,
    progress: Callable[[str], None] = lambda name: None,
) -> Front:
    """The front with what its first `most` points are when they are made, `workers` of them at a time.

    Each is a run folder, `front/NAME`, of which a second call makes only what is missing. `progress` is called with the name of each
    point that is done.
    """

    def one(point: FrontPoint) -> FrontPoint:
        found = replace(point, verified=_verified(folder.path, point, budget))
        progress(point.name)
        made_points.advance()
        return found

    chosen = front.points[:most]
    with task("front down to synthesis", total=len(chosen), unit="points") as made_points, ThreadPoolExecutor(workers) as pool:
        made = list(pool.map(one, chosen))
    return replace(front, points=(*made, *front.points[most:]))


def _verified(folder: Path, point: FrontPoint, budget: BudgetConfig) -> Verified | None:
    run = folder / "front" / point.name
    problems = tuple(problem for stage in _STAGES for problem in _made(folder / point.configuration, run, stage))
    for problem in problems:
        _log.warning("%s: %s", point.name, problem)
    try:
        return _read(Run.open(run), point, budget, problems)
    except L1aeError as error:
        _log.warning("%s was not verified: %s", point.name, error)
        return None


def _made(configuration: Path, run: Path, stage: str) -> Sequence[str]:
    """Make a run as far as a stage, in a process of its own; what went wrong."""
    command: list[str | Path] = [sys.executable, "-c", _MAIN, "run", configuration, "--run", run, "--to", stage]
    result = run_program(command, together=True)
    if result.returncode == 0:
        return ()
    return (f"{stage}: {' '.join(result.stdout.split())[-300:]}",)


def _read(run: Run, point: FrontPoint, budget: BudgetConfig, problems: tuple[str, ...]) -> Verified:
    digest = contract_of(run).digest
    csim, rtl, synthesis = CSIM.read(run.folder), RTL_VERILOG.read(run.folder), SYNTHESIS.read(run.folder)
    used = synthesis.resources
    lut, cycles = used.luts_packed + used.memory_luts + used.shift_registers, synthesis.latency_cycles
    latency = cycles * synthesis.clock_period
    found = {"lut": lut, "ff": used.flip_flops, "latency_cycles": cycles, "latency_ns": latency}
    limits = {name: limit for name, limit in budget if limit is not None}
    return Verified(
        run=f"front/{point.name}",
        digest=digest,
        reproduced=digest == point.digest,
        csim_events=csim.events,
        csim_mismatches=csim.mismatches + len(csim.type_mismatches),
        rtl_events=rtl.events,
        rtl_mismatches=rtl.mismatches + rtl.protocol_violations,
        lut=lut,
        ff=used.flip_flops,
        latency_cycles=cycles,
        latency_ns=latency,
        path_ns=synthesis.timing.typical.ns,
        path_ns_pessimistic=synthesis.timing.pessimistic.ns,
        within_budget=all(found[name] <= limit + 1e-6 for name, limit in limits.items()),
        problems=problems,
    )
