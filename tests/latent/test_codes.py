"""Latent codes are the contract's integers, and a file of them is deterministic and says what it holds."""

import h5py
import numpy as np
import pytest

from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.latent import encode_store, latent_tensors, read_codes, write_codes


@pytest.mark.parametrize(("score", "tensors"), [("squared_error", ("latent_q",)), ("kl", ("mu_q", "log_var_q"))])
def test_codes_are_those_of_the_reference_evaluation(make_network, store, events, score, tensors, tmp_path):
    contract = make_network(score).contract
    assert latent_tensors(contract) == tensors
    codes = encode_store(store, contract, part=lambda block: (block.source_event % 3).astype(np.int8))
    write_codes(tmp_path / "codes.h5", codes)
    again = read_codes(tmp_path / "codes.h5")
    expected = contract.evaluate_reference(events.hw, [*tensors, "score"])
    for name in tensors:
        assert np.array_equal(again.tensors[name], expected[name])
        assert again.formats[name] == contract[name].format
    assert np.array_equal(again.score, expected["score"][:, 0])
    assert np.array_equal(again.part, events.source_event % 3)
    assert again.origin == {"contract": contract.digest, "project": contract.project, "store": "store.h5", "provenance": {"seed": 11}}
    assert len(np.unique(again.groups)) == len(np.unique(events.source_event)) * 2
    real = np.concatenate([expected[name] * contract[name].format.lsb for name in tensors], axis=1)
    assert np.array_equal(again.values(), real)
    assert len(again.names) == real.shape[1]


def test_a_file_is_deterministic_chunked_and_describes_itself(make_network, store, tmp_path):
    contract = make_network("squared_error").contract
    paths = [tmp_path / name for name in ("first.h5", "second.h5")]
    for path in paths:
        write_codes(path, encode_store(store, contract))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first.h5", "second.h5", "store.h5"]
    with h5py.File(paths[0]) as file:
        assert file.attrs["contract"] == contract.digest
        assert file.attrs["sample"] == "toy"
        assert file["latent_q"].dtype == np.int16
        assert file["latent_q"].chunks is not None
        assert file["latent_q"].attrs["type"] == str(contract["latent_q"].format)
        assert file["latent_q"].attrs["lsb"] == contract["latent_q"].format.lsb


def test_selecting_keeps_columns_together(make_network, store):
    codes = encode_store(store, make_network("squared_error").contract)
    chosen = codes.select(codes.process == 1)
    assert len(chosen) == 1000
    assert np.array_equal(chosen.score, codes.score[1::2])
    assert np.array_equal(chosen.tensors["latent_q"], codes.tensors["latent_q"][1::2])


def test_a_contract_without_a_latent_layer_is_refused(make_network):
    contract = make_network("squared_error").contract
    changed = Contract.from_json(contract.to_json().replace('"latent_q"', '"code_q"'))
    with pytest.raises(UserError, match="has no latent layer"):
        latent_tensors(changed)


def test_files_that_are_something_else_are_refused(store, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_codes(tmp_path / "nothing.h5")
    with pytest.raises(UserError, match="no latent codes of version 1"):
        read_codes(store.path)
    (tmp_path / "damaged.h5").write_bytes(b"not HDF5")
    with pytest.raises(UserError, match=r"damaged\.h5: cannot be read"):
        read_codes(tmp_path / "damaged.h5")
