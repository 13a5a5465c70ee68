"""Widths counted by hand, and resolutions of decoders whose errors are known."""

import numpy as np
import pytest
from scipy.stats import norm

from l1ae.evaluation import LEVEL
from l1ae.inputs import FixedFormat, calo_layer1_spec, ugt_input_spec
from l1ae.latent import compression, emptiness, resolutions

WIDE = ugt_input_spec("fixed<32,16>")


def test_widths_are_those_of_the_global_trigger():
    """MET 12 + 8, e/gamma 9 + 8 + 8, muon 9 + 9 + 10, jet 11 + 8 + 8 bits."""
    bits = 20 + 4 * 25 + 4 * 28 + 10 * 27
    form = FixedFormat.parse("fixed<10,5>")
    plain = compression(WIDE, {"latent_q": (form, 3)})
    assert (plain.event_bits, plain.code_bits, plain.ratio_mean_only) == (bits, {"latent_q": 30}, None)
    assert plain.ratio == pytest.approx(bits / 30)
    both = compression(WIDE, {"mu_q": (form, 3), "log_var_q": (FixedFormat.parse("fixed<8,4>"), 3)})
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
    codes = events.hw.reshape(len(events), -1) + shift + sigma * rng.standard_normal((len(events), WIDE.size))
    return (codes - WIDE.offset) / np.exp2(WIDE.shift)


def test_a_gaussian_decoder_has_its_width_bias_and_textbook_errors(events):
    rng = np.random.default_rng(5)
    rows = resolutions(events.hw, _smeared(events, 18.0, 3.0, rng), WIDE, np.arange(len(events)))
    row = next(row for row in rows if row.feature == "jet3_phi" and row.pt_high is None and row.pt_low == 0)
    lsb, n = 2 * np.pi / 144, row.entries
    assert row.unit == "rad"
    assert n == np.count_nonzero(events.hw[:, WIDE.slices()["jet"].start + 3, 0])
    errors = {"bias": 18 * lsb / n**0.5, "spread": 18 * lsb / (2 * n) ** 0.5}
    tail = (1 - LEVEL) / 2
    errors["half_width"] = 18 * lsb * (2 * tail * (1 - 2 * tail)) ** 0.5 / (2 * norm.pdf(1) * n**0.5)
    for name, value in {"bias": 3 * lsb, "spread": 18 * lsb, "half_width": 18 * lsb}.items():
        estimate = getattr(row, name)
        assert abs(estimate.value - value) < 4 * errors[name], name
        assert (estimate.high - estimate.low) / 2 == pytest.approx(errors[name], rel=0.3), name


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


def test_bins_are_of_the_original_pt(events):
    rows = resolutions(events.hw, WIDE.to_network(events.hw) * WIDE.network.lsb, WIDE, np.arange(len(events)), edges=(0, 100, np.inf))
    pt = WIDE.to_physical(events.hw)[:, 0, 0]
    entries = {(row.pt_low, row.pt_high): row.entries for row in rows if row.feature == "met_pt"}
    assert entries == {
        (0, None): np.sum(pt > 0),
        (0, 100): np.sum((pt > 0) & (pt < 100)),
        (100, None): np.sum(pt >= 100),
    }


def test_emptiness_counts_slots(events):
    values = WIDE.to_network(events.hw) * WIDE.network.lsb
    values = values.reshape(len(events), WIDE.slots, 3)
    jet, mu = WIDE.slices()["jet"], WIDE.slices()["mu"]
    values[:, jet, 0] = 1.0  # all jets filled
    values[:, mu, 0] = 0.0  # all muons gone
    rows = {row.group: row for row in emptiness(events.hw, values.reshape(len(events), -1), WIDE, events.source_event)}
    filled = events.hw[:, :, 0] != 0
    assert rows["jet"].filled_slots == filled[:, jet].sum()
    assert (rows["jet"].empty_as_empty.value, rows["jet"].filled_as_filled.value) == (0, 1)
    assert (rows["mu"].empty_as_empty.value, rows["mu"].filled_as_filled.value) == (1, 0)
    assert (rows["eg"].empty_as_empty.value, rows["eg"].filled_as_filled.value) == (1, 1)
    assert rows["jet"].filled_as_filled.low < 1


def test_emptiness_has_a_binomial_error_for_independent_slots(spec):
    """One MET slot per event, wrong at random in 30 %: the interval is Clopper and Pearson's, near sqrt(p q / n)."""
    rng = np.random.default_rng(8)
    hardware = np.zeros((4000, spec.slots, 3), np.int16)
    hardware[:, 0, 0] = 100
    values = spec.to_network_float(hardware).astype(float)
    values[rng.random(4000) < 0.3, 0] = 0
    fraction = emptiness(hardware, values, spec, np.arange(4000))[0].filled_as_filled
    assert fraction.value == pytest.approx(0.7, abs=0.03)
    assert (fraction.high - fraction.low) / 2 == pytest.approx((0.21 / 4000) ** 0.5, rel=0.05)


def test_regions_have_resolutions_and_emptiness_too():
    """A decoder that adds 2 codes of 0.5 GeV to every region fills the empty ones."""
    spec = calo_layer1_spec("ufixed<10,6,RND_CONV,SAT>", 4)
    images = np.random.default_rng(1).integers(0, 3, (100, *spec.event_shape)).astype(np.uint16)
    decoded = (images.reshape(100, -1) + 2) / 16
    rows = resolutions(images, decoded, spec, np.arange(100))
    assert {(row.unit, row.bias.value, row.spread.value) for row in rows} == {("GeV", 1.0, 0.0)}
    assert rows[0].entries == np.count_nonzero(images[:, 0, 0])
    (empty,) = emptiness(images, decoded, spec, np.arange(100))
    assert (empty.group, empty.empty_as_empty.value, empty.filled_as_filled.value) == ("regions", 0, 1)
    assert compression(spec, {"latent_q": (FixedFormat.parse("fixed<10,5>"), 2)}).event_bits == 252 * 10
