"""Parameters of the detector in bins of |eta|."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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

    eta_max: float = Field(gt=0)
    constant: float = Field(ge=0)
    stochastic: float = Field(ge=0)
    noise: float = Field(0.0, ge=0)


class TrackBin(Frozen):
    """Relative transverse momentum resolution below `eta_max`: sigma(pT)/pT = constant (+) slope pT, pT in GeV, in quadrature."""

    eta_max: float = Field(gt=0)
    constant: float = Field(ge=0)
    slope: float = Field(ge=0)


class RegionBin(Frozen):
    """A probability below `eta_max`."""

    eta_max: float = Field(gt=0)
    value: float = Field(ge=0, le=1)


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
