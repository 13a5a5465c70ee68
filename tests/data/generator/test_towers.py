"""Trigger towers, and the taus and isolation sums that are made of them."""

import numpy as np
import pytest

from l1ae.data.generator import CalorimeterBin, DetectorConfig, IsolationConfig, TauConfig, TowerConfig
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._taus import around, find_taus, isolated
from l1ae.data.generator._towers import FORWARD_ETA_EDGES, Towers, build_towers, tower_of

EXACT = (CalorimeterBin(eta_max=5.0, constant=0, stochastic=0),)
DETECTOR = DetectorConfig(electromagnetic=EXACT, hadronic=EXACT)
OPEN = TowerConfig(field=0, tower_threshold=0, forward_threshold=0, interaction_lengths=0)


def particles(*rows: tuple[Kind, float, float, float], charge: int = 0) -> Particles:
    """One event of massless particles (kind, pT, eta, phi)."""
    kind, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    pt, eta, phi = (values.astype(np.float32) for values in (pt, eta, phi))
    return Particles(np.array([len(rows)]), pt, eta, phi, pt * np.cosh(eta), kind.astype(np.int8), np.full(len(rows), charge, np.int8))


def towers(event: Particles, config: TowerConfig = OPEN, detector: DetectorConfig = DETECTOR, seed: int = 1) -> Towers:
    return build_towers([(event.event, event)], len(event), detector, config, np.random.default_rng(seed))


def shower(number: int, reach: float, kind: Kind = Kind.NEUTRAL) -> Particles:
    rng = np.random.default_rng(3)
    rows = zip(rng.exponential(5, number) + 1, rng.uniform(-reach, reach, number), rng.uniform(-np.pi, np.pi, number), strict=True)
    return particles(*((kind, *row) for row in rows))


def test_sums_are_those_of_the_particles():
    """Scalar sum and count within |eta| < 3, missing momentum also beyond, up to the size of towers in phi."""
    event = shower(300, 5.0)
    found = towers(event)
    near = np.abs(event.eta) < 3
    assert found.scalar[0] == pytest.approx(event.pt[near].sum(), rel=1e-5)
    assert found.forward.sum() == pytest.approx(event.pt[~near].sum(), rel=1e-5)
    wave = event.pt * np.exp(1j * event.phi)
    for forward, expected in ((False, -wave[near].sum()), (True, -wave.sum())):
        size, direction = found.missing(forward=forward)
        # Random walk of the distances from the centres: half a row of 5 (20) degrees, uniformly.
        blur = np.deg2rad(2.5 if not forward else 10) / 3**0.5 * np.sqrt((event.pt**2).sum())
        assert abs(size[0] * np.exp(1j * direction[0]) - expected) < 4 * blur


def test_towers_with_energy_are_counted():
    event = particles((Kind.PHOTON, 5, 0.04, 0.1), (Kind.PHOTON, 5, 0.05, 0.1), (Kind.NEUTRAL, 3, 2.4, -2), (Kind.PHOTON, 9, 3.5, 0))
    assert towers(event).count.tolist() == [2]
    assert towers(event).electromagnetic[0] == pytest.approx(10)
    assert towers(event, OPEN.model_copy(update={"tower_threshold": 4.0})).count.tolist() == [1]


def test_the_forward_threshold_is_that_of_its_towers():
    event = particles((Kind.NEUTRAL, 0.7, 3.2, 0.1), (Kind.NEUTRAL, 0.7, 3.2, 0.11), (Kind.NEUTRAL, 0.7, -4.8, 0.1))
    assert towers(event, OPEN.model_copy(update={"forward_threshold": 1.0})).forward.sum() == pytest.approx(1.4)


@pytest.mark.parametrize("sign", [-1, 1])
def test_forward_rings_are_mirror_images(sign):
    centres = (FORWARD_ETA_EDGES[1:] + FORWARD_ETA_EDGES[:-1]) / 2
    event = particles(*((Kind.PHOTON, 1.0 + k, sign * eta, 0.1) for k, eta in enumerate(centres)))
    rings = towers(event).forward[0].sum(axis=0)
    expected = np.concatenate([np.zeros(12), 1.0 + np.arange(12)])
    np.testing.assert_allclose(rings if sign > 0 else rings[::-1], expected, rtol=1e-5)


def test_hadrons_share_their_energy():
    """Of 1.1 interaction lengths a third passes through; the others leave half of their energy on average."""
    event = shower(20_000, 2.9)
    found = towers(event, OPEN.model_copy(update={"interaction_lengths": 1.1}))
    assert found.scalar[0] == pytest.approx(event.pt.sum(), rel=1e-5)
    assert found.electromagnetic[0] / found.scalar[0] == pytest.approx((1 - np.exp(-1.1)) / 2, abs=0.01)
    assert towers(shower(50, 2.9, Kind.PHOTON)).electromagnetic[0] == pytest.approx(towers(shower(50, 2.9)).scalar[0])


def test_charges_bend_and_opposite_ones_do_so_oppositely():
    rows = {}
    for charge in (-1, 0, 1):
        found = towers(particles((Kind.CHARGED, 1.5, 0.04, 1.0), charge=charge), TowerConfig(tower_threshold=0, interaction_lengths=0))
        rows[charge] = int(found.total[0].sum(axis=1).argmax())
    # 3.8 T x 0.3 x 1.29 m / (2 x 1.5 GeV): 0.51 rad, 5.8 towers of 5 degrees; the field points to positive z.
    assert rows[0] - rows[1] == pytest.approx(5.8, abs=1)
    assert rows[-1] - rows[0] == pytest.approx(5.8, abs=1)


