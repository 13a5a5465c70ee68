"""Columns that a configuration adds: what they are, where they stand, and what cannot be meant."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from l1ae.config import InputsConfig
from l1ae.inputs import AddedColumn, Layout, Role, named_layout

from .added import ADD, LAYOUT, NAMES, around, by_hand, events


def inputs(add, **more):
    return InputsConfig.model_validate({"layout": "ugt", "add": add} | more)


def one(record, hardware, layout="ugt"):
    """The column of one record, (N,)."""
    return inputs({"new": record}, layout=layout).event(hardware)[:, -1]


def test_the_columns_are_what_a_loop_over_slots_finds():
    hardware = events(3000, seed=3)
    found = inputs(ADD).event(hardware)
    assert found.shape == (3000, 57 + len(ADD))
    np.testing.assert_array_equal(found[:, :57], hardware)
    np.testing.assert_array_equal(found[:, 57:], [by_hand(event) for event in hardware])


def test_the_columns_of_these_tests_are_of_every_kind():
    """What backends, contract and texts must know is walked by the tests that share `ADD`."""
    kinds = {get_args(record.model_fields["kind"].annotation)[0] for record in get_args(get_args(AddedColumn)[0])}
    assert {record["kind"] for record in ADD.values()} == kinds


def test_every_column_stays_within_its_own_range_and_reaches_both_ends_of_an_angle():
    config = inputs(ADD)
    found = config.event(events(20000, seed=4))
    config.columns.validate_hardware(found)
    for name, most in (("dphi_mu_met", 72), ("dphi_jets", 72), ("dphi_mu", 288)):
        column = found[:, config.columns.names.index(name)]
        assert (column.min(), column.max()) == (0, most)


@settings(deadline=None)
@given(st.integers(0, 143), st.integers(0, 143), st.integers(0, 2), st.integers(0, 2))
def test_a_difference_of_phi_is_the_smaller_way_around_and_nothing_without_both(a, b, first, second):
    event = np.zeros((1, 57), np.int64)
    for column, code in zip([*LAYOUT.positions("jet", "phi")[:2], *LAYOUT.positions("jet", "pt")[:2]], (a, b, first, second), strict=True):
        event[0, column] = code
    expected = around(a, b, 144) if first and second else 0
    assert one(ADD["dphi_jets"], event) == [expected]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(0, 0, 0), (0, 143, 1), (143, 0, 1), (0, 72, 72), (72, 0, 72), (0, 71, 71), (0, 73, 71), (10, 134, 20), (36, 108, 72)],
)
def test_around_the_end_of_the_scale(a, b, expected):
    event = np.ones((1, 57), np.int64)
    event[0, LAYOUT.positions("jet", "phi")[:2]] = a, b
    assert one(ADD["dphi_jets"], event) == [expected]


def test_signed_angles_and_valid_bits():
    """p2gt: 8192 codes around from -4096 on; a slot is filled where its valid bit is 1, whatever its energy."""
    layout = named_layout("p2gt")
    rng = np.random.default_rng(5)
    low, high = layout.code_range
    hardware = rng.integers(low, high + 1, (2000, layout.size))
    column = {name: hardware[:, layout.names.index(name)] for name in layout.names}
    angle = (column["jet0_phi"] - column["jet1_phi"]) * 2 * np.pi / 8192
    both = (column["jet0_valid"] == 1) & (column["jet1_valid"] == 1)
    expected = np.rint(np.abs(np.angle(np.exp(1j * angle))) * 8192 / 2 / np.pi).astype(int) * both
    np.testing.assert_array_equal(one({"kind": "delta_phi", "slots": ["jet[0]", "jet[1]"]}, hardware, "p2gt"), expected)
    filled = sum(column[f"jet{k}_valid"] * (column[f"jet{k}_pt"] >= 800) for k in range(6))
    np.testing.assert_array_equal(one({"kind": "multiplicity", "group": "jet", "threshold": 800}, hardware, "p2gt"), filled)
    total = sum(column[f"jet{k}_valid"] * column[f"jet{k}_pt"] for k in range(6))
    np.testing.assert_array_equal(one({"kind": "sum", "group": "jet"}, hardware, "p2gt"), total)


def test_eta_in_bins_by_their_edges_and_by_their_centres():
    """Codes of `ugt` are bins from c to c + 1, so that -1 is as near to 0 as 0 is; those of the record's muons lie around c."""
    for layout, sign in (("ugt", -1), ("cms_l1_record", 0)):
        found = named_layout(layout)
        event = np.zeros((7, found.size), np.int64)
        event[:, found.positions("mu", "eta")[0]] = -225, -2, -1, 0, 1, 2, 225
        event[:, found.positions("mu", "pt")[0]] = 9
        expected = [225 + sign, 2 + sign, 1 + sign, 0, 1, 2, 225]
        assert one({"kind": "abs_eta", "slot": "mu[0]"}, event, layout).tolist() == expected


def test_an_origin_of_eta_is_taken_off():
    layout = Layout.model_validate(
        {
            "name": "shifted",
            "groups": [
                {
                    "name": "tower",
                    "features": [
                        {"name": "et", "role": "energy", "bits": 8},
                        {"name": "ieta", "role": "eta", "bits": 7, "origin": 41, "bin": "centre", "high": 82},
                    ],
                }
            ],
        }
    )
    event = np.array([[1, 0], [1, 40], [1, 41], [1, 42], [1, 82], [0, 0]])
    assert one({"kind": "abs_eta", "slot": "tower"}, event, layout).tolist() == [41, 1, 0, 1, 41, 0]


