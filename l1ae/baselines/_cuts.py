"""Triggers that need no training: one cut on a number of the event."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from l1ae.baselines._columns import Codes, FloatArray, Sizes, energies, size_of, sizes_of
from l1ae.baselines._record import Candidate
from l1ae.baselines._training import TrainingEvents
from l1ae.config import named_menu
from l1ae.inputs import Feature, Group, Layout
from l1ae.trigger import ScoreFunction

__all__ = ["leading", "multiplicity", "scalar_sums"]

_SUMMED = {leg.object for seed in named_menu("eight").seeds for leg in seed.all if leg.sum is not None}
_SYMBOLS = {"pt": "pT", "et": "ET"}


def leading(layout: Layout) -> tuple[Candidate, ...] | str:
    """The largest energy of each group of objects and each image, and every energy of each sum."""
    return tuple(_leading(layout)) or "no group of the layout has an energy"


def _leading(layout: Layout) -> Iterator[Candidate]:
    for group in layout.groups:
        chosen = energies(group) if group.kind == "sums" else energies(group)[:1]
        for feature in chosen:
            several = f"_{feature.name}" if len(chosen) > 1 else ""
            title = f"{group.label}, {'leading ' if group.slots > 1 else ''}{_symbol(feature)}"
            score = _largest(Sizes.of(layout, layout.positions(group.name, feature.name)))
            yield Candidate(f"leading_{group.name}{several}", title, feature.unit, _untrained(score))


def scalar_sums(layout: Layout) -> tuple[Candidate, ...] | str:
    """HT, the sum over the groups that a seed of the default menu sums; and the sum over a vector, an image or a waveform."""
    found = [(group, size) for group in layout.groups if (size := size_of(group)) is not None and _is_summed(group)]
    why_not = f"the layout has no group {' or '.join(sorted(_SUMMED))}, and no vector, image or waveform"
    return tuple(_scalar_sum(layout, group, size) for group, size in found) or why_not


def _is_summed(group: Group) -> bool:
    return group.slots > 1 and (group.name in _SUMMED or not group.gated_kind)


def _scalar_sum(layout: Layout, group: Group, size: Feature) -> Candidate:
    sizes = sizes_of(layout, [group])
    title = f"{group.label}, sum of {_symbol(size)}{' (HT)' if group.gated_kind else ''}"
    return Candidate(f"sum_{group.name}", title, size.unit, _untrained(lambda codes: sizes.values(codes).sum(axis=1)))


def multiplicity(layout: Layout) -> tuple[Candidate, ...] | str:
    """The number of filled slots of all groups of objects; of equal numbers, the event with the larger sum of sizes comes first."""
    counted = [group for group in layout.groups if group.kind == "objects" and group.gate_feature is not None]
    if not counted:
        return "no slot of the layout can be empty"
    return (Candidate("multiplicity", "Number of objects", "", _untrained(_multiplicity(layout, counted))),)


def _multiplicity(layout: Layout, groups: Sequence[Group]) -> ScoreFunction:
    gates = np.concatenate([layout.positions(group.name, group.gate_feature or "") for group in groups])
    sizes = sizes_of(layout, groups)
    most = np.maximum((layout.code_range[1][sizes.columns] - sizes.origin) * sizes.lsb, 0).sum() + 1.0

    def score(codes: Codes) -> FloatArray:
        return (codes[:, gates] != 0).sum(axis=1) + np.maximum(sizes.values(codes), 0).sum(axis=1) / most

    return score


def _untrained(score: ScoreFunction) -> Callable[[TrainingEvents], ScoreFunction]:
    return lambda training: score


def _largest(sizes: Sizes) -> ScoreFunction:
    return lambda codes: sizes.values(codes).max(axis=1)


def _symbol(feature: Feature) -> str:
    return _SYMBOLS.get(feature.name, feature.name.replace("_", " "))
