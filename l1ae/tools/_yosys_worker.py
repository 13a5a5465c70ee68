"""The process that yosys runs in: `python _yosys_worker.py SCRIPT BYTES`; it imports nothing else of the package, to start fast.

Limits its own address space (and so that of abc, its child) to BYTES, runs the script with the log on stdout, writes its peak of
resident memory in kilobytes into the file `peak_kb`, and ends.
"""

import re
import resource
import sys
from pathlib import Path


def _main(script: str, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from pyosys import libyosys

    libyosys.run_pass(f"script {script}", libyosys.Design())
    # What getrusage(2) says of this process contains the parent's memory at the fork; VmHWM of proc(5) begins at exec.
    own = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    Path("peak_kb").write_text(str(max(int(own[1]) if own else 0, children)))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
