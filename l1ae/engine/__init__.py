"""Where work runs: processes here, any Dask scheduler, or the batch system of a cluster."""

from l1ae.engine._engine import Engine, EngineOptions, LostError, Outcome, engine

__all__ = ["Engine", "EngineOptions", "LostError", "Outcome", "engine"]
