"""Whether two circuits are equal for every input: yosys makes one circuit of both, abc decides whether it can ever give 1."""

import subprocess
from pathlib import Path

from l1ae.rtl_results import Verdict
from l1ae.tools import abc_program, run_program

__all__ = ["MITER", "NO_VERDICT", "ask_abc"]

# abc's words; "UNDECIDED" is what it says when its own time limit is over.
_VERDICTS: dict[str, Verdict] = {"are equivalent": "proven", "NOT EQUIVALENT": "differs", "UNDECIDED": "not finished"}
NO_VERDICT: Verdict = "not finished"
_REASONS: dict[Verdict, str] = {
    "proven": "",
    "differs": "abc found an input for which the netlist gives another output",
    "not finished": "abc did not decide in its time",
}

# Commands of yosys: from the modules `gold` and `gate` to a circuit whose only output is 1 where they differ.
MITER = """\
miter -equiv -flatten gold gate miter
hierarchy -top miter
opt -full; techmap; opt; aigmap; opt_clean
write_aiger -zinit miter.aig
"""


def ask_abc(folder: Path, memory_gb: float, timeout: float) -> tuple[Verdict, str]:
    """abc's answer about the circuit that `MITER` wrote into `folder`; it runs with `memory_gb` of address space at most."""
    kilobytes = str(int(memory_gb * 1e9 / 1024))
    limited = ["/bin/sh", "-c", 'ulimit -v "$0"; exec "$@"', kilobytes, str(abc_program())]
    command = [*limited, "-q", f"&r miter.aig; &cec -m -T {int(timeout) + 1}"]
    try:
        run = run_program(command, folder=folder, timeout=timeout + 5)
    except subprocess.TimeoutExpired:
        return NO_VERDICT, f"abc did not decide within {timeout:.0f} s"
    for words, verdict in _VERDICTS.items():
        if words in run.stdout:
            return verdict, _REASONS[verdict]
    tail = (run.stdout + run.stderr).strip()[-200:]
    return NO_VERDICT, f"abc ended with status {run.returncode}: {tail}"
