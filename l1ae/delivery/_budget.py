"""The budget of the configuration against the figures of every stage. What is not known is never a pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from l1ae.config import BudgetConfig
from l1ae.delivery._reports import STAGES, Stage
from l1ae.delivery._reports_find import Design, StageFigures
from l1ae.results import Real

__all__ = ["Budget", "BudgetLine", "Outcome", "check_budget"]

Outcome = Literal["passed", "failed", "not known"]

_LABELS = {
    "latency_ns": "latency in ns",
    "latency_cycles": "latency in clock cycles",
    "interval": "initiation interval (II)",
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram": "BRAM",
    "uram": "URAM",
    "slack_ns": "slack in ns",
}


@dataclass(frozen=True)
class BudgetLine:
    """One quantity of one design at one stage. `stage` None, in a verdict: no stage knows it. `slack_ns` has a lower limit."""

    quantity: str
    design: Design
    stage: Stage | None
    tool: str | None
    value: Real | None
    limit: Real
    outcome: Outcome

    def __str__(self) -> str:
        name = f"{_LABELS[self.quantity]} of the {self.design.upper()} design"
        if self.value is None:
            return f"{name}: not known, the budget is {self.limit:g}"
        bound = "at least" if self.quantity == "slack_ns" else "at most"
        return f"{name}: {self.value:g} ({self.stage}, {self.tool}), the budget is {bound} {self.limit:g}: {self.outcome}"


@dataclass(frozen=True)
class Budget:
    """`lines`: every quantity with a limit at every stage. `verdicts`: one for each design, from the latest stage that knows it."""

    lines: tuple[BudgetLine, ...]
    verdicts: tuple[BudgetLine, ...]

    def of(self, design: Design, outcome: Outcome) -> tuple[BudgetLine, ...]:
        """Verdicts of a design with this outcome."""
        return tuple(line for line in self.verdicts if line.design == design and line.outcome == outcome)

    @property
    def passed(self) -> bool:
        """Every verdict is a pass; false when there is none."""
        return bool(self.verdicts) and all(line.outcome == "passed" for line in self.verdicts)


def check_budget(budget: BudgetConfig, rows: Sequence[StageFigures]) -> Budget:
    """Each design of `rows` by itself: an HLS project says nothing about the RTL that l1ae writes, nor the other way round.

    A row with doubts about it decides nothing: its lines are not known.
    """
    limits = {name: limit for name, limit in budget.model_dump().items() if limit is not None}
    ordered = sorted(rows, key=lambda row: (row.design, STAGES.index(row.stage)))
    lines = tuple(_line(name, limit, row) for name, limit in limits.items() for row in ordered)
    designs: list[Design] = list(dict.fromkeys(row.design for row in ordered))
    verdicts = tuple(_verdict(name, limit, design, lines) for design in designs for name, limit in limits.items())
    return Budget(lines, verdicts)


def _line(name: str, limit: float, row: StageFigures) -> BudgetLine:
    value: float | None = row.resources[name].used if name in row.resources else getattr(row, name, None)
    if value is None or row.doubts:
        return BudgetLine(name, row.design, row.stage, row.tool, None, limit, "not known")
    holds = value >= limit if name == "slack_ns" else value <= limit
    return BudgetLine(name, row.design, row.stage, row.tool, value, limit, "passed" if holds else "failed")


def _verdict(name: str, limit: float, design: Design, lines: Sequence[BudgetLine]) -> BudgetLine:
    known = [line for line in lines if line.quantity == name and line.design == design and line.outcome != "not known"]
    return known[-1] if known else BudgetLine(name, design, None, None, None, limit, "not known")
