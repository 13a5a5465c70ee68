"""Crossings that hold more than they did: objects put into real events, with energies that favour no scale.

What no collision of the training sample looks like is not known, so nothing is assumed of it but this: something hard beside an ordinary
collision, in any group, as probable in every doubling of its energy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import InputsConfig, ReferenceConfig
from l1ae.errors import UserError
from l1ae.inputs import Group, Layout, Role
from l1ae.tables._additive import Codes, FloatArray

__all__ = ["Contrast", "Injection"]

_MOST_OBJECTS = 8
_LOWEST = 0.2
"""Weighted fraction of filled slots that hold less than what is injected."""

_HIGHEST = 1e-6
"""Weighted fraction of crossings that hold as much as the hardest that is injected."""

Generator = np.random.Generator


@dataclass(frozen=True, eq=False)
class Contrast:
    """Training events (N, size) of `inputs.columns` with weights (N,), and a reference (M, size) to tell them from."""

    codes: Codes
    weights: FloatArray
    reference: Codes

    @classmethod
    def of(cls, inputs: InputsConfig, config: ReferenceConfig, codes: Codes, weights: FloatArray, seed: int) -> "Contrast":
        """From events of `inputs.selected`, into which objects are put before columns are added. Raises `UserError` as `Injection.of`."""
        rng = np.random.default_rng(seed)
        injection, share = Injection.of(inputs.selected, codes, weights), -(-config.events // (len(config.injected) + 1))
        drawn = [codes[rng.choice(len(codes), share, p=weights / weights.sum())] for _ in range(len(config.injected) + 1)]
        kinds = [injection.added(events, mean, rng) for events, mean in zip(drawn, config.injected, strict=False)]
        reference = np.concatenate([*kinds, injection.replaced(drawn[-1], rng)]).astype(codes.dtype)
        return cls(inputs.event(codes), weights, inputs.event(reference))


@dataclass(frozen=True, eq=False)
class Injection:
    """`ranges`: of each group with an energy the least and the largest code that is injected. Events are (N, size) of `layout`."""

    layout: Layout
    ranges: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, layout: Layout, codes: Codes, weights: FloatArray) -> "Injection":
        """Ranges from training events (N, size) with weights (N,). Raises `UserError` without energies."""
        found = {}
        for group in layout.groups:
            if group.of_role(Role.ENERGY) is None or group.of_role(Role.ENERGY).absent:  # type: ignore[union-attr]
                continue
            energy = layout.block(codes, group.name)[:, :, _energy(group)]
            hardest, low, high = energy.max(axis=1), energy[energy > 0], int(layout.code_range[1][layout.where(group.name)].max())
            if not len(low):
                continue
            shares = np.repeat(weights, (energy > 0).sum(axis=1))
            least, most = max(_quantile(low, shares, _LOWEST), 1), _quantile(hardest, weights, 1 - _HIGHEST)
            found[group.name] = float(least), float(min(max(most, 2 * least), high))
        if not found:
            raise UserError(
                f"layout '{layout.name}' has no group with an energy above 0 in any training event, to add objects to; choose "
                "a density tree without a reference"
            )
        return cls(layout, found)

    def added(self, codes: Codes, mean: float, rng: Generator) -> Codes:
        """Events with one object more, and on average `mean` beyond that, each in a group drawn anew."""
        result, names = codes.astype(np.int64), list(self.ranges)
        number = np.minimum(1 + rng.poisson(mean, len(codes)), _MOST_OBJECTS)
        for turn in range(int(number.max(initial=0))):
            chosen = rng.integers(0, len(names), len(codes))
            for place, name in enumerate(names):
                events = np.flatnonzero((number > turn) & (chosen == place))
                if len(events):
                    self._add(result, events, name, self._energies(name, len(events), rng), rng)
        return result

    def replaced(self, codes: Codes, rng: Generator) -> Codes:
        """Events whose slots hold objects of their own, in each group any number of them."""
        result = codes.astype(np.int64)
        for name in self.ranges:
            group, where = self.layout[name], self.layout.where(name)
            block = result[:, where].reshape(len(codes), group.slots, -1)
            drawn = self._energies(name, block.shape[:2], rng)
            filled = rng.random(block.shape[:2]) < (rng.random((len(codes), 1)) if group.slots > 1 else 1.0)
            block[:, :, _energy(group)] = -np.sort(-np.where(filled, drawn, 0), axis=1)
            result[:, where] = block.reshape(len(codes), -1)
        return result

    def _energies(self, name: str, shape: int | Sequence[int], rng: Generator) -> npt.NDArray[np.int64]:
        low, high = np.log(self.ranges[name])
        return np.asarray(np.exp(rng.uniform(low, high, shape)), np.int64)

    def _add(self, events: Codes, rows: npt.NDArray[np.intp], name: str, energy: npt.NDArray[np.int64], rng: Generator) -> None:
        group, where = self.layout[name], self.layout.where(name)
        block = events[rows, where].reshape(len(rows), group.slots, -1)
        if group.slots == 1:
            block[:, 0, _energy(group)] = self._vector_sum(name, block[:, 0, _energy(group)], energy, rng)
        else:
            # the angles, and whatever else there is, of an object of another event
            other = events[rng.permutation(len(events))[: len(rows)], where].reshape(len(rows), group.slots, -1)[:, :1].copy()
            other[:, 0, _energy(group)] = energy
            block = np.concatenate([block, other], axis=1)
            order = np.argsort(-block[:, :, _energy(group)], axis=1, kind="stable")[:, : group.slots]
            block = np.take_along_axis(block, order[:, :, None], axis=1)
        events[rows, where] = block.reshape(len(rows), -1)

    def _vector_sum(self, name: str, old: Codes, new: Codes, rng: Generator) -> npt.NDArray[np.int64]:
        """Length of the sum of two vectors at a random angle."""
        cosine = np.cos(rng.uniform(0, np.pi, len(old)))
        length = np.sqrt(np.maximum(old**2 + new**2 + 2 * old * new * cosine, 0))
        return np.minimum(np.rint(length).astype(np.int64), self.layout.code_range[1][self.layout.where(name)].max())


def _energy(group: Group) -> int:
    feature = group.of_role(Role.ENERGY)
    assert feature is not None
    return group.index(feature.name)


def _quantile(values: Codes, weights: FloatArray, fraction: float) -> int:
    order = np.argsort(values, kind="stable")
    up_to = np.cumsum(weights[order])
    return int(values[order[min(int(np.searchsorted(up_to, fraction * up_to[-1])), len(order) - 1)]])
