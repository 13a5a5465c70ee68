"""Simulation of an RTL project as it lies on disk, compared with the contract to the last bit and clock by clock."""

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.agreement import corner_vectors
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.files import scratch
from l1ae.progress import task
from l1ae.rtl._project import DESCRIPTION, open_design
from l1ae.rtl.simulation._bench import Bench
from l1ae.rtl.simulation._ghdl import GhdlBench
from l1ae.rtl.simulation._protocol import Stimulus
from l1ae.rtl.simulation._report import Judge, Run, summary
from l1ae.rtl.simulation._stimulus import Events, Streams
from l1ae.rtl.simulation._verilator import VerilatorBench
from l1ae.rtl_results import Design, Language, RtlReport

__all__ = ["simulate_rtl"]


@dataclass(frozen=True)
class _Effort:
    """How much is simulated.

    `block`: events per run back to back. `corners`: corner vectors at most, evenly spaced. `repeats`: how often the streams
    with `gaps` events and `resets` resets are run, each time drawn anew and from another state at power-up.
    """

    block: int
    corners: int
    gaps: int
    resets: int
    repeats: int


# GHDL takes about 17 us per adder and event, hundreds of times what Verilator needs.
_EFFORT: dict[Language, _Effort] = {
    "verilog": _Effort(block=32768, corners=1 << 20, gaps=2000, resets=300, repeats=3),
    "vhdl": _Effort(block=512, corners=100, gaps=50, resets=12, repeats=1),
}


_NAMES: dict[Language, str] = {"verilog": "Verilog in Verilator", "vhdl": "VHDL in GHDL"}


def simulate_rtl(
    contract: Contract,
    folder: Path,
    hardware: npt.NDArray[np.integer] | Iterable[npt.NDArray[np.integer]],
    *,
    language: Language = "verilog",
    seed: int = 0,
) -> RtlReport:
    """Compile the RTL in `folder` and run it on `hardware` (N, size), or pieces of it, and on corner vectors.

    Three streams: all events back to back; events with gaps of random bits; events with resets and threshold writes in
    mid-stream, all after a start from registers in a random state; of pieces, the second and third draw from the first piece.
    Every clock cycle is compared.

    The project is taken as it is on disk, whoever changed it. `seed` chooses gaps, resets, thresholds and the state at
    power-up. Raises `UserError` when the project is not there, is another contract's, or a tool is missing,
    `CheckFailedError` when it does not compile or crashes.
    """
    folder = folder.resolve()
    project = open_design(folder)
    design, effort = project.design, _EFFORT[language]
    _check_design(contract, design, folder)
    pieces = iter([hardware] if isinstance(hardware, np.ndarray) else hardware)
    events = Events.of(contract, next(pieces), _spaced(corner_vectors(contract), effort.corners))
    judge = Judge(contract, design, events)
    with scratch("rtl") as here:
        started = time.perf_counter()
        bench: Bench = (VerilatorBench if language == "verilog" else GhdlBench)(project, folder, here)
        compiled = time.perf_counter()
        runs: list[Run] = []

        def run(judge: Judge, number: int, stimulus: Stimulus) -> Run:
            trace = bench.run(stimulus, 1 + 1000 * seed + number, simulated)
            return judge(stimulus, trace)

        with task(f"{_NAMES[language]}: simulating", unit="clock cycles") as simulated, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            streams = list(_streams(design, events, effort, seed))
            simulated.total = sum(len(stream.row) for stream in streams) if isinstance(hardware, np.ndarray) else None
            runs += pool.map(partial(run, judge), range(len(streams)), streams)
            real = events.real
            for piece in pieces:
                more = Events.of(contract, piece, events.codes[:0])
                streams = list(Streams(design, more, np.random.default_rng([seed, real])).back_to_back(effort.block))
                found = pool.map(partial(run, Judge(contract, design, more)), range(len(runs), len(runs) + len(streams)), streams)
                # corner vectors keep the numbers that they have behind the first piece
                runs += [item.shifted(real, len(events.codes) - events.real) for item in found]
                real += more.real
        seconds = compiled - started, time.perf_counter() - compiled
    return summary(judge, language, runs, bench.version, seconds, real=real)


def _check_design(contract: Contract, design: Design, folder: Path) -> None:
    """Refuse a project of another contract, and a description that does not fit this one."""
    if design.digest != contract.digest:
        raise UserError(
            f"the RTL in '{folder}' was made from another contract (digest {design.digest[:12]}, not {contract.digest[:12]}); "
            f"run `l1ae rtl` again"
        )
    score = contract.score.format
    wanted = (contract.hardware.size, contract.hardware.format.width, score.width, score.signed, contract.threshold)
    described = (design.inputs, design.input_bits, design.score_bits, design.score_signed, design.threshold)
    if described != wanted or min(design.latency, design.interval) < 1:
        raise UserError(f"'{folder / DESCRIPTION}' was changed: its ports are not the contract's; run `l1ae rtl` again")


def _spaced(vectors: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    return vectors[np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), most)).astype(np.intp))]


def _streams(design: Design, events: Events, effort: _Effort, seed: int) -> Iterator[Stimulus]:
    streams = Streams(design, events, np.random.default_rng(seed))
    yield from streams.back_to_back(effort.block)
    for _ in range(effort.repeats):
        yield streams.gaps(effort.gaps)
        yield streams.interruptions(effort.resets)
