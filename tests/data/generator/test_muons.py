import numpy as np
import pytest

from l1ae.data.generator import MuonConfig, RegionBin
from l1ae.data.generator._muons import at_station, track_finder, trigger_muons
from l1ae.data.generator._objects import Leptons

CONFIG = MuonConfig()


def traced(pt: float, eta: float, phi: float, charge: int) -> tuple[float, float]:
    """Eta and phi at the station from stepping along the track: Lorentz force inside the coil, straight on outside; 0.5 mm steps."""
    position, direction = np.zeros(3), np.array([np.cos(phi), np.sin(phi), np.sinh(eta)])
    step = 5e-4
    turn = -charge * 0.299792458 * CONFIG.field / pt * step
    half, whole = (np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]]) for t in (turn / 2, turn))
    inside = True
    while np.hypot(*position[:2]) < CONFIG.station_radius and abs(position[2]) < CONFIG.station_z:
        inside = inside and np.hypot(*position[:2]) < CONFIG.coil_radius and abs(position[2]) < CONFIG.coil_half_length
        position += (half @ direction if inside else direction) * step
        direction = whole @ direction if inside else direction
    return float(np.arcsinh(position[2] / np.hypot(*position[:2]))), float(np.arctan2(position[1], position[0]))


@pytest.mark.parametrize(
    ("pt", "eta"),
    # Barrel hard and soft, overlap, endcap, curling in the bore.
    [(50.0, 0.2), (5.0, -0.6), (4.0, 1.0), (10.0, 1.6), (3.0, -2.3), (1.5, 1.4)],
)
def test_directions_at_the_stations_are_those_of_a_traced_muon(pt, eta):
    for charge in (-1, 1):
        (found_eta,), (found_phi,) = at_station(np.array([pt]), np.array([eta]), np.array([0.4]), np.array([charge]), CONFIG)
        expected_eta, expected_phi = traced(pt, eta, 0.4, charge)
        assert found_eta == pytest.approx(expected_eta, abs=3e-3)
        assert np.angle(np.exp(1j * (found_phi - expected_phi))) == pytest.approx(0, abs=3e-3)


def test_the_bending_is_that_of_the_field():
    """Hard muons in the barrel: 0.3 B R / (2 pT) at the coil, and 2 - R / r2 times as much at the station (small angles)."""
    pt = np.array([100.0])
    expected = 0.299792458 * 3.8 * 3.0 / (2 * 100) * (2 - 3.0 / 4.9)
    for charge in (-1, 1):
        _, phi = at_station(pt, np.zeros(1), np.zeros(1), np.array([charge]), CONFIG)
        assert phi[0] == pytest.approx(-charge * expected, rel=0.01)
    straight = at_station(pt, np.full(1, 0.5), np.full(1, 1.0), np.ones(1, np.int64), MuonConfig(field=0))
    assert [float(values[0]) for values in straight] == pytest.approx([0.5, 1.0], abs=1e-6)


def muons(number: int, pt: float = 20.0, eta: float = 0.3) -> Leptons:
    columns = (np.full(number, value, np.float32) for value in (pt, eta, 0.7))
    return Leptons(np.arange(number), *columns, np.where(np.arange(number) % 2, 1, -1).astype(np.int8))


def test_quality_and_charge_have_the_probabilities_of_the_configuration():
    config = MuonConfig(
        quality_12=(RegionBin(eta_max=1, value=0.8), RegionBin(eta_max=5, value=0.4)),
        quality_8=(RegionBin(eta_max=5, value=0.5),),
        charge_wrong=0.01,
        charge_wrong_slope=1e-3,
    )
    number = 40_000
    for eta, best in ((0.3, 0.8), (1.5, 0.4)):
        given = muons(number, eta=eta)
        found = trigger_muons(given, config, np.random.default_rng(1))
        shares = [(found.quality == code).mean() for code in (12, 8, 4)]
        np.testing.assert_allclose(shares, [best, (1 - best) / 2, (1 - best) / 2], atol=5 * 0.5 / number**0.5)
        assert (found.charge != given.charge).mean() == pytest.approx(0.03, abs=5 * (0.03 / number) ** 0.5)
    assert set(found.charge) == {-1, 1}


def test_only_the_barrel_has_a_pt_without_the_vertex():
    found = trigger_muons(muons(20_000), CONFIG, np.random.default_rng(1)).unconstrained
    assert np.median(found) == pytest.approx(20, rel=0.02)
    assert np.log(found).std() == pytest.approx(CONFIG.unconstrained_resolution, rel=0.03)
    assert not trigger_muons(muons(10, eta=1.2), CONFIG, np.random.default_rng(1)).unconstrained.any()


def test_every_track_finder_has_its_indices():
    """CMSSW: 0 to 17 endcap +, 18 to 35 overlap +, 36 to 71 barrel, 72 to 89 overlap -, 90 to 107 endcap -."""
    rng = np.random.default_rng(4)
    eta, phi = rng.uniform(-2.4, 2.4, 20_000), rng.uniform(-np.pi, np.pi, 20_000)
    index = track_finder(np.arange(20_000), eta, phi, CONFIG)
    for mask, first, last in (
        (eta > 1.24, 0, 17),
        ((eta > 0.83) & (eta < 1.24), 18, 35),
        (np.abs(eta) < 0.83, 36, 71),
        ((eta < -0.83) & (eta > -1.24), 72, 89),
        (eta < -1.24, 90, 107),
    ):
        # The first of the three numbers of each processor, as every event has one muon.
        assert set(index[mask]) == set(range(first, last + 1, 3))


def test_muons_of_one_processor_are_numbered():
    event = np.array([1, 0, 0, 0, 0, 0])
    eta = np.array([0.1, 0.1, 2.0, 0.1, 0.2, 0.3])
    index = track_finder(event, eta, np.full(6, 0.05), CONFIG)
    assert index.tolist() == [36, 36, 15, 37, 38, 38]
    assert track_finder(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), CONFIG).tolist() == []
