"""Serialisation, digest, thresholds and the exp table."""

import json
import math

import numpy as np
import pytest

from l1ae.contract import Contract, function_table
from l1ae.errors import UserError
from l1ae.families import precision, variance_term
from l1ae.inputs import FixedFormat


@pytest.mark.parametrize("score", ["squared_error", "mu2", "kl"])
def test_round_trip_gives_the_same_bytes_and_answers(make_network, hardware, score, tmp_path):
    contract = make_network(score).contract
    contract.save(tmp_path / "contract.json")
    again = Contract.load(tmp_path / "contract.json")
    assert again.to_json() == contract.to_json()
    assert again.digest == contract.digest
    np.testing.assert_array_equal(again.evaluate(hardware)["score"], contract.evaluate(hardware)["score"])
    assert [path.name for path in tmp_path.iterdir()] == ["contract.json"]


def test_digest_changes_with_one_weight_bit(make_network):
    contract = make_network("mu2").contract
    content = json.loads(contract.to_json())
    dense = next(item for item in content["operations"] if item["kind"] == "Dense")
    dense["weights"][3][2] ^= 1
    assert Contract.from_json(json.dumps(content)).digest != contract.digest


_UNKNOWN_KIND = '{"format": "l1ae-contract", "format_version": 2, "project": "x", "operations": [{"kind": "Nope"}]}'


@pytest.mark.parametrize("text", ["", "{}", _UNKNOWN_KIND])
def test_damaged_text_is_refused_with_the_remedy(text):
    with pytest.raises(UserError, match=r"somewhere is no readable contract .* make it again"):
        Contract.from_json(text, "somewhere")


def test_another_version_is_refused(make_network):
    content = json.loads(make_network("mu2").contract.to_json()) | {"format_version": 99}
    with pytest.raises(UserError, match="version 99 is not l1ae-contract version 2"):
        Contract.from_json(json.dumps(content))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist; run `l1ae train` first"):
        Contract.load(tmp_path / "contract.json")


def test_a_threshold_that_is_no_score_is_refused(make_network):
    with pytest.raises(UserError, match=r"threshold 262144 is no code of the score's type ufixed<18,14,TRN,SAT>; take one of 0 to 262143"):
        make_network("mu2", score_type="ufixed<18,14,TRN,SAT>").contract.with_threshold(1 << 18)


@pytest.mark.parametrize(
    ("function", "expected"),
    [(variance_term, lambda value: math.expm1(value) - value), (precision, lambda value: math.exp(-value))],
)
def test_a_table_is_the_function_within_half_an_lsb(function, expected):
    source, form = FixedFormat.parse("fixed<9,5>"), FixedFormat.parse("ufixed<18,10,RND_CONV,SAT>")
    table = function_table("g", "x", source, form, size=3, text="text", function=function)
    assert len(table.codes) == 512
    for bits, code in enumerate(table.codes.tolist()):
        exact = expected((bits - 512 if bits >= 256 else bits) / 16)
        if exact >= (form.high + 0.5) * form.lsb:
            assert code == form.high
        else:
            assert abs(code * form.lsb - exact) <= form.lsb / 2
    assert 0 < table.max_error <= form.lsb / 2
