"""Density trees against closed forms and distributions that are known."""

from itertools import pairwise

import numpy as np
import pytest

from l1ae.config import TreeConfig
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout
from l1ae.tables import fit_forest, fit_trees, load_tables, save_tables
from l1ae.tables._density import fit_ratio
from l1ae.tables._injection import Contrast

from ..levels import slow


def vector(slots, bits=8):
    """A layout of one number per slot, 0 where the slot is empty."""
    feature = {"name": "pt", "role": "energy", "bits": bits, "unit": "GeV", "lsb": 0.5}
    group = {"name": "object", "kind": "objects", "slots": slots, "features": [feature]}
    return Layout.model_validate({"name": "made_up", "groups": [group]})


def tree_of(layout, codes, weights=None, **settings):
    codes = np.asarray(codes).reshape(-1, layout.size)
    return fit_trees(layout, [TreeConfig.model_validate(settings)], lambda: [(codes, weights)])[0]


def edges_of(tree):
    return {frozenset((k, parent)) for k, parent in enumerate(tree.parents) if parent >= 0}


def _distribution(rng, parents, bins):
    """Random conditional tables, and the joint probability (bins, ..., bins) that they make."""
    joint = np.ones((bins,) * len(parents))
    for k, parent in enumerate(parents):
        table = rng.dirichlet(np.full(bins, 0.5), 1 if parent < 0 else bins) + 0.05
        table /= table.sum(axis=1, keepdims=True)
        shape = [1] * len(parents)
        if parent < 0:
            joint = joint * table[0].reshape([bins if i == k else 1 for i in range(len(parents))])
            continue
        shape[min(k, parent)], shape[max(k, parent)] = bins, bins
        joint = joint * (table if parent < k else table.T).reshape(shape)
    return joint


@pytest.mark.parametrize("seed", slow([19, 20, 21], (19,)))
def test_a_distribution_with_the_structure_of_a_tree_is_recovered(seed):
    """Five slots of four codes: its edges, whatever the root, and every -log2 p within its counting error."""
    rng = np.random.default_rng(seed)
    parents, bins, count = (-1, 0, 0, 1, 3), 4, 200_000
    truth = _distribution(rng, parents, bins)
    events = np.stack(np.unravel_index(rng.choice(truth.size, count, p=truth.ravel() / truth.sum()), truth.shape), axis=1)
    cells = np.stack(np.unravel_index(np.arange(truth.size), truth.shape), axis=1)
    given = dict.fromkeys(vector(5).names, (1, 2, 3))
    found = tree_of(vector(5), events, edges=given, smoothing=1e-9)
    assert edges_of(found) == {frozenset((k, parent)) for k, parent in enumerate(parents) if parent >= 0}
    probability = truth.ravel() / truth.sum()
    error = np.sqrt(5 / (count * probability)) / np.log(2)
    assert (np.abs(found.additive(cells) + np.log2(probability)) < 5 * error).all()


