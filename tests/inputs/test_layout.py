"""Layouts: what they refuse, what a selection is, and the columns that the named ones have."""

import json
from math import pi

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from l1ae.documents import validate
from l1ae.errors import UserError
from l1ae.inputs import Feature, Layout, find_layout, layout_names, layout_text, named_layout

ENERGY = {"name": "pt", "role": "energy", "bits": 9, "lsb": 0.5, "unit": "GeV"}
TINY = {
    "name": "tiny",
    "groups": [{"name": "jet", "slots": 2, "features": [ENERGY, {"name": "phi", "role": "phi", "bits": 8, "period": 144}]}],
}


def changed(**changes):
    """`TINY` with other keys of its group."""
    return {**TINY, "groups": [TINY["groups"][0] | changes]}


# --- the named layouts, against the tables of the facts that they were written from


def test_the_layouts_that_come_with_l1ae():
    sizes = {name: named_layout(name).size for name in layout_names()}
    assert sizes == {"calo_regions": 252, "cms_l1_record": 117, "gelato": 44, "p2gt": 62, "samples": 32, "ugt": 57, "ugt_full": 228}
    assert all(named_layout(name).name == name for name in sizes)


def test_the_record_has_the_order_of_its_own_loader():
    """FET 1, egammas 12, jets 10, muons 4, taus 12, each (Et, eta, phi): rows 0, 1, 13, 23, 27 of (39, 3)."""
    layout = named_layout("cms_l1_record")
    assert [(group.source, layout.where(group.name).start // 3, group.slots) for group in layout.groups] == [
        ("FET", 0, 1), ("egammas", 1, 12), ("jets", 13, 10), ("muons", 23, 4), ("taus", 27, 12),
    ]  # fmt: skip
    assert layout.image == (39, 3)
    assert [layout.names[k] for k in np.flatnonzero(~layout.present)] == ["met_hf_eta"]


def test_the_order_of_gelato():
    names = named_layout("gelato").names
    expected = [
        f"{kind}{slot}_{feature}"
        for kind, n in (("jet", 6), ("tau", 4), ("mu", 4))
        for slot in range(n)
        for feature in ("et", "eta", "phi")
    ]
    assert list(names) == [*expected, "met_et", "met_phi"]


# bits, smallest and largest code, LSB: scales of the inputs to the global trigger, 8 May 2024
TABLE = {
    ("mu", "pt"): (9, 1, 511, 0.5), ("mu", "pt_unconstrained"): (8, 0, 255, 1.0), ("mu", "quality"): (4, 0, 15, 1.0),
    ("mu", "charge"): (2, -1, 1, 1.0), ("mu", "index"): (7, 0, 107, 1.0), ("mu", "phi"): (10, 0, 575, 2 * pi / 576),
    ("mu", "phi_station"): (10, 0, 575, 2 * pi / 576), ("jet", "pt"): (11, 0, 2047, 0.5), ("jet", "phi"): (8, 0, 143, 2 * pi / 144),
    ("eg", "pt"): (9, 0, 511, 0.5), ("eg", "isolation"): (2, 0, 3, 1.0), ("tau", "pt"): (9, 0, 511, 0.5),
    ("ett", "pt_em"): (12, 0, 4095, 0.5), ("htt", "tower_count"): (13, 0, 8191, 1.0), ("met_hf", "pt"): (12, 0, 4095, 0.5),
    ("mht", "phi"): (8, 0, 143, 2 * pi / 144),
}  # fmt: skip


@pytest.mark.parametrize(("group", "name"), TABLE)
def test_the_scales_of_the_global_trigger(group, name):
    feature = named_layout("ugt_full")[group][name]
    assert (feature.bits, *feature.range, pytest.approx(feature.lsb, rel=1e-14)) == TABLE[group, name]


def test_ugt_is_a_selection_of_the_full_trigger():
    full, ugt = named_layout("ugt_full"), named_layout("ugt")
    taken = ugt.taken_from(full, "file")
    assert [full.names[k] if k >= 0 else None for k in taken] == [None if name == "met_eta" else name for name in ugt.names]


def test_the_word_of_the_phase_2_trigger_begins_with_valid_pt_phi_eta():
    jet = named_layout("p2gt")["jet"]
    assert [(feature.name, feature.bit, feature.bits) for feature in jet.features] == [
        ("valid", 0, 1), ("pt", 1, 16), ("phi", 17, 13), ("eta", 30, 14), ("z0", 44, 18),
    ]  # fmt: skip
    assert jet["phi"].range == (-4096, 4095)
    assert jet["phi"].lsb * 8192 == pytest.approx(2 * pi)


@pytest.mark.parametrize("name", layout_names())
def test_a_layout_survives_json_and_keeps_its_digest(name):
    layout = named_layout(name)
    again = validate(Layout, json.loads(layout.model_dump_json(exclude_defaults=True)), "json")
    assert again == layout
    assert again.digest == layout.digest
    assert validate(Layout, yaml.safe_load(layout_text(name)), "yaml") == layout


# --- values


def test_conventions_of_codes():
    edge = Feature(name="pt", role="energy", bits=9, lsb=0.5, origin=1, low=1)
    assert edge.encode([0.0, 0.49, 0.5, 1e9]).tolist() == [1, 1, 2, 511]
    assert edge.decode(np.array([1, 2])).tolist() == [0.25, 0.75]
    centre = Feature(name="eta", role="eta", bits=9, signed=True, lsb=0.01, bin="centre")
    assert centre.encode([-0.005, -0.0051, 0.0049, 0.0051]).tolist() == [0, -1, 0, 1]
    assert centre.decode(np.array([-1, 0, 1])).tolist() == [-0.01, 0.0, 0.01]
    signed = Feature(name="phi", role="phi", bits=13, signed=True, lsb=2 * pi / 8192, period=8192)
    assert signed.encode([0.0, -1e-9, pi - 1e-9, pi + 1e-9, 2 * pi + 1e-9]).tolist() == [0, -1, 4095, -4096, 0]


def test_a_valid_bit_decides_what_is_filled():
    layout = named_layout("p2gt").select({"mu": 0, "met": 0, "jet": 2})
    hardware = np.array([[0, 5, 5, 5, 5, 1, 0, -4096, 7, -9]], np.int32)
    assert layout.mask(hardware).tolist() == [[False] * 5 + [True] * 5]
    physical = layout.to_physical(hardware)[0]
    assert physical[:5].tolist() == [0] * 5
    assert physical[9] == pytest.approx(-8.5 / 5 / 2**9)
    np.testing.assert_array_equal(layout.to_hardware([physical])[0], [0] * 5 + hardware[0, 5:].tolist())


def test_waveforms_have_no_empty_slots():
    layout = named_layout("samples")
    assert layout.mask(np.zeros((2, 32), np.int16)).all()
    assert layout.image == (32, 1)
    np.testing.assert_array_equal(layout.to_hardware(np.full((1, 32), 5000.0)), np.full((1, 32), 4095))


@given(st.integers(0, 10**6))
def test_codes_survive_the_way_through_physical_values(seed):
    for name in layout_names():
        layout = named_layout(name)
        low, high = layout.code_range
        codes = np.random.default_rng(seed).integers(low, high + 1, (3, layout.size)).astype(layout.dtype)
        codes = np.where(layout.mask(codes), codes, 0)
        if name == "ugt_full":  # a muon's charge or unconstrained pT may be unknown, which is no physical value of its own
            continue
        np.testing.assert_array_equal(layout.to_hardware(layout.to_physical(codes)), codes)


# --- selections


def test_a_selection_keeps_what_it_names():
    layout = named_layout("ugt_full").select({"jet": 6, "tau": 0, "features": ["pt", "phi"]})
    assert "tau" not in layout
    assert layout["jet"].slots == 6
    assert {feature.name for group in layout.groups for feature in group.features} == {"pt", "phi"}
    assert [group.name for group in layout.groups] == ["ett", "htt", "met", "mht", "met_hf", "mht_hf", "eg", "mu", "jet"]


def test_a_selection_keeps_the_preset_of_its_columns():
    layout = named_layout("ugt").select({"mu": 2, "features": ["pt", "phi"]})
    assert layout.preset.groups["mu"].shift == ((5, 8), (2, 6))
    assert layout.preset.groups["met"].offset == ((0, 72),)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"jets": 3}, "unknown group 'jets'; the groups of layout 'ugt' are met, eg, mu, jet"),
        ({"jet": 11}, "inputs.select: jet: 11 must be a number of slots from 0 to 10"),
        ({"features": ["pt", "z0"]}, "inputs.select: features ('pt', 'z0') must be names among eta, phi, pt"),
        (
            {"features": ["eta"]},
            "inputs.select: group 'met' has none of the features asked for, only pt, phi; leave the group out with met: 0",
        ),
        ({"met": 0, "features": ["eta"]}, "inputs.select: features leave out 'pt', which says which slots of 'eg' are filled; keep it"),
        (
            dict.fromkeys(("met", "eg", "mu", "jet"), 0),
            "inputs.select leaves no group of layout 'ugt'; keep at least one of met, eg, mu, jet",
        ),
    ],
)
def test_impossible_selections(choice, message):
    with pytest.raises(UserError) as error:
        named_layout("ugt").select(choice)
    assert str(error.value) == message


