"""Invariant masses against four-vectors written out here, and objects that are missing."""

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.latent import MASSES, invariant_mass


def _four_vectors(physical):
    """E, px, py, pz of massless objects, (..., 4)."""
    pt, eta, phi = np.moveaxis(physical, -1, 0)
    return np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1)


def _mass(objects):
    energy, *momentum = _four_vectors(objects).sum(axis=0)
    return np.sqrt(max(energy**2 - sum(p**2 for p in momentum), 0))


@pytest.mark.parametrize("kind", ["dijet", "dilepton", "dielectron", "dimuon", "fourlepton"])
def test_masses_are_those_of_summed_four_vectors(events, spec, kind):
    groups = {"dijet": ["jet"], "dielectron": ["eg"], "dimuon": ["mu"]}.get(kind, ["eg", "mu"])
    count = 4 if kind == "fourlepton" else 2
    masses = invariant_mass(events.hw[:300], spec, kind)
    physical = spec.to_physical(events.hw[:300])
    for event, mass in zip(physical, masses, strict=True):
        objects = np.concatenate([event[spec.slices()[name]] for name in groups])
        leading = objects[np.argsort(-objects[:, 0], kind="stable")][:count]
        if (leading[:, 0] > 0).all():
            assert mass == pytest.approx(_mass(leading), rel=1e-6, abs=1e-3)
        else:
            assert np.isnan(mass)


def test_transverse_mass_is_that_of_momenta_in_the_plane(events, spec):
    physical = spec.to_physical(events.hw[:300]).copy()
    for event, mass in zip(physical, invariant_mass(events.hw[:300], spec, "mt"), strict=True):
        leptons = np.concatenate([event[spec.slices()["eg"]], event[spec.slices()["mu"]]])
        lepton, met = leptons[np.argmax(leptons[:, 0])].copy(), event[0].copy()
        if lepton[0] > 0 and met[0] > 0:
            lepton[1] = met[1] = 0.0
            assert mass == pytest.approx(_mass(np.stack([lepton, met])), rel=1e-6, abs=1e-3)
        else:
            assert np.isnan(mass)


def test_back_to_back_jets_of_known_energy_have_twice_that_mass(spec):
    hardware = np.zeros((1, spec.slots, 3), np.int16)
    jet = spec.slices()["jet"].start
    hardware[0, jet : jet + 2] = [(200, 10, 0), (200, 10, 72)]
    assert invariant_mass(hardware, spec, "dijet")[0] == pytest.approx(2 * 100.25, rel=1e-12)


def test_an_unknown_mass_is_refused(events, spec):
    with pytest.raises(UserError, match=f"unknown mass 'trijet'; the masses are {', '.join(MASSES)}"):
        invariant_mass(events.hw[:1], spec, "trijet")
