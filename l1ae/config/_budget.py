"""What the trigger may cost. A figure beyond its limit fails the build."""

from pydantic import Field

from l1ae.config._section import Section

__all__ = ["BudgetConfig"]


class BudgetConfig(Section):
    """Upper limits, and a lower one for the slack; what is not given is not checked, but for the slots of targets (`SLOTS`)."""

    latency_ns: float | None = Field(None, gt=0, description="ns at the clock that the design is made for")
    latency_cycles: int | None = Field(None, ge=1)
    interval: int | None = Field(None, ge=1, description="clock cycles from one event to the next (II)")
    lut: int | None = Field(None, ge=0)
    ff: int | None = Field(None, ge=0)
    dsp: int | None = Field(None, ge=0)
    bram: float | None = Field(None, ge=0, description="blocks of 36 kbit")
    uram: int | None = Field(None, ge=0)
    slack_ns: float | None = Field(None, description="least worst negative slack (WNS), ns")
