"""Rates and working points: where zero-bias events come from, the menu that a rate is pure against, the rates asked for."""

from typing import Annotated

from pydantic import Field

from l1ae.config._section import Section

__all__ = ["TriggerConfig"]

Rate = Annotated[float, Field(gt=0)]


class TriggerConfig(Section):
    """The trigger as it is run: `l1ae trigger`."""

    zero_bias: str = Field("shipped", description="'shipped', or an event store of zero-bias crossings")
    revolution_khz: float = Field(11.2456, gt=0, description="orbits of the LHC per millisecond")
    bunches: int = Field(2544, ge=1, le=3564, description="colliding bunches in an orbit")
    rates: tuple[Rate, ...] = Field((0.15, 0.5, 1.0, 3.0, 10.0), min_length=1, description="kHz, one working point each")
