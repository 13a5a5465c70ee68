"""Where the firmware targets run a design: the clock there, what the design may take at it by default, and whether it does."""

from dataclasses import dataclass
from math import ceil

from l1ae.config._budget import BudgetConfig

__all__ = ["CROSSING", "SLOTS", "Fit", "Slot", "data_frames"]

CROSSING = 25.0
"""From one bunch crossing to the next, as the global trigger's firmware rounds it (ns)."""

# A clock that is slower by less than this is the same: periods in configurations have two decimals.
_ROUNDING = 0.005
# A clock that differs by less than this part is not worth a word.
_ALIKE = 0.01


@dataclass(frozen=True)
class Fit:
    """Whether a design fits into a slot. `text`: why, in one line; where it does not, what helps."""

    target: str
    fits: bool
    text: str


@dataclass(frozen=True)
class Slot:
    """One target's slot. `clocks`: periods in ns that its logic can have; the fastest that a design keeps up with is taken.

    `budget`: its default, which the configuration's section of that name replaces quantity by quantity. `remedy`: {again} stands for what
    follows where the RTL is there.
    """

    target: str
    place: str
    clocks: tuple[float, ...]
    budget: BudgetConfig
    remedy: str

    def limits(self, given: BudgetConfig) -> BudgetConfig:
        """The default with what the configuration says."""
        return self.budget.model_copy(update={key: value for key, value in given if value is not None})

    def clock(self, period: float) -> float:
        """The clock in ns that a design made for `period` gets: the slowest one where it keeps up with none."""
        return min((clock for clock in self.clocks if period <= clock + _ROUNDING), default=max(self.clocks))

    def fit(self, *, latency: int, interval: int, period: float, given: BudgetConfig, made: bool = True) -> Fit:
        """Of a design of `latency` and `interval` (II) clock cycles for a clock of `period` ns; `made`: its RTL is there."""
        clock, limits = self.clock(period), self.limits(given)
        found = self._answer(latency, period)
        misses = []
        if period > clock + _ROUNDING:
            misses.append(f"it is for a clock of {period:g} ns, and that of {self.place} is {clock:.4g} ns")
        if limits.latency_ns is not None and latency * clock > limits.latency_ns + 1e-6:
            misses.append(f"{found}, and the budget is {limits.latency_ns:g} ns")
        if limits.latency_cycles is not None and latency > limits.latency_cycles:
            misses.append(f"{found}, and the budget is {limits.latency_cycles} clocks")
        if limits.interval is not None and interval > limits.interval:
            misses.append(f"it takes an event every {interval} clocks (II), and the budget is {limits.interval}")
        if misses:
            remedy = self.remedy.format(again=" and run `l1ae rtl` again" if made else "")
            return Fit(self.target, False, f"does not fit into {self.place}: {'; '.join(misses)}; {remedy}")
        return Fit(self.target, True, f"fits into {self.place}: {found}")

    def _answer(self, latency: int, period: float) -> str:
        """After which time a design answers here, which is another one than at the clock that it was made for."""
        clock = self.clock(period)
        time = f"{latency * clock:.4g} ns"
        if abs(period - clock) <= _ALIKE * clock:
            return f"it answers after {latency} clocks of {clock:.4g} ns, {ceil(latency * clock / CROSSING - 1e-6)} crossings ({time})"
        there = f"the clock here is one of {clock:.4g} ns, so that they are {time}"
        return f"for a clock of {period:g} ns it takes {latency} clocks, and {there}"


def data_frames(period: float) -> int:
    """Frames of a crossing on the links of an EMP board, for a design made for a clock of `period` ns: 9 at 360 MHz, 6 at 240 MHz."""
    return round(CROSSING / SLOTS["emp"].clock(period))


SLOTS = {
    slot.target: slot
    for slot in (
        Slot(
            "ugt",
            "the global trigger",
            (CROSSING,),
            BudgetConfig(latency_ns=2 * CROSSING, interval=1),
            "set rtl.crossings to 1 or 2 (and rtl.interval to 1){again}, with a smaller network where that is "
            "refused; or give budget.latency_ns and budget.interval what your slot has",
        ),
        Slot(
            "emp",
            "an EMP board",
            (CROSSING / 6, CROSSING / 9),
            BudgetConfig(),
            "set rtl.clock_period to 4.16 (240 MHz) or 2.77 (360 MHz){again}; or raise the limit in budget",
        ),
    )
}
"""The targets whose clock is not the design's own. Others (`cmssw`, `vivado`) have no slot."""
