"""What is wanted of a model, and how much of it a trial found."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from l1ae.config import Section
from l1ae.evaluation import Estimate, RateKind
from l1ae.schema import Unit
from l1ae.search._results import Measured

__all__ = ["ObjectiveConfig"]

Metric = Literal["capacity", "adaptive", "wasserstein", "wasserstein_log"]

_UNITS = {"lut": "packed LUT", "ff": "FF", "latency_ns": "ns", "cycles": "clock cycles", "crossings": "crossings", "weight_bits": "bits"}
_FIELDS = {"lut": "luts_packed", "ff": "flip_flops"}


class ObjectiveConfig(Section):
    """One objective. Efficiencies and label-free metrics are made large, costs small."""

    quantity: Literal["efficiency", "label_free", "lut", "ff", "latency_ns", "cycles", "crossings", "weight_bits"] = Field(
        description="what is wanted; costs are those of the RTL that would be made, as estimated"
    )
    of: Literal["mean", "cvar25"] = Field("mean", description="of the signals: their mean, or that of the quarter that is found worst")
    kind: RateKind = Field("pure", description="of all crossings (raw), or of those that no seed of the menu accepts")
    khz: Annotated[float, Unit("kHz")] = Field(1.0, gt=0, le=40_000, description="the rate that the efficiency is measured at")
    metric: Metric = Field("adaptive", description="label_free: what crossings of training and validation part alone say")

    @model_validator(mode="after")
    def _has_an_effect(self) -> Self:
        needed = {"of": "efficiency", "kind": "efficiency", "khz": "efficiency", "metric": "label_free"}
        for key in self.model_fields_set - {"quantity"}:
            if needed[key] != self.quantity:
                raise ValueError(f"{key} has no effect on {self.quantity}; remove it")
        return self

    @property
    def label(self) -> str:
        """As it is said to people."""
        if self.quantity == "efficiency":
            what = "mean efficiency" if self.of == "mean" else "efficiency for the worst quarter (CVaR25)"
            return f"{what} at {self.khz:g} kHz {self.kind}"
        if self.quantity == "label_free":
            return f"label-free {self.metric.replace('_', ' ')}"
        return {"lut": "LUT, packed", "ff": "FF", "weight_bits": "bits of weights"}.get(self.quantity, f"latency, {self._unit}")

    @property
    def _unit(self) -> str:
        return _UNITS[self.quantity]

    @property
    def maximised(self) -> bool:
        """Whether more is better; of the label-free metrics only the capacities are."""
        return self.quantity == "efficiency" or (self.quantity == "label_free" and self.metric in {"capacity", "adaptive"})

    def value(self, measured: Sequence[Measured]) -> float:
        """The mean over trainings. Raises `ValueError` where it could not be measured, with the reason."""
        return float(np.mean([self.estimate(one).value for one in measured]))

    def estimate(self, measured: Measured, *, reported: bool = False) -> Estimate:
        """With its interval (68.3 %; of costs the 90 % band of the estimator). Raises `ValueError` as `value`."""
        if self.quantity == "efficiency":
            return measured.efficiency(self.of, self.kind, self.khz, reported=reported)
        if self.quantity == "label_free":
            found = measured.label_free[self.metric]
            return Estimate(found, found, found)
        if self.quantity == "weight_bits":
            return Estimate(measured.cost.weight_bits, measured.cost.weight_bits, measured.cost.weight_bits)
        cost = getattr(measured.cost, _FIELDS.get(self.quantity, self.quantity))
        return Estimate(cost.value, cost.low, cost.high)
