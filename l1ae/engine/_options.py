"""What a user may say about where work runs."""

from dataclasses import dataclass

from l1ae.errors import UserError

__all__ = ["DEFAULT_MEMORY", "EngineOptions"]

DEFAULT_MEMORY = "4GiB"


@dataclass(frozen=True)
class EngineOptions:
    """Where tasks run: on `workers` processes here (default: one per core), at a `scheduler` by address, or on a `cluster`.

    `cluster`: slurm, htcondor, or a YAML file. `memory` of a worker, as in 4GiB; default: that of the cluster's file, 4GiB here.
    Raises `UserError` for options that contradict each other.
    """

    workers: int | None = None
    scheduler: str | None = None
    cluster: str | None = None
    memory: str | None = None

    def __post_init__(self) -> None:
        """What cannot be meant."""
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers must be at least 1, not {self.workers}")
        if self.scheduler is not None and self.cluster is not None:
            raise UserError(f"scheduler '{self.scheduler}' and cluster '{self.cluster}' are two places; give one of them")
        if self.scheduler is not None and self.memory is not None:
            raise UserError(
                f"memory {self.memory} cannot be given to workers that run already; start them with "
                f"`dask worker --memory-limit {self.memory}`"
            )
