"""What a YAML file says about a batch system: how a job is asked for that holds one worker."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from l1ae.config import Section
from l1ae.documents import read_yaml, validate
from l1ae.engine._options import DEFAULT_MEMORY
from l1ae.errors import UserError
from l1ae.names import CondorCommand, CondorValue, FolderName, JobWord, Size, SlurmDirective, Walltime
from l1ae.schema import Unit

__all__ = ["HTCondor", "Slurm", "load_cluster", "shipped_clusters"]

_SHIPPED = Path(__file__).parent / "clusters"

_SLURM_OURS = (
    *("job-name", "nodes", "ntasks", "cpus-per-task", "mem", "mem-per-cpu", "time", "partition", "account", "output", "error", "array"),
    *("export", "export-file", "wrap", "chdir", "input", "open-mode", "get-user-env", "uid", "gid", "bcast", "parsable", "test-only"),
)
_CONDOR_OURS = (
    *("executable", "arguments", "environment", "getenv", "universe", "queue", "output", "error", "log", "input", "batch_name", "shell"),
    *("request_cpus", "request_memory", "request_disk", "requestcpus", "requestmemory", "requestdisk", "logdirectory", "initialdir"),
    *("transfer_executable", "container_image", "docker_image", "include", "use", "my"),
)


class _Batch(Section):
    """A job has one worker with one core."""

    workers: Annotated[int, Unit("jobs")] = Field(10, ge=1, le=10_000, description="where `--workers` says nothing")
    memory: Size = Field(DEFAULT_MEMORY, description="of each job, where `--memory` says nothing")
    interface: JobWord | None = Field(
        None, description="the network that both this machine and the jobs are in, as in `ip link`; default: that of this machine's name"
    )
    scratch: FolderName | None = Field(None, description="folder for temporary files; default: that of the node")
    logs: FolderName = Field("cluster_logs", description="folder of what jobs print")
    patience: Annotated[int, Unit("s")] = Field(
        120, ge=30, le=3600, description="how long a job looks for a client that is gone, and may take to start"
    )


class Slurm(_Batch):
    """Jobs of sbatch."""

    system: Literal["slurm"] = Field(description="the batch system")
    partition: JobWord | None = Field(None, description="that jobs are submitted to; default: that of the cluster")
    account: JobWord | None = Field(None, description="that jobs are counted on; default: that of the user")
    walltime: Walltime = Field("08:00:00", description="time limit of a job, after which it is replaced")
    directives: tuple[SlurmDirective, ...] = Field((), description="further options of sbatch")

    @field_validator("directives")
    @classmethod
    def _not_ours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for directive in value:
            option = directive.removeprefix("--").partition("=")[0]
            # sbatch takes beginnings of options for the options
            if any(ours.startswith(option) for ours in _SLURM_OURS):
                raise ValueError(f"directive {directive} is l1ae's own; partition, account, memory, walltime and logs have keys")
        return value


class HTCondor(_Batch):
    """Jobs of condor_submit."""

    system: Literal["htcondor"] = Field(description="the batch system")
    disk: Size = Field("2GiB", description="of each job")
    directives: dict[CondorCommand, CondorValue] = Field({}, description="further lines of the submit description")

    @field_validator("directives")
    @classmethod
    def _not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        for command in value:
            if command.lower() in _CONDOR_OURS:
                raise ValueError(f"{command} is l1ae's own; memory, disk and logs have keys")
        return value


_SYSTEMS: dict[str, type[Slurm] | type[HTCondor]] = {"slurm": Slurm, "htcondor": HTCondor}


def shipped_clusters() -> list[str]:
    """Names of the configurations that come with l1ae."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def load_cluster(name: str) -> Slurm | HTCondor:
    """The configuration of that name that comes with l1ae, or in a YAML file. Raises `UserError` for what is wrong in it."""
    path = _SHIPPED / f"{name}.yaml" if name in shipped_clusters() else Path(name)
    remedy = f"give {' or '.join(shipped_clusters())}, or a YAML file"
    content = read_yaml(path, what="cluster", remedy=remedy)
    system = content.get("system")
    if not isinstance(system, str) or system not in _SYSTEMS:
        raise UserError(f"{path}: system: must be {' or '.join(_SYSTEMS)} (value: {system!r})")
    return validate(_SYSTEMS[system], content, str(path))
