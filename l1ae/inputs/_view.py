"""What every view of an event has in common: hardware codes, preprocessing, and the network inputs made from them."""

import hashlib
import json
from abc import ABC, abstractmethod
from functools import cached_property
from math import prod
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from l1ae.errors import UserError
from l1ae.inputs._fixed import FixedFormat

__all__ = ["Format", "Frozen", "InputView", "Scale"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BLOCK = 4096  # events whose temporaries stay in the processor's cache: twice as fast as all at once


def _parse_format(value: object) -> object:
    """pydantic adds the place to a `ValueError`; a `UserError` would pass through without it."""
    try:
        return FixedFormat.parse(value) if isinstance(value, str) else value
    except UserError as error:
        raise ValueError(str(error)) from error


Format = Annotated[FixedFormat, BeforeValidator(_parse_format), PlainSerializer(str, return_type=str)]


class Frozen(BaseModel):
    """Base of the descriptions: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Scale(Frozen):
    """Hardware scale of one feature: code `c` stands for values in [c - origin, c - origin + 1) x `lsb`.

    `low` and `high` are the smallest and largest valid code. Values beyond them saturate, or wrap around
    when `wrap` is true (phi).
    """

    lsb: float = Field(gt=0)
    low: int
    high: int
    origin: int = 0
    wrap: bool = False

    def encode(self, values: FloatArray) -> npt.NDArray[np.int64]:
        """Codes of physical values; any shape."""
        codes: FloatArray = np.floor(values / self.lsb)
        if self.wrap:
            wrapped: FloatArray = self.low + np.mod(codes, self.high - self.low + 1)
            return wrapped.astype(np.int64)
        return np.clip(codes + self.origin, self.low, self.high).astype(np.int64)

    def decode(self, codes: npt.NDArray[np.integer]) -> FloatArray:
        """Physical values at the centre of each code; a wrapping scale gives values in [-span/2, span/2)."""
        values: FloatArray = (codes.astype(np.float64) - self.origin + 0.5) * self.lsb
        if self.wrap:
            span = (self.high - self.low + 1) * self.lsb
            values = np.mod(values + span / 2, span) - span / 2
        return values


class InputView(Frozen, ABC):
    """One way of looking at an event: hardware codes (N, *event_shape) that become `size` network inputs.

    Two representations are converted into each other here and nowhere else:

    * hardware, integers of type `dtype` and shape (N, *event_shape): the codes that arrive in firmware;
    * network, int64 (N, size): codes of `network`, the fixed-point type that the first layer sees. Inputs are numbered
      row by row; one that carries no information (see `mask`) enters the network as 0.
    """

    network: Format

    @property
    @abstractmethod
    def view(self) -> str:
        """Name of the view: `objects` or `regions`."""

    @property
    @abstractmethod
    def event_shape(self) -> tuple[int, ...]:
        """Shape of the hardware codes of one event."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type in which hardware codes are stored."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """One name per network input."""

    @property
    @abstractmethod
    def offset(self) -> IntArray:
        """Integer offset of each network input, (size,), in hardware LSB."""

    @property
    @abstractmethod
    def shift(self) -> IntArray:
        """Right shift of each network input, (size,); a negative one multiplies."""

    @property
    @abstractmethod
    def code_range(self) -> tuple[IntArray, IntArray]:
        """Smallest and largest hardware code of each input, two arrays (size,)."""

    @property
    @abstractmethod
    def present(self) -> BoolArray:
        """(size,): false where the hardware has no such input."""

    @property
    @abstractmethod
    def gate(self) -> IntArray:
        """(size,): the input whose code 0 says that this one carries no information; -1 where there is none."""

    @property
    @abstractmethod
    def layout(self) -> object:
        """Shapes and scales as JSON, without preprocessing."""

    @property
    def size(self) -> int:
        """Number of network inputs."""
        return prod(self.event_shape)

    @cached_property
    def digest(self) -> str:
        """sha256 of the hardware layout: equal for stores that can be used together."""
        return hashlib.sha256(json.dumps(self.layout, sort_keys=True).encode()).hexdigest()

    def to_network(self, hardware: npt.NDArray[np.integer]) -> IntArray:
        """Hardware codes (N, *event_shape) into codes (N, size) of the network's input format.

        `(hw - offset) * 2**-shift`, exact, then cast to `network`; 0 where `mask` is false.
        """
        mask = self.mask(hardware)
        flat = hardware.reshape(len(hardware), self.size)
        codes = np.zeros(flat.shape, np.int64)
        for start in range(0, len(flat), _BLOCK):
            block = slice(start, start + _BLOCK)
            np.copyto(codes[block], self.network.cast(flat[block].astype(np.int64) - self.offset, self.shift), where=mask[block])
        return codes

    def to_network_float(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """As `to_network`, as the float32 values (N, size) that a Keras model is trained on."""
        values = np.empty((len(hardware), self.size), np.float32)
        for start in range(0, len(hardware), _BLOCK):
            block = slice(start, start + _BLOCK)
            values[block] = self.to_network(hardware[block]) * self.network.lsb
        return values

    def mask(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        """(N, size): true where an input carries information: it is `present` and the code at its `gate` is not 0."""
        self._check_shape(hardware)
        filled = hardware.reshape(len(hardware), self.size) != 0
        # Index -1 of `gate` would be the last input: replaced by true.
        return np.asarray((filled[:, self.gate] | (self.gate < 0)) & self.present, np.bool_)

    def validate_hardware(self, hardware: npt.NDArray[np.integer], *, first_event: int = 0) -> None:
        """Raise `UserError` naming event, input and value when a code lies outside its scale.

        `first_event` is the number that the message gives to the first event.
        """
        self._check_shape(hardware)
        flat = hardware.reshape(len(hardware), self.size)
        low, high = self.code_range
        bad = np.argwhere((flat < low) | (flat > high))
        if len(bad):
            event, column = (int(i) for i in bad[0])
            raise UserError(
                f"event {first_event + event}: {self.names[column]} = {flat[event, column]} is outside its hardware range "
                f"[{low[column]}, {high[column]}]; are these hardware integers of this input specification?"
            )

    def _check_shape(self, values: npt.NDArray[Any]) -> None:
        """Raise `UserError` unless `values` has the shape (N, *event_shape)."""
        if values.shape[1:] != self.event_shape:
            raise UserError(f"events must have shape (N, {', '.join(map(str, self.event_shape))}), not {values.shape}")
