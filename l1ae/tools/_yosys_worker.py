"""The process that yosys runs in: `python _yosys_worker.py SCRIPT BYTES`; it imports nothing else of the package, to start fast.

Limits its own address space (and so that of abc, its child) to BYTES, runs the script with the log on stdout, and ends.
"""

import resource
import sys


def _main(script: str, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from pyosys import libyosys

    libyosys.run_pass(f"script {script}", libyosys.Design())


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