def test_a_selection_never_reinterprets():
    ugt = named_layout("ugt")
    other = Layout.model_validate(json.loads(ugt.model_dump_json().replace('"lsb":0.5', '"lsb":0.25', 1)))
    with pytest.raises(
        UserError, match=r"a.h5: column 'pt' of group 'met': lsb is 0.25, but 0.5 is asked for; set inputs.layout to the layout"
    ):
        ugt.taken_from(other, "a.h5")
    with pytest.raises(UserError, match=r"a.h5: group 'jet' has 3 slots, 10 are asked for; set inputs.select: \{jet: 3\}"):
        ugt.taken_from(ugt.select({"jet": 3}), "a.h5")
    with pytest.raises(
        UserError, match=r"a.h5: no group 'met' in its layout 'gelatine' \(there are jet\); leave it out with inputs.select: \{met: 0\}"
    ):
        ugt.taken_from(Layout.model_validate({**TINY, "name": "gelatine"}), "a.h5")
    with pytest.raises(
        UserError, match=r"a.h5: column 'eta' of group 'mu' is not in it, only pt, phi; choose among them with inputs.select"
    ):
        ugt.select({"met": 0, "eg": 0}).taken_from(ugt.select({"features": ["pt", "phi"]}), "a.h5")


# --- what no layout can be


