from typing import Any

import numpy as np
import pytest

from l1ae.data.generator import CalorimeterBin, DetectorConfig, RegionBin, TrackBin
from l1ae.data.generator._detector import Measured, find_leptons, measure, missing_momentum, simulate
from l1ae.data.generator._objects import fill_slots
from l1ae.data.generator._particles import Kind, Particles, wrap_phi
from l1ae.data.generator._pileup import PileupLibrary

ALWAYS = (RegionBin(eta_max=5.0, value=1.0),)
EXACT_CALORIMETER = (CalorimeterBin(eta_max=5.0, constant=0, stochastic=0),)
EXACT_TRACK = (TrackBin(eta_max=5.0, constant=0, slope=0),)


def perfect(**changes: Any) -> DetectorConfig:
    """A detector that measures everything exactly, without pileup."""
    return DetectorConfig(
        pileup_mean=0,
        underlying_event_mean=0,
        hadron_tracking=ALWAYS,
        electron_tracking=ALWAYS,
        muon_tracking=ALWAYS,
        electron_identification=ALWAYS,
        muon_identification=ALWAYS,
        photon_efficiency=ALWAYS,
        hadron_track=EXACT_TRACK,
        muon_track=EXACT_TRACK,
        electromagnetic=EXACT_CALORIMETER,
        hadronic=EXACT_CALORIMETER,
        **changes,
    )


def particles(*events: list[tuple[Kind, float, float, float]]) -> Particles:
    """Massless particles (kind, pT, eta, phi) of each event."""
    rows = [row for event in events for row in event]
    kind, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    pt, eta, phi = (values.astype(np.float32) for values in (pt, eta, phi))
    return Particles(np.array([len(event) for event in events]), pt, eta, phi, pt * np.cosh(eta), kind.astype(np.int8))


def gun(kind: Kind, pt: float, eta: float, number: int = 100_000) -> Measured:
    """Many single particles through the default detector."""
    values = [np.full(number, value, np.float32) for value in (pt, eta, 0.0, pt * np.cosh(eta))]
    shot = Particles(np.ones(number, np.int64), *values, np.full(number, kind, np.int8))
    return measure(shot, shot.event, DetectorConfig(), np.random.default_rng(1))


def no_pileup(detector: DetectorConfig) -> PileupLibrary:
    return PileupLibrary.build(particles([(Kind.PHOTON, 1, 0, 0)]), detector)


def run(truth: Particles, detector: DetectorConfig, seed: int = 1) -> Any:
    return simulate(truth, detector, no_pileup(detector), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("kind", "pt", "eta", "relative_sigma"),
    [
        # Calorimeter: sqrt(c^2 + s^2 / E + n^2 / E^2) with E = pT cosh(eta).
        (Kind.PHOTON, 50, 0.0, np.sqrt(0.008**2 + 0.11**2 / 50 + 0.40**2 / 50**2)),
        (Kind.ELECTRON, 20, 2.0, np.sqrt(0.012**2 + 0.20**2 / (20 * np.cosh(2)) + 0.55**2 / (20 * np.cosh(2)) ** 2)),
        (Kind.NEUTRAL, 100, 1.0, np.sqrt(0.05**2 + 1.5**2 / (100 * np.cosh(1)))),
        (Kind.PHOTON, 30, 4.0, np.sqrt(0.107**2 + 2.08**2 / (30 * np.cosh(4)))),
        # Tracks: constant and slope x pT in quadrature.
        (Kind.MUON, 45, 1.0, np.hypot(0.015, 1.5e-4 * 45)),
        (Kind.MUON, 100, -2.0, np.hypot(0.025, 3.5e-4 * 100)),
    ],
)
def test_resolutions(kind, pt, eta, relative_sigma):
    measured = gun(kind, pt, eta)
    ratio = measured.pt / pt
    assert ratio.mean() == pytest.approx(1, abs=5 * relative_sigma / np.sqrt(len(ratio)))
    assert ratio.std() == pytest.approx(relative_sigma, rel=5 / np.sqrt(2 * len(ratio)))


