"""Table layers against rational arithmetic, numerical derivatives, and a count of every lookup table."""

from fractions import Fraction
from itertools import product
from math import ceil, log2

import numpy as np
import pytest
import tensorflow as tf

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.models import (
    TableDense,
    TableStep,
    build_float_networks,
    build_quantized_model,
    calibrate,
    firmware_plan,
    fold_batch_norm,
    table_luts,
    weight_steps,
)

SINGLE, PAIRS = ((0,), (1,), (2,)), ((0, 1), (0, 2), (1, 2))


def _layer(rng, units=4, *, index=SINGLE, build=True, **options):
    layer = TableDense(units, index=index, **{"bits": 3, **options})
    if build:
        layer.build((None, 3))
        for weight in (layer.slope, layer.table, layer.bias):
            weight.assign(rng.normal(0, 2, weight.shape))
    return layer


def _codes(layer):
    low = -(layer.levels // 2) if layer.signed else 0
    return range(low, low + layer.levels)


def _entry(layer, edge, codes, unit, *, rounded=True):
    """Line plus deviation in rational numbers, of input codes, on the grid where there is one."""
    values = [Fraction(code) / 2**layer.fraction for code in codes]
    address = 0
    for code in codes:
        address = address * layer.levels + code - _codes(layer)[0]
    slopes = layer.slope.numpy()[edge * layer.fan : (edge + 1) * layer.fan, unit]
    exact = sum(value * Fraction(float(slope)) for value, slope in zip(values, slopes, strict=True))
    exact += Fraction(float(layer.table.numpy()[edge, address, unit]))
    if not rounded:
        return exact
    fraction = layer.entry_fraction if not layer.learned else round(float(layer.edge_fraction.numpy()[edge, unit]))
    return Fraction(round(exact * Fraction(2) ** fraction)) / Fraction(2) ** fraction


@pytest.mark.slow
@pytest.mark.parametrize(
    ("index", "options"),
    [
        (SINGLE, {"fraction": 0}),
        (SINGLE, {"fraction": 2, "signed": True}),
        (SINGLE, {"fraction": -1, "learned": True}),
        (PAIRS, {"bits": 2, "signed": True, "fraction": 1}),
        (PAIRS, {"bits": 3, "learned": True}),
    ],
)
def test_a_node_is_exactly_the_sum_of_its_entries(index, options):
    rng = np.random.default_rng(1)
    layer = _layer(rng, index=index, entry_fraction=4, **options)
    if layer.learned:
        layer.edge_fraction.assign(rng.uniform(-2, 4, layer.edge_fraction.shape))
    events = np.array(list(product(_codes(layer), repeat=3)))
    found = np.asarray(layer((events * 2.0**-layer.fraction).astype(np.float32)), np.float64)
    for event, sums in zip(events[::7], found[::7], strict=True):
        for unit, value in enumerate(sums):
            bias = Fraction(round(Fraction(float(layer.bias.numpy()[unit])) * 16), 16)
            edges = (_entry(layer, edge, [event[k] for k in chosen], unit) for edge, chosen in enumerate(index))
            assert Fraction(value) == bias + sum(edges)


def test_between_codes_the_float_layer_interpolates_and_beyond_them_it_stays():
    layer = _layer(np.random.default_rng(2), fraction=1)
    x = np.array([[0.6, 1.0, 3.3], [-4.0, 0.0, 9.0]], np.float32)
    entries = np.asarray(layer.entries(), np.float64)
    place = np.clip(x.astype(np.float64) * 2, 0, 7)
    expected = layer.bias.numpy() + sum(
        np.stack([np.interp(place[:, edge], range(8), entries[edge, :, unit]) for unit in range(4)], axis=1) for edge in range(3)
    )
    np.testing.assert_allclose(np.asarray(layer(x)), expected, rtol=1e-5)


@pytest.mark.parametrize("index", [SINGLE, PAIRS])
def test_the_gradient_of_an_input_is_the_slope_between_its_neighbours(index):
    layer = _layer(np.random.default_rng(3), index=index, entry_fraction=6)
    for event in ([0.0, 3.0, 7.0], [6.0, 1.0, 4.0]):
        x = tf.constant([event], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x))
        gradient = tape.gradient(total, x).numpy()[0]
        for k in range(3):
            up, down = (np.array([event], np.float32) for _ in range(2))
            up[0, k], down[0, k] = min(event[k] + 1, 7), max(event[k] - 1, 0)
            slope = (np.asarray(layer(up)).sum() - np.asarray(layer(down)).sum()) / (up[0, k] - down[0, k])
            assert gradient[k] == pytest.approx(slope, rel=1e-5)


def test_only_the_entries_that_events_hit_learn_from_them():
    layer = _layer(np.random.default_rng(4), entry_fraction=6)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(np.array([[2, 5, 7], [2, 0, 7]], np.float32)))
    hits = np.zeros((3, 8, 4))
    hits[0, 2], hits[1, 5], hits[1, 0], hits[2, 7] = 2, 1, 1, 2
    np.testing.assert_array_equal(tape.gradient(total, layer.table.value), hits)


