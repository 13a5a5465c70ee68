"""Scores of tiny contracts, computed here in rational numbers from the codes of the tensors that they are made of."""

from fractions import Fraction
from math import exp, expm1, floor

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract._builder import Builder, add_inputs, function_table
from l1ae.contract._contract import Contract
from l1ae.contract._ops import Gather, Quantize
from l1ae.contract._scores import add_score
from l1ae.errors import UserError
from l1ae.families import precision, variance_term
from l1ae.inputs import FixedFormat

ARCHITECTURES = {
    "squared_error": "dense_ae",
    "absolute_error": "dense_ae",
    "latent_error": "latent_ae",
    "mu2": "dense_vae",
    "kl": "dense_vae",
    "rz": "dense_vae",
}
TABLE = FixedFormat.parse("ufixed<14,6,RND_CONV,SAT>")
SCORE = "ufixed<34,22,TRN,SAT>"


def _config(score, layout="ugt"):
    student = {"architecture": "student", "convolutions": [{"filters": 1}]}
    model = student if score == "output" else {"architecture": ARCHITECTURES[score]}
    table = {"table_type": str(TABLE)} if score in {"kl", "rz"} else {}
    training = {"noise": {"masking": 0.1}} if score == "latent_error" else {}
    content = {"score": score, "score_type": SCORE, **table, **model}
    return Config.model_validate({"name": "tiny", "inputs": {"layout": layout}, "model": content, "training": training})


def _contract(score, outputs, layout="ugt"):
    """`outputs`: (name, elements of the inputs, format) of each output; the elements are cast to the format."""
    config = _config(score, layout)
    builder, spec = Builder(), config.inputs.spec()
    add_inputs(builder, spec)
    names = []
    for name, elements, form in outputs:
        index = np.asarray(elements, np.int64)
        builder.add(Gather(name=f"{name}_raw", inputs=("inputs",), format=spec.network, size=len(index), index=index))
        names.append(builder.add(Quantize(name=name, inputs=(f"{name}_raw",), format=FixedFormat.parse(form), size=len(index))))
    add_score(builder, config, names)
    return Contract("tiny_v1", tuple(builder.operations))


def _values(contract, hardware, name):
    """One list of rational numbers per event."""
    scale = Fraction(2) ** contract[name].format.fraction
    return [[int(code) / scale for code in row] for row in contract.evaluate(hardware, [name])[name]]


def _check(contract, hardware, expected):
    """The score is the exact number, truncated and saturated to `SCORE`."""
    found = contract.evaluate(hardware, ["score"])["score"][:, 0]
    codes = [min(floor(value * 2**12), 2**34 - 1) for value in expected]
    assert found.tolist() == codes
    assert len(set(codes)) > 50


def _filled(hardware):
    """Inputs that carry information: (event, input), from the rule of the trigger."""
    filled = np.repeat(hardware[:, ::3] != 0, 3, axis=1)
    filled[:, 1] = False
    return filled


EVENTS = 200


@pytest.mark.parametrize(("score", "power"), [("squared_error", 2), ("absolute_error", 1)])
def test_reconstruction_errors_leave_empty_slots_out(hardware, score, power):
    events = hardware[:EVENTS]
    contract = _contract(score, [("out", np.roll(np.arange(57), 4), "fixed<9,4,RND_CONV,SAT>")])
    filled = _filled(events)
    expected = [
        sum(abs(x - y) ** power for x, y, use in zip(a, b, used, strict=True) if use)
        for a, b, used in zip(_values(contract, events, "inputs"), _values(contract, events, "out"), filled, strict=True)
    ]
    _check(contract, events, expected)
    assert not filled.all()


@pytest.mark.parametrize(("score", "power"), [("squared_error", 2), ("absolute_error", 1)])
def test_reconstruction_errors_of_an_image_count_every_region(score, power):
    events = np.random.default_rng(3).integers(0, 1024, (EVENTS, 252))
    events[:, ::3] = 0
    contract = _contract(score, [("out", np.roll(np.arange(252), 4), "fixed<9,8,RND_CONV,SAT>")], "calo_regions")
    pairs = zip(_values(contract, events, "inputs"), _values(contract, events, "out"), strict=True)
    expected = [sum(abs(x - y) ** power for x, y in zip(a, b, strict=True)) for a, b in pairs]
    _check(contract, events, expected)
    assert len(contract[score].inputs) == 2


