"""Where the firmware targets run a design: the clock there, what the design may take at it by default, and whether it does."""

from collections.abc import Mapping
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

    `budget`: its default, which the configuration's section of that name replaces quantity by quantity. `remedies`: what helps, by what is
    missed: `clock`, `latency`, `interval`; {again} stands for what follows where the RTL is there.
    """

    target: str
    place: str
    clocks: tuple[float, ...]
    budget: BudgetConfig
    remedies: Mapping[str, str]

    def limits(self, given: BudgetConfig) -> BudgetConfig:
        """The default with what the configuration says."""
        return self.budget.model_copy(update={key: value for key, value in given if value is not None})

    def clock(self, period: float) -> float:
        """The clock in ns that a design made for `period` gets: the slowest one where it keeps up with none."""
        return min((clock for clock in self.clocks if period <= clock + _ROUNDING), default=max(self.clocks))

    def fit(self, *, latency: int, interval: int, period: float, given: BudgetConfig, collected: int = 0, made: bool = True) -> Fit:
        """Of a design of `latency` and `interval` (II) clock cycles that was made for a clock of `period` ns.

        `collected`: clocks that an event arrives in, before one more takes it into the design; 0 where it is there at once. `made`: its RTL
        is there, so that a change of the configuration makes it again.
        """
        clock, limits = self.clock(period), self.limits(given)
        total = latency + (collected + 1 if collected else 0)
        answer = _answer(total, clock)
        arriving = f"{answer} after the first frame of its event: {collected} to collect it, 1 into the network, {latency} in it"
        found = arriving if collected else f"after {answer}"
        if abs(period - clock) > _ALIKE * clock:
            found += f", at the clock there and not at that of {period:g} ns that it was made for"
        misses = []
        if period > clock + _ROUNDING:
            misses.append(("clock", f"it was made for a clock of {period:g} ns, and that of {self.place} is {clock:.4g} ns"))
        if limits.latency_ns is not None and total * clock > limits.latency_ns + 1e-6:
            misses.append(("latency", f"it answers {found}, and the budget is {limits.latency_ns:g} ns"))
        if limits.latency_cycles is not None and total > limits.latency_cycles:
            misses.append(("latency", f"it answers {found}, and the budget is {_counted(limits.latency_cycles, 'clock')}"))
        if limits.interval is not None and interval > limits.interval:
            misses.append(("interval", f"it takes an event every {interval} clocks (II), and the budget is {limits.interval}"))
        if misses:
            again = " and run `l1ae rtl` again" if made else ""
            remedies = dict.fromkeys(self.remedies[what].format(again=again) for what, _ in misses)
            return Fit(self.target, False, f"does not fit into {self.place}: {'; '.join((*(why for _, why in misses), *remedies))}")
        return Fit(self.target, True, f"fits into {self.place}: it answers {found}")


def _answer(clocks: int, period: float) -> str:
    """A latency of so many clocks of `period` ns, in ns and in the crossings that begin in it."""
    crossings = ceil(clocks * period / CROSSING - 1e-6)
    return f"{_counted(clocks, 'clock')} of {period:.4g} ns ({clocks * period:.4g} ns, within {_counted(crossings, 'crossing')})"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


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
            {
                "clock": "set rtl.crossings to 1 or 2{again}",
                "latency": "set rtl.crossings to 1 or 2{again}, with a smaller network where that is refused; or give "
                "budget.latency_ns or budget.latency_cycles what your slot has",
                "interval": "set rtl.interval to 1{again}; or give budget.interval what your slot has",
            },
        ),
        Slot(
            "emp",
            "an EMP board",
            (CROSSING / 6, CROSSING / 9),
            BudgetConfig(),
            {
                "clock": "set rtl.clock_period to 4.16 (240 MHz) or 2.77 (360 MHz){again}",
                "latency": "fewer or narrower inputs are collected sooner, and a smaller network answers sooner; or raise "
                "budget.latency_ns or budget.latency_cycles",
                "interval": "set rtl.interval to a smaller value{again}; or raise budget.interval",
            },
        ),
    )
}
"""The targets whose clock is not the design's own. Others (`cmssw`, `vivado`) have no slot."""
