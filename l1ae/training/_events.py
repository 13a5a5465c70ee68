"""From hardware integers to network inputs inside the training graph, with the noise of denoising and VICReg on the way."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from l1ae.config import Config, NoiseConfig
from l1ae.errors import UserError
from l1ae.inputs import InputSpec, Overflow, Role, Rounding

__all__ = ["Noise", "Preprocessing"]

_ROUND = {Rounding.RND_CONV: tf.round, Rounding.RND: lambda x: tf.floor(x + 0.5), Rounding.TRN: tf.floor}

# names of independent random streams, folded into the seed of a step
_STREAMS = ("rotate", "gaussian", "relative", "masking", "drop")


class Preprocessing:
    """`InputSpec.to_network_float`, `mask` and `counted` as TensorFlow operations, equal to the last bit.

    Added columns are computed by numpy itself, in the middle of the graph: no gradient passes hardware codes.

    Raises `UserError` when the network's input format has a rounding or overflow mode that is not among them.
    """

    def __init__(self, spec: InputSpec) -> None:
        form = spec.network
        if form.rounding not in _ROUND or form.overflow not in {Overflow.SAT, Overflow.SAT_SYM}:
            raise UserError(
                f"inputs.network {form} cannot be trained with; use rounding RND_CONV, RND or TRN and overflow SAT, for example "
                f"fixed<{form.width},{form.integer},RND_CONV,SAT>"
            )
        self._round = _ROUND[form.rounding]
        self._limits = float(form.low), float(form.high)
        self._lsb = np.float32(form.lsb)
        self._offset = spec.offset.astype(np.float32)
        self._scale = (2.0 ** (form.fraction - spec.shift)).astype(np.float32)
        self._spec = spec
        self._tables = _Tables(spec) if spec.tables else None

    def mask(self, hardware: Any) -> Any:
        """(N, size) bool: which inputs carry information; `hardware` is (N, port.size) float32."""
        return self._filled(hardware, self._spec.gate)

    def counted(self, hardware: Any) -> Any:
        """(N, size) bool: which inputs reconstruction errors count; `hardware` is (N, port.size) float32."""
        return self._filled(hardware, self._spec.counted_gate)

    def _filled(self, hardware: Any, gate: npt.NDArray[np.int64]) -> Any:
        present = tf.constant(self._spec.present)[None]
        if (gate < 0).all():
            return tf.broadcast_to(present, (tf.shape(hardware)[0], self._spec.size))
        filled = tf.not_equal(tf.gather(hardware, np.maximum(gate, 0), axis=1), 0.0)
        return present & (filled | tf.constant(gate < 0)[None])

    def _event(self, hardware: Any) -> Any:
        """(N, size) float32: the added columns behind (N, port.size) codes."""
        if self._spec.added is None:
            return hardware
        found = tf.numpy_function(self._extended, [hardware], tf.float32, stateful=False)
        return tf.ensure_shape(found, (None, self._spec.size))

    def _extended(self, hardware: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._spec.event(hardware.astype(np.int32)).astype(np.float32)

    def inputs(self, hardware: Any, mask: Any) -> Any:
        """(N, size) float32 on the grid of the network's input format; `mask` is that of `hardware`, (N, port.size)."""
        hardware = self._event(hardware)
        codes = tf.clip_by_value(self._round((hardware - self._offset) * self._scale), *self._limits)
        if self._tables is not None:
            codes = self._tables.looked_up(hardware, codes)
        return tf.where(mask, codes * self._lsb, 0.0)


class _Tables:
    """The tables of some columns, one after the other."""

    def __init__(self, spec: InputSpec) -> None:
        columns = sorted(spec.tables)
        tables = [spec.tables[column] for column in columns]
        sizes = np.array([len(table) for table in tables])
        self._columns = np.array(columns, np.int32)
        self._flat = np.concatenate(tables).astype(np.float32)
        self._first = (np.cumsum(sizes) - sizes).astype(np.int32)
        self._mask = (sizes - 1).astype(np.int32)
        # where each column is among the old ones and, behind them, the ones that are looked up
        self._order = np.arange(spec.size, dtype=np.int32)
        self._order[columns] = spec.size + np.arange(len(columns))

    def looked_up(self, hardware: Any, codes: Any) -> Any:
        """`codes` (N, size) float32 with the entries for the hardware codes (N, size) in the columns that have a table."""
        own = tf.cast(tf.gather(hardware, self._columns, axis=1), tf.int32)
        found = tf.gather(tf.constant(self._flat), tf.bitwise.bitwise_and(own, self._mask) + self._first)
        return tf.gather(tf.concat([codes, found], axis=1), self._order, axis=1)


