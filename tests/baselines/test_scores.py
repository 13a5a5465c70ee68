"""Every baseline against a closed form, a plain loop or another implementation."""

import numpy as np
import pytest

from l1ae.baselines import BASELINES, TrainingEvents, fit_baselines
from l1ae.baselines._forest import drawn
from l1ae.baselines._linear import Gaussian, LinearAutoencoder, Standardised
from l1ae.baselines._surprise import UNSEEN, Surprise, Surprises
from l1ae.data import Events
from l1ae.errors import UserError
from l1ae.inputs import layout_names, named_layout

from ..levels import slow
from .events import random_codes, training, vector

UGT = named_layout("ugt")


def scores_of(learned, codes):
    found = fit_baselines(learned)
    return {fitted.name: column for fitted, column in zip(found.fitted, found.scores(codes).T, strict=True)}


# -- the list ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", slow(layout_names(), ("ugt", "samples")))
def test_every_baseline_works_on_every_layout_or_says_why_not(name):
    layout = named_layout(name)
    learned = training(layout, random_codes(layout, 400, 1), np.random.default_rng(2).uniform(0.1, 2, 400))
    found = fit_baselines(learned)
    scores = found.scores(random_codes(layout, 50, 3))
    names = [fitted.name for fitted in found.fitted]
    assert scores.shape == (50, len(names))
    assert np.isfinite(scores).all()
    assert len(set(names)) == len(names)
    assert {fitted.kind.title for fitted in found.fitted} | set(found.impossible) == {kind.title for kind in BASELINES}
    assert all(len(np.unique(column)) > 1 for column in scores.T), "every score tells events apart"
    assert all(reason[0].islower() and not reason.endswith(".") for reason in found.impossible.values())


@pytest.mark.slow
def test_what_a_layout_does_not_have_is_said():
    image, pulses = (
        fit_baselines(training(named_layout(name), random_codes(named_layout(name), 100, 4))) for name in ("calo_regions", "samples")
    )
    assert image.impossible == {"Number of objects": "no slot of the layout can be empty"}
    assert set(pulses.impossible) == {"Number of objects", "Leading energy"}
    without = UGT.select({"jet": 0})
    found = fit_baselines(training(without, random_codes(without, 100, 5)))
    assert found.impossible == {"Scalar sum": "the layout has no group jet, and no vector, image or waveform"}
    assert "leading_jet" not in {fitted.name for fitted in found.fitted}
    angles = vector(("object", 2)).model_dump(mode="json")
    angles["groups"][0]["features"] = [{"name": "phi", "role": "phi", "bits": 8}]
    layout = type(UGT).model_validate(angles)
    assert set(fit_baselines(training(layout, [[1, 2], [3, 4]])).impossible) == {kind.title for kind in BASELINES}
    assert fit_baselines(training(layout, [[1, 2], [3, 4]])).scores(np.array([[1, 2]])).shape == (1, 0)


def test_weights_are_repeated_events_and_zero_weights_are_absent():
    """To the last digits, on all scores at once; the forest too, which draws the same events."""
    rng = np.random.default_rng(6)
    codes, asked = random_codes(UGT, 3000, 6), random_codes(UGT, 500, 7)
    weights = rng.integers(0, 4, 3000)
    block = Events(codes, np.zeros(3000, np.int16), np.arange(3000), np.zeros(3000, np.int16), {"weight": weights.astype(float)})
    weighted = TrainingEvents.from_blocks([block.select(slice(0, 700)), block.select(slice(700, None))], UGT)
    assert len(weighted) == (weights > 0).sum()
    some = training(UGT, codes[weights > 0], weights[weights > 0])
    repeated = training(UGT, np.repeat(codes, weights, axis=0))
    one, absent, other = scores_of(weighted, asked), scores_of(some, asked), scores_of(repeated, asked)
    for name in one:
        np.testing.assert_array_equal(one[name], absent[name], err_msg=name)
        if name != "tree":  # where a tail is populated is a matter of events, not of weight
            np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_what_an_empty_slot_holds_does_not_matter():
    """A bit says whether a slot is filled; without it, energy and angles mean nothing."""
    layout = named_layout("p2gt")
    learned, asked = (random_codes(layout, count, seed) for count, seed in ((1000, 8), (200, 9)))
    meaningless = (layout.gate != np.arange(layout.size)) & ~layout.mask(learned)
    noise = random_codes(layout, 1000, 10)
    expected, found = (
        scores_of(training(layout, learned), asked),
        scores_of(training(layout, np.where(meaningless, 7 + noise, learned)), asked),
    )
    other = np.where((layout.gate != np.arange(layout.size)) & ~layout.mask(asked), 5, asked)
    again = scores_of(training(layout, learned), other)
    assert (other != asked).any()
    for name, column in expected.items():
        np.testing.assert_array_equal(column, found[name], err_msg=name)
        np.testing.assert_array_equal(column, again[name], err_msg=name)


