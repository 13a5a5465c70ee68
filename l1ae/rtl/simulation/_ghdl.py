"""VHDL in GHDL: a generated bench with text files, one run per stimulus."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.files import scratch
from l1ae.progress import Task, task
from l1ae.rtl._emit import render
from l1ae.rtl._project import RtlProject
from l1ae.rtl.simulation._bench import check_compiled, check_finished, execute, pack, to_codes
from l1ae.rtl.simulation._protocol import UNKNOWN, Codes, Stimulus, Trace
from l1ae.rtl_results import Design
from l1ae.tools import ghdl, ghdl_version

__all__ = ["GhdlBench"]

_BENCH = "l1ae_bench"

# Registers that no event has reached yet are unknown, which the library would report at every addition.
_RUN = ("--ieee-asserts=disable",)

_BLOCK = 2048  # cycles written at once: one character per bit needs memory


class GhdlBench:
    """The bench around the VHDL of the project in `folder`, compiled into `scratch`.

    Raises `UserError` when GHDL is missing, `CheckFailedError` when the sources do not compile.
    """

    def __init__(self, project: RtlProject, folder: Path, scratch: Path) -> None:
        self._tool, self._design = ghdl(), project.design
        self._options = ("--std=08", "-frelaxed", f"--workdir={scratch}")
        bench = scratch / f"{_BENCH}.vhd"
        widths = {"event_bits": self._design.inputs * self._design.input_bits, "score_bits": self._design.score_bits}
        bench.write_text(render("ghdl_bench.vhd.j2", name=self._design.name, **widths))
        sources = [*((folder / name).resolve() for name in project.vhdl), bench]
        with task("VHDL in GHDL: compiling"):
            check_compiled(execute([self._tool, "-a", *self._options, *sources], scratch), folder)
            check_compiled(execute([self._tool, "-e", *self._options, _BENCH], scratch), folder)

    @property
    def version(self) -> str:
        """Name and version of the simulator."""
        return f"GHDL {ghdl_version(self._tool)}"

    def run(self, stimulus: Stimulus, seed: int, simulated: Task) -> Trace:
        """Simulate one stimulus; uninitialised registers are 'U' whatever the seed.

        Raises `CheckFailedError` when the simulation stops early.
        """
        width = 4 + 2 * self._design.score_bits
        with scratch("ghdl") as here:
            _write_cycles(stimulus, self._design, here / "cycles.txt")
            with simulated.measured(lambda: _size(here / "shows.txt") // width):
                result = execute([self._tool, "-r", *self._options, _BENCH, *_RUN], here)
            shows = np.fromfile(here / "shows.txt", np.uint8) if (here / "shows.txt").exists() else np.empty(0, np.uint8)
        check_finished(result, stimulus, len(shows) // width)
        simulated.advance(len(shows) // width)
        return _trace(shows.reshape(-1, width)[:, :-1], self._design)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _write_cycles(stimulus: Stimulus, design: Design, path: Path) -> None:
    """One line of binary digits per cycle."""
    event = _digits(pack(stimulus.codes, design.input_bits), design.inputs * design.input_bits)
    threshold = _digits(pack(stimulus.threshold[:, None], design.score_bits), design.score_bits)
    flags = np.stack([stimulus.reset, stimulus.valid, stimulus.write], axis=1).astype(np.uint8) + ord("0")
    with path.open("wb") as file:
        for start in range(0, len(stimulus.row), _BLOCK):
            part = slice(start, start + _BLOCK)
            rows = event[stimulus.row[part]]
            end = np.full((len(rows), 1), ord("\n"), np.uint8)
            file.write(np.concatenate([flags[part], threshold[part], rows, end], axis=1).tobytes())


def _digits(words: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint8]:
    """(rows, bits) characters '0' and '1', the highest bit first, of (rows, words)."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=bits, bitorder="little")[:, ::-1] + np.uint8(ord("0"))


def _trace(lines: npt.NDArray[np.uint8], design: Design) -> Trace:
    """From characters (cycles, width); a number with a character that is no bit is `UNKNOWN`."""
    bits = lines.astype(np.int64) - ord("0")
    ends = np.cumsum([0, 1, 1, 1, design.score_bits, design.score_bits])
    numbers = [_number(bits[:, start:end]) for start, end in pairwise(ends)]
    ready, valid, trigger = numbers[:3]
    score, threshold = (np.where(number == UNKNOWN, UNKNOWN, to_codes(number, design)) for number in numbers[3:])
    return Trace(ready, valid, trigger, score, threshold)


def _number(bits: Codes) -> Codes:
    value = bits @ (np.int64(1) << np.arange(bits.shape[1])[::-1])
    return np.where(np.all((bits == 0) | (bits == 1), axis=1), value, UNKNOWN)