def test_the_same_events_in_blocks_give_the_same_bits():
    rng = np.random.default_rng(30)
    codes, weights = rng.integers(0, 256, (5000, 3)), rng.uniform(0, 2, 5000)
    whole = tree_of(vector(3), codes, weights)
    cuts = [0, 1, 700, 4096, 5000]
    blocks = [(codes[a:b], weights[a:b]) for a, b in pairwise(cuts)]
    (parts,) = fit_trees(vector(3), [TreeConfig()], lambda: blocks)
    assert parts.parents == whole.parents
    for one, other in zip((*parts.tables, *parts.edges), (*whole.tables, *whole.edges), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_are_repeated_events():
    rng = np.random.default_rng(31)
    codes, weights = rng.integers(0, 256, (800, 3)), rng.integers(0, 4, 800)
    settings = {"tails": (0.1, 0.03), "populated": 1}
    weighted = tree_of(vector(3), codes, weights.astype(float), **settings)
    repeated = tree_of(vector(3), np.repeat(codes, weights, axis=0), **settings)
    asked = rng.integers(0, 256, (500, 3))
    np.testing.assert_allclose(weighted.additive(asked), repeated.additive(asked), rtol=1e-12)


def test_the_probabilities_of_all_bins_sum_to_one():
    rng = np.random.default_rng(22)
    codes = rng.integers(0, 60, (3000, 3))
    codes[:, 2] = np.where(rng.random(3000) < 0.7, codes[:, 1], codes[:, 2])
    for tail in ("open", "power_law"):
        found = tree_of(vector(3), codes, rng.uniform(0.1, 2, 3000), tail=tail)
        cells = np.stack(np.meshgrid(*[[0, *edge] for edge in found.edges], indexing="ij"), axis=-1).reshape(-1, 3)
        assert (2.0 ** -found.additive(cells)).sum() == pytest.approx(1.0, rel=1e-9)
        assert frozenset((1, 2)) in edges_of(found)


def test_bins_begin_at_weighted_quantiles_and_the_last_has_no_end():
    codes = np.repeat(np.arange(1, 101), 20)
    weights = np.tile([0.5, 1.5], 1000)
    found = tree_of(vector(1), codes, weights, bulk=(0, 0.25, 0.5), tails=(0.1, 0.02, 0.001))
    assert found.edges[0].tolist() == [1, 26, 51, 91, 99, 100]
    assert found.additive.bins(np.array([[0], [1], [25], [26], [100], [255]])).ravel().tolist() == [0, 1, 1, 2, 6, 6]
    expected = -np.log2([25 / 100, 25 / 100, 40 / 100, 8 / 100, 1 / 100, 1 / 100])
    np.testing.assert_allclose(found.additive(np.array([[1], [26], [51], [91], [99], [200]])), expected, atol=1e-3)


def test_a_tail_must_have_events():
    """Of 2,000 events the highest 1e-3 are 2: no bin begins there, although their weight would do."""
    codes = np.clip(np.arange(2000) // 10, 1, 255)
    assert tree_of(vector(1), codes, bulk=(0,), tails=(0.1, 0.001, 1e-4)).edges[0].tolist() == [1, 180, 199]
    rare = np.append(np.repeat(np.arange(1, 100), 20), [150, 200])
    assert tree_of(vector(1), rare, bulk=(0,), tails=(1e-3,)).edges[0].tolist() == [1]


def test_pairs_never_seen_together_are_as_unlikely_as_smoothing_says():
    """Two slots that are never filled together; the tree gives such an event smoothing x p of one, p(filled) of the other."""
    found = tree_of(vector(2), np.array([[9, 0], [0, 9]] * 50), bulk=(0,), tails=(), smoothing=1e-4)
    assert 2.0 ** -found.additive(np.array([[9, 9]]))[0] == pytest.approx(0.5 * 1e-4 * 0.5 / 0.5, rel=1e-3)


def test_a_power_law_goes_on_beyond_the_last_edge():
    """P(X >= c) = (16 / c)^2: every doubling of the code is four times rarer, where no event was any more."""
    layout, edges = vector(1, bits=14), (16, 32, 64, 128, 256)
    codes = np.concatenate([np.full(3 * 4 ** (5 - k), edge) for k, edge in enumerate(edges, 1)] + [[256]])
    open_end = tree_of(layout, codes, bulk=(0,), tails=(0.25, 1 / 16, 1 / 64), populated=1, smoothing=1e-9)
    found = tree_of(layout, codes, bulk=(0,), tails=(0.25, 1 / 16, 1 / 64), populated=1, smoothing=1e-9, tail="power_law")
    last = int(open_end.edges[0][-1])
    asked = last * 2 ** np.arange(4)
    beyond = found.additive(asked[:, None])
    np.testing.assert_allclose(np.diff(beyond), 2.0, atol=0.06)
    assert np.unique(open_end.additive(asked[:, None])).size == 1
    assert len(found.edges[0]) > len(open_end.edges[0])


def test_structure_and_edges_may_be_given():
    rng = np.random.default_rng(32)
    codes = rng.integers(0, 256, (2000, 3))
    names = vector(3).names
    independent = tree_of(vector(3), codes, structure="independent")
    assert independent.parents == (-1, -1, -1)
    given = tree_of(vector(3), codes, structure={names[0]: names[2]}, edges={names[1]: (3, 200)})
    assert given.parents == (2, -1, -1)
    assert given.edges[1].tolist() == [3, 200]
    alone = [tree_of(vector(3), codes, structure="independent").additive(codes)]
    singles = sum(tree_of(vector(3), codes, structure="independent").tables[k][0][independent.additive.bins(codes)[:, k]] for k in range(3))
    np.testing.assert_allclose(alone[0], singles, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"edges": {"pt": (1,)}}, "edges: there is no column 'pt' among the inputs; they are object0_pt, object1_pt"),
        ({"structure": {"object1_pt": "muon"}}, "structure: there is no column 'muon'"),
    ],
)
def test_columns_that_there_are_not_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        tree_of(vector(2), [[1, 2], [3, 4]], **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"edges": {"a": (3, 3)}}, r"edges: a: \[3, 3\] must be rising codes"),
        ({"edges": {"a": ()}}, r"edges: a: \[\] must be rising codes, at least one"),
        ({"structure": {"a": "b", "b": "a"}}, "is a circle"),
        ({"structure": {"a": "a"}}, "is a circle"),
        ({"tails": (0.0,)}, "greater than 0"),
        ({"reference_power": 1.5}, "less than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TreeConfig.model_validate(settings)


def test_columns_that_are_never_filled_have_one_bin():
    """Muons that no event has: their angles tell nothing, and a filled slot is as unlikely as smoothing says."""
    layout = named_layout("ugt").select({"met": 0, "eg": 0, "jet": 0, "mu": 2})
    found = tree_of(layout, np.zeros((500, layout.size), int))
    assert [edges.tolist() for edges in found.edges] == [[1], [], []] * 2
    filled = np.zeros((1, layout.size), int)
    filled[0, 0] = 20
    assert found.additive(filled)[0] > found.additive(np.zeros((1, layout.size), int))[0] + 10


def test_no_events_are_refused():
    with pytest.raises(UserError, match="a density model needs training events, and there are none"):
        tree_of(vector(2), np.zeros((0, 2), int))


# -- ratios to a reference ---------------------------------------------------------------------------------------------


def test_a_ratio_is_that_of_two_distributions():
    """Events and reference of two slots with known joint probabilities: log2 of q^power / p, cell by cell, within the counting error."""
    rng = np.random.default_rng(70)
    p, q = np.array([[0.6, 0.2], [0.15, 0.05]]), np.array([[0.1, 0.3], [0.2, 0.4]])
    events, reference = (np.stack(np.unravel_index(rng.choice(4, 100_000, p=table.ravel()), (2, 2)), axis=1) for table in (p, q))
    layout, cells = vector(2), np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    edges = dict.fromkeys(layout.names, (1,))
    sample = Contrast(events, np.ones(len(events)), reference)
    for power in (0.0, 0.5, 1.0):
        tree = TreeConfig(edges=edges, smoothing=1e-9, reference_power=power)
        found = fit_ratio(layout, [tree], sample, (0, 1), 1)
        np.testing.assert_allclose(found(cells), np.log2(q.ravel() ** power / p.ravel()), atol=0.06)


def test_bins_of_both_samples_are_their_quantiles():
    rng = np.random.default_rng(71)
    events, reference = rng.integers(1, 100, (4000, 2)), rng.integers(100, 200, (4000, 2))
    sample = Contrast(events, np.ones(4000), reference)
    found = fit_ratio(vector(2), [TreeConfig(bins=5)], sample, (0, 1), 1)
    for edges in found.edges:
        np.testing.assert_allclose(edges, [1, 50, 100, 150], atol=4)


# -- forests and their file --------------------------------------------------------------------------------------------


def _forest(seed=33):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (2000, 3))
    settings = [TreeConfig(), TreeConfig(tails=(0.2, 0.01)), TreeConfig(structure="independent")]
    return vector(3), settings, codes


