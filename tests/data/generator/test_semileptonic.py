import numpy as np
import pytest

from l1ae.data.generator import PROCESSES, SemileptonicConfig, TruthFilter
from l1ae.data.generator._particles import Kind
from l1ae.data.generator._pythia import make_pythia
from l1ae.data.generator._semileptonic import _HEAVY, _ForcedDecays, generate_semileptonic

pytest.importorskip("pythia8mc")

LOOSE = SemileptonicConfig(quark_pt=0.1, hadron_pt=10.0, lepton_pt=6.0, isolation=1e6, hadronisations=2, tries=6.0)


def test_branching_fractions_agree_with_the_particle_data_group():
    """Electron and muon together; PDG 2024 inclusive semileptonic fractions (per flavour 10.99, 10.33, 6.49, 16.07 %)."""
    decays = _ForcedDecays(PROCESSES["qcd"], SemileptonicConfig(), 1)
    for hadron, fraction in ((521, 2 * 0.1099), (511, 2 * 0.1033), (421, 2 * 0.0649), (411, 2 * 0.1607)):
        assert decays._modes[hadron].fraction == pytest.approx(fraction, rel=0.06)


def ancestors(event, index: int) -> list[int]:
    """Absolute PDG ids from the mother of particle `index` upwards, as far as there are hadrons."""
    found = []
    while (index := event[index].mother1()) > 0 and event[index].idAbs() > 100:
        found.append(event[index].idAbs())
    return found


def free_decays(events: int, cut: SemileptonicConfig) -> int:
    """Leptons from weakly decaying b and c hadrons in ordinary Pythia events, without cascades b -> c -> l."""
    pythia = make_pythia(PROCESSES["qcd"], 11)
    found = 0
    for _ in range(events):
        pythia.next()
        for lepton in pythia.event:
            if lepton.isFinal() and lepton.idAbs() in (11, 13) and lepton.pT() > cut.lepton_pt and abs(lepton.eta()) < 2:
                chain = ancestors(pythia.event, lepton.index())
                heavy = [pdg_id for pdg_id in chain if pdg_id in _HEAVY]
                found += len(heavy) == 1 and chain[0] in _HEAVY and pythia.event[lepton.mother1()].pT() > cut.hadron_pt
    return found


@pytest.mark.exhaustive
@pytest.mark.slow
def test_forced_decays_give_the_rate_of_free_ones():
    """The enrichment carries no weights, so copies per trial must equal the leptons per event of a run without it."""
    process = PROCESSES["qcd"].model_copy(
        update={"semileptonic": LOOSE, "shard_events": 3000, "truth": TruthFilter(electron_eta=2.0, muon_eta=2.0)}
    )
    shard = generate_semileptonic(process, 5)
    copies = np.bincount(shard.source, minlength=shard.generated)
    forced = copies.mean() / shard.trials
    forced_error = copies.std() / np.sqrt(shard.generated) / shard.trials
    events = 12_000
    free = free_decays(events, LOOSE)
    assert free > 100
    assert forced == pytest.approx(free / events, abs=4 * np.hypot(forced_error, np.sqrt(free) / events))


@pytest.mark.slow
def test_copies_are_complete_events_with_a_hard_lepton():
    process = PROCESSES["qcd"].model_copy(update={"shard_events": 150})
    shard = generate_semileptonic(process, 3)
    particles = shard.particles
    assert len(particles) == len(shard.source) > 5
    assert shard.trials == 600
    assert len(np.unique(shard.source)) < len(shard.source)
    hard = (particles.pt > 21) & ((particles.kind == Kind.ELECTRON) | (particles.kind == Kind.MUON))
    assert (np.bincount(particles.event[hard], minlength=len(particles)) >= 1).all()
    # Momentum balance: what is missing is a neutrino or left through the beam pipe, not another hadron.
    px = np.bincount(particles.event, particles.pt * np.cos(particles.phi))
    assert np.median(np.abs(px)) < 20
    again = generate_semileptonic(process, 3)
    np.testing.assert_array_equal(again.particles.pt, particles.pt)
