import numpy as np
import pytest

from l1ae.data.generator import DetectorConfig
from l1ae.data.generator._jets import FlatMomenta, median_density, reconstruct_jets

pytest.importorskip("fastjet")


def momenta(rows: list[tuple[int, float, float, float]]) -> FlatMomenta:
    event, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    return FlatMomenta(event, *(values.astype(np.float32) for values in (pt, eta, phi)))


def brute_force_anti_kt(particles: FlatMomenta, radius: float) -> list[float]:
    """Jet pT of one event by the definition of anti-kT (JHEP 04 (2008) 063), E scheme, in plain Python."""
    pt, eta, phi = (np.asarray(v, float) for v in (particles.pt, particles.eta, particles.phi))
    pseudojets = [np.array(p) for p in zip(pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta), strict=True)]
    jets = []
    while pseudojets:
        p = np.array(pseudojets)
        weight = 1 / (p[:, 0] ** 2 + p[:, 1] ** 2)
        rapidity, angle = 0.5 * np.log((p[:, 3] + p[:, 2]) / (p[:, 3] - p[:, 2])), np.arctan2(p[:, 1], p[:, 0])
        turn = np.abs(angle[:, None] - angle)
        distance = ((rapidity[:, None] - rapidity) ** 2 + np.minimum(turn, 2 * np.pi - turn) ** 2) / radius**2
        pair = np.minimum(weight[:, None], weight) * distance + np.diag(np.full(len(p), np.inf))
        i, j = np.unravel_index(np.argmin(pair), pair.shape)
        if weight.min() <= pair[i, j]:
            jets.append(float(weight[k := int(np.argmin(weight))] ** -0.5))
            del pseudojets[k]
        else:
            pseudojets[i] = pseudojets[i] + pseudojets[j]
            del pseudojets[j]
    return sorted(jets, reverse=True)


def test_two_back_to_back_particles_are_two_jets():
    jets = reconstruct_jets(momenta([(0, 50, 0.5, 0.1), (0, 40, -0.5, 0.1 - np.pi)]), 1, DetectorConfig())
    np.testing.assert_allclose(np.sort(jets.pt), [40, 50], rtol=1e-5)
    np.testing.assert_allclose(jets.eta[np.argsort(jets.pt)], [-0.5, 0.5], atol=1e-5)
    np.testing.assert_allclose(jets.phi[np.argsort(jets.pt)], [0.1 - np.pi, 0.1], atol=1e-5)


def test_particles_within_the_radius_merge_and_events_do_not_mix():
    detector = DetectorConfig(subtract_density=False)
    jets = reconstruct_jets(momenta([(0, 20, 0, 0), (0, 10, 0.3, 0), (2, 20, 0, 0), (2, 20, 0.5, 0)]), 3, detector)
    assert jets.event.tolist() == [0, 2, 2]
    np.testing.assert_allclose(jets.pt, [30, 20, 20], rtol=1e-5)
    assert 0 < jets.eta[0] < 0.15


def test_clustering_agrees_with_the_definition_of_anti_kt():
    rng = np.random.default_rng(5)
    detector = DetectorConfig(subtract_density=False, jet_pt=2.0, jet_eta=9.0)
    for _ in range(5):
        rows = [
            (0, *values) for values in zip(rng.exponential(3, 80) + 0.1, rng.uniform(-3, 3, 80), rng.uniform(-3.14, 3.14, 80), strict=True)
        ]
        particles = momenta(rows)
        expected = [pt for pt in brute_force_anti_kt(particles, 0.4) if pt > 2.0]
        np.testing.assert_allclose(np.sort(reconstruct_jets(particles, 1, detector).pt)[::-1], expected, rtol=1e-4)


def test_jets_outside_the_acceptance_are_dropped():
    jets = reconstruct_jets(momenta([(0, 50, 4.1, 0), (0, 50, 3.9, 2), (0, 14.9, 0, 1)]), 1, DetectorConfig())
    np.testing.assert_allclose(jets.eta, [3.9], rtol=1e-5)


def test_density_of_a_uniform_event_and_its_subtraction():
    """One particle of 0.1 GeV per 0.05 x 2 pi / 110: the density is 0.1 over that area, whatever hard jet lies on top."""
    eta, phi = np.meshgrid(np.arange(-4.775, 4.8, 0.05), -np.pi + (np.arange(110) + 0.5) * 2 * np.pi / 110)
    uniform = [(0, 0.1, e, p) for e, p in zip(eta.ravel(), phi.ravel(), strict=True)]
    density = 0.1 / (0.05 * 2 * np.pi / 110)
    particles = momenta([*uniform, (0, 100, 0.0, 0.0)])
    for region in median_density(particles, 1):
        np.testing.assert_allclose(region, [density], rtol=1e-5)
    jets = reconstruct_jets(particles, 1, DetectorConfig())
    assert jets.pt.max() == pytest.approx(100, abs=1.0)
    unsubtracted = reconstruct_jets(particles, 1, DetectorConfig(subtract_density=False))
    assert unsubtracted.pt.max() == pytest.approx(100 + density * np.pi * 0.16, abs=1.0)


def test_an_event_without_particles_has_no_jets():
    empty = np.zeros(0, np.float32)
    assert len(reconstruct_jets(FlatMomenta(np.zeros(0, np.int64), empty, empty, empty), 2, DetectorConfig()).pt) == 0