def test_columns_that_are_constant_or_always_empty_break_nothing():
    codes = random_codes(UGT, 500, 10)
    slots = UGT.block(codes, "eg")
    slots[:, 0] = (20, 3, 4)
    slots[:, 3] = 0
    asked = random_codes(UGT, 100, 11)
    for name, column in scores_of(training(UGT, codes), asked).items():
        assert np.isfinite(column).all(), name
    same = scores_of(training(UGT, np.repeat(codes[:1], 50, axis=0)), asked)
    assert all(np.isfinite(column).all() for column in same.values())
    assert not same["pca"].any(), "of one event, repeated, nothing is learned that varies"
    one = scores_of(training(UGT, codes[:1]), asked)
    assert all(np.isfinite(column).all() for column in one.values())


# -- training events -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "most", "step"), [(1000, 1000, 1), (1000, 999, 2), (1000, 130, 8)])
def test_too_many_events_are_thinned_evenly(count, most, step):
    blocks = [
        Events(
            np.full((size, 57), start),
            np.zeros(size, np.int16),
            np.arange(size),
            np.zeros(size, np.int16),
            {"weight": start + np.arange(size) + 1.0},
        )
        for start, size in ((0, 333), (333, 100), (433, count - 433))
    ]
    found = TrainingEvents.from_blocks(blocks, UGT, most=most)
    assert found.available == count
    assert found.weights.tolist() == list(range(1, count + 1, step))
    assert found.effective == pytest.approx(found.weights.sum() ** 2 / (found.weights**2).sum())


def test_weights_that_mean_nothing_are_refused():
    with pytest.raises(UserError, match="no event of a weight above 0"):
        TrainingEvents.from_blocks([], UGT)
    with pytest.raises(UserError, match="finite and not negative"):
        training(UGT, np.zeros((2, 57)), [1, -1])
    with pytest.raises(UserError, match="finite and not negative"):
        training(UGT, np.zeros((2, 57)), [1, np.nan])


# -- cuts --------------------------------------------------------------------------------------------------------------------


def test_cuts_are_plain_loops_over_objects():
    codes = random_codes(UGT, 300, 12)
    found = scores_of(training(UGT, codes), codes)
    values = UGT.to_physical(codes)
    pt = {
        group.name: [(codes[:, c] - (group.name == "mu")) * 0.5 * (codes[:, c] > 0) for c in UGT.positions(group.name, "pt")]
        for group in UGT.groups
    }
    for name, columns in pt.items():
        np.testing.assert_allclose(found[f"leading_{name}"], np.max(columns, axis=0))
    # the centres of codes, half an LSB above
    assert (np.abs(values[:, UGT.positions("jet", "pt")].max(axis=1) - found["leading_jet"]) <= 0.25).all()
    np.testing.assert_allclose(found["sum_jet"], np.sum(pt["jet"], axis=0))
    objects = {name: columns for name, columns in pt.items() if name != "met"}
    gates = np.concatenate([UGT.positions(name, "pt") for name in objects])
    filled = (codes[:, gates] > 0).sum(axis=1)
    total = np.sum([np.sum(columns, axis=0) for columns in objects.values()], axis=0)
    np.testing.assert_array_equal(np.floor(found["multiplicity"]), filled)
    order = np.lexsort((total, filled))
    np.testing.assert_array_equal(found["multiplicity"][order], np.sort(found["multiplicity"]))
    assert len(np.unique(found["multiplicity"])) == np.unique([filled, total], axis=1).shape[1]


def test_sums_stand_by_themselves_with_all_their_energies():
    layout = named_layout("p2gt")
    codes = random_codes(layout, 100, 13)
    found = scores_of(training(layout, codes), codes)
    lsb = layout["met"]["scalar_pt"].lsb
    valid = codes[:, layout.positions("met", "valid")[0]] > 0
    np.testing.assert_allclose(found["leading_met_scalar_pt"], codes[:, layout.positions("met", "scalar_pt")[0]] * lsb * valid)
    assert {"leading_met_pt", "leading_jet", "leading_mu", "sum_jet"} <= set(found)


# -- surprises -------------------------------------------------------------------------------------------------------------


def test_surprise_is_the_weighted_survival_probability():
    codes, weights = np.array([0, 3, 3, 5, 9]), np.array([4.0, 1, 1, 1, 1])
    found = Surprise.of(codes, codes > 0, weights)
    asked = np.array([0, 1, 3, 4, 5, 6, 9])
    expected = -np.log([1, 4 / 8, 4 / 8, 2 / 8, 2 / 8, 1 / 8, 1 / 8])
    np.testing.assert_allclose(found(asked, asked > 0), expected)
    assert found.exponent is None, "less than a decade was seen"
    assert found(np.array([10]), np.array([True])) == pytest.approx(-np.log(UNSEEN))
    assert Surprise.of(codes, codes < 0, weights)(asked, asked > 0).tolist() == [0, *[-np.log(UNSEEN)] * 6]


