"""Widths counted by hand, and resolutions of decoders whose errors are known."""

import numpy as np
import pytest
from scipy.stats import norm

from l1ae.evaluation import LEVEL
from l1ae.inputs import FixedFormat, named_layout
from l1ae.latent import compression, emptiness, resolutions

from .layouts import INVENTED, LAYOUTS, layout_of, random_codes, wide

UGT = named_layout("ugt")
WIDE = wide(UGT)


def test_widths_are_those_of_the_global_trigger():
    """MET 12 + 8, e/gamma 9 + 8 + 8, muon 9 + 9 + 10, jet 11 + 8 + 8 bits."""
    bits = 20 + 4 * 25 + 4 * 28 + 10 * 27
    form = FixedFormat.parse("fixed<10,5>")
    plain = compression(UGT, {"latent_q": (form, 3)})
    assert (plain.event_bits, plain.code_bits, plain.ratio_mean_only) == (bits, {"latent_q": 30}, None)
    assert plain.ratio == pytest.approx(bits / 30)
    both = compression(UGT, {"mu_q": (form, 3), "log_var_q": (FixedFormat.parse("fixed<8,4>"), 3)})
    assert both.ratio == pytest.approx(bits / 54)
    assert both.ratio_mean_only == pytest.approx(bits / 30)


def test_a_perfect_decoder_has_neither_bias_nor_width(events):
    rows = resolutions(events.hw, WIDE.to_network(events.hw) * WIDE.network.lsb, WIDE, np.arange(len(events)))
    assert {row.feature for row in rows} == {name for name, there in zip(WIDE.names, WIDE.present, strict=True) if there}
    for row in rows:
        assert (row.bias.value, row.spread.value, row.half_width.value) == (0, 0, 0)
        assert row.original_half_width > 0


def test_a_decoder_that_always_says_the_same_has_the_width_of_the_original(events):
    """Except for phi, whose difference goes around."""
    for row in resolutions(events.hw, np.zeros((len(events), WIDE.size)), WIDE, np.arange(len(events)), edges=(0, np.inf)):
        if not row.feature.endswith("phi"):
            assert row.half_width.value == pytest.approx(row.original_half_width, rel=1e-9), row.feature


def _smeared(events, sigma, shift, rng):
    """Decoded events whose codes are off by a Gaussian of `sigma` codes and by `shift`, equal in copies of an event."""
    codes = events.hw + shift + sigma * rng.standard_normal((len(events), WIDE.size))
    return (codes - WIDE.offset) / np.exp2(WIDE.shift)


def test_a_gaussian_decoder_has_its_width_bias_and_textbook_errors(events):
    rng = np.random.default_rng(5)
    rows = resolutions(events.hw, _smeared(events, 18.0, 3.0, rng), WIDE, np.arange(len(events)))
    row = next(row for row in rows if row.feature == "jet3_phi" and row.energy_low is None)
    lsb, n = 2 * np.pi / 144, row.entries
    assert row.unit == "rad"
    assert n == np.count_nonzero(UGT.block(events.hw, "jet")[:, 3, 0])
    errors = {"bias": 18 * lsb / n**0.5, "spread": 18 * lsb / (2 * n) ** 0.5}
    tail = (1 - LEVEL) / 2
    errors["half_width"] = 18 * lsb * (2 * tail * (1 - 2 * tail)) ** 0.5 / (2 * norm.pdf(1) * n**0.5)
    for name, value in {"bias": 3 * lsb, "spread": 18 * lsb, "half_width": 18 * lsb}.items():
        estimate = getattr(row, name)
        assert abs(estimate.value - value) < 4 * errors[name], name
        assert (estimate.high - estimate.low) / 2 == pytest.approx(errors[name], rel=0.3), name


@pytest.mark.slow
def test_copies_of_an_event_count_once_in_the_errors(events):
    """Every event four times: the errors must be those of a quarter of the events."""
    rng = np.random.default_rng(6)
    decoded = np.repeat(_smeared(events, 12.0, 0.0, rng), 4, axis=0)
    groups = np.arange(len(decoded)) // 4
    hardware = np.repeat(events.hw, 4, axis=0)
    width = {}
    for name, ids in (("grouped", groups), ("ignored", np.arange(len(decoded)))):
        row = next(row for row in resolutions(hardware, decoded, WIDE, ids) if row.feature == "jet0_eta")
        width[name] = row.bias.high - row.bias.low
    assert width["grouped"] / width["ignored"] == pytest.approx(2, rel=0.3)


def test_bins_are_of_the_original_energy(events):
    rows = resolutions(events.hw, WIDE.to_network(events.hw) * WIDE.network.lsb, WIDE, np.arange(len(events)), edges=(0, 100, np.inf))
    pt = UGT.to_physical(events.hw)[:, 0]
    entries = {(row.energy_low, row.energy_high): row.entries for row in rows if row.feature == "met_pt"}
    assert entries == {
        (None, None): np.sum(pt > 0),
        (0, 100): np.sum((pt > 0) & (pt < 100)),
        (100, None): np.sum(pt >= 100),
    }


