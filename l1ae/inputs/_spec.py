"""The one definition of a trigger event: object slots, hardware scales, and what the network receives.

Hardware scales are those of the CMS Run-3 global trigger (CMSSW `EventFilter/L1ScoutingRawToDigi/interface/scales.h`
and the uGT firmware specification).
"""

from functools import cached_property
from math import pi
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from l1ae.errors import UserError
from l1ae.inputs._fixed import FixedFormat
from l1ae.inputs._view import Frozen, InputView, Scale

__all__ = ["FEATURES", "InputSpec", "ObjectGroup", "ugt_input_spec"]

FloatArray = npt.NDArray[np.float64]
HardwareArray = npt.NDArray[np.int16]
BoolArray = npt.NDArray[np.bool_]

FEATURES = ("pt", "eta", "phi")


class ObjectGroup(Frozen):
    """Slots of one kind of object, ordered by falling pT, and the preprocessing of their features.

    `offset` and `shift` hold one value per feature (pT, eta, phi), or one such triple per slot: the network
    receives `(hw - offset) >> shift`, where a negative shift multiplies.
    """

    name: str
    count: int = Field(ge=1)
    pt: Scale
    eta: Scale | None
    phi: Scale
    offset: tuple[int, int, int] | tuple[tuple[int, int, int], ...] = (0, 0, 0)
    shift: tuple[int, int, int] | tuple[tuple[int, int, int], ...] = (0, 0, 0)

    @model_validator(mode="after")
    def _one_triple_per_slot(self) -> Self:
        for field in ("offset", "shift"):
            value = getattr(self, field)
            if isinstance(value[0], tuple) and len(value) != self.count:
                raise ValueError(
                    f"{field} of '{self.name}' has {len(value)} triples for {self.count} slots; give one triple, or one per slot"
                )
        return self

    def per_slot(self, field: str) -> npt.NDArray[np.int64]:
        """`offset` or `shift` as (count, 3)."""
        return np.broadcast_to(np.asarray(getattr(self, field), np.int64), (self.count, 3))

    @property
    def scales(self) -> tuple[Scale, Scale | None, Scale]:
        """Scales in the order of the features."""
        return (self.pt, self.eta, self.phi)


class InputSpec(InputView):
    """All inputs of the trigger: slots x (pT, eta, phi).

    Three representations of an event are converted into each other here and nowhere else:

    * physical, float64 (slots, 3): GeV, pseudorapidity, radians; an empty slot is all zeros;
    * hardware, int16 (slots, 3): the codes that arrive in firmware; a slot is empty when its pT code is 0;
    * network, int64 (3 x slots,): codes of `network`, the fixed-point type that the first layer sees.
      An empty slot enters the network as 0 in all its features.
    """

    groups: tuple[ObjectGroup, ...]

    @property
    def view(self) -> str:
        """`objects`."""
        return "objects"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(slots, 3)."""
        return (self.slots, len(FEATURES))

    @property
    def dtype(self) -> np.dtype[Any]:
        """int16: eta is signed."""
        return np.dtype(np.int16)

    @property
    def slots(self) -> int:
        """Number of object slots."""
        return sum(group.count for group in self.groups)

    @property
    def names(self) -> tuple[str, ...]:
        """`met_pt`, `met_eta`, ..., one per network input."""
        slots = [group.name + (f"{i}" if group.count > 1 else "") for group in self.groups for i in range(group.count)]
        return tuple(f"{slot}_{feature}" for slot in slots for feature in FEATURES)

    def slices(self) -> dict[str, slice]:
        """Slot range of each group."""
        ends = np.cumsum([group.count for group in self.groups])
        return {group.name: slice(int(end) - group.count, int(end)) for group, end in zip(self.groups, ends, strict=True)}

    @cached_property
    def offset(self) -> npt.NDArray[np.int64]:
        """Integer offset of each network input, (size,), in hardware LSB."""
        return np.concatenate([group.per_slot("offset") for group in self.groups]).ravel()

    @cached_property
    def shift(self) -> npt.NDArray[np.int64]:
        """Right shift of each network input, (size,)."""
        return np.concatenate([group.per_slot("shift") for group in self.groups]).ravel()

    @cached_property
    def code_range(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Smallest and largest hardware code of each input, two arrays (size,). An absent feature has 0 and 0."""
        bounds = [
            (0, 0) if scale is None else (min(scale.low, 0), scale.high)
            for group in self.groups
            for _ in range(group.count)
            for scale in group.scales
        ]
        low, high = np.array(bounds, np.int64).T
        return low, high

    @cached_property
    def present(self) -> BoolArray:
        """(size,): false where the object kind has no such feature (eta of MET)."""
        return np.array([scale is not None for group in self.groups for _ in range(group.count) for scale in group.scales])

    @cached_property
    def gate(self) -> npt.NDArray[np.int64]:
        """(size,): index of the pT of each input's slot, whose code 0 means an empty slot."""
        return np.arange(self.size) // 3 * 3

    def to_hardware(self, physical: npt.ArrayLike) -> HardwareArray:
        """Physical (N, slots, 3) into hardware codes; pT <= 0 makes a slot empty.

        Too large pT and eta saturate at the end of the scale, phi wraps.
        Raises `UserError` for a wrong shape, a negative pT, NaN or infinity, with event, slot and feature.
        """
        values = np.asarray(physical, np.float64)
        self._check_shape(values)
        self._check_finite(values)
        codes = np.zeros(values.shape, np.int16)
        for group, where in zip(self.groups, self.slices().values(), strict=True):
            part = values[:, where]
            valid = part[..., 0] > 0
            for k, scale in enumerate(group.scales):
                if scale is not None:
                    codes[:, where, k] = np.where(valid, scale.encode(part[..., k]), 0)
        return _empty_where_no_pt(codes)

    def to_physical(self, hardware: npt.NDArray[np.integer]) -> FloatArray:
        """Hardware codes (N, slots, 3) into physical values at the centre of each code; empty slots are 0."""
        self._check_shape(hardware)
        values = np.zeros(hardware.shape, np.float64)
        for group, where in zip(self.groups, self.slices().values(), strict=True):
            part = hardware[:, where]
            valid = part[..., 0] > 0
            for k, scale in enumerate(group.scales):
                if scale is not None:
                    values[:, where, k] = np.where(valid, scale.decode(part[..., k]), 0.0)
        return values

    @property
    def layout(self) -> object:
        """Slots and scales of every group."""
        return [group.model_dump(mode="json", exclude={"offset", "shift"}) for group in self.groups]

    def _check_finite(self, values: FloatArray) -> None:
        wrong = ~np.isfinite(values)
        wrong[..., 0] |= values[..., 0] < 0
        bad = np.argwhere(wrong)
        if len(bad):
            event, slot, feature = (int(i) for i in bad[0])
            name = self.names[3 * slot + feature]
            raise UserError(
                f"event {event}: {name} = {values[event, slot, feature]} must be finite{' and not negative' if feature == 0 else ''}"
            )


