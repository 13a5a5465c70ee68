"""What the trigger may cost. A figure beyond its limit fails the build."""

from typing import Annotated

from pydantic import Field

from l1ae.config._section import Section
from l1ae.schema import Unit

__all__ = ["BudgetConfig"]


class BudgetConfig(Section):
    """Upper limits, and a lower one for the slack; what is not given is not checked, but for the slots of targets (`SLOTS`)."""

    latency_ns: Annotated[float | None, Unit("ns")] = Field(None, gt=0, description="at the clock that the design is made for")
    latency_cycles: Annotated[int | None, Unit("clock cycles")] = Field(None, ge=1, description="from an event to its answer")
    interval: Annotated[int | None, Unit("clock cycles")] = Field(None, ge=1, description="from one event to the next (II)")
    lut: Annotated[int | None, Unit("LUTs")] = Field(
        None, ge=0, description="as the stage counts them; of estimates and open synthesis packed ones"
    )
    ff: Annotated[int | None, Unit("flip-flops")] = Field(None, ge=0, description="registers of one bit")
    dsp: Annotated[int | None, Unit("DSP blocks")] = Field(None, ge=0, description="multipliers")
    bram: Annotated[float | None, Unit("blocks of 36 kbit")] = Field(None, ge=0, description="block RAM")
    uram: Annotated[int | None, Unit("blocks of 288 kbit")] = Field(None, ge=0, description="UltraRAM")
    slack_ns: Annotated[float | None, Unit("ns")] = Field(None, description="least worst negative slack (WNS)")