def test_emptiness_counts_slots(events):
    values = WIDE.to_network(events.hw) * WIDE.network.lsb
    UGT.block(values, "jet")[..., 0] = 1.0  # all jets filled
    UGT.block(values, "mu")[..., 0] = 0.0  # all muons gone
    rows = {row.group: row for row in emptiness(events.hw, values, WIDE, events.source_event)}
    assert rows["jet"].filled_slots == np.count_nonzero(UGT.block(events.hw, "jet")[..., 0])
    assert (rows["jet"].empty_as_empty.value, rows["jet"].filled_as_filled.value) == (0, 1)
    assert (rows["mu"].empty_as_empty.value, rows["mu"].filled_as_filled.value) == (1, 0)
    assert (rows["eg"].empty_as_empty.value, rows["eg"].filled_as_filled.value) == (1, 1)
    assert rows["jet"].filled_as_filled.low < 1


def test_emptiness_has_a_binomial_error_for_independent_slots(spec):
    """One MET slot per event, wrong at random in 30 %: the interval is Clopper and Pearson's, near sqrt(p q / n)."""
    rng = np.random.default_rng(8)
    hardware = np.zeros((4000, spec.size), np.int16)
    hardware[:, 0] = 100
    values = spec.to_network_float(hardware).astype(float)
    values[rng.random(4000) < 0.3, 0] = 0
    fraction = emptiness(hardware, values, spec, np.arange(4000))[0].filled_as_filled
    assert fraction.value == pytest.approx(0.7, abs=0.03)
    assert (fraction.high - fraction.low) / 2 == pytest.approx((0.21 / 4000) ** 0.5, rel=0.05)


def test_an_image_has_resolutions_of_every_region_and_no_empty_slots():
    """A decoder that adds 2 codes of 0.5 GeV."""
    layout = named_layout("calo_regions")
    spec = wide(layout)
    images = np.random.default_rng(1).integers(0, 3, (100, layout.size)).astype(np.int16)
    decoded = (images + 2) / 8
    rows = resolutions(images, decoded, spec, np.arange(100))
    assert {(row.unit, row.bias.value, row.spread.value) for row in rows} == {("GeV", 1.0, 0.0)}
    assert rows[0].entries == 100
    assert emptiness(images, decoded, spec, np.arange(100)) == ()


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("calo_regions", 252 * 10),
        ("samples", 32 * 12),
        ("gelato", 14 * (14 + 9 + 8) + 14 + 8),
        # jets 1+16+13+14+18, muons with 6 bits of quality and one of charge more, MET 1+16+13+16
        ("p2gt", 6 * 62 + 4 * 69 + 46),
        ("invented", 5 * (10 + 1 + 12 + 7) + 8 * 8),
    ],
)
def test_words_of_other_layouts(name, bits):
    assert compression(layout_of(name), {"latent_q": (FixedFormat.parse("fixed<10,5>"), 2)}).event_bits == bits


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_perfect_decoder_is_perfect_in_every_layout(name):
    layout = layout_of(name)
    spec, hw = wide(layout), random_codes(layout, 150, 9)
    values = spec.to_network(hw) * spec.network.lsb
    rows = resolutions(hw, values, spec, np.arange(150), edges=(0, np.inf))
    assert {row.feature for row in rows} == {column.name for column in layout.columns if not column.feature.absent}
    assert {(row.bias.value, row.spread.value, row.half_width.value) for row in rows} == {(0, 0, 0)}
    empty = emptiness(hw, values, spec, np.arange(150))
    assert [row.group for row in empty] == [group.name for group in layout.groups if group.gate_feature is not None]
    assert {(row.empty_as_empty.value, row.filled_as_filled.value) for row in empty} <= {(1, 1)}


def test_differences_go_around_and_bins_are_of_energies_in_gev():
    """Degrees from -180 on: 3 codes beyond 179 are 3 degrees away. What has no energy beside it is not binned."""
    spec = wide(INVENTED)
    hw = np.zeros((60, INVENTED.size), INVENTED.dtype)
    INVENTED.block(hw, "track")[:, 0] = (178, 1, 43, 5)  # 178.5 degrees, 10.125 GeV
    values = spec.to_network(hw) * spec.network.lsb
    values[:, 0] += 3 / 16
    rows = resolutions(hw, values, spec, np.arange(60))
    azimuth = {(row.energy_low, row.energy_high): row for row in rows if row.feature == "track0_azimuth"}
    assert set(azimuth) == {(None, None), (10.0, 20.0)}
    assert {(row.bias.value, row.unit) for row in azimuth.values()} == {(3.0, "degree")}
    assert {row.energy_low for row in rows if row.feature == "pulse0"} == {None}
