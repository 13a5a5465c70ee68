"""Tables of pairs against the density ratio that they estimate, and the objects that are put into crossings."""

import re

import numpy as np
import pytest

from l1ae.config import InputsConfig, PairsConfig
from l1ae.errors import UserError
from l1ae.inputs import named_layout
from l1ae.tables._injection import Contrast, Injection
from l1ae.tables._pairs import _fit, _sample, fit_pairs

INPUTS = InputsConfig(layout="ugt", select={"features": ["pt"]})
QUICK = PairsConfig(reference={"events": 4000}, epochs=2)


def crossings(layout, count, seed):
    """Falling energies in rising order of slots, most of them empty."""
    rng = np.random.default_rng(seed)
    codes = np.zeros((count, layout.size), np.int64)
    for group in layout.groups:
        block = layout.block(codes, group.name)
        at = [feature.role for feature in group.features].index("energy")
        drawn = 6 * (1 + rng.pareto(4, block.shape[:2]))
        drawn[rng.random(block.shape[:2]) < 0.7] = 0
        high = group.features[at].range[1]
        block[:, :, at] = -np.sort(-np.minimum(drawn.astype(int), high), axis=1)
        for k, feature in enumerate(group.features):
            if k != at and not feature.absent:
                low, top = feature.range
                block[:, :, k] = np.where(block[:, :, at] > 0, rng.integers(low, top + 1, block.shape[:2]), 0)
        codes[:, layout.where(group.name)] = block.reshape(count, -1)
    return codes.astype(layout.dtype)


def pairs_of(codes, weights, seed):
    return fit_pairs(range(INPUTS.columns.size), QUICK, Contrast.of(INPUTS, QUICK.reference, codes, weights, seed), seed)


def test_the_tables_are_the_ratio_of_densities():
    """Two columns of two and three bins: log2 of the ratio of how often each cell is found, up to a constant."""
    rng = np.random.default_rng(50)
    p, q = np.array([[0.5, 0.2, 0.05], [0.15, 0.06, 0.04]]), np.array([[0.1, 0.1, 0.2], [0.2, 0.1, 0.3]])
    events, reference = (np.stack(np.unravel_index(rng.choice(6, 60_000, p=table.ravel()), (2, 3)), axis=1) for table in (p, q))
    settings = PairsConfig(contrast=1.0, decay=0.0, epochs=30, learning_rate=0.005)
    (table,) = _fit(_sample(events, np.ones(len(events)), reference, 1.0), np.array([[0, 1]]), [2, 3], settings, rng)
    counts = [np.bincount(sample @ [3, 1], minlength=6).reshape(2, 3) for sample in (events, reference)]
    expected = np.log2(counts[1] / counts[0])
    assert np.abs(table - table.mean() - (expected - expected.mean())).max() < 0.05


def test_weights_are_how_often_events_are():
    """A crossing of weight 3 beside one of weight 1 is a density of 3/4: the ratio to an even reference is 2/3 and 2."""
    rng = np.random.default_rng(51)
    bins = np.array([[0, 0]] * 5000 + [[1, 0]] * 5000)
    weights = np.repeat([3.0, 1.0], 5000)
    settings = PairsConfig(contrast=1.0, decay=0.0, epochs=20, batch_size=512)
    (table,) = _fit(_sample(bins, weights, bins, 1.0), np.array([[0, 1]]), [2, 2], settings, rng)
    assert table[1, 0] - table[0, 0] == pytest.approx(np.log2(3), abs=0.05)


def test_tables_that_learn_nothing_are_an_error_and_its_remedy_works():
    """Seeds 50 of the events, 52 of the tables."""
    codes = crossings(INPUTS.columns, 2000, 50)
    sample = Contrast.of(INPUTS, QUICK.reference, codes, np.ones(len(codes)), 52)
    for rate in (30.0, 1e300):
        settings = QUICK.model_copy(update={"learning_rate": rate})
        with pytest.raises(UserError, match=r"nothing was learnt, the logistic loss of .* that of no tables [\d.]+;") as found:
            fit_pairs(range(INPUTS.columns.size), settings, sample, 52)
        advised = re.search(r"model\.pair_tables\.learning_rate .*to ([\d.]+), or", str(found.value))
        assert advised
        fit_pairs(range(INPUTS.columns.size), QUICK.model_copy(update={"learning_rate": float(advised[1])}), sample, 52)


def test_the_same_seed_gives_the_same_tables_and_another_others():
    layout = INPUTS.selected
    codes, weights = crossings(layout, 3000, 52), np.random.default_rng(53).uniform(0.1, 2, 3000)
    one, again, other = (pairs_of(codes, weights, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one.tables, again.tables, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one.tables, other.tables, strict=True))
    assert len(one.tables) == layout.size * (layout.size - 1) // 2
    assert all(len(edges) <= QUICK.bins - 1 for edges in one.edges)


def test_hard_objects_score_high():
    layout = INPUTS.selected
    codes = crossings(layout, 5000, 54)
    model = pairs_of(codes, np.ones(5000), 1)
    hard = Injection.of(layout, codes, np.ones(5000)).added(crossings(layout, 2000, 55), 2.0, np.random.default_rng(56))
    assert np.median(model(hard)) > np.quantile(model(crossings(layout, 2000, 57)), 0.95)


# -- injection -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ugt", "cms_l1_record", "p2gt", "gelato"])
def test_events_with_objects_put_in_are_events_of_the_layout(name):
    layout = named_layout(name)
    codes, rng = crossings(layout, 400, 58), np.random.default_rng(59)
    injection = Injection.of(layout, codes, np.ones(400))
    for found in (injection.added(codes, 3.0, rng), injection.replaced(codes, rng)):
        low, high = layout.code_range
        assert ((found >= low) & (found <= high)).all()
        for group in layout.groups:
            if group.slots > 1 and group.name in injection.ranges:
                energy = layout.block(found, group.name)[:, :, [f.role for f in group.features].index("energy")]
                assert (np.diff(energy, axis=1) <= 0).all(), "objects stand in falling order"


def test_one_object_more_in_a_group_of_objects_is_one_slot_more():
    layout = INPUTS.selected.select({"met": 0})
    codes = np.zeros((2000, layout.size), layout.dtype)
    some = crossings(layout, 500, 60)
    found = Injection.of(layout, some, np.ones(500)).added(codes, 0.0, np.random.default_rng(61))
    assert (np.count_nonzero(found, axis=1) == 1).all()


def test_energies_are_as_probable_in_every_doubling():
    layout = INPUTS.selected
    injection = Injection(layout, {"jet": (16.0, 1024.0)})
    found = injection.added(np.zeros((60_000, layout.size), layout.dtype), 0.0, np.random.default_rng(62)).max(axis=1)
    counts = np.histogram(np.log2(found), bins=np.arange(4, 11))[0]
    assert (np.abs(counts - 10_000) < 5 * np.sqrt(10_000)).all()


@pytest.mark.parametrize("name", ["ugt", "samples"])
def test_without_energies_nothing_can_be_put_in(name):
    """Events without any object, and a layout without energies."""
    layout = named_layout(name)
    codes = np.zeros((10, layout.size), layout.dtype) if name == "ugt" else np.ones((10, layout.size), layout.dtype)
    with pytest.raises(UserError, match=f"layout '{name}' has no group with an energy above 0 in any training event"):
        Injection.of(layout, codes, np.ones(10))
