"""Tables from weighted events, against closed forms."""

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec, Layout, check_transform, derive_tables, named_layout, steps_of, table_bits, table_of

FINE = FixedFormat.parse("fixed<30,10,RND_CONV,SAT>")
LAYOUT = Layout.model_validate(
    {
        "name": "two_jets",
        "groups": [
            {
                "name": "jet",
                "slots": 2,
                "features": [{"name": "pt", "role": "energy", "bits": 10}, {"name": "eta", "bits": 6, "signed": True}],
            },
            {"name": "cell", "kind": "vector", "slots": 1, "features": [{"name": "energy", "bits": 8}]},
        ],
    }
)
JET0, JET1, CELL = 0, 2, 4


def block(first, second=None, cell=None) -> np.ndarray:
    result = np.zeros((len(first), LAYOUT.size), np.int16)
    result[:, JET0] = first
    result[:, JET1] = 0 if second is None else second
    result[:, CELL] = 0 if cell is None else cell
    return result


def surprises(*blocks, **options):
    tables = derive_tables(LAYOUT, FINE, {"pt": "surprise", "energy": "surprise"}, blocks, **options)
    return {column: table * FINE.lsb for column, table in tables.items()}


def exponential(slope: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes 0, 1, ... and weights for which P(X >= c) is exp(-slope c), the last code with all that is beyond."""
    codes = np.arange(size)
    survival = np.exp(-slope * codes)
    return codes, survival - np.append(survival[1:], 0.0)


def test_the_surprise_of_an_exponential_spectrum_is_linear_in_the_code():
    codes, weights = exponential(0.05, 256)
    copies = np.repeat(codes, 10)
    found = surprises((block(np.ones(2560), cell=copies), np.repeat(weights, 10)))[CELL]
    effective = [weights[c:].sum() ** 2 / (weights[c:] ** 2).sum() * 10 for c in codes]
    reliable = np.array(effective) >= 10
    assert reliable.sum() > 200
    np.testing.assert_allclose(found[reliable], 0.05 * codes[reliable], atol=FINE.lsb)


def test_an_empty_slot_counts_as_code_0():
    first = np.array([0] * 600 + [5] * 300 + [9] * 100)
    found = surprises((block(first), None))[JET0]
    np.testing.assert_allclose(found[[0, 1, 5, 6, 9]], -np.log([1.0, 0.4, 0.4, 0.1, 0.1]), atol=FINE.lsb)


def test_other_functions_of_the_same_probability():
    first = np.array([0] * 600 + [5] * 300 + [9] * 100)
    quantile = derive_tables(LAYOUT, FINE, {"pt": "quantile"}, [(block(first), None)])[JET0] * FINE.lsb
    np.testing.assert_allclose(quantile[[0, 1, 5, 6, 9]], [0.0, 0.6, 0.6, 0.9, 0.9], atol=FINE.lsb)
    log2 = derive_tables(LAYOUT, FINE, {"pt": "log2"}, [(block(first), None)])[JET0] * FINE.lsb
    np.testing.assert_allclose(log2, np.log2(1.0 + np.arange(1024)), atol=FINE.lsb)


def test_a_weight_is_so_many_events():
    rng = np.random.default_rng(3)
    first, weights = rng.integers(0, 40, 5000), rng.integers(1, 4, 5000)
    weighted = surprises((block(first), weights.astype(float)))[JET0]
    repeated = surprises((block(np.repeat(first, weights)), None))[JET0]
    np.testing.assert_array_equal(weighted[:40], repeated[:40])


def test_weight_0_is_no_event_to_the_last_bit():
    rng = np.random.default_rng(4)
    first, weights = rng.exponential(30, 4000).astype(int), rng.exponential(1.0, 4000)
    kept = rng.random(4000) < 0.5
    with_zeros, without = surprises((block(first), weights * kept)), surprises((block(first[kept]), weights[kept]))
    for column, table in with_zeros.items():
        np.testing.assert_array_equal(table, without[column])
    assert np.ptp(with_zeros[JET0]) > 5


def power_law(events: int, exponent: float) -> np.ndarray:
    """Codes with P(X >= c) = (c / 10)^-exponent from 10 on, without statistical fluctuation."""
    survival = (np.arange(events) + 0.5) / events
    return np.floor(10 * survival ** (-1 / exponent)).astype(int)


def test_beyond_the_sample_a_power_law_goes_on():
    first = np.minimum(power_law(20_000, 4.0), 1023)
    found = surprises((block(first), None))[JET0]
    codes = np.arange(1024)
    last = np.sort(first)[-10]  # ten events are there or beyond
    assert last < 100
    beyond = codes > last
    np.testing.assert_allclose(found[beyond], 4.0 * np.log(codes[beyond] / 10), rtol=0.03)
    slopes = np.diff(found[beyond]) / np.diff(np.log(codes[beyond]))
    np.testing.assert_allclose(slopes, slopes.mean(), rtol=1e-3)


def test_few_heavy_events_are_as_unreliable_as_few():
    """A hundred entries of which one has nearly all the weight are one: the tail begins before them."""
    codes, weights = np.repeat(np.arange(1, 33), 50), np.repeat(2.0 ** -np.arange(32), 50)
    bare = surprises((block(codes), weights))[JET0]
    heavy = np.append(np.full(99, 100), 100), np.append(np.full(99, 1e-12), 0.02)
    found = surprises((block(np.append(codes, heavy[0])), np.append(weights, heavy[1])))[JET0]
    assert np.diff(found[33:]).min() > 0
    assert bare[1023] > found[1023]


def test_a_rare_slot_takes_the_shape_of_its_group_and_its_own_share():
    rng = np.random.default_rng(6)
    first, second = 1 + rng.exponential(50, 10_000).astype(int), np.zeros(10_000, int)
    second[:50] = 7
    found = surprises((block(first, second), None))
    np.testing.assert_allclose(found[JET1][1], -np.log(50 / 10_000), atol=FINE.lsb)
    assert found[JET1][100] - found[JET1][1] == pytest.approx(found[JET0][100] - found[JET0][1], rel=0.01)


def test_a_slot_that_is_never_filled_surprises_as_one_event_in_all():
    found = surprises((block(1 + np.arange(1000)), None))
    np.testing.assert_allclose(found[JET1][1], np.log(1000), atol=FINE.lsb)


def test_the_tables_of_a_group_are_one_where_its_objects_share_weights():
    rng = np.random.default_rng(7)
    first, second = 1 + rng.exponential(50, 5000).astype(int), rng.exponential(20, 5000).astype(int)
    found = surprises((block(first, second), None), by_group=True)
    np.testing.assert_array_equal(found[JET0], found[JET1])
    np.testing.assert_allclose(found[JET0][1], -np.log((5000 + (second > 0).sum()) / 10_000), atol=FINE.lsb)


@pytest.mark.parametrize("form", ["ufixed<4,4,RND_CONV,SAT>", "fixed<6,5,TRN,SAT>", "ufixed<6,3,RND,SAT>", "fixed<5,3>"])
@pytest.mark.parametrize("kind", ["surprise", "log2", "quantile"])
def test_tables_rise_and_saturate(form, kind):
    network, rng = FixedFormat.parse(form), np.random.default_rng(8)
    first = rng.pareto(3.0, 3000) * 30
    for leading in (None, 4):
        table = derive_tables(LAYOUT, network, {"pt": kind}, [(block(first.clip(0, 1023)), None)], leading=leading)[JET0]
        assert len(table) == 1024
        assert table[0] == 0
        assert (np.diff(table) >= 0).all()
        assert table.max() <= network.high
        if network.integer - network.signed < 4 and kind == "log2":
            assert table[-1] == network.high


def test_leading_bits_share_an_entry():
    codes, weights = exponential(0.02, 256)
    cells = (block(np.ones(256), cell=codes), weights)
    exact, coarse = surprises(cells)[CELL], surprises(cells, leading=3)[CELL]
    np.testing.assert_array_equal(exact[:8], coarse[:8])
    assert len(set(coarse[64:80].tolist())) == 1
    assert coarse[64] == exact[72]
    assert len(steps_of((coarse / FINE.lsb).astype(int))) <= 8 + 4 * 5


def test_steps_and_tables():
    table = np.array([0, 0, 1, 1, 1, 5, 5, 7])
    assert steps_of(table) == ((0, 0), (2, 1), (5, 5), (7, 7))
    np.testing.assert_array_equal(table_of(steps_of(table), 8), table)
    assert [table_bits(LAYOUT, column) for column in (JET0, CELL)] == [10, 8]


def test_an_input_is_looked_up_or_shifted():
    """The other columns keep offset and shift, an empty slot is 0, and of a word only the bits that address the table count."""
    layout = named_layout("ugt")
    plain = InputSpec.of(layout)
    columns = np.flatnonzero(layout.with_role("energy"))
    tables = {int(k): np.arange(1 << table_bits(layout, k)) // 16 for k in columns}
    spec = plain.with_tables(tables, {"pt": "surprise"})
    rng = np.random.default_rng(9)
    low, high = layout.code_range
    hardware = rng.integers(low, high + 1, (500, layout.size)) * (rng.random((500, layout.size)) < 0.8)
    found, before = spec.to_network(hardware), plain.to_network(hardware)
    np.testing.assert_array_equal(found[:, ~spec.tabled], before[:, ~spec.tabled])
    np.testing.assert_array_equal(found[:, columns], hardware[:, columns] // 16)
    assert spec.kinds_alike == plain.kinds_alike
    assert not plain.with_tables({**tables, 57 - 3: tables[57 - 3] + 1}, {}).kinds_alike
    word = np.zeros((1, layout.size), int)
    word[0, layout.names.index("eg0_pt")] = 512 + 48
    assert spec.to_network(word)[0, layout.names.index("eg0_pt")] == 3


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"pts": "surprise"}, r"transform\.pts: layout 'two_jets' has no such feature; it has energy, eta, pt"),
        ({"eta": "surprise"}, r"transform\.eta: jet_eta has codes below 0 \(down to -32\)"),
    ],
)
def test_what_cannot_be_a_table(transform, message):
    with pytest.raises(UserError, match=message):
        check_transform(LAYOUT, transform)


def test_what_another_column_empties_cannot_be_a_table():
    with pytest.raises(UserError, match=r"transform\.phi: met_phi does not say itself whether its slot is empty \(pt does\)"):
        check_transform(named_layout("ugt"), {"phi": "quantile"})


def test_no_events_and_wrong_weights():
    with pytest.raises(UserError, match=r"inputs\.transform needs training events, and there are none"):
        surprises((block(np.ones(3)), np.zeros(3)))
    with pytest.raises(UserError, match=r"weight -1\.0 of an event must be finite and not negative"):
        surprises((block(np.ones(2)), np.array([1.0, -1.0])))
