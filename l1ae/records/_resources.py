"""Latency, timing and resources of every design at every stage: resources.json."""

from dataclasses import dataclass
from typing import Literal

from l1ae.delivery import BudgetLine, StageFigures
from l1ae.results import Digest, FirstVersion, Positive

__all__ = ["BudgetReport", "ResourcesReport"]


@dataclass(frozen=True)
class BudgetReport:
    """Every quantity with a limit at every stage, one verdict for each design, and the limits of the configuration."""

    lines: tuple[BudgetLine, ...]
    verdicts: tuple[BudgetLine, ...]
    limits: dict[str, Positive | None]


@dataclass(frozen=True)
class ResourcesReport:
    """One row for each design and stage, and what the budget says of them; `digest` of the contract, None without one."""

    project: str
    digest: Digest | None
    rows: tuple[StageFigures, ...]
    budget: BudgetReport
    format: Literal["l1ae-resources"] = "l1ae-resources"
    format_version: FirstVersion = 1
