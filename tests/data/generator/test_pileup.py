import numpy as np
import pytest

from l1ae.data.generator import DetectorConfig
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._pileup import PileupLibrary, overlay


def collisions() -> Particles:
    """Two collisions: one with a charged hadron in the tracker, one beyond it, a photon and a muon; one with a photon."""
    pt, eta = np.array([1, 2, 3, 4, 5], np.float32), np.array([1, 4.5, 2, 0.5, -3], np.float32)
    kind = np.array([Kind.CHARGED, Kind.CHARGED, Kind.PHOTON, Kind.MUON, Kind.PHOTON], np.int8)
    return Particles(np.array([4, 1]), pt, eta, np.zeros(5, np.float32), pt * np.cosh(eta), kind)


@pytest.mark.parametrize(("removed", "kept"), [(True, [2, 3, 4, 5]), (False, [1, 2, 3, 4, 5])])
def test_charged_pileup_is_removed_inside_the_tracker(removed, kept):
    library = PileupLibrary.build(collisions(), DetectorConfig(charged_pileup_removed=removed))
    assert library.subtracted.pt.tolist() == kept
    assert library.complete.pt.tolist() == [1, 2, 3, 4, 5]


def test_overlay_has_poisson_numbers_uniform_angles_and_both_reflections():
    detector = DetectorConfig(pileup_mean=7.0, underlying_event_mean=2.0)
    library = PileupLibrary.build(collisions(), detector)
    added = overlay(20_000, library, detector, np.random.default_rng(2))
    assert added.pileup.mean() == pytest.approx(7, abs=5 * np.sqrt(7 / 20_000))
    assert added.pileup.var() == pytest.approx(7, rel=0.06)
    # The charged hadron of 1 GeV can only come from the underlying event, which draws the first collision half of the time.
    soft = added.particles.pt == 1
    assert soft.sum() / 20_000 == pytest.approx(1.0, abs=5 * np.sqrt(1 / 20_000))
    assert added.event[soft].max() > 19_900
    assert abs(np.exp(1j * added.particles.phi.astype(float)).mean()) < 0.02
    assert (added.particles.eta[soft] > 0).mean() == pytest.approx(0.5, abs=0.02)


def test_no_pileup_is_possible():
    detector = DetectorConfig(pileup_mean=0, underlying_event_mean=0)
    added = overlay(5, PileupLibrary.build(collisions(), detector), detector, np.random.default_rng(2))
    assert len(added.event) == len(added.particles.pt) == 0
    assert added.pileup.tolist() == [0] * 5