def test_the_forward_calorimeter_has_the_resolution_of_the_detector():
    number = 4000
    many = Particles(
        np.ones(number, np.int64),
        *(np.full(number, value, np.float32) for value in (20.0, 3.4, 0.1, 20 * np.cosh(3.4))),
        np.full(number, Kind.NEUTRAL, np.int8),
    )
    found = build_towers([(many.event, many)], number, DetectorConfig(), OPEN, np.random.default_rng(2)).forward.sum(axis=(1, 2))
    energy = 20 * np.cosh(3.4)
    sigma = np.sqrt(0.13**2 + 2.7**2 / energy)
    assert found.mean() == pytest.approx(20, abs=5 * 20 * sigma / number**0.5)
    assert found.std() == pytest.approx(20 * sigma, rel=0.1)


def test_windows_close_over_the_end_of_phi_and_end_in_eta():
    event = particles((Kind.PHOTON, 4, 2.9, -0.17), (Kind.PHOTON, 8, 2.9, -0.20), (Kind.PHOTON, 16, 2.6, -0.17))
    found = towers(event)
    row, column = tower_of(np.array([2.9]), np.array([-0.17]))
    assert (row.tolist(), column.tolist()) == ([0], [55])
    window = found.windows(np.zeros(1, np.int64), row, column)[0]
    assert window.shape == (9, 5)
    np.testing.assert_allclose([window[4, 2], window[3, 2], window[4, 1]], [4, 8, 16], rtol=1e-6)
    assert window.sum() == pytest.approx(28)


def test_no_particle_leaves_no_energy():
    found = build_towers([], 2, DETECTOR, OPEN, np.random.default_rng(1))
    assert found.scalar.tolist() == found.missing(forward=True)[0].tolist() == [0, 0]


# --- taus and isolation

ALONE = IsolationConfig(offset=1.0, slope=0.1, per_tower=0.0)
CONFIG = TauConfig(isolation=ALONE)


def test_a_tau_is_the_sum_of_its_prongs():
    event = particles((Kind.CHARGED, 20, 0.50, 1.0), (Kind.CHARGED, 6, 0.55, 1.15), (Kind.PHOTON, 4, 0.45, 0.9))
    found = find_taus(towers(event), CONFIG)
    assert found.pt.tolist() == pytest.approx([30], rel=1e-4)
    assert found.eta[0] == pytest.approx((20 * 0.50 + 6 * 0.55 + 4 * 0.45) / 30, abs=0.03)
    assert found.phi[0] == pytest.approx((20 * 1.0 + 6 * 1.15 + 4 * 0.9) / 30, abs=0.03)
    assert found.isolated.tolist() == [True]


@pytest.mark.parametrize(("near", "expected"), [(3.9, True), (4.1, False)])
def test_isolation_is_relative_to_the_pt(near, expected):
    """Limit 1 + 0.1 x 30 GeV, with the neighbour four towers off in phi: inside the window, outside the cluster."""
    event = particles((Kind.CHARGED, 30, 0.5, 1.0), (Kind.NEUTRAL, near, 0.5, 1.0 + 4 * np.pi / 36))
    assert find_taus(towers(event), CONFIG).isolated.tolist() == [expected]


def test_pileup_raises_the_limit():
    limits = IsolationConfig(offset=0.0, slope=0.0, per_tower=0.05)
    assert isolated(np.array([20.0, 20.0]), np.array([4.0, 4.0]), np.array([79, 81]), limits).tolist() == [False, True]


def test_every_cluster_is_the_highest_of_its_window():
    found = find_taus(towers(shower(150, 2.9)), TauConfig(pt=2.0))
    assert len(found.pt) > 10
    order = np.argsort(-found.pt)
    eta, phi = found.eta[order], found.phi[order]
    for k in range(1, len(order)):
        d_phi = np.abs(np.angle(np.exp(1j * (phi[:k] - phi[k]))))
        # Seeds are more than four rows or more than one column apart; centres move by two rows and one column at most.
        assert ((d_phi > (5 - 4) * np.pi / 36 - 0.01) | (np.abs(eta[:k] - eta[k]) > 0.0)).all()


def test_of_equal_towers_one_is_the_seed():
    event = particles((Kind.PHOTON, 10, 0.04, 0.05), (Kind.PHOTON, 10, 0.13, 0.05))
    found = find_taus(towers(event), CONFIG)
    assert found.pt.tolist() == pytest.approx([20])


@pytest.mark.parametrize(
    ("row", "number"), [((Kind.PHOTON, 1.9, 0.5, 1.0), 0), ((Kind.PHOTON, 4.9, 0.5, 1.0), 0), ((Kind.PHOTON, 5.1, -0.5, 1.0), 1)]
)
def test_soft_seeds_and_soft_clusters_are_no_candidates(row, number):
    assert len(find_taus(towers(particles(row)), CONFIG).pt) == number


def test_calibration_and_acceptance():
    event = particles((Kind.PHOTON, 10, 2.7, 1.0))
    assert find_taus(towers(event), TauConfig(scale=1.2)).pt.tolist() == pytest.approx([12])
    assert not len(find_taus(towers(event), TauConfig(eta=2.5)).pt)


def test_what_is_around_an_electron_leaves_it_out():
    event = particles(
        (Kind.ELECTRON, 30, 0.04, 0.05), (Kind.PHOTON, 2, 0.13, 0.05), (Kind.NEUTRAL, 3, 0.04, 0.30), (Kind.NEUTRAL, 7, 0.9, 0.05)
    )
    found = around(towers(event, OPEN), np.zeros(1, np.int64), np.array([0.04]), np.array([0.05]))
    assert found.tolist() == pytest.approx([3.0])
