from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.models import Calibration, calibrate, firmware_plan, integer_bits


def _saturates(value: Fraction, bits: int, integer: int, signed: bool) -> bool:
    """Whether `value` lies more than half an LSB above the largest code."""
    lsb = Fraction(2) ** (integer - (bits - signed))
    return value > (2 ** (bits - signed) - 1) * lsb + lsb / 2


@given(st.floats(1e-6, 1e6), st.integers(2, 16), st.booleans())
def test_integer_bits_are_the_fewest_without_saturation(value, bits, signed):
    integer = integer_bits(value, bits, signed=signed)
    # within one part in 10^12 of the edge float64 may decide either way
    assert not _saturates(Fraction(value) * (1 - Fraction(1, 10**12)), bits, integer, signed)
    assert _saturates(Fraction(value) * (1 + Fraction(1, 10**12)), bits, integer - 1, signed)


@pytest.mark.parametrize(("codes", "integer"), [(127.4, 0), (127.6, 1), (63.7, -1), (63.8, 0)])
def test_rounding_to_the_top_code_is_no_saturation(codes, integer):
    assert integer_bits(codes / 128, 8, signed=True) == integer


def test_a_layer_of_zeros_needs_no_integer_bits():
    assert integer_bits(0.0, 8, signed=True) == 0


def _config(architecture: str = "dense_ae", **model: object) -> Config:
    score = "squared_error" if architecture == "dense_ae" else "kl"
    return Config.model_validate({"name": "m", "seed": 1, "model": {"architecture": architecture, "score": score, **model}})


def _calibrate(config: Config, *, kernel: float = 0.4, bias: float = 0.1, activation: float = 3.0) -> Calibration:
    plan = firmware_plan(config)
    return calibrate(
        config, {step.name: kernel for step in plan}, {step.name: bias for step in plan}, {step.activation: activation for step in plan}
    )


@pytest.mark.parametrize("architecture", ["dense_ae", "dense_vae"])
def test_every_quantizer_gets_a_range(architecture):
    calibration = _calibrate(_config(architecture))
    plan = firmware_plan(_config(architecture))
    assert list(calibration.weights) == [step.name for step in plan]
    assert calibration.activations == dict.fromkeys([step.activation for step in plan], 2)
    assert {bits.kernel_integer for bits in calibration.weights.values()} == {-1}


def test_biases_lie_on_the_grid_of_the_products():
    weights = _calibrate(_config()).weights
    # inputs: fixed<12,6>, 6 fractional bits; kernel: 8 bits, range +-0.5, 8 fractional bits
    assert weights["enc0"].bias_bits - 1 - weights["enc0"].bias_integer == 6 + 8
    # enc0_relu: 8 bits unsigned below 4, 6 fractional bits
    assert weights["enc1"].bias_bits - 1 - weights["enc1"].bias_integer == 6 + 8
    # latent_q: 10 bits, range +-4, 7 fractional bits; 1 + 0 + 15 bits would be 16
    assert weights["dec0"].bias_bits == 16


def test_biases_stop_at_16_bits_and_keep_their_range():
    bits = _calibrate(_config(), bias=5.0).weights["enc0"]
    assert (bits.bias_bits, bits.bias_integer) == (16, 3)


def test_activations_get_no_negative_integer_bits():
    assert set(_calibrate(_config(), activation=0.01).activations.values()) == {0}


def test_json_round_trip(tmp_path):
    calibration = _calibrate(_config("dense_vae"))
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == calibration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"weights": {"enc0": {}}, "activations": {}}',
        '{"weights": 1, "activations": {}}',
        '{"weights": {}, "activations": {"enc0": true}}',
        '{"weights": {}, "activations": {"enc0": 2.5}}',
        "[" * 100_000,
    ],
)
def test_damaged_calibrations_are_refused(text, tmp_path):
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(UserError, match=r"calibration\.json' is (damaged|no calibration).*train the model again"):
        Calibration.load(tmp_path / "calibration.json")
