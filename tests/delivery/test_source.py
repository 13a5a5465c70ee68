import numpy as np

from l1ae.delivery import Provenance

from .tiny import THRESHOLD, tiny_contract


def test_the_source_answers_as_the_contract(tiny_source):
    score, trigger = tiny_source.answers
    assert 10 < trigger.sum() < 100
    np.testing.assert_array_equal(trigger, score >= THRESHOLD)


def test_rtl_and_hls_are_of_the_contract(tiny_rtl_source):
    assert tiny_rtl_source.rtl.design.digest == tiny_rtl_source.contract.digest == tiny_rtl_source.provenance.digest
    assert tiny_rtl_source.hls["l1ae_contract.json"].decode() == tiny_rtl_source.contract.to_json()


def test_provenance_is_in_two_lines():
    contract = tiny_contract()
    provenance = Provenance.of(contract)
    assert (provenance.name, provenance.version, provenance.project) == ("tiny", 3, "tiny_v3")
    lines = provenance.header("--", "wrapper").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("-- tiny_v3: wrapper.")
    assert lines[1].endswith(contract.digest)
    assert contract.digest.startswith(provenance.short_digest)
    assert len(provenance.short_digest) == 16
