"""Parameters of the detector in bins of |eta|."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from l1ae.schema import Unit

__all__ = [
    "CALORIMETER_REACH",
    "CalorimeterBin",
    "CalorimeterBins",
    "Frozen",
    "RegionBin",
    "RegionBins",
    "TrackBin",
    "TrackBins",
    "efficiency",
]

CALORIMETER_REACH = 5.0
"""|eta| up to which anything is measured."""


class Frozen(BaseModel):
    """A choice of the generator: it cannot change, and has no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CalorimeterBin(Frozen):
    """Energy resolution below `eta_max`: sigma(E)^2 = (constant E)^2 + stochastic^2 E + noise^2, E in GeV."""

    eta_max: float = Field(gt=0, description="end of the bin in |eta|")
    constant: float = Field(ge=0, description="of the resolution, relative")
    stochastic: Annotated[float, Unit("GeV^1/2")] = Field(ge=0, description="of the resolution")
    noise: Annotated[float, Unit("GeV")] = Field(0.0, ge=0, description="of the resolution")


class TrackBin(Frozen):
    """Relative transverse momentum resolution below `eta_max`: sigma(pT)/pT = constant (+) slope pT, pT in GeV, in quadrature."""

    eta_max: float = Field(gt=0, description="end of the bin in |eta|")
    constant: float = Field(ge=0, description="of the relative resolution")
    slope: Annotated[float, Unit("1/GeV")] = Field(ge=0, description="of the relative resolution, times pT")


class RegionBin(Frozen):
    """A probability below `eta_max`."""

    eta_max: float = Field(gt=0, description="end of the bin in |eta|")
    value: float = Field(ge=0, le=1, description="the probability")


_Bins = TypeVar("_Bins", tuple[CalorimeterBin, ...], tuple[TrackBin, ...], tuple[RegionBin, ...])


def _rising(bins: _Bins) -> _Bins:
    edges = [item.eta_max for item in bins]
    if not edges or edges != sorted(set(edges)):
        raise ValueError(f"the bins must have rising eta_max, not {edges}")
    return bins


CalorimeterBins = Annotated[tuple[CalorimeterBin, ...], AfterValidator(_rising)]
TrackBins = Annotated[tuple[TrackBin, ...], AfterValidator(_rising)]
RegionBins = Annotated[tuple[RegionBin, ...], AfterValidator(_rising)]


def efficiency(barrel: float, endcap: float) -> tuple[RegionBin, ...]:
    """One probability below |eta| = 1.5, another one above."""
    return (RegionBin(eta_max=1.5, value=barrel), RegionBin(eta_max=CALORIMETER_REACH, value=endcap))
