"""What the timing band says of the clock, in words: the same in the console and in the report."""

from dataclasses import dataclass

from l1ae.synth._timing import TimingBand

__all__ = ["ClockVerdict", "clock_verdict"]


@dataclass(frozen=True)
class ClockVerdict:
    """`kept`: the worst assumption about the wiring that keeps the clock, "pessimistic", "typical" or "optimistic"; None: none does.

    `text` is a sentence.
    """

    kept: str | None
    text: str


def clock_verdict(timing: TimingBand, period: float, crossings: int | None) -> ClockVerdict:
    """From the band of `analyse_timing`, the clock period in ns, and `rtl.crossings`.

    Uncertainty of the clock is not contained, as it is not in the band.
    """
    found = {"pessimistic": timing.pessimistic.ns, "typical": timing.typical.ns, "optimistic": timing.optimistic.ns}
    kept = next((name for name, ns in found.items() if ns <= period), None)
    clock = f"the clock of {period:g} ns" if crossings is None else f"the bunch crossing of {period:g} ns"
    beyond = [f"{ns:.2f} ns under {name}" for name, ns in found.items() if ns > period]
    if kept == "pessimistic":
        return ClockVerdict(
            kept,
            f"the slowest path fits into {clock} under every assumption about the wiring, before placement and "
            "without the uncertainty of the clock",
        )
    if kept is None:
        return ClockVerdict(kept, f"the slowest path does not fit into {clock} under any assumption about the wiring: {', '.join(beyond)}")
    return ClockVerdict(
        kept,
        f"the slowest path exceeds {clock}: {' and '.join(beyond)} assumptions about the wiring; it fits under {kept} ones "
        f"({found[kept]:.2f} ns, without the uncertainty of the clock). Only place and route tells",
    )
