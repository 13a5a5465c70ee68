"""What the benches of both simulators share: running a program, and codes as bits."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from l1ae.errors import CheckFailedError
from l1ae.progress import Task
from l1ae.rtl.simulation._protocol import Codes, Stimulus, Trace
from l1ae.rtl_results import Design
from l1ae.tools import run_program

__all__ = ["Bench", "check_compiled", "check_finished", "execute", "pack", "to_codes"]

_LOG_END = 4000

Result = subprocess.CompletedProcess[str]


class Bench(Protocol):
    """A design that was compiled in a simulator."""

    @property
    def version(self) -> str:
        """Name and version of the simulator."""

    def run(self, stimulus: Stimulus, seed: int, simulated: Task) -> Trace:
        """Simulate one stimulus; `seed` chooses the bits of uninitialised registers, where the simulator has no 'U'.

        `simulated` counts clock cycles.

        Raises `CheckFailedError` when the simulation stops early.
        """


def execute(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> Result:
    """Run a program in `folder`, whatever becomes of it. `environment`: all of its environment, ours if None."""
    return run_program(command, folder=folder, environment=environment)


def check_compiled(result: Result, folder: Path) -> None:
    """Raise `CheckFailedError` with the end of the log when a compiler refused the RTL of `folder`."""
    if result.returncode != 0:
        raise CheckFailedError(f"the RTL in '{folder}' does not compile:\n{(result.stdout + result.stderr)[-_LOG_END:]}")


def check_finished(result: Result, stimulus: Stimulus, cycles: int) -> None:
    """Raise `CheckFailedError` with the end of the log when a simulation did not show all cycles of the stimulus."""
    if result.returncode != 0 or cycles != len(stimulus.row):
        log = (result.stdout + result.stderr)[-_LOG_END:]
        raise CheckFailedError(
            f"the RTL simulation stopped with status {result.returncode} after {cycles} of {len(stimulus.row)} cycles "
            f"of '{stimulus.name}':\n{log}"
        )


def pack(codes: Codes, bits: int) -> npt.NDArray[np.uint32]:
    """(rows, words) of 32 bits, at least 2: the lowest `bits` bits of every code of (rows, inputs), the first code lowest."""
    rows, inputs = codes.shape
    words = np.zeros((rows, max(2, -(-inputs * bits // 32)) + 1), np.uint32)
    masked = (codes & ((1 << bits) - 1)).astype(np.uint64)
    for k in range(inputs):
        word, offset = divmod(k * bits, 32)
        value = masked[:, k] << np.uint64(offset)
        words[:, word] |= (value & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        words[:, word + 1] |= (value >> np.uint64(32)).astype(np.uint32)
    return np.ascontiguousarray(words[:, :-1])


def to_codes(bits: Codes, design: Design) -> Codes:
    """Codes of the score's type from its bits as unsigned numbers."""
    if not design.score_signed:
        return bits
    return bits - ((bits >> (design.score_bits - 1) & 1) << design.score_bits)
