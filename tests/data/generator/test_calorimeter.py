from typing import Any

import numpy as np
import pytest

from l1ae.data.generator import CalorimeterBin, DetectorConfig, RegionConfig
from l1ae.data.generator._calorimeter import TOWER_ETA_EDGES, Arrivals, at_calorimeter, calorimeter_image, tower_energies
from l1ae.data.generator._detector import Readout, Reconstructed, simulate
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._pileup import PileupLibrary
from l1ae.inputs import named_layout

PHI, ETA = (np.array(axis.edges) for axis in named_layout("calo_regions")["region"].axes or ())
EXACT = (CalorimeterBin(eta_max=5.0, constant=0, stochastic=0),)
EXACT_DETECTOR = DetectorConfig(electromagnetic=EXACT, hadronic=EXACT)
STRAIGHT = RegionConfig(field=0, tower_threshold=0)


def shower(number: int, events: int, seed: int = 1, **fixed: Any) -> tuple[np.ndarray, Particles]:
    """Particles of random kind, momentum and direction in random events."""
    rng = np.random.default_rng(seed)
    columns = {
        "pt": rng.exponential(8, number) + 0.2,
        "eta": rng.uniform(-3.5, 3.5, number),
        "phi": rng.uniform(-np.pi, np.pi, number),
        "kind": rng.choice([Kind.CHARGED, Kind.ELECTRON, Kind.PHOTON, Kind.NEUTRAL], number),
    } | {name: np.full(number, value) for name, value in fixed.items()}
    event = np.sort(rng.integers(0, events, number))
    pt, eta, phi = (columns[name].astype(np.float32) for name in ("pt", "eta", "phi"))
    count = np.bincount(event, minlength=events)
    return event, Particles(count, pt, eta, phi, pt * np.cosh(eta), columns["kind"].astype(np.int8))