def _empty_where_no_pt(codes: HardwareArray) -> HardwareArray:
    """A pT below one LSB has code 0, which firmware reads as an empty slot: clear its angles too."""
    return np.where(codes[..., :1] == 0, np.int16(0), codes)


def ugt_input_spec(network: str = "fixed<12,6,RND_CONV,SAT>") -> InputSpec:
    """The 19 objects x 3 features of the 40 MHz benchmark on the scales of the CMS global trigger.

    MET (no eta), 4 e/gamma, 4 muons, 10 jets; layout of arXiv:2107.02157. Offsets centre phi. Shifts bring every
    feature to a spread of order one over all events, empty slots included, so that slots which are rarely filled weigh
    more. With the default format pT saturates at 1024 GeV (MET), 64 GeV (second lepton), 16 GeV (third and fourth),
    512 GeV (second jet) and 256 GeV (later jets), and the angles of the first muon are rounded to multiples of 4 codes;
    all other codes arrive exactly.
    """
    calo_phi = Scale(lsb=2 * pi / 144, low=0, high=143, wrap=True)
    muon_phi = Scale(lsb=2 * pi / 576, low=0, high=575, wrap=True)
    eta = Scale(lsb=0.0870 / 2, low=-128, high=127)
    pt9 = Scale(lsb=0.5, low=0, high=511)
    met_shift = (6, 0, 6)
    eg_shift = ((5, 6, 6), (2, 4, 4), (0, 4, 4), (0, 4, 4))
    mu_shift = ((5, 8, 8), (2, 6, 6), (0, 6, 6), (0, 6, 6))
    jet_shift = ((6, 6, 6), (5, 6, 6), *((4, 6, 6),) * 8)
    return InputSpec(
        groups=(
            ObjectGroup(
                name="met", count=1, pt=Scale(lsb=0.5, low=0, high=4095), eta=None, phi=calo_phi, offset=(0, 0, 72), shift=met_shift
            ),
            ObjectGroup(name="eg", count=4, pt=pt9, eta=eta, phi=calo_phi, offset=(0, 0, 72), shift=eg_shift),
            ObjectGroup(
                name="mu",
                count=4,
                pt=Scale(lsb=0.5, low=1, high=511, origin=1),
                eta=Scale(lsb=0.0870 / 8, low=-256, high=255),
                phi=muon_phi,
                offset=(0, 0, 288),
                shift=mu_shift,
            ),
            ObjectGroup(
                name="jet", count=10, pt=Scale(lsb=0.5, low=0, high=2047), eta=eta, phi=calo_phi, offset=(0, 0, 72), shift=jet_shift
            ),
        ),
        network=FixedFormat.parse(network),
    )
