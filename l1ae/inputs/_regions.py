"""The calorimeter image of an event: transverse energy per region, as the CMS Level-1 calorimeter trigger sees it.

Layer 1 of the CMS calorimeter trigger sums 4 x 4 trigger towers (of 5 degrees in phi) into 18 x 14 regions within
|eta| < 3 and hands 10-bit energies on in units of 0.5 GeV; the anomaly trigger CICADA reads them as an image
(CMSSW `L1Trigger/L1TCaloLayer1/src/UCTRegion.hh`: `RegionETMask`, and `L1Trigger/L1TCaloSummary/plugins/L1TCaloSummary.cc`:
input `14 * gctPhi + gctEta - 4`). Boundaries are those of `L1Trigger/Configuration` (`L1CaloGeometryProd`:
`gctEtaBinBoundaries`, `gctEmJetPhiBinOffset = -0.5`): region 0 in phi is centred at phi = 0.
"""

from functools import cached_property
from math import pi
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from l1ae.errors import UserError
from l1ae.inputs._fixed import FixedFormat
from l1ae.inputs._view import InputView, Scale

__all__ = ["REGION_ETA_EDGES", "RegionSpec", "calo_layer1_spec"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_POSITIVE_ETA_EDGES = (0.348, 0.695, 1.044, 1.392, 1.74, 2.172, 3.0)

REGION_ETA_EDGES = (*(-edge for edge in reversed(_POSITIVE_ETA_EDGES)), 0.0, *_POSITIVE_ETA_EDGES)
"""Boundaries of the 14 regions in eta."""


class RegionSpec(InputView):
    """The calorimeter image: hardware codes uint16 (N, phi, eta) of transverse energy, all preprocessed alike.

    Row 0 is the region around phi = 0, column 0 the most negative eta. Energy code `c` stands for [c, c + 1) x LSB, and
    the largest one for everything above, too. The network receives `hw >> region_shift`, where a negative shift
    multiplies. An image has no empty slots: a region without energy enters as 0 like any other value.
    """

    phi_regions: int = Field(ge=1)
    eta_edges: tuple[float, ...] = Field(min_length=2)
    et: Scale
    region_shift: int = 0

    @model_validator(mode="after")
    def _edges_rise(self) -> Self:
        if list(self.eta_edges) != sorted(set(self.eta_edges)):
            raise ValueError(f"eta_edges must rise, not {self.eta_edges}")
        return self

    @property
    def view(self) -> str:
        """`regions`."""
        return "regions"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(phi, eta)."""
        return (self.phi_regions, len(self.eta_edges) - 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint16."""
        return np.dtype(np.uint16)

    @property
    def names(self) -> tuple[str, ...]:
        """`region_phi0_eta0`, `region_phi0_eta1`, ..., one per network input."""
        phi, eta = self.event_shape
        return tuple(f"region_phi{i}_eta{j}" for i in range(phi) for j in range(eta))

    @cached_property
    def offset(self) -> IntArray:
        """(size,), all 0."""
        return np.zeros(self.size, np.int64)

    @cached_property
    def shift(self) -> IntArray:
        """(size,), all `region_shift`."""
        return np.full(self.size, self.region_shift, np.int64)

    @cached_property
    def code_range(self) -> tuple[IntArray, IntArray]:
        """Smallest and largest hardware code of each region, two arrays (size,)."""
        return np.full(self.size, self.et.low, np.int64), np.full(self.size, self.et.high, np.int64)

    @cached_property
    def present(self) -> npt.NDArray[np.bool_]:
        """(size,), all true."""
        return np.ones(self.size, np.bool_)

    @cached_property
    def gate(self) -> IntArray:
        """(size,), all -1: no region says whether another one counts."""
        return np.full(self.size, -1, np.int64)

    @property
    def layout(self) -> object:
        """Geometry and scale."""
        return {"phi_regions": self.phi_regions, "eta_edges": self.eta_edges, "et": self.et.model_dump(mode="json")}

    def to_hardware(self, physical: npt.ArrayLike) -> npt.NDArray[np.uint16]:
        """Transverse energies [GeV] (N, phi, eta) into codes, rounded down; too large ones saturate.

        Raises `UserError` for a wrong shape, and for a negative energy, NaN or infinity with event and region.
        """
        values = np.asarray(physical, np.float64)
        self._check_shape(values)
        bad = np.argwhere(~(np.isfinite(values) & (values >= 0)))
        if len(bad):
            event, phi, eta = (int(i) for i in bad[0])
            raise UserError(f"event {event}: region_phi{phi}_eta{eta} = {values[event, phi, eta]} must be finite and not negative")
        return self.et.encode(values).astype(np.uint16)

    def to_physical(self, hardware: npt.NDArray[np.integer]) -> FloatArray:
        """Codes (N, phi, eta) into transverse energies [GeV] at the centre of each code; 0 where the code is 0."""
        self._check_shape(hardware)
        return np.where(hardware > 0, self.et.decode(hardware), 0.0)

    def region_of(self, eta: npt.NDArray[np.floating], phi: npt.NDArray[np.floating]) -> IntArray:
        """Index (row by row, as the network inputs) of the region at each `eta`, `phi` [rad]; -1 beyond the edges in eta."""
        column = np.searchsorted(self.eta_edges, eta, side="right") - 1
        row = np.floor(np.asarray(phi, np.float64) * (self.phi_regions / (2 * pi)) + 0.5).astype(np.int64) % self.phi_regions
        columns = len(self.eta_edges) - 1
        return np.where((column >= 0) & (column < columns), row * columns + column, -1)


def calo_layer1_spec(network: str = "ufixed<10,7,RND_CONV,SAT>", shift: int = 3) -> RegionSpec:
    """The 18 x 14 regions of Layer 1 of the CMS calorimeter trigger.

    With the defaults all ten bits arrive in the network exactly, in units of 4 GeV, which gives them a spread of order
    one. CICADA itself takes the integers as they are: `ufixed<10,10>` with shift 0.
    """
    return RegionSpec(
        phi_regions=18,
        eta_edges=REGION_ETA_EDGES,
        et=Scale(lsb=0.5, low=0, high=1023),
        region_shift=shift,
        network=FixedFormat.parse(network),
    )