def region_of(eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Number of the region, row by row; -1 outside."""
    row = np.searchsorted(PHI, np.mod(phi - PHI[0], 2 * np.pi) + PHI[0], side="right") - 1
    column = np.searchsorted(ETA, eta, side="right") - 1
    return np.where((column >= 0) & (column < 14), np.minimum(row, 17) * 14 + column, -1)


def image(*parts: Any, events: int = 1, detector: DetectorConfig = EXACT_DETECTOR, config: RegionConfig = STRAIGHT) -> np.ndarray:
    return calorimeter_image(parts, events, detector, config, np.random.default_rng(3))


def test_the_image_is_the_sum_of_the_deposits_in_each_region():
    event, particles = shower(40_000, 20)
    expected = np.zeros((20, 252))
    region = region_of(particles.eta, particles.phi)
    inside = region >= 0
    np.add.at(expected, (event[inside], region[inside]), particles.pt[inside])
    codes = image((event, particles), events=20).reshape(20, 252)
    # Rounded down to 0.5 GeV; particles within the rounding of float32 of an edge may change sides.
    difference = expected - 0.5 * codes
    assert (np.abs(difference - 0.25) > 0.2501).mean() < 0.002
    assert 0.5 * codes.sum() == pytest.approx(particles.pt[np.abs(particles.eta) < 3].sum() - 0.25 * codes.size, rel=2e-3)


def energies(parts: Any, events: int) -> np.ndarray:
    arrivals = Arrivals.follow(parts, STRAIGHT, np.random.default_rng(0))
    return tower_energies(arrivals, arrivals.electromagnetic.astype(np.float32), events, STRAIGHT)


def test_parts_add_up():
    first, second = shower(3000, 5, seed=1), shower(2000, 5, seed=2)
    alone = [energies([part], 5) for part in (first, second)]
    np.testing.assert_allclose(energies([first, second], 5), alone[0] + alone[1], rtol=1e-9)
    assert not energies([], 2).any()


def test_energy_is_shared_between_the_parts():
    hadrons = Arrivals.follow([shower(3000, 5, kind=Kind.NEUTRAL)], STRAIGHT, None)
    all_of_it = tower_energies(hadrons, np.zeros(3000, np.float32), 5, STRAIGHT)
    shared = tower_energies(hadrons, np.full(3000, 0.25, np.float32), 5, STRAIGHT)
    assert not all_of_it[0].any()
    np.testing.assert_allclose(shared, [0.25 * all_of_it[1], 0.75 * all_of_it[1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "energy", "expected"),
    [(Kind.PHOTON, 40.0, 80), (Kind.ELECTRON, 40.0, 80), (Kind.CHARGED, 40.0, 80), (Kind.NEUTRAL, 40.0, 80), (Kind.MUON, 40.0, 4)],
)
def test_what_each_kind_deposits(kind, energy, expected):
    """At eta = 0.04, where energy and transverse energy are the same; a muon leaves 2 GeV."""
    codes = image(shower(1, 1, kind=kind, pt=energy + 0.1, eta=0.04, phi=0.1))
    assert codes[0, 0, 7] == pytest.approx(expected, abs=1)
    assert codes.sum() == codes[0, 0, 7]


def test_energies_saturate_at_the_largest_code():
    assert image(shower(3, 1, kind=Kind.PHOTON, pt=400.0, eta=1.0, phi=0.0)).max() == 1023


def test_small_deposits_are_suppressed_tower_by_tower():
    """0.9 GeV in each part of a tower stay below 1 GeV; twice as much in one of them is kept whole."""
    soft = [shower(1, 1, kind=kind, pt=0.9, eta=0.04, phi=0.1) for kind in (Kind.PHOTON, Kind.NEUTRAL)]
    config = RegionConfig(field=0, tower_threshold=1.0)
    assert image(*soft, config=config).sum() == 0
    assert image(*soft, soft[0], config=config)[0, 0, 7] == 3
    neighbour = shower(1, 1, kind=Kind.PHOTON, pt=0.9, eta=0.1, phi=0.1)
    assert image(soft[0], neighbour, config=config).sum() == 0
    assert image(*soft, soft[0])[0, 0, 7] == 5


def test_the_resolution_is_that_of_the_detector_and_keeps_the_mean():
    """One photon and one hadron per event, a tower each: sqrt(c^2 + s^2 / E + n^2 / E^2)."""
    for kind, sigma in (
        (Kind.PHOTON, np.sqrt(0.008**2 + 0.11**2 / 20 + 0.40**2 / 20**2)),
        (Kind.NEUTRAL, np.sqrt(0.05**2 + 1.5**2 / 20)),
    ):
        particles = Particles(
            np.ones(1500, np.int64),
            *(np.full(1500, value, np.float32) for value in (20.0, 0.04, 0.1, 20.0)),
            np.full(1500, kind, np.int8),
        )
        measured = image((particles.event, particles), events=1500, detector=DetectorConfig())[:, 0, 7] * 0.5 + 0.25
        assert measured.mean() == pytest.approx(20, abs=20 * 5 * sigma / np.sqrt(1500))
        assert measured.std() == pytest.approx(np.hypot(20 * sigma, 0.5 / np.sqrt(12)), rel=0.12)


def traced(pt: float, eta: float, phi: float, sign: int, config: RegionConfig) -> tuple[float, float]:
    """Eta and phi at the calorimeter from stepping along the track with the Lorentz force, in steps of 0.2 mm."""
    position, direction = np.zeros(3), np.array([np.cos(phi), np.sin(phi), np.sinh(eta)])
    step = 2e-4
    turn = -sign * 0.299792458 * config.field / pt * step
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    half = np.array([[np.cos(turn / 2), -np.sin(turn / 2), 0], [np.sin(turn / 2), np.cos(turn / 2), 0], [0, 0, 1]])
    while np.hypot(*position[:2]) < config.radius and abs(position[2]) < config.half_length:
        position += half @ direction * step
        direction = rotation @ direction
    return float(np.arcsinh(position[2] / np.hypot(*position[:2]))), float(np.arctan2(position[1], position[0]))


@pytest.mark.parametrize(
    ("pt", "eta"),
    # Straight, bent, barely reaching the barrel, curling into the endcap (0.5 and 0.3 GeV), into the endcap directly.
    [(50.0, 0.7), (2.0, -1.2), (0.76, 0.1), (0.5, 0.9), (0.3, 1.4), (1.0, 2.5), (5.0, -2.0)],
)
def test_charged_particles_follow_helices(pt, eta):
    config = RegionConfig()
    for sign in (-1, 1):
        values = (np.array([value], np.float32) for value in (pt, eta, 0.4, sign))
        (found_eta,), (found_phi,) = at_calorimeter(*values, config)
        expected_eta, expected_phi = traced(pt, eta, 0.4, sign, config)
        assert found_eta == pytest.approx(expected_eta, abs=3e-3)
        assert np.angle(np.exp(1j * (found_phi - expected_phi))) == pytest.approx(0, abs=3e-3)


def test_neutral_particles_are_not_bent():
    bent = image(shower(5000, 3, kind=Kind.PHOTON), events=3, config=RegionConfig(tower_threshold=0))
    np.testing.assert_array_equal(bent, image(shower(5000, 3, kind=Kind.PHOTON), events=3))
    charged = shower(5000, 3, kind=Kind.CHARGED, pt=2.0)
    assert (image(charged, events=3, config=RegionConfig(tower_threshold=0)) != image(charged, events=3)).mean() > 0.5


def test_every_fourth_tower_edge_is_a_region_edge():
    np.testing.assert_allclose(TOWER_ETA_EDGES[::4], ETA, atol=1e-6)


def two_leptons(number: int) -> Particles:
    """Events with a trigger electron, a jet-like spray and a neutrino's worth of imbalance, in all directions."""
    rng = np.random.default_rng(8)
    rows = []
    for _ in range(number):
        eta, phi, pt = rng.uniform(-1.5, 1.5), rng.uniform(-np.pi, np.pi), rng.uniform(60, 150)
        rows.append([(Kind.ELECTRON, 40.0, 0.0, 0.0)])
        rows[-1] += [(Kind.PHOTON, pt / 5, eta + rng.normal(0, 0.05), phi + rng.normal(0, 0.05)) for _ in range(5)]
    kind, pt, eta, phi = (np.array(column) for column in zip(*(row for event in rows for row in event), strict=True))
    pt, eta, phi = (values.astype(np.float32) for values in (pt, eta, np.angle(np.exp(1j * phi))))
    return Particles(np.full(number, 6), pt, eta, phi, pt * np.cosh(eta), kind.astype(np.int8))


def soft_collisions(number: int) -> Particles:
    _, particles = shower(number * 30, number, seed=4)
    return Particles(particles.count, particles.pt / 10, particles.eta, particles.phi, particles.energy / 10, particles.kind)


def simulated(regions: RegionConfig | None) -> Any:
    pytest.importorskip("fastjet")
    detector = DetectorConfig(pileup_mean=2)
    library, rng = PileupLibrary.build(soft_collisions(50), detector), np.random.default_rng(5)
    return Reconstructed.concatenate([simulate(two_leptons(150), detector, library, rng, Readout(regions)) for _ in range(2)])


def test_objects_and_image_show_the_same_event():
    events = simulated(RegionConfig())
    energy = events.regions * 0.5
    jet = events.physical[:, 9]
    padded = np.pad(energy, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    row, column = np.divmod(region_of(jet[:, 1], jet[:, 2]), 14)
    around = np.array([padded[i, r : r + 3, c : c + 3].sum() for i, (r, c) in enumerate(zip(row, column, strict=True))])
    assert np.median(around / jet[:, 0]) == pytest.approx(1, abs=0.1)
    assert np.corrcoef(around, jet[:, 0])[0, 1] > 0.85
    angle = 2 * np.pi / 18 * np.arange(18)
    missing = -np.stack([(energy.sum(axis=2) * wave).sum(axis=1) for wave in (np.cos(angle), np.sin(angle))])
    expected = events.physical[:, 0, 0] * np.stack([np.cos(events.physical[:, 0, 2]), np.sin(events.physical[:, 0, 2])])
    for found, truth in zip(missing, expected, strict=True):
        assert np.corrcoef(found, truth)[0, 1] > 0.85


def test_asking_for_the_image_changes_nothing_else():
    with_image, without = simulated(RegionConfig()), simulated(None)
    assert without.regions is None
    for name in ("physical", "truth", "pileup"):
        np.testing.assert_array_equal(getattr(with_image, name), getattr(without, name))
    np.testing.assert_array_equal(with_image.regions, simulated(RegionConfig()).regions)
    assert not np.array_equal(with_image.regions, simulated(RegionConfig(tower_threshold=0)).regions)


def test_charged_pileup_is_in_the_image():
    """The objects lose it, the calorimeter does not know which vertex a particle comes from."""
    pytest.importorskip("fastjet")
    detector = DetectorConfig(pileup_mean=20, underlying_event_mean=0)
    _, tracks = shower(400, 20, kind=Kind.CHARGED, pt=5.0)
    library = PileupLibrary.build(tracks, detector)
    assert len(library.subtracted.pt) < len(tracks.pt) / 2
    energies = {}
    for name, mean in (("with", 20.0), ("without", 0.0)):
        changed = detector.model_copy(update={"pileup_mean": mean})
        events = simulate(two_leptons(100), changed, library, np.random.default_rng(2), Readout(STRAIGHT))
        energies[name] = 0.5 * events.regions.sum(axis=(1, 2)).mean()
    # 20 collisions x 20 tracks x 5 GeV, of which 6/7 lie within |eta| < 3; two regions in three lose 0.25 GeV to rounding.
    assert energies["with"] - energies["without"] == pytest.approx(20 * 20 * 5 * 6 / 7, rel=0.06)