UNIT = "must be a positive number, the value of one code step in its unit"
IMPOSSIBLE = [
    (changed(features=[ENERGY, ENERGY]), "groups.0: group 'jet': feature 'pt' is there twice; give each column once"),
    (changed(features=[]), "groups.0: group 'jet' has no features; give it at least one"),
    ({**TINY, "groups": TINY["groups"] * 2}, "group 'jet' is there twice; give each group a name of its own"),
    (changed(features=[ENERGY | {"lsb": 0.0}]), f"groups.0.features.0: feature 'pt': lsb 0.0 {UNIT}"),
    (changed(features=[ENERGY | {"lsb": float("nan")}]), f"groups.0.features.0: feature 'pt': lsb nan {UNIT}"),
    (
        changed(features=[ENERGY | {"high": 512}]),
        "groups.0.features.0: feature 'pt': codes 0 to 512 do not fit into 9 bits (0 to 511); change low and high, bits or signed",
    ),
    (
        changed(features=[ENERGY | {"period": 144, "high": 100}]),
        "groups.0.features.0: feature 'pt': codes 0 to 100 are 101, but the period is 144; leave low and high out",
    ),
    (changed(features=[ENERGY | {"saturation": 600}]), "groups.0.features.0: feature 'pt': the saturation code 600 is outside 0 to 511"),
    (changed(gate="valid"), "groups.0: group 'jet': gate: there is no feature 'valid'; the features are pt, phi"),
    (changed(sort="et"), "groups.0: group 'jet': sort: there is no feature 'et'; the features are pt, phi"),
    (changed(kind="waveform"), "groups.0: group 'jet': a waveform has one feature and no gate; use kind: objects for more"),
    (
        changed(kind="image", features=[ENERGY]),
        "groups.0: group 'jet': an image has axes (rows, columns), a group of kind 'image' has none",
    ),
    (
        changed(name="Jet"),
        "groups.0.name: 'Jet' must be made of lower-case letters, digits and single underscores, a letter first: it becomes "
        "a name in C++ and VHDL; put anything else into title",
    ),
    (changed(slot=3), "unknown key 'groups.0.slot'; did you mean 'slots'?"),
    (
        changed(features=[ENERGY | {"role": ["energy"]}]),
        "groups.0.features.0.role: Input should be 'energy', 'eta', 'phi', 'charge', 'quality', 'isolation' or 'other'",
    ),
    (changed(features=[ENERGY | {"bits": 10**30}]), "groups.0.features.0.bits: Input should be less than or equal to 30"),
    (changed(features=[ENERGY | {"bits": -1}]), "groups.0.features.0.bits: Input should be greater than or equal to 1"),
]


@pytest.mark.parametrize(("content", "message"), IMPOSSIBLE)
def test_impossible_layouts_name_the_place_and_the_remedy(content, message):
    with pytest.raises(UserError) as error:
        validate(Layout, content, "f")
    assert str(error.value).split(" (value:")[0] == f"f: {message}"


def test_layouts_are_found_by_name_or_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(TINY))
    assert find_layout("mine.yaml", tmp_path).names == ("jet0_pt", "jet0_phi", "jet1_pt", "jet1_phi")
    with pytest.raises(UserError, match=r"unknown layout 'mine'; the layouts are calo_regions, .*, ugt_full, or give a YAML file"):
        find_layout("mine", tmp_path)
    assert layout_text(str(tmp_path / "mine.yaml")) == yaml.safe_dump(TINY)
    with pytest.raises(UserError, match=r"layout '.*other.yaml' does not exist; `l1ae data layouts` lists those that come with l1ae"):
        find_layout("other.yaml", tmp_path)
