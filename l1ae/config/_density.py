"""Models made of tables: density trees and how they are joined, and tables of all pairs of columns."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from l1ae.config._section import Section
from l1ae.schema import Unit

__all__ = ["DensityConfig", "PairsConfig", "ReferenceConfig", "TreeConfig"]

Fraction = Annotated[float, Field(ge=0, lt=1)]
Code = Annotated[int, Field(ge=-(2**30), le=2**30)]


class TreeConfig(Section):
    """One tree: every column depends on one other (Chow and Liu, IEEE Trans. Inf. Theory 14 (1968) 462)."""

    bulk: tuple[Fraction, ...] = Field((0.0,), description="weighted fractions of filled slots below the edges of bins in the bulk")
    tails: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6), description="weighted fractions of filled slots above the edges of bins in the tail"
    )
    bins: Annotated[int | None, Unit("bins")] = Field(
        None,
        ge=2,
        le=64,
        description="instead of these fractions so many bins, the empty slot among them, alike for crossings and reference",
    )
    populated: Annotated[int, Unit("events")] = Field(
        10, ge=1, description="of the training that must lie above an edge, else it is left out"
    )
    edges: Annotated[dict[str, tuple[Code, ...]], Unit("codes")] = Field(
        {}, description="given edges, in hardware codes, by column; instead of quantiles"
    )
    tail: Literal["open", "power_law"] = Field(
        "open",
        description="what lies beyond the last edge: one bin without an end, or bins at every doubling of the code whose probabilities "
        "fall on with the power of the code that the last decade has",
    )
    structure: Literal["mutual_information", "independent"] | dict[str, str] = Field(
        "mutual_information",
        description="the tree with the largest sum of mutual information, no dependences, or the parent of each column that has one",
    )
    smoothing: float = Field(
        1e-5, gt=0, le=1, description="weight, as a part of that of all events, with which a column's own distribution is mixed in"
    )

    reference_power: float = Field(
        1.0, ge=0, le=1, description="with a reference: of its probability in the ratio; 0 is the surprisal, and between the two is between"
    )

    @model_validator(mode="after")
    def _edges_rise(self) -> Self:
        for column, edges in self.edges.items():
            if not edges or any(a >= b for a, b in pairwise(edges)):
                raise ValueError(f"edges: {column}: {list(edges)} must be rising codes, at least one")
        return self

    @model_validator(mode="after")
    def _parents_make_no_circle(self) -> Self:
        if not isinstance(self.structure, dict):
            return self
        for child in self.structure:
            seen, at = {child}, self.structure[child]
            while at in self.structure and at not in seen:
                seen.add(at)
                at = self.structure[at]
            if at in seen:
                raise ValueError(
                    f"structure: {' -> '.join([*sorted(seen), at])} is a circle; give every column one parent, none its own child"
                )
        return self


class ReferenceConfig(Section):
    """Crossings with hard objects put into them, of any kind, as probable in every doubling of energy: what an anomaly is like.

    An equal share for each of `injected`, and one with all slots as if injected.
    """

    injected: Annotated[tuple[Annotated[float, Field(ge=0, le=8)], ...], Unit("objects")] = Field(
        (1.0, 2.0, 4.0, 8.0), description="mean numbers of objects beyond the first that are put into a crossing"
    )
    events: Annotated[int, Unit("events")] = Field(100_000, ge=1000, description="of the reference")


class DensityConfig(Section):
    """The trees whose surprisals are added."""

    trees: tuple[TreeConfig, ...] = Field(
        (TreeConfig(),), min_length=1, max_length=64, description="one section for each tree; their scores are averaged"
    )
    reference: ReferenceConfig | None = Field(
        None,
        description="the score is log2 of the ratio of the probabilities that trees of one structure give the event in reference and data",
    )

    @model_validator(mode="after")
    def _ratios_need_a_reference(self) -> Self:
        if self.reference is None and any(tree.bins is not None for tree in self.trees):
            raise ValueError("trees: bins are quantiles of crossings and reference together; give density.reference, or bulk and tails")
        if self.reference is None and any(tree.reference_power != 1 for tree in self.trees):
            raise ValueError("trees: reference_power has no effect without density.reference; give one, or remove it")
        return self


class PairsConfig(Section):
    """Tables of all pairs of columns, which learn to tell crossings from crossings with objects put into them."""

    bins: Annotated[int, Unit("bins")] = Field(
        8, ge=2, le=64, description="of each column, the empty slot among them; 8 make a table of two columns one LUT per bit"
    )
    reference: ReferenceConfig = ReferenceConfig()
    contrast: float = Field(
        1000.0, gt=0, description="weight of all crossings, in that of the reference: where the two are told apart best"
    )
    decay: float = Field(1e-5, ge=0, description="of the tables' entries, per step and unit of the learning rate")
    epochs: Annotated[int, Unit("epochs")] = Field(8, ge=1, description="of the logistic regression")
    learning_rate: float = Field(0.02, gt=0, description="of the first epoch; falls as a cosine")
    batch_size: Annotated[int, Unit("events")] = Field(1024, ge=1, description="of a step")
