import numpy as np
import pytest

from l1ae.delivery._ugt_objects import KINDS, Objects, check_deliverable, pack, unpack, wires
from l1ae.delivery._words import Field
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, ugt_input_spec

from .tiny import tiny_events

KIND = {kind.name: kind for kind in KINDS}


def take(kind: str, word: int) -> dict[str, int]:
    return {field.name: int(field.take(np.array([word], np.uint64))[0]) for field in KIND[kind].fields}


# Words of one crossing of a test-vector file that the uGT group published (mp7_ugt_legacy, firmware/sim/axo_v5_score_test): an
# e/gamma and the jet around it are the same calorimeter cluster, and a muon's two azimuths agree to few codes.
def test_a_published_electron_and_its_jet_are_at_the_same_place():
    egamma, jet = take("egammas", 0x087DEEAC), take("jets", 0x09F7B8AC)
    assert {name: egamma[name] for name in ("pt", "eta", "phi")} == {"pt": 172, "eta": -9, "phi": 62}
    assert {name: jet[name] for name in ("pt", "eta", "phi")} == {"pt": 172, "eta": -9, "phi": 62}
    egamma, jet = take("egammas", 0x02E5AC8B), take("jets", 0x0B96B08B)
    assert [egamma[name] for name in ("pt", "eta", "phi")] == [jet[name] for name in ("pt", "eta", "phi")] == [139, -42, 114]


def test_a_published_muon():
    muon = take("muons", 0x6130D00802784A1A)
    assert muon["phi"] == muon["phi_station"] == 538
    assert (muon["pt"], muon["eta"], muon["charge"], muon["index"], muon["pt_unconstrained"], muon["impact"]) == (18, 4, 2, 0, 9, 1)
    other = take("muons", 0x4027B00C287808F6)
    assert (other["pt"], other["eta"], other["phi"], other["phi_station"]) == (2, 80, 246, 246)


def test_published_missing_energy_has_its_phi_above_its_pt():
    assert take("sums", 0x2497A017) == {"pt": 23, "phi": 122}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_fields_do_not_overlap(kind):
    bits = [bit for field in kind.fields for bit in range(field.low, field.high + 1)]
    assert len(bits) == len(set(bits))
    assert max(bits) < kind.bits


def test_every_code_of_every_input_survives():
    spec = ugt_input_spec()
    low, high = spec.code_range
    rows = np.arange((high - low).max() + 1)[:, None]
    events = low + rows % (high - low + 1)
    assert all(len(np.unique(events[:, k])) == high[k] - low[k] + 1 for k in range(spec.size))
    np.testing.assert_array_equal(unpack(pack(events)), events)


def test_words_are_as_written_digit_by_digit():
    """An independent packing: fields as binary text, one below the other."""
    event = tiny_events(50)
    objects = pack(event)
    for row in range(len(event)):
        codes = event[row].tolist()
        expected = Objects.empty(1)
        expected.sums[0, 2] = int(f"{codes[2]:08b}{codes[0]:012b}", 2)
        for i in range(4):
            pt, eta, phi = codes[3 + 3 * i : 6 + 3 * i]
            expected.egammas[0, i] = int(f"{phi:08b}{eta % 256:08b}{pt:09b}", 2)
            pt, eta, phi = codes[15 + 3 * i : 18 + 3 * i]
            expected.muons[0, i] = int(f"{eta % 512:09b}0000{pt:09b}{phi:010b}", 2)
        for i in range(10):
            pt, eta, phi = codes[27 + 3 * i : 30 + 3 * i]
            expected.jets[0, i] = int(f"{phi:08b}{eta % 256:08b}{pt:011b}", 2)
        assert all(np.array_equal(objects.of(kind.name)[row], expected.of(kind.name)[0]) for kind in KINDS)
        assert not objects.taus.any()


def test_other_fields_of_a_word_are_not_read():
    events = tiny_events(20)
    objects = pack(events)
    rest = {kind: np.uint64(2**64 - 1) for kind in ("muons", "egammas", "jets", "sums")}
    for wire in wires():
        rest[wire.kind] &= ~wire.field.put(np.array([-1]))[0]
    noisy = Objects(
        objects.muons | rest["muons"],
        *(
            part | np.uint32(int(rest[kind]) & 0xFFFFFFFF) if kind in rest else part + 1
            for kind, part in [(kind, objects.of(kind)) for kind in ("egammas", "taus", "jets", "sums")]
        ),
    )
    assert not noisy.same(objects)
    np.testing.assert_array_equal(unpack(noisy), events)


def test_wires_are_the_inputs_but_for_the_eta_of_missing_energy():
    assert [wire.input for wire in wires()] == [0, *range(2, 57)]
    assert [wire.name for wire in wires()] == [name for name in ugt_input_spec().names if name != "met_eta"]
    for wire in wires():
        low, high = (bound[wire.input] for bound in ugt_input_spec().code_range)
        least, most = wire.field.range
        assert least <= low <= high <= most


def test_a_code_outside_its_scale_is_named():
    events = tiny_events(3)
    events[1, 4] = 128
    with pytest.raises(UserError, match="event 1: eg0_eta = 128 is outside its hardware range"):
        pack(events)


def test_any_preprocessing_is_deliverable_and_other_inputs_are_not():
    check_deliverable(ugt_input_spec("fixed<9,5>"))
    spec = ugt_input_spec()
    fewer = spec.model_copy(update={"groups": spec.groups[:3]})
    with pytest.raises(UserError, match="reads 27 inputs of view 'objects'; deliver it with --target emp"):
        check_deliverable(fewer)
    with pytest.raises(UserError, match="reads inputs of its own"):
        check_deliverable(None)
    other = spec.model_copy(update={"network": FixedFormat.parse("fixed<8,4>")})
    check_deliverable(other)


def test_a_signed_field_is_in_twos_complement():
    field = Field("eta", 9, 8, signed=True)
    assert field.range == (-128, 127)
    np.testing.assert_array_equal(field.put(np.array([-1, -128, 127])) >> np.uint64(9), [255, 128, 127])
    np.testing.assert_array_equal(field.take(np.array([0x1FE00, 0x10000, 0xFE00 | 0x1FF], np.uint32)), [-1, -128, 127])
