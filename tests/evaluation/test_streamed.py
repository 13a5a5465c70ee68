"""Samples in many parts against the same events in memory."""

import numpy as np
import pytest

from l1ae.data import Spool, _spool
from l1ae.evaluation import (
    Ranked,
    ScoreSet,
    SpooledScores,
    auc,
    coarse,
    design_effect,
    evaluate,
    evaluate_spooled,
    group_ids,
    group_numbers,
    spooled_threshold_drift,
    threshold_drift,
    tpr_at_fpr,
)

SEED = 20261129
LSB = {"float": None, "fixed": 0.25}


@pytest.fixture
def parts_of_1000(monkeypatch):
    """Whatever has more than 1000 events is divided."""
    monkeypatch.setattr(_spool, "PART_EVENTS", 1000)


def events(n, mean, *, copies, weighted, seed=SEED):
    """Columns of a sample: scores of equal source events lie near each other."""
    rng = np.random.default_rng(seed)
    source = rng.integers(max(n // copies, 1), size=n) if copies > 1 else np.arange(n)
    common = rng.normal(size=n)[source]
    scores = coarse(np.exp(mean + 0.5 * common + 0.5 * rng.normal(size=n)))
    columns = {
        "process": (source % 3).astype(np.int16),
        "source_event": source.astype(np.int64),
        "float": scores,
        "fixed": np.round(scores * 4) / 4,
    }
    return columns | ({"weight": rng.choice([0.25, 1.0, 4.0], size=n)} if weighted else {})


def spooled(name, columns):
    spool = Spool(len(columns["process"]))
    for start in range(0, spool._count * 1000, 300):
        block = {key: column[start : start + 300] for key, column in columns.items()}
        if len(block["process"]):
            spool.append(block)
    assert len(spool) == len(columns["process"])
    return SpooledScores(name, spool, LSB)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("copies", [1, 4])
def test_parts_say_what_all_events_say(parts_of_1000, copies, weighted):
    columns = {
        "background": events(5000, 0.0, copies=copies, weighted=weighted),
        "a": events(2500, 1.0, copies=copies, weighted=False, seed=2),
        "b": events(700, 0.5, copies=1, weighted=False, seed=3),
    }
    samples = {name: spooled(name, found) for name, found in columns.items()}
    assert not samples["background"].spool.whole
    assert samples["b"].spool.whole
    found = evaluate_spooled(samples, threshold=3.0, fprs=(0.001, 0.03))
    groups = {name: group_ids(c["process"], c["source_event"]) for name, c in columns.items()}
    weights = {name: c["weight"] for name, c in columns.items() if "weight" in c}
    sets = {v: ScoreSet(columns["background"][v], {name: columns[name][v] for name in "ab"}, LSB[v]) for v in LSB}
    expected = evaluate(sets, groups, weights, threshold=3.0, fprs=(0.001, 0.03), replicas=300)
    assert found.events == expected.events
    assert found.groups == expected.groups
    assert found.effective == pytest.approx(expected.effective)
    for variant in LSB:
        for name in "ab":
            one, other = found.auc[variant][name], expected.auc[variant][name]
            assert one.value == pytest.approx(other.value, rel=1e-12)
            assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.25 if copies > 1 else 1e-6)
            for point, same in zip(found.working_points[variant][name], expected.working_points[variant][name], strict=True):
                assert point.threshold == same.threshold
                for mine, theirs in ((point.fpr, same.fpr), (point.tpr, same.tpr)):
                    assert (mine is None) == (theirs is None)
                    if mine is not None:
                        assert vars(mine) == pytest.approx(vars(theirs), rel=1e-9)
        for name, estimate in found.accepted[variant].items():
            assert vars(estimate) == pytest.approx(vars(expected.accepted[variant][name]), rel=1e-9)
    for name, difference in found.comparisons["fixed"].scores.items():
        assert vars(difference) == pytest.approx(vars(expected.comparisons["fixed"].scores[name]), rel=1e-9)
    for name, shift in found.comparisons["fixed"].auc.items():
        same = expected.comparisons["fixed"].auc[name]
        assert shift.value == pytest.approx(same.value, abs=1e-12)
        assert shift.high - shift.low == pytest.approx(same.high - same.low, rel=0.25 if copies > 1 else 1e-6)


def test_the_interval_of_correlated_copies_covers_the_truth():
    """Of 200 samples of copies of three, 68 % of the intervals should hold the AUC of two unit Gaussians a distance 1 apart, 0.76025."""
    held = 0
    for seed in range(200):
        rng = np.random.default_rng([SEED, seed])
        samples = {}
        for name, n, mean in (("background", 200, 0.0), ("a", 200, 1.0)):
            source = np.repeat(np.arange(n), 3)
            scores = mean + np.sqrt(0.8) * rng.normal(size=n)[source] + np.sqrt(0.2) * rng.normal(size=3 * n)
            spool = Spool(3 * n)
            spool.append({"process": np.zeros(3 * n, np.int16), "source_event": source, "float": scores})
            samples[name] = SpooledScores(name, spool, {"float": None})
        found = evaluate_spooled(samples, fprs=()).auc["float"]["a"]
        held += found.low <= 0.7602499389065233 <= found.high
    assert 0.58 <= held / 200 <= 0.78  # 68.3 % +- 3 standard deviations of 3.3 %


@pytest.mark.parametrize("weighted", [False, True])
def test_ranked_parts_have_the_design_effect_of_all_events(weighted):
    columns = events(3000, 0.0, copies=3, weighted=weighted)
    groups, weights = group_numbers(columns["process"], columns["source_event"]), columns.get("weight")
    halves = [groups % 2 == half for half in (0, 1)]
    parts = [Ranked.of(columns["fixed"][h], groups[h], None if weights is None else weights[h]) for h in halves]
    ranked = Ranked.merged(parts)
    for threshold in (0.0, 0.5, 2.0, 6.0, 1e9):
        assert ranked.design_effect(threshold) == pytest.approx(design_effect(columns["fixed"], threshold, groups, weights))
    for fraction in (0.1, 0.5, 0.999):
        expected = np.quantile(columns["fixed"], fraction, method="inverted_cdf", weights=weights)
        assert ranked.quantile(fraction) == expected
    for fpr in (1e-4, 1e-2, 0.3):
        point = tpr_at_fpr(columns["fixed"], columns["fixed"], fpr, background_weights=weights, lsb=0.25)
        k = ranked.allowed(fpr * ranked.total)
        assert point.threshold is None if k == 0 else ranked.above(k, 0.25) == point.threshold


def test_below_counts_ties_as_one_half():
    rng = np.random.default_rng(SEED)
    background, signal = rng.integers(20, size=500).astype(float), rng.integers(5, 25, size=300).astype(float)
    value = Ranked.of(background, None, None).below(signal).mean()
    assert value == pytest.approx(auc(background, signal).value, rel=1e-12)


def test_drift_of_one_part_is_that_of_its_events():
    columns = events(900, 0.0, copies=3, weighted=True)
    sample = spooled("background", columns)
    groups = group_ids(columns["process"], columns["source_event"])
    expected = threshold_drift(columns["fixed"], 0.02, weights=columns["weight"], groups=groups)
    found = spooled_threshold_drift(sample, "fixed", 0.02)
    assert vars(found) == pytest.approx(vars(expected))


def test_coarse_scores_are_near_and_few():
    scores = np.random.default_rng(SEED).lognormal(size=100_000)
    near = coarse(scores)
    assert np.abs(near / scores - 1).max() <= 2.0**-15
    assert len(np.unique(near)) < len(scores)
    codes = np.arange(1 << 15).astype(float) / 4
    assert (coarse(codes) == codes).all()


def lowest_threshold(scores, fpr, weights=None):
    """The smallest integer that at most this fraction of integer scores reaches."""
    weighed = None if weights is None else np.asarray(weights, float)
    return int(Ranked.of(scores.astype(float), None, weighed).highest_refused(fpr)) + 1


@pytest.mark.parametrize(
    ("scores", "fpr", "threshold"),
    [
        (range(10), 0.1, 9),  # only 9 passes
        (range(10), 0.35, 7),  # 7, 8, 9 pass: 0.3
        ([5] * 10, 0.5, 6),  # a tie cannot be split
        ([1, 5, 5, 5], 0.75, 5),
        (range(10), 0.01, 10),
    ],
)
def test_threshold_is_the_lowest_that_keeps_the_rate(scores, fpr, threshold):
    scores = np.array(list(scores))
    found = lowest_threshold(scores, fpr)
    assert np.mean(scores >= found) <= fpr
    assert found == min(t for t in range(12) if np.mean(scores >= t) <= fpr)
    assert found <= threshold


@pytest.mark.parametrize("fpr", [1e-9, 0.01, 0.1, 0.25, 0.5])
def test_threshold_of_integer_weights_is_that_of_repeated_events(fpr):
    rng = np.random.default_rng(14)
    scores, repeats = rng.integers(0, 50, 300), rng.integers(1, 6, 300)
    assert lowest_threshold(scores, fpr, repeats) == lowest_threshold(np.repeat(scores, repeats), fpr)


def test_threshold_of_strata_is_the_smallest_that_keeps_the_weighted_rate():
    """A tail of events that weigh little, as unsigned codes."""
    rng = np.random.default_rng(15)
    scores = np.concatenate([rng.integers(0, 100, 500), rng.integers(100, 1000, 500)]).astype(np.uint16)
    weights = np.where(scores < 100, 2.0, 1e-4)
    found = lowest_threshold(scores, 3e-5, weights)
    assert np.average(scores >= found, weights=weights) <= 3e-5 < np.average(scores >= found - 1, weights=weights)
