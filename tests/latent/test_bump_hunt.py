"""The hunt on spectra whose truth is known: nothing, a resonance, and a shape that no smooth function has."""

import numpy as np
import pytest
from scipy.stats import kstest, poisson

from l1ae.errors import UserError
from l1ae.latent import bump_hunt

SPAN = (30.0, 300.0)


def _background(rng, events):
    return np.exp(rng.normal(4.5, 0.5, events))


@pytest.mark.slow
def test_without_a_resonance_global_and_fit_p_values_are_uniform():
    rng = np.random.default_rng(3)
    hunts = [bump_hunt(_background(rng, 3000), span=SPAN, pseudo_experiments=60, seed=seed) for seed in range(200)]
    global_p = [hunt.global_p_value for hunt in hunts]
    assert kstest(global_p, "uniform").pvalue > 0.01
    assert kstest([hunt.fit_p_value for hunt in hunts], "uniform").pvalue > 0.01
    # the trials factor is what the local p-value lacks
    assert np.mean([hunt.window.local_p_value < 0.05 for hunt in hunts]) > 0.5


def test_a_four_lepton_like_resonance_is_found_at_its_mass():
    rng = np.random.default_rng(4)
    masses = np.concatenate([_background(rng, 3000), rng.normal(50.0, 1.5, 120), [np.nan, np.inf, 0.0]])
    hunt = bump_hunt(masses, pseudo_experiments=200)
    assert hunt.global_p_value == pytest.approx(1 / 201)
    assert hunt.window.low < 50 < hunt.window.high
    assert hunt.window.high - hunt.window.low < 12
    excess = hunt.window.observed - hunt.window.expected_outside
    assert abs(excess - 120) < 4 * hunt.window.observed**0.5
    assert hunt.window.expected_outside < hunt.window.expected  # the resonance pulls the fit that contains it


def test_the_window_is_counted_and_its_p_value_is_poissons():
    rng = np.random.default_rng(5)
    masses = _background(rng, 2000)
    hunt = bump_hunt(masses, span=SPAN, pseudo_experiments=10)
    window = hunt.window
    assert window.observed == np.sum((masses >= window.low) & (masses < window.high))
    assert window.local_p_value == pytest.approx(poisson.sf(window.observed - 1, window.expected), rel=1e-9)
    assert sum(hunt.counts) == np.sum((masses >= SPAN[0]) & (masses <= SPAN[1]))
    assert sum(hunt.background) == pytest.approx(sum(hunt.counts), rel=1e-6)  # a likelihood fit with a constant term


def test_no_window_is_more_significant_than_the_one_that_is_named():
    hunt = bump_hunt(_background(np.random.default_rng(6), 2000), span=SPAN, pseudo_experiments=10)
    counts, background = np.array(hunt.counts), np.array(hunt.background)
    smallest = min(
        poisson.sf(counts[i : i + width].sum() - 1, background[i : i + width].sum())
        for width in range(2, 9)
        for i in range(len(counts) - width + 1)
        if counts[i : i + width].sum() > background[i : i + width].sum()
    )
    assert hunt.window.local_p_value == pytest.approx(smallest, rel=1e-9)


def test_a_spectrum_that_is_not_smooth_is_said_not_to_fit():
    rng = np.random.default_rng(7)
    masses = np.concatenate([rng.uniform(30, 80, 6000), rng.uniform(80, 300, 1000)])
    assert bump_hunt(masses, span=SPAN, pseudo_experiments=50).fit_p_value == pytest.approx(1 / 51)


def test_the_same_seed_gives_the_same_result():
    masses = _background(np.random.default_rng(8), 500)
    assert bump_hunt(masses, pseudo_experiments=20, seed=2) == bump_hunt(masses, pseudo_experiments=20, seed=2)


def test_too_few_events_are_refused():
    with pytest.raises(UserError, match="needs at least 100 events with the chosen mass, not 99"):
        bump_hunt(np.concatenate([np.full(99, 50.0), [np.nan] * 50]), span=(40, 60))
    with pytest.raises(UserError, match="not 0"):
        bump_hunt(np.full(10, np.nan))