def test_snapped_entries_compute_the_same_and_stay():
    rng = np.random.default_rng(5)
    layer = _layer(rng, entry_fraction=3, learned=True)
    layer.edge_fraction.assign(rng.uniform(-1, 3, layer.edge_fraction.shape))
    x = rng.integers(0, 8, (50, 3)).astype(np.float32)
    before = layer(x).numpy()
    layer.snap()
    np.testing.assert_array_equal(layer(x), before)
    np.testing.assert_array_equal(layer.table, layer.entries())
    np.testing.assert_array_equal(layer.edge_fraction, np.round(layer.edge_fraction))


def _config(**changes):
    model = {"architecture": "table_ae", "score": "squared_error", "encoder": [5], "latent": 3, "decoder": [4], "activation_bits": 4}
    content = {
        "name": "tiny",
        "inputs": {"select": {"features": ["pt"]}, "network": "ufixed<4,4,RND_CONV,SAT>"},
        "model": model | {"layers": {"latent": {"activation_bits": 3}}} | changes,
        "training": {"learned_widths": {"initial_bits": 3}},
    }
    return Config.model_validate(content)


def _quantized(config, rng):
    steps = weight_steps(firmware_plan(config))
    halves = {step.name: 0.5 for step in steps}
    model = build_quantized_model(config, calibrate(config, halves, halves, {step.activation: 2.0 for step in steps}))
    for step in steps:
        layer = model.get_layer(step.name)
        layer.table.assign(rng.normal(0, 1, layer.table.shape))
        layer.edge_fraction.assign(rng.uniform(-1, 3, layer.edge_fraction.shape))
    return model


def _counted(layer, entries):
    """Lookup tables of a layer, table by table: its edges in groups that six bits address, each group's bits and adders."""
    together = max(6 // layer.address_bits, 1)
    total = 0.0
    for unit in range(layer.units):
        fractions = np.round(layer.edge_fraction.numpy()[:, unit])
        for edge in range(len(layer.index)):
            codes = entries[edge, :, unit] * 2.0 ** fractions[edge]
            bits = ceil(log2(codes.max() - codes.min() + 1))
            size = together * layer.address_bits
            share = {True: 0.5, False: 2 ** max(size - 6, 0)}[size <= 5]
            total += bits * (share + 1) / together
    return total


@pytest.mark.parametrize("changes", [{}, {"pairs": True}, {"layers": {"latent": {"activation_bits": 2}}}])
def test_the_cost_is_that_of_every_table_and_adder(changes):
    config = _config(**changes)
    model = _quantized(config, np.random.default_rng(6))
    layers = [model.get_layer(step.name) for step in firmware_plan(config)]
    expected = sum(_counted(layer, np.asarray(layer.entries(), np.float64)) for layer in layers)
    assert float(table_luts(config, model)) == pytest.approx(expected, rel=1e-5)


def test_the_cost_pulls_at_every_width_by_what_a_bit_costs():
    config = _config()
    model = _quantized(config, np.random.default_rng(7))
    layer = model.get_layer("dec0")
    with tf.GradientTape() as tape:
        cost = table_luts(config, model)
    used = np.asarray(layer.edge_bits()) > 0
    # two edges of three bits share a table of six
    np.testing.assert_allclose(tape.gradient(cost, layer.edge_fraction.value), used * (1 + 1) / 2)


def test_folded_tables_compute_what_the_normalised_ones_do():
    config = _config()
    networks = build_float_networks(config)
    rng = np.random.default_rng(8)
    for layer in networks.firmware.layers:
        for weight in layer.weights:
            weight.assign(np.abs(rng.normal(1, 0.3, weight.shape)))
    x = rng.integers(0, 16, (200, 19)).astype(np.float32)
    expected = networks.firmware(x, training=False).numpy()
    assert expected.std() > 0
    np.testing.assert_allclose(fold_batch_norm(config, networks).firmware(x).numpy(), expected, rtol=2e-4, atol=2e-4)


def test_untrained_codes_spread_over_their_range():
    config = _config()
    model = build_float_networks(config).firmware
    probe = tf.keras.Model(model.input, model.get_layer("latent_relu").output)
    codes = probe(np.random.default_rng(9).integers(0, 16, (2000, 19)).astype(np.float32), training=True).numpy()
    assert codes.min() >= 0
    assert codes.max() <= 7
    assert np.mean((codes > 0) & (codes < 7)) > 0.8


def test_steps_say_which_codes_address_which_tables():
    first, *_, last = (step for step in firmware_plan(_config(pairs=True)) if isinstance(step, TableStep))
    assert len(first.index) == 19 * 18 // 2
    assert (first.address.width, first.coded) == (4, True)
    assert [(len(edge), last.coded) for edge in last.index] == [(1, False)] * 4
    assert last.address.width == 4


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        ("ufixed<9,5,RND_CONV,SAT>", {}, "layer 'enc0': 'inputs' has codes of 9 bits, too many"),
        ("ufixed<5,5,RND_CONV,SAT>", {"pairs": True}, "layer 'enc0': 'inputs' has codes of 5 bits each, two together, too many"),
        ("ufixed<5,5,RND_CONV,SAT>", {"activation_bits": 9}, "layer 'latent': 'enc0' has codes of 9 bits, too many"),
    ],
)
def test_codes_that_are_too_wide_are_refused(network, changes, message):
    config = _config(**changes)
    config = config.model_copy(update={"inputs": config.inputs.model_copy(update={"network": _format(network)})})
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        firmware_plan(config)


def _format(text):
    from l1ae.inputs import FixedFormat

    return FixedFormat.parse(text)
