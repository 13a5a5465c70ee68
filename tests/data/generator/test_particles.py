import numpy as np
import pytest

from l1ae.data.generator._particles import Kind, Particles, charge_of, classify, ranges, wrap_phi


def example() -> Particles:
    """Three events with 2, 0 and 1 visible particles."""
    event = np.array([0, 0, 0, 2, 2, 2])
    pdg_id = np.array([-13, 22, 14, 211, 2112, 11])
    momentum = np.array(
        [
            [3.0, 4.0, 0.0, 5.0],
            [0.0, -2.0, 2.0 * np.sinh(1.5), 2.0 * np.cosh(1.5)],
            [9.0, 0.0, 0.0, 9.0],
            [0.05, 0.0, 1.0, 1.01],
            [-1.0, 0.0, -np.sinh(2.0), 4.0],
            [1.0, 0.0, np.sinh(5.5), np.cosh(5.5)],
        ]
    )
    return Particles.from_momenta(event, 3, pdg_id, momentum, eta_max=5.2)


def test_momenta_become_pt_eta_phi_and_invisible_particles_are_left_out():
    particles = example()
    assert particles.count.tolist() == [2, 0, 1]
    np.testing.assert_allclose(particles.pt, [5.0, 2.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(particles.eta, [0.0, 1.5, -2.0], rtol=1e-6)
    np.testing.assert_allclose(particles.phi, [np.arctan2(4, 3), -np.pi / 2, np.pi], rtol=1e-6)
    np.testing.assert_allclose(particles.energy, [5.0, 2 * np.cosh(1.5), 4.0], rtol=1e-6)
    assert particles.kind.tolist() == [Kind.MUON, Kind.PHOTON, Kind.NEUTRAL]


def test_charges_are_kept_with_their_particles():
    particles = example()
    assert particles.charge.tolist() == [1, 0, 0]
    assert particles.take(np.array([2, 0])).charge.tolist() == [0, 1, 0]
    assert Particles.concatenate([particles, particles.keep(particles.pt > 3)]).charge.tolist() == [1, 0, 0, 1]
    assert particles.rotate(np.zeros(3), np.ones(3, bool)).charge.tolist() == [1, 0, 0]
    # Where they are not known, they are 0.
    assert Particles(*(getattr(particles, name) for name in ("count", "pt", "eta", "phi", "energy", "kind"))).charge.tolist() == [0, 0, 0]


def test_charges_by_pdg_id():
    """PDG: e- 11, mu- 13, pi+ 211, K+ 321, p 2212, Sigma- 3112, Sigma+ 3222, Xi- 3312, Omega- 3334."""
    ids = np.array([11, -11, 13, 211, -211, 321, 2212, -2212, 3112, -3112, 3222, 3312, 3334, 22, 130, 2112, 12, 1000022])
    assert charge_of(ids).tolist() == [-1, 1, -1, 1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 0, 0, 0, 0, 0]
    assert ((charge_of(ids) != 0) == np.isin(classify(ids), [Kind.CHARGED, Kind.ELECTRON, Kind.MUON])).all()


@pytest.mark.parametrize(
    ("pdg_id", "kind"),
    [
        (211, Kind.CHARGED),
        (-321, Kind.CHARGED),
        (-2212, Kind.CHARGED),
        (-11, Kind.ELECTRON),
        (13, Kind.MUON),
        (22, Kind.PHOTON),
        (130, Kind.NEUTRAL),
        (-2112, Kind.NEUTRAL),
        (12, -1),
        (-16, -1),
        (1000022, Kind.NEUTRAL),
    ],
)
def test_classes_by_pdg_id(pdg_id, kind):
    assert classify(np.array([pdg_id])).tolist() == [kind]


def test_taking_events_repeats_and_reorders_them():
    taken = example().take(np.array([2, 0, 1, 2]))
    assert taken.count.tolist() == [1, 2, 0, 1]
    np.testing.assert_allclose(taken.pt, [1.0, 5.0, 2.0, 1.0], rtol=1e-6)
    assert taken.event.tolist() == [0, 1, 1, 3]


def test_keeping_particles_keeps_the_events():
    kept = example().keep(example().pt > 1.5)
    assert kept.count.tolist() == [2, 0, 0]


def test_concatenation_is_in_order_and_may_be_empty():
    assert len(Particles.concatenate([])) == 0
    twice = Particles.concatenate([example(), example()])
    assert twice.count.tolist() == [2, 0, 1, 2, 0, 1]


def test_rotation_preserves_pt_energy_and_opening_angles():
    particles = example()
    turned = particles.rotate(np.array([1.0, 0.0, -3.0]), np.array([True, False, False]))
    np.testing.assert_array_equal(turned.pt, particles.pt)
    np.testing.assert_array_equal(turned.energy, particles.energy)
    np.testing.assert_allclose(turned.eta, particles.eta * [-1, -1, 1])
    np.testing.assert_allclose(np.exp(1j * turned.phi), np.exp(1j * (particles.phi + np.array([1.0, 1.0, -3.0]))), atol=1e-6)
    assert (np.abs(turned.phi) <= np.float32(np.pi)).all()


def test_wrapped_angles_lie_in_one_turn():
    phi = np.linspace(-20, 20, 1001).astype(np.float32)
    np.testing.assert_allclose(np.exp(1j * wrap_phi(phi)), np.exp(1j * phi.astype(float)), atol=1e-5)
    assert np.abs(wrap_phi(phi)).max() < np.pi + 1e-5


def test_ranges_concatenate():
    assert ranges(np.array([5, 0, 7]), np.array([2, 0, 3])).tolist() == [5, 6, 7, 8, 9]
    assert ranges(np.zeros(0, int), np.zeros(0, int)).tolist() == []