def test_a_power_law_goes_on_beyond_the_sample():
    """P(code >= c) = (10 / c)^3, in exact weights, up to 100: 3 log 10 at 100, and 3 log 20 at 200, which no event had."""
    codes = np.arange(10, 101)
    reached = (10.0 / codes) ** 3
    weights = reached - np.append(reached[1:], 0.0)
    found = Surprise.of(codes, codes > 0, weights)
    assert found.exponent == pytest.approx(3.0, rel=1e-9)
    np.testing.assert_allclose(found(np.array([50, 100, 200]), np.ones(3, bool)), 3 * np.log([5, 10, 20]))


def test_sum_and_largest_over_slots():
    layout = vector(("object", 2), ("other", 1))
    rng = np.random.default_rng(14)
    codes = rng.integers(0, 9, (400, 3))
    weights = rng.uniform(0.5, 2, 400)
    found = Surprises.of(training(layout, codes, weights))
    for event in codes[:20]:
        each = [-np.log(weights[codes[:, k] >= event[k]].sum() / weights.sum()) if event[k] else 0.0 for k in range(3)]
        assert found.total(event[None])[0] == pytest.approx(sum(each))
        assert found.largest(event[None])[0] == pytest.approx(max(each))


# -- linear models -----------------------------------------------------------------------------------------------------------


def test_the_error_of_the_linear_autoencoder_is_that_of_a_truncated_svd():
    layout = vector(("object", 6))
    rng = np.random.default_rng(15)
    codes = np.clip(rng.normal(0, 20, (500, 2)) @ rng.uniform(-1, 1, (2, 6)) + rng.normal(120, 8, (500, 6)), 1, 255).astype(int)
    values = codes * 0.5
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    left, size, right = np.linalg.svd(standard, full_matrices=False)
    for k in (1, 2, 5):
        error = ((standard - (left[:, :k] * size[:k]) @ right[:k]) ** 2).sum(axis=1)
        np.testing.assert_allclose(LinearAutoencoder.of(training(layout, codes), k)(codes), error, rtol=1e-6, atol=1e-9)
    explained = np.cumsum(size**2) / (size**2).sum()
    assert LinearAutoencoder.of(training(layout, codes)).left_out.shape[1] == 6 - 1 - np.flatnonzero(explained >= 0.5)[0]
    # six slots that have nothing in common: three directions of six hold half of the variance
    alone = rng.integers(1, 200, (500, 6))
    assert LinearAutoencoder.of(training(layout, alone)).left_out.shape[1] == 3


def test_the_gaussian_is_the_mahalanobis_distance():
    layout = vector(("object", 4))
    rng = np.random.default_rng(16)
    codes, weights = rng.integers(1, 200, (300, 4)), rng.uniform(0.1, 3, 300)
    mean = np.average(codes, axis=0, weights=weights)
    covariance = np.cov(codes.T, aweights=weights, ddof=0)
    delta = codes - mean
    expected = np.einsum("ni,ij,nj->n", delta, np.linalg.inv(covariance), delta)
    np.testing.assert_allclose(Gaussian.of(training(layout, codes, weights))(codes), expected, rtol=1e-8)


def test_two_equal_columns_count_as_one():
    layout, rng = vector(("object", 3)), np.random.default_rng(17)
    codes = rng.integers(1, 200, (300, 3))
    codes[:, 2] = codes[:, 1]
    expected = Gaussian.of(training(vector(("object", 2)), codes[:, :2]))(codes[:, :2])
    np.testing.assert_allclose(Gaussian.of(training(layout, codes))(codes), expected, rtol=1e-8)
    assert len(Standardised.of(training(layout, np.where([True, False, True], codes, 7))).sizes) == 2


# -- isolation forest ----------------------------------------------------------------------------------------------------------


def test_events_are_drawn_as_often_as_they_weigh():
    weights = np.array([1.0, 0.0, 5.0, 4.0])
    found = np.bincount(drawn(weights, 100_000, 1), minlength=4) / 100_000
    np.testing.assert_allclose(found, weights / 10, atol=0.008)
    assert found[1] == 0


def test_the_forest_isolates_what_is_alone_and_knows_weights():
    layout, rng = vector(("object", 2)), np.random.default_rng(18)
    codes = np.concatenate([rng.integers(40, 80, (2000, 2)), rng.integers(150, 190, (2000, 2))])
    middle = np.array([[60, 60], [170, 170], [250, 250]])
    plain = scores_of(training(layout, codes), middle)["forest"]
    assert plain[2] > max(plain[:2])
    weights = np.repeat([1.0, 0.01], 2000)
    weighted = scores_of(training(layout, codes, weights), middle)["forest"]
    assert weighted[1] > weighted[0] + 0.1, "the second cluster is rare now"
    np.testing.assert_array_equal(weighted, scores_of(training(layout, codes, weights), middle)["forest"])
