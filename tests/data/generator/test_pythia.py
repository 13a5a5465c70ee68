import sys

import numpy as np
import pytest

from l1ae.data.generator import PROCESSES, ProcessConfig, TruthFilter
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._pythia import generate_inclusive, load_extra, make_pythia, passes_filter
from l1ae.errors import UserError


def lepton(kind: Kind, pt: float, eta: float) -> Particles:
    values = [np.array([value], np.float32) for value in (pt, eta, 0.0, pt * np.cosh(eta))]
    return Particles(np.ones(1, np.int64), *values, np.array([kind], np.int8))


@pytest.mark.parametrize(
    ("kind", "pt", "eta", "passes"),
    [
        (Kind.ELECTRON, 19, 3.0, True),
        (Kind.ELECTRON, 19, -3.2, False),
        (Kind.ELECTRON, 17, 0.0, False),
        (Kind.MUON, 19, -2.1, True),
        (Kind.MUON, 19, 2.3, False),
        (Kind.PHOTON, 99, 0.0, False),
    ],
)
def test_truth_filter(kind, pt, eta, passes):
    assert passes_filter(lepton(kind, pt, eta), TruthFilter()).tolist() == [passes]


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastjet", None)
    with pytest.raises(UserError, match=r"the package 'fastjet' is not installed; .* pip install 'l1ae\[generator\]'"):
        load_extra.__wrapped__("fastjet")


@pytest.mark.parametrize("setting", ["WeakSingleBoson:ffbar2WW=on", "no setting"])
def test_a_wrong_setting_is_named(setting):
    pytest.importorskip("pythia8mc")
    with pytest.raises(UserError, match=f"Pythia does not accept the setting '{setting}'"):
        make_pythia(ProcessConfig(settings=(setting,)), 1)


def test_the_same_seed_gives_the_same_events_and_another_seed_does_not():
    pytest.importorskip("pythia8mc")
    process = PROCESSES["z"].model_copy(update={"shard_events": 30})
    first, again, other = (generate_inclusive(process, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.particles.pt, again.particles.pt)
    np.testing.assert_array_equal(first.source, again.source)
    assert first.cross_section == again.cross_section
    assert not np.array_equal(first.particles.pt[:10], other.particles.pt[:10])


@pytest.mark.slow
def test_cross_section_of_z_is_that_of_the_literature():
    """Pythia's leading order is about 20 % below the measured 3 x 1.95 nb (CMS-PAS-SMP-15-011, 60 to 120 GeV, per flavour)."""
    pytest.importorskip("pythia8mc")
    shard = generate_inclusive(PROCESSES["z"].model_copy(update={"shard_events": 400}), 2)
    assert 0.7 * 3 * 1.95 < shard.cross_section.value < 0.95 * 3 * 1.95
    assert shard.cross_section.error / shard.cross_section.value < 0.05


def test_the_filter_keeps_the_numbers_of_the_parton_level_events():
    pytest.importorskip("pythia8mc")
    process = PROCESSES["w"].model_copy(update={"shard_events": 60})
    everything, kept = generate_inclusive(process, 8, filtered=False), generate_inclusive(process, 8)
    assert len(everything.particles) == everything.generated == kept.generated == 60
    expected = np.flatnonzero(passes_filter(everything.particles, process.truth))
    assert kept.source.tolist() == expected.tolist()
    np.testing.assert_array_equal(kept.particles.pt, everything.particles.take(expected).pt)