@pytest.mark.parametrize(
    ("kind", "eta", "seen", "identified"),
    [
        (Kind.MUON, 0.5, 0.97, 0.97 * 0.97),
        (Kind.MUON, 2.5, 0.95, 0.0),
        (Kind.ELECTRON, 1.0, 1.0, 0.95 * 0.95),
        (Kind.ELECTRON, -2.0, 1.0, 0.88 * 0.88),
        (Kind.ELECTRON, 3.5, 1.0, 0.0),
        (Kind.PHOTON, 1.0, 0.97, 0.0),
        (Kind.CHARGED, 1.0, 1.0, 0.0),
        (Kind.PHOTON, 5.1, 0.0, 0.0),
    ],
)
def test_efficiencies(kind, eta, seen, identified):
    """An electron or hadron without a track is still seen by a calorimeter; a muon is not."""
    number = 100_000
    measured = gun(kind, 40, eta, number)
    for found, expected in ((len(measured.pt), seen), (measured.lepton.sum(), identified)):
        assert found / number == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / number) + 1e-9)


def measured_event(rows: list[tuple[Kind, float, float, float]]) -> Measured:
    truth = particles(rows)
    return measure(truth, truth.event, perfect(), np.random.default_rng(0))


def test_isolation_counts_what_lies_in_the_cone_above_the_threshold():
    around = [
        (Kind.CHARGED, 8.0, 0.2, 0.2),  # distance 0.283, counts
        (Kind.NEUTRAL, 3.0, 0.0, -0.1),  # counts
        (Kind.PHOTON, 0.45, 0.1, 0.0),  # too soft
        (Kind.CHARGED, 50.0, 0.3, 0.1),  # distance 0.316, outside
    ]
    event = measured_event([(Kind.MUON, 25.0, 0.0, 0.0), *around])
    for largest, isolated in ((0.45, True), (11.0 / 25 + 1e-3, True), (11.0 / 25 - 1e-3, False)):
        leptons = find_leptons(event, 1, perfect(isolation_max=largest))
        assert leptons.index.tolist() == [0]
        assert leptons.isolated.tolist() == [isolated]


def test_the_isolation_cone_closes_over_the_end_of_phi():
    event = measured_event([(Kind.MUON, 25.0, 0.0, 3.1), (Kind.CHARGED, 20.0, 0.0, -3.1)])
    assert find_leptons(event, 1, perfect()).isolated.tolist() == [False]


def test_isolation_does_not_look_into_other_events():
    truth = particles([(Kind.MUON, 25, 0, 0)], [(Kind.CHARGED, 20, 0.1, 0)], [(Kind.ELECTRON, 25, 0, 0), (Kind.CHARGED, 20, 0.1, 0)])
    measured = measure(truth, truth.event, perfect(), np.random.default_rng(0))
    leptons = find_leptons(measured, 3, perfect())
    assert measured.event[leptons.index].tolist() == [0, 2]
    assert leptons.isolated.tolist() == [True, False]


def test_missing_momentum_balances_the_event():
    event = measured_event([(Kind.MUON, 30, 1.0, 0.0), (Kind.PHOTON, 40, -3.0, np.pi / 2)])
    size, direction = missing_momentum(event, 1)[0]
    assert size == pytest.approx(50, rel=1e-5)
    assert direction == pytest.approx(np.arctan2(-40, -30), abs=1e-5)


W_EVENT = [(Kind.MUON, 40, 0.7, 0.3), (Kind.CHARGED, 30, -1.2, -2.0), (Kind.PHOTON, 12, -1.1, -2.1), (Kind.ELECTRON, 6, 2.0, 1.5)]


def test_a_hand_made_event_is_reconstructed():
    result = run(particles(W_EVENT), perfect())
    objects = result.physical[0]
    np.testing.assert_allclose(objects[[1, 5], 0], [6, 40], rtol=1e-4)
    np.testing.assert_allclose(np.abs(objects[[1, 5], 1]), [2.0, 0.7], rtol=1e-4)
    assert objects[9, 0] == pytest.approx(np.hypot(30 + 12 * np.cos(0.1), 12 * np.sin(0.1)), rel=1e-4)
    assert not objects[[2, 3, 4, 6, 7, 8, *range(10, 19)]].any()
    visible = sum(pt * np.exp(1j * phi) for _, pt, _, phi in W_EVENT)
    assert objects[0, 0] == pytest.approx(abs(visible), rel=1e-4)
    assert result.pileup.tolist() == [0]


def test_rotation_and_reflection_change_only_the_angles():
    """Each event is turned and mirrored by the detector itself, so equal events differ by just that."""
    objects = run(particles(*[W_EVENT] * 50), perfect()).physical
    assert len(objects) == 50
    np.testing.assert_allclose(objects[:, :, 0], objects[:1, :, 0].repeat(50, 0), rtol=1e-4)
    filled = objects[0, :, 0] > 0
    sign = np.sign(objects[:, 5, 1] / objects[0, 5, 1])
    assert {-1, 1} == set(sign)
    np.testing.assert_allclose(objects[:, :, 1] * sign[:, None], objects[:1, :, 1].repeat(50, 0), atol=1e-4)
    turn = wrap_phi(objects[:, filled, 2] - objects[:1, filled, 2])
    np.testing.assert_allclose(np.exp(1j * turn), np.exp(1j * turn[:, :1]).repeat(filled.sum(), 1), atol=1e-4)
    assert turn.std() > 1