def test_a_forest_is_the_mean_of_its_trees_up_to_a_factor():
    layout, settings, codes = _forest()
    forest = fit_forest(layout, settings, lambda: [(codes, None)])
    trees = fit_trees(layout, settings, lambda: [(codes, None)])
    np.testing.assert_allclose(forest(codes), sum(tree.additive(codes) for tree in trees) / 4, rtol=1e-12)
    assert len(forest.columns) < sum(len(tree.columns) for tree in trees), "the bins of the first and third tree are the same"


def test_a_model_survives_its_file(tmp_path):
    layout, settings, codes = _forest()
    forest = fit_forest(layout, settings, lambda: [(codes, None)])
    save_tables(forest, layout, tmp_path / "tables.json")
    again = load_tables(tmp_path / "tables.json", layout)
    np.testing.assert_array_equal(again(codes), forest(codes))
    save_tables(again, layout, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "tables.json").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"column": "object0_pt"', '"column": "object9_pt"', "the layout has no column 'object9_pt'"),
        ('"version": 1', '"version": 2', "version"),
        ('"halvings": 2', '"halvings": -1', "halvings"),
        ('"of": [\n    0', '"of": [\n    99', "there is no binning 99"),
        ('"entries": [', '"entries": [\n    1.5,', "entries do not fill"),
        ('"entries": [', '"entries": [\n    NaN,', "NaN"),
        ("}\n", "", "is damaged"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, old, new, message):
    layout, settings, codes = _forest()
    path = tmp_path / "tables.json"
    save_tables(fit_forest(layout, settings, lambda: [(codes, None)]), layout, path)
    text = path.read_text()
    head, _, tail = text.rpartition(old) if old == "}\n" else text.partition(old)
    assert head != text
    path.write_text(head + new + tail)
    with pytest.raises(UserError, match=message):
        load_tables(path, layout)