def test_latent_error_is_the_squared_distance_of_formats_that_differ(hardware):
    events = hardware[:EVENTS]
    outputs = [("features", [0, 3, 4, 5], "ufixed<9,4,RND_CONV,SAT>"), ("out", [6, 8, 4, 15], "fixed<12,5,RND_CONV,SAT>")]
    contract = _contract("latent_error", outputs)
    pairs = zip(_values(contract, events, "features"), _values(contract, events, "out"), strict=True)
    _check(contract, events, [sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a, b in pairs])


def test_output_is_the_number_itself(hardware):
    contract = _contract("output", [("output", [3], "fixed<12,6,RND_CONV,SAT>")])
    _check(contract, hardware, [max(value, 0) for (value,) in _values(contract, hardware, "output")])


MU = ("mu", [0, 3, 4, 5], "fixed<10,4,RND_CONV,SAT>")
LOG_VAR = ("log_var", [7, 8, 4, 16], "fixed<8,3,RND_CONV,SAT>")


@pytest.mark.parametrize("outputs", [[MU], [MU, LOG_VAR]])
def test_mu2_is_the_squared_norm_with_or_without_the_other_output(hardware, outputs):
    contract = _contract("mu2", outputs)
    _check(contract, hardware[:EVENTS], [sum(x * x for x in row) for row in _values(contract, hardware[:EVENTS], "mu")])


def _tabulated(value, function):
    """The nearest value of `TABLE` to the function, saturated; no tie arises for irrational results."""
    lsb = Fraction(1, 2**TABLE.fraction)
    return min(round(Fraction(function(float(value))) / lsb), 2**TABLE.width - 1) * lsb


def test_kl_is_the_divergence_with_a_tabulated_exponential(hardware):
    events = hardware[:EVENTS]
    contract = _contract("kl", [MU, LOG_VAR])
    rows = zip(_values(contract, events, "mu"), _values(contract, events, "log_var"), strict=True)
    table = [(sum(x * x for x in mu) + sum(_tabulated(v, lambda v: expm1(v) - v) for v in log_var)) / 2 for mu, log_var in rows]
    _check(contract, events, table)


def test_rz_is_the_weighted_norm_with_a_tabulated_exponential(hardware):
    events = hardware[:EVENTS]
    contract = _contract("rz", [MU, LOG_VAR])
    rows = zip(_values(contract, events, "mu"), _values(contract, events, "log_var"), strict=True)
    _check(
        contract, events, [sum(x * x * _tabulated(v, lambda v: exp(-v)) for x, v in zip(mu, log_var, strict=True)) for mu, log_var in rows]
    )


@pytest.mark.parametrize(("function", "exact"), [(variance_term, lambda v: expm1(v) - v), (precision, lambda v: exp(-v))])
@pytest.mark.parametrize("source", ["fixed<8,3>", "ufixed<6,2>"])
def test_tables_hold_the_nearest_code_for_every_input_and_say_how_far_off_they_are(function, exact, source):
    form = FixedFormat.parse(source)
    table = function_table("t", "v", form, TABLE, size=1, text="f", function=function)
    errors = []
    for bits, code in enumerate(table.codes):
        value = (bits - 2**form.width if form.signed and bits >= 2 ** (form.width - 1) else bits) * form.lsb
        real = exact(value)
        if code < TABLE.high:
            errors.append(abs(code * TABLE.lsb - real))
            assert errors[-1] <= TABLE.lsb / 2 * (1 + 1e-9)
        else:
            assert real > (TABLE.high - 0.5) * TABLE.lsb
    assert table.max_error == pytest.approx(max(errors), rel=1e-9)
    assert len(table.codes) == 2**form.width


def test_a_table_over_a_wide_tensor_is_refused():
    with pytest.raises(UserError, match="layer 'log_var': 18 bits are too many for the table 'exp"):
        _contract("rz", [MU, ("log_var", [7, 8, 4, 16], "fixed<18,3>")])