@pytest.mark.parametrize(
    ("event", "accepted"),
    [
        ([(Kind.MUON, 23.1, 0, 0)], True),
        ([(Kind.MUON, 22.9, 0, 0)], False),
        ([(Kind.MUON, 30, 2.2, 0)], False),
        ([(Kind.ELECTRON, 30, 2.9, 0)], True),
        ([(Kind.ELECTRON, 30, 3.1, 0)], False),
        ([(Kind.MUON, 30, 0, 0), (Kind.CHARGED, 14, 0.1, 0)], False),
        ([(Kind.MUON, 30, 0, 0), (Kind.CHARGED, 13, 0.1, 0)], True),
        ([(Kind.PHOTON, 100, 0, 0)], False),
    ],
)
def test_preselection_needs_one_hard_isolated_lepton(event, accepted):
    assert len(run(particles(event), perfect()).physical) == int(accepted)


SOFT = [(Kind.ELECTRON, 30, 0, 0), (Kind.MUON, 4.0, 1.0, 2.0), (Kind.CHARGED, 20, 1.1, 2.0), (Kind.MUON, 2.9, -1.0, 2.0)]


def test_soft_leptons_need_no_isolation_unless_asked_for():
    assert run(particles(SOFT), perfect()).physical[0, 5:9, 0].tolist() == pytest.approx([4.0, 0, 0, 0])
    assert not run(particles(SOFT), perfect(isolate_all_leptons=True)).physical[0, 5:9].any()


def test_only_isolated_electrons_are_taken_out_of_jets():
    event = [(Kind.ELECTRON, 30, 0, 0), (Kind.ELECTRON, 20, 1.0, 2.0), (Kind.CHARGED, 20, 1.1, 2.0)]
    assert run(particles(event), perfect()).physical[0, 9:, 0] == pytest.approx([40, *[0] * 9], abs=0.3)
    with_leptons = run(particles(event), perfect(isolated_leptons_in_jets=True)).physical[0, 9:, 0]
    assert with_leptons == pytest.approx([40, 30, *[0] * 8], abs=0.3)


def test_slots_hold_the_hardest_by_falling_pt():
    objects = np.zeros((2, 19, 3), np.float32)
    event = np.array([0, 1, 0, 0, 0, 0])
    pt = np.array([5, 7, 9, 1, 8, 6], np.float32)
    fill_slots(objects[:, 1:5], event, np.stack([pt, pt + 0.1, pt + 0.2], axis=1), pt)
    assert objects[0, 1:5, 0].tolist() == [9, 8, 6, 5]
    assert objects[1, 1:5, 0].tolist() == [7, 0, 0, 0]
    np.testing.assert_allclose(objects[0, 1], [9, 9.1, 9.2], rtol=1e-6)


def test_events_that_fail_leave_the_numbering_of_the_others_intact():
    failing = [(Kind.PHOTON, 50, 0, 0)]
    result = run(particles(failing, W_EVENT, failing, SOFT), perfect())
    assert result.truth.tolist() == [1, 3]
    np.testing.assert_allclose(result.physical[:, [1, 5], 0], [[6, 40], [30, 4]], rtol=1e-4)


def test_pileup_adds_particles_and_is_counted():
    detector = DetectorConfig.model_validate(perfect().model_dump() | {"pileup_mean": 20.0})
    library = PileupLibrary.build(particles([(Kind.PHOTON, 1.0, 0.5, 0.0)]), detector)
    result = simulate(particles(*[[(Kind.MUON, 60, 0, 0)]] * 2000), detector, library, np.random.default_rng(3))
    assert len(result.physical) == 2000
    assert result.pileup.mean() == pytest.approx(20, abs=5 * np.sqrt(20 / 2000))
    assert result.pileup.var() == pytest.approx(20, rel=0.2)
    # A walk of n unit steps on top of the muon: the mean squared MET grows by n.
    assert (result.physical[:, 0, 0] ** 2).mean() == pytest.approx(60**2 + 20, abs=5 * 60 * np.sqrt(2 * 20 / 2000))
