"""The file of type names that a project brings with it."""

import json

import pytest

from l1ae.errors import UserError
from l1ae.hls._csim import _type_names
from l1ae.hls._project import TYPES_FILE


@pytest.mark.parametrize("content", ["{", "[]", '{"score": 3}', '{"score": {"output": 5}}', '{"score": ["output"]}'])
def test_something_else_is_refused_with_its_file(content, make_network, tmp_path):
    (tmp_path / TYPES_FILE).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / TYPES_FILE).write_text(content)
    with pytest.raises(UserError, match=r"is damaged .*run `l1ae hls` again"):
        _type_names(make_network("mu2").contract, tmp_path)


def test_a_missing_operation_is_another_contract(make_network, tmp_path):
    (tmp_path / TYPES_FILE).write_text(json.dumps({"score": {"output": "score_t"}}))
    with pytest.raises(UserError, match="it was made from another contract"):
        _type_names(make_network("mu2").contract, tmp_path)
