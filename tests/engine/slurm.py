"""A real Slurm of one node in a folder, on 127.0.0.1: munged, slurmctld and slurmd, as whoever runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from l1ae.tools import started

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "sinfo")

_CONF = """
ClusterName=l1ae
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
InactiveLimit=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """What a machine must have that it has not. slurmctld and munged want to be root."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    return missing if os.geteuid() == 0 else [*missing, "root"]


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _munge(folder: Path) -> list[str]:
    place = folder / "munge"
    place.mkdir(mode=0o755)
    key = place / "key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    names = {"key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed", "socket": "socket"}
    return ["munged", "--foreground", "--force", *(f"--{option}={place / name}" for option, name in names.items())]


def _until(what: str, condition, folder: Path, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(f"{path.name}:\n{path.read_text()[-2000:]}" for path in folder.glob("*.log"))
            raise TimeoutError(f"{what}\n{logs}")
        time.sleep(0.2)


def answer(*command: str) -> str:
    """What one of Slurm's commands says."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """For the block, in which SLURM_CONF says which one it is."""
    controller, node = _free_ports(2)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().partition(".")[0]
    conf = folder / "slurm.conf"
    conf.write_text(_CONF.format(folder=folder, host=host, user=getpass.getuser(), controller_port=controller, node_port=node))
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(conf)
    try:
        with ExitStack() as stack:
            for command in (_munge(folder), ["slurmctld", "-D", "-f", str(conf)], ["slurmd", "-D", "-f", str(conf)]):
                output = stack.enter_context((folder / f"{Path(command[0]).name}.log").open("ab"))
                stack.enter_context(started(command, stdout=output, stderr=output))
                if command[0] == "munged":
                    _until("munged does not start", (folder / "munge" / "socket").exists, folder)
            _until("no node is idle", lambda: "idle" in _quiet_answer("sinfo", "-h", "-o", "%T"), folder)
            try:
                yield
            finally:
                _quiet_answer("scancel", "--user", getpass.getuser())
                _until("jobs do not end", lambda: not _quiet_answer("squeue", "-h"), folder)
    finally:
        os.environ.pop("SLURM_CONF")
        if before is not None:
            os.environ["SLURM_CONF"] = before


def _quiet_answer(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else ""