def test_the_port_stays_what_arrives():
    config = inputs(ADD)
    spec, hardware = config.spec(), events(200, seed=6)
    assert config.selected == spec.port == LAYOUT
    assert spec.names == (*LAYOUT.names, *NAMES)
    mask = spec.mask(hardware)
    np.testing.assert_array_equal(mask[:, :57], LAYOUT.mask(hardware))
    assert mask[:, 57:].all()
    assert (spec.gate[57:] == -1).all()
    np.testing.assert_array_equal(spec.to_network(hardware)[:, :57], InputsConfig().spec().to_network(hardware))
    bits = {"n_jet30": 4, "n_mu": 3, "ht": 12, "et_all": 15, "dphi_mu_met": 7, "dphi_jets": 7, "dphi_mu": 9, "eta_mu": 8}
    assert {column.name: column.feature.bits for column in spec.layout.columns[57:]} == bits


def test_the_order_in_which_they_are_written_says_nothing():
    """A run's configuration is compared and digested as a mapping; so the columns must be."""
    backwards = inputs(dict(reversed(ADD.items())))
    assert backwards == inputs(ADD)
    assert backwards.columns.names == inputs(ADD).columns.names


def test_without_a_look_at_data_the_shifts_suit_the_ranges_and_may_be_given():
    shift = {"n_jet30": 3, "n_mu": 2, "ht": 7, "et_all": 7, "dphi_mu_met": 6, "dphi_jets": 6, "dphi_mu": 8, "eta_mu": 7}
    assert dict(zip(NAMES, inputs(ADD).spec().shift[57:].tolist(), strict=True)) == shift
    given = inputs(ADD, groups={"et_all": {"shift": 9, "offset": 100}}).spec()
    column = given.names.index("et_all")
    assert (given.shift[column], given.offset[column]) == (9, 100)


def test_a_sum_has_the_unit_of_its_energies():
    ht = inputs(ADD).columns["ht"].features[0]
    assert (ht.lsb, ht.unit, ht.role) == (0.5, "GeV", Role.ENERGY)


def test_nothing_added_is_nothing_changed():
    config, hardware = InputsConfig(), events(10, seed=7)
    assert config.added is None
    assert config.columns == config.selected
    assert config.event(hardware) is hardware
    assert config.spec().event(hardware) is hardware


@pytest.mark.parametrize(
    ("name", "record", "message"),
    [
        ("new", {"kind": "multiplicity", "group": "tau"}, "add.new: unknown group 'tau'; the groups of layout 'ugt' are met, eg, mu, jet"),
        ("new", {"kind": "abs_eta", "slot": "jet[10]"}, r"add.new: 'jet\[10\]': group 'jet' has the slots 0 to 9"),
        ("new", {"kind": "abs_eta", "slot": "jet"}, r"add.new: group 'jet' has 10 slots; say which, for example jet\[0\]"),
        ("new", {"kind": "abs_eta", "slot": "jet 0"}, r"add.new: 'jet 0' must be a slot, for example eg\[0\]"),
        ("new", {"kind": "abs_eta", "slot": "met"}, "add.new: group 'met' has no eta; groups with one: eg, mu, jet"),
        ("new", {"kind": "delta_phi", "slots": ["met", "met"]}, "add.new: slots: 'met' twice"),
        (
            "new",
            {"kind": "multiplicity", "group": "jet", "threshold": 2048},
            "add.new: threshold 2048 is above 2047, the largest pt of 'jet'",
        ),
        ("jet", {"kind": "sum", "group": "jet"}, "add.jet: layout 'ugt' has a group, column or feature of this name; choose another one"),
        ("jet0_pt", {"kind": "sum", "group": "jet"}, "add.jet0_pt: layout 'ugt' has a group, column or feature of this name"),
        ("pt", {"kind": "sum", "group": "jet"}, "add.pt: layout 'ugt' has a group, column or feature of this name"),
        ("H T", {"kind": "sum", "group": "jet"}, "add.H T: 'H T' must be made of lower-case letters"),
        ("new", {"kind": "product", "group": "jet"}, "product"),
    ],
)
def test_what_cannot_be_meant(name, record, message):
    with pytest.raises(ValidationError, match=message):
        inputs({name: record})


@pytest.mark.parametrize(
    ("layout", "select", "record", "message"),
    [
        ("ugt", {"features": ["pt"]}, ADD["dphi_jets"], "add.new: group 'jet' has no phi; groups with one: none"),
        ("ugt", {"jet": 1}, ADD["dphi_jets"], r"add.new: 'jet\[1\]': group 'jet' has the slots 0 to 0"),
        ("gelato", {}, {"kind": "delta_phi", "slots": ["jet[0]", "met"]}, "add.new: jet0_phi has no period"),
        ("samples", {}, {"kind": "multiplicity", "group": "cell"}, "add.new: .*group"),
    ],
)
def test_what_the_selected_layout_does_not_have(layout, select, record, message):
    with pytest.raises(ValidationError, match=message):
        inputs({"new": record}, layout=layout, select=select)


def test_angles_without_a_common_scale():
    feature = {"name": "phi", "role": "phi", "bits": 8}
    groups = [
        {"name": name, "gate": False, "features": [{"name": "pt", "role": "energy", "bits": 4}, feature | {"period": period} | more]}
        for name, period, more in (("a", 144, {}), ("b", 100, {}), ("c", 144, {"signed": True, "bits": 9}))
    ]
    layout = Layout.model_validate({"name": "odd", "groups": groups})
    for slots in (["a", "b"], ["a", "c"]):
        with pytest.raises(ValidationError, match=f"the angles of {slots[0]} and {slots[1]} have no common scale: their periods must be"):
            inputs({"new": {"kind": "delta_phi", "slots": slots}}, layout=layout)
