"""Density trees: the probability of an event as a product in which every column depends on one other, learned by counting."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from l1ae.config import TreeConfig
from l1ae.errors import UserError
from l1ae.inputs import Counts, Layout, WeightedBlock, count_codes
from l1ae.tables._additive import AdditiveTables, FloatArray, IntArray, joined
from l1ae.tables._edges import edges_at, edges_of_both, power_law_tail
from l1ae.tables._injection import Contrast
from l1ae.tables._joint import ROOT, Joint, tree_of

__all__ = ["Blocks", "DensityTree", "fit_forest", "fit_ratio", "fit_trees"]

Blocks = Callable[[], Iterable[WeightedBlock]]
"""Reads all training events from the beginning, in blocks."""


@dataclass(frozen=True, eq=False)
class DensityTree:
    """-log2 p(event), p = product over columns k of p(bin of k | bin of its parent).

    Chow and Liu, IEEE Trans. Inf. Theory 14 (1968) 462. Bin b of a column holds the codes that reach b of its `edges`; of a column
    whose code 0 is an empty slot, that is bin 0. `parents` are places among `columns`, `ROOT` of those without.
    `tables[k]` holds -log2 p of shape (bins of the parent, bins of k), (1, bins) without a parent.
    """

    columns: tuple[int, ...]
    edges: tuple[IntArray, ...]
    parents: tuple[int, ...]
    tables: tuple[FloatArray, ...]

    @property
    def additive(self) -> AdditiveTables:
        """The same as a sum of tables."""
        parts = tuple((k,) if parent == ROOT else (parent, k) for k, parent in enumerate(self.parents))
        tables = tuple(table[0] if parent == ROOT else table for table, parent in zip(self.tables, self.parents, strict=True))
        return AdditiveTables(self.columns, self.edges, parts, tables)

    def extended(self, k: int, edges: IntArray, parts: FloatArray) -> "DensityTree":
        """With the last bin of column k cut at more `edges`, into `parts` of its probability whatever the other columns are."""
        tables = list(self.tables)
        tables[k] = np.concatenate([tables[k][:, :-1], tables[k][:, -1:] - np.log2(parts)], axis=1)
        for child, parent in enumerate(self.parents):
            if parent == k:
                tables[child] = np.concatenate([tables[child], np.repeat(tables[child][-1:], len(edges), axis=0)])
        both = tuple(np.append(own, edges) if place == k else own for place, own in enumerate(self.edges))
        return replace(self, edges=both, tables=tuple(tables))


def fit_forest(layout: Layout, trees: Sequence[TreeConfig], blocks: Blocks, columns: Sequence[int] | None = None) -> AdditiveTables:
    """The mean of the surprisals of several trees, up to a factor: the sum is divided by the next power of two.

    Raises `UserError` as `fit_trees`.
    """
    return _mean(fit_trees(layout, trees, blocks, columns))


def _mean(trees: Sequence[DensityTree]) -> AdditiveTables:
    return joined([tree.additive for tree in trees], (len(trees) - 1).bit_length())


def fit_ratio(layout: Layout, trees: Sequence[TreeConfig], sample: Contrast, columns: Sequence[int], seed: int) -> AdditiveTables:
    """The mean over several trees of log2 of q^`reference_power` / p: how much more probable an event is in the reference than in training.

    Both probabilities are products over the tree of the training events. Raises `UserError` as `fit_trees`.
    """
    rng = np.random.default_rng(seed)
    return _mean([_ratio(layout, _binned(layout, tree, sample, columns, rng), sample, columns) for tree in trees])


def _binned(layout: Layout, tree: TreeConfig, sample: Contrast, columns: Sequence[int], rng: np.random.Generator) -> TreeConfig:
    """With the edges that `bins` asks for."""
    if tree.bins is None:
        return tree
    both = edges_of_both(sample.codes, sample.weights, sample.reference, tree.bins, rng)
    return tree.model_copy(update={"edges": {layout.names[column]: tuple(both[column].tolist()) for column in columns} | tree.edges})


def _ratio(layout: Layout, config: TreeConfig, sample: Contrast, columns: Sequence[int]) -> DensityTree:
    (own,) = fit_trees(layout, [config], lambda: [(sample.codes, sample.weights)], columns)
    names = [layout.names[column] for column in own.columns]
    edges = {name: tuple(found.tolist()) for name, found in zip(names, own.edges, strict=True)}
    parents = {name: names[parent] for name, parent in zip(names, own.parents, strict=True) if parent != ROOT}
    same = config.model_copy(update={"edges": edges, "structure": parents, "tail": "open"})
    (other,) = fit_trees(layout, [same], lambda: [(sample.reference, None)], columns)
    return replace(own, tables=tuple(a - config.reference_power * b for a, b in zip(own.tables, other.tables, strict=True)))


def fit_trees(layout: Layout, trees: Sequence[TreeConfig], blocks: Blocks, columns: Sequence[int] | None = None) -> tuple[DensityTree, ...]:
    """Trees of all columns of a layout that the hardware has, or of some: the events are read once for the bins, once for all pairs.

    Takes the memory of one block and of the counts. Raises `UserError` without events, for weights that cannot be used, and for edges and
    parents of columns that there are not.
    """
    used = tuple(np.flatnonzero(layout.present).tolist() if columns is None else columns)
    for tree in trees:
        _check_names(tree, [layout.names[column] for column in used])
    counts = count_codes(layout, blocks(), "a density model")
    binned = [AdditiveTables(used, tuple(_edges(layout, tree, column, counts) for column in used), (), ()) for tree in trees]
    joints = [Joint.empty(model.edges) for model in binned]
    for codes, weights in blocks():
        given = np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)
        for model, joint in zip(binned, joints, strict=True):
            joint.add(model.bins(codes), given)
    return tuple(_tree(layout, tree, model, joint, counts) for tree, model, joint in zip(trees, binned, joints, strict=True))


def _check_names(tree: TreeConfig, names: Sequence[str]) -> None:
    structure = tree.structure if isinstance(tree.structure, dict) else {}
    for key, asked in (("edges", tree.edges), ("structure", {*structure, *structure.values()})):
        for name in asked:
            if name not in names:
                raise UserError(f"model.density.trees: {key}: there is no column '{name}' among the inputs; they are {', '.join(names)}")


def _edges(layout: Layout, tree: TreeConfig, column: int, counts: Counts) -> IntArray:
    """Bin 0 is the empty slot where that holds the code 0 and a filled one more; else what lies below the second edge."""
    given = tree.edges.get(layout.names[column])
    if given is not None:
        return np.array(given, np.int64)
    found = edges_at(counts.of(np.array([column])), (*tree.bulk, *(1 - tail for tail in tree.tails)), tree.populated)
    if layout.gate[column] == column:
        return np.unique(np.append(1, found[1:]))
    distinct = layout.gate[column] >= 0 and len(found) > 0 and found[0] > 0
    return found if distinct else found[1:]


def _tree(layout: Layout, config: TreeConfig, model: AdditiveTables, joint: Joint, counts: Counts) -> DensityTree:
    parents = _parents(layout, config, model.columns, joint)
    tables = tuple(_table(joint, k, parent, config.smoothing) for k, parent in enumerate(parents))
    tree = DensityTree(model.columns, model.edges, parents, tables)
    if config.tail == "open":
        return tree
    high = layout.code_range[1]
    for k, column in enumerate(model.columns):
        if len(model.edges[k]) and layout.names[column] not in config.edges:
            tree = tree.extended(k, *power_law_tail(counts.of(np.array([column])), int(model.edges[k][-1]), int(high[column])))
    return tree


def _parents(layout: Layout, config: TreeConfig, columns: Sequence[int], joint: Joint) -> tuple[int, ...]:
    if config.structure == "independent":
        return (ROOT,) * len(columns)
    if config.structure == "mutual_information":
        return tree_of(joint.information())
    place = {layout.names[column]: k for k, column in enumerate(columns)}
    return tuple(place[parent] if (parent := config.structure.get(layout.names[column])) else ROOT for column in columns)


def _table(joint: Joint, k: int, parent: int, smoothing: float) -> FloatArray:
    """-log2 p of column k's bins given its parent's, (bins of the parent, bins of k)."""
    added = smoothing * joint.total
    own = joint.alone(k) + added / joint.bins[k]
    counts = own[None] if parent == ROOT else joint.pair(parent, k) + added * own / own.sum()
    return np.asarray(-np.log2(counts / counts.sum(axis=1, keepdims=True)))
