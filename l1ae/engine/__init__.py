"""Where work runs: processes here, any Dask scheduler, or the batch system of a cluster."""

from l1ae.engine._clusters import HTCondor, Slurm
from l1ae.engine._open import engine
from l1ae.engine._options import EngineOptions
from l1ae.engine._tasks import Engine, InlineEngine, LostError, Outcome

__all__ = ["Engine", "EngineOptions", "HTCondor", "InlineEngine", "LostError", "Outcome", "Slurm", "engine"]
