"""Invariant masses against four-vectors written out here, and objects that are missing."""

import math

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout
from l1ae.latent import MASSES, find_mass, invariant_mass, masses_of

from .layouts import INVENTED, layout_of, random_codes


def _object(layout, event, group, slot):
    """(pT, eta, phi) in GeV and radians of a slot, None when empty, from the table of columns with plain arithmetic."""
    found = {}
    for column in layout.columns:
        if column.group.name == group and column.slot == slot and not column.feature.absent:
            feature, code = column.feature, int(event[column.number])
            half = 0.5 if feature.bin == "edge" else 0.0
            found.setdefault(str(feature.role), (code - feature.origin + half) * feature.lsb)
            if column.number == layout.gate[column.number] and code == 0:
                return None
            if feature.unit == "degree":
                found["phi"] = math.radians(found["phi"])
    return found["energy"], found.get("eta", 0.0), found["phi"]


def _mass(objects):
    """Of massless objects: the four-vectors are added up."""
    energy = x = y = z = 0.0
    for pt, eta, phi in objects:
        energy, z = energy + pt * math.cosh(eta), z + pt * math.sinh(eta)
        x, y = x + pt * math.cos(phi), y + pt * math.sin(phi)
    return math.sqrt(max(energy**2 - x**2 - y**2 - z**2, 0.0))


def _expected(layout, event, kind):
    objects = [_object(layout, event, group, slot) for group in kind.groups for slot in range(layout[group].slots)]
    leading = sorted((item for item in objects if item is not None), key=lambda item: -item[0])[: kind.count]
    if kind.missing is not None:
        met = _object(layout, event, kind.missing, 0)
        leading = [(pt, 0.0, phi) for pt, _, phi in leading] + ([] if met is None else [(met[0], 0.0, met[2])])
    return _mass(leading) if len(leading) == kind.count + (kind.missing is not None) else math.nan


CASES = [
    *(("ugt", name) for name in ("dijet", "dilepton", "dielectron", "dimuon", "fourlepton", "mt")),
    *(("ugt_full", name) for name in ("dijet", "ditau", "mt", "eg+mu+tau:3", "tau:2,mht_hf")),
    *(("gelato", name) for name in ("dijet", "dimuon", "ditau", "mu:1,met", "tau+jet:3")),
    *(("p2gt", name) for name in ("dijet", "dimuon", "mu:1,met")),
    *(("cms_l1_record", name) for name in ("ditau", "eg+mu:1,met_hf")),
    ("invented", "track:3"),
]


@pytest.mark.parametrize(("name", "mass"), CASES)
def test_masses_are_those_of_summed_four_vectors(name, mass):
    layout = layout_of(name)
    kind, events = find_mass(mass, layout), random_codes(layout, 150, 7)
    masses = invariant_mass(events, layout, kind)
    expected = np.array([_expected(layout, event, kind) for event in events])
    there = np.isfinite(expected)
    assert there.sum() > 0
    assert np.array_equal(there, np.isfinite(masses))
    # the sum of four-vectors loses digits where energies are huge: compare squares on the scale of E^2
    scale = np.array([sum(o[0] * math.cosh(o[1]) for o in _all(layout, event, kind)) ** 2 for event in events[there]])
    assert np.all(np.abs(masses[there] ** 2 - expected[there] ** 2) <= 1e-12 * scale + 1e-9)


def _all(layout, event, kind):
    groups = [*kind.groups, *([kind.missing] if kind.missing else [])]
    objects = [_object(layout, event, group, slot) for group in groups for slot in range(layout[group].slots)]
    return [item for item in objects if item is not None]


def test_back_to_back_jets_of_known_energy_have_twice_that_mass(layout):
    hardware = np.zeros((1, layout.size), np.int16)
    layout.block(hardware, "jet")[0, :2] = [(200, 10, 0), (200, 10, 72)]
    assert invariant_mass(hardware, layout, find_mass("dijet"))[0] == pytest.approx(2 * 100.25, rel=1e-12)
    assert invariant_mass(hardware, layout, find_mass("jet:2"))[0] == pytest.approx(2 * 100.25, rel=1e-12)


def test_two_angles_on_either_side_of_the_seam_are_near():
    """Phase-2 phi is signed: -4096 and 4095 are one code apart."""
    layout = named_layout("p2gt")
    hardware = np.zeros((1, layout.size), layout.dtype)
    layout.block(hardware, "mu")[0, :2, :4] = [(1, 640, -4096, 0), (1, 640, 4095, 0)]
    pt, apart = 640.5 / 32, 2 * math.pi / 8192
    assert invariant_mass(hardware, layout, find_mass("dimuon"))[0] == pytest.approx(pt * math.sqrt(2 * (1 - math.cos(apart))), rel=1e-6)


def test_masses_with_a_name_need_groups_of_their_names():
    assert masses_of(named_layout("ugt")) == ("dijet", "dilepton", "dielectron", "dimuon", "fourlepton", "mt")
    assert masses_of(named_layout("ugt_full")) == tuple(MASSES)
    assert masses_of(named_layout("gelato")) == ("dijet", "dimuon", "ditau")
    assert masses_of(named_layout("ugt").select({"features": ("pt", "phi")})) == ()
    assert masses_of(named_layout("samples")) == masses_of(named_layout("calo_regions")) == masses_of(INVENTED) == ()


def _with(**changes):
    """One group `hit` of two slots whose features have `changes`."""
    features = [{"name": name, "role": name, "bits": 8, "unit": unit} for name, unit in (("energy", "GeV"), ("eta", ""), ("phi", "rad"))]
    features = [feature | changes.get(feature["name"], {}) for feature in features]
    return Layout.model_validate({"name": "made", "groups": [{"name": "hit", "slots": 2, "features": features}]})


@pytest.mark.parametrize(
    ("mass", "layout", "message"),
    [
        ("trijet", "ugt", r"unknown mass 'trijet'; the masses are dijet, .*, or GROUPS:COUNT\[,MISSING\] such as jet:2"),
        ("jet:0", "ugt", "unknown mass 'jet:0'"),
        ("jet:1", "ugt", "one object has no mass; ask for two, or for a transverse mass with jet:1,MISSING"),
        ("ditau", "ugt", "mass 'ditau': it needs a group 'tau' with energy, eta, phi; those of layout 'ugt' are eg, mu, jet"),
        ("eg+tau:2", "ugt", "it needs a group 'tau' with energy, eta, phi"),
        ("jet:1,ht", "ugt", "it needs a group 'ht' with energy, phi; those of layout 'ugt' are met, eg, mu, jet"),
        ("jet:11", "ugt", "it needs 11 objects of jet, which have 10 slots"),
        ("dijet", "samples", "it needs a group 'jet' with energy, eta, phi; layout 'samples' has none"),
        ("hit:2", _with(energy={"unit": "MeV"}), "the energy of 'hit' is in 'MeV'; give its lsb in the layout in GeV"),
        ("hit:2", _with(phi={"unit": "degree"}), "phi of 'hit' is in 'degree' without a period"),
    ],
)
def test_masses_that_cannot_be_are_refused(mass, layout, message):
    layout = named_layout(layout) if isinstance(layout, str) else layout
    with pytest.raises(UserError, match=message):
        find_mass(mass, layout)


def test_titles_say_what_is_meant():
    assert find_mass("eg+mu:4").title == "mass of the 4 leading eg/mu"
    assert find_mass("mu:1,met").title == "transverse mass of the leading mu and met"
