"""The process that an external program runs in: `python -I -S _guard.py PROGRAM ARGUMENT...`; it imports little, to start fast.

Standard input is a pipe from the process that wants the program. When that end closes, because it ended in whatever way or wants
the program no longer, everything in this process group is killed: make, compilers and simulators with all that they started.
Ends as the program ends. Needs Linux (pidfd_open(2)).
"""

import os
import select
import signal
import sys

_NOT_STARTED = 127


def _main(command: list[str]) -> None:
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(_NOT_STARTED)
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([0, ended], [], [])
    if ended not in ready:
        os.killpg(0, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    _main(sys.argv[1:])