@dataclass(frozen=True, eq=False)
class _Columns:
    """Per column of the port, (size,) float32: range of the codes, period of an angle or 0, sigma in LSB, code that the network sees as 0.

    `energy`, (size,): energies of objects.
    """

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    period: npt.NDArray[np.float32]
    sigma: npt.NDArray[np.float32]
    neutral: npt.NDArray[np.float32]
    energy: npt.NDArray[np.bool_]


class Noise:
    """Random changes of hardware codes that leave every code valid and every empty slot empty.

    Vincent et al., JMLR 11 (2010) 3371, section 3.3 (Gaussian, masking); dropped objects and rotations in phi are the
    trigger's own. A masked gate (pT) becomes the smallest code that keeps its slot filled.
    """

    def __init__(self, config: Config) -> None:
        self._noise: NoiseConfig = config.training.noise
        spec = config.inputs.spec()
        self._columns = _columns(spec, self._noise)
        self._slot_of = np.maximum(spec.port.gate, 0)

    def __call__(self, hardware: Any, mask: Any, seed: Any) -> Any:
        """Changed codes (N, port.size) float32; `mask` is that of `hardware`, `seed` (2,) int32 decides everything.

        Added columns are no part of them: they follow from the codes that changed.
        """
        noise, columns, mask = self._noise, self._columns, mask[:, : len(self._slot_of)]
        codes = hardware
        if noise.rotate:
            codes = self._rotate(codes, self._stream(seed, "rotate"))
        if any(noise.gaussian):
            codes += tf.round(tf.random.stateless_normal(tf.shape(codes), self._stream(seed, "gaussian")) * columns.sigma)
        if noise.relative:
            scale = 1.0 + noise.relative * tf.random.stateless_normal(tf.shape(codes), self._stream(seed, "relative"))
            codes = tf.where(columns.energy, tf.round(codes * scale), codes)
        if noise.masking:
            hit = tf.random.stateless_uniform(tf.shape(codes), self._stream(seed, "masking")) < noise.masking
            codes = tf.where(hit, columns.neutral, codes)
        codes = self._into_range(codes)
        if noise.drop:
            draw = tf.random.stateless_uniform(tf.shape(codes), self._stream(seed, "drop"))
            mask &= tf.gather(draw, self._slot_of, axis=1) >= noise.drop
        return tf.where(mask, codes, 0.0)

    @staticmethod
    def _stream(seed: Any, name: str) -> Any:
        return seed + tf.constant([0, 1_000_003 * (1 + _STREAMS.index(name))], tf.int32)

    def _rotate(self, codes: Any, seed: Any) -> Any:
        """The same angle for all objects of an event: a multiple of the coarsest phi LSB, so that no code is rounded."""
        periods = self._columns.period
        steps = periods[periods > 0].min()
        turn = tf.floor(tf.random.stateless_uniform((tf.shape(codes)[0], 1), seed) * steps)
        return codes + turn * (periods / steps)

    def _into_range(self, codes: Any) -> Any:
        columns = self._columns
        period = np.where(columns.period > 0, columns.period, 1).astype(np.float32)
        wrapped = columns.low + tf.math.floormod(codes - columns.low, period)
        return tf.where(columns.period > 0, wrapped, tf.clip_by_value(codes, columns.low, columns.high))


def _columns(spec: InputSpec, noise: NoiseConfig) -> _Columns:
    layout = spec.port
    low, high = (bound.astype(np.float32) for bound in layout.code_range)
    heads = layout.gate == np.arange(layout.size)
    smeared = dict(zip((Role.ENERGY, Role.ETA, Role.PHI), noise.gaussian, strict=True))
    # a vector, an image and a waveform have one kind of number, whatever its role; bits such as quality know no Gaussian
    sigma = [smeared.get(c.feature.role, 0.0 if c.group.gated_kind else noise.gaussian[0]) for c in layout.columns]
    low = np.where(heads, np.maximum(low, 1), low).astype(np.float32)
    neutral = np.clip(np.where(heads, 1, spec.offset[: layout.size]), low, high).astype(np.float32)
    energy = layout.with_role(Role.ENERGY) & layout.has_slots
    return _Columns(low, high, layout.period.astype(np.float32), np.array(sigma, np.float32), neutral, energy)
