import numpy as np
import pytest

from l1ae.delivery._ugt_objects import KINDS, Objects, layout_of, pack, unpack, wires
from l1ae.delivery._words import Field
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

from .records import record_at_vertex
from .tiny import tiny_events

UGT = named_layout("ugt")
# every number of the trigger that has bits in its words: all but the muons' eta at the stations
FEATURES = sorted({feature.name for group in named_layout("ugt_full").groups for feature in group.features} - {"eta_station"})
FULL = named_layout("ugt_full").select({"features": FEATURES})
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
    assert (muon["pt"], muon["eta"], muon["charge"], muon["index"], muon["pt_unconstrained"], muon["impact"]) == (18, 4, 1, 0, 9, 1)
    other = take("muons", 0x4027B00C287808F6)
    assert (other["pt"], other["eta"], other["phi"], other["phi_station"]) == (2, 80, 246, 246)


def test_published_missing_energy_has_its_phi_above_its_pt():
    assert take("sums", 0x2497A017) == {"pt": 23, "phi": 122}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_fields_do_not_overlap(kind):
    for word in range(kind.count):
        bits = [bit for field in kind.fields_of(word) for bit in range(field.low, field.high + 1)]
        assert len(bits) == len(set(bits))
        assert max(bits) < kind.bits


@pytest.mark.parametrize("layout", [UGT, FULL, record_at_vertex()], ids=["ugt", "ugt_full", "record"])
def test_every_code_of_every_input_survives(layout):
    low, high = layout.code_range
    rows = np.arange((high - low).max() + 1)[:, None]
    events = low + rows % (high - low + 1)
    assert all(len(np.unique(events[:, k])) == high[k] - low[k] + 1 for k in range(layout.size))
    np.testing.assert_array_equal(unpack(pack(events, layout), layout), events)


def test_words_are_as_written_digit_by_digit():
    """An independent packing: fields as binary text, one below the other."""
    event = tiny_events(50)
    objects = pack(event, UGT)
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
    objects = pack(events, UGT)
    rest = {kind: np.uint64(2**64 - 1) for kind in ("muons", "egammas", "jets", "sums")}
    for wire in wires(UGT):
        rest[wire.kind] &= ~wire.field.put(np.array([-1]))[0]
    noisy = Objects(
        objects.muons | rest["muons"],
        *(
            part | np.uint32(int(rest[kind]) & 0xFFFFFFFF) if kind in rest else part + 1
            for kind, part in [(kind, objects.of(kind)) for kind in ("egammas", "taus", "jets", "sums")]
        ),
    )
    assert not noisy.same(objects)
    np.testing.assert_array_equal(unpack(noisy, UGT), events)


def test_wires_are_the_inputs_but_for_the_eta_of_missing_energy():
    assert [wire.input for wire in wires(UGT)] == [0, *range(2, 57)]
    assert [wire.name for wire in wires(UGT)] == [name for name in UGT.names if name != "met_eta"]
    for wire in wires(UGT):
        low, high = (bound[wire.input] for bound in UGT.code_range)
        least, most = wire.field.range
        assert least <= low <= high <= most


def test_a_code_outside_its_scale_is_named():
    events = tiny_events(3)
    events[1, 4] = 128
    with pytest.raises(UserError, match="event 1: eg0_eta = 128 is outside its hardware range"):
        pack(events, UGT)


def test_words_of_all_objects_are_as_written_digit_by_digit():
    """The same for what `ugt` does not have: charges, qualities, indices, taus, all sums."""
    at = {name: k for k, name in enumerate(FULL.names)}
    rng = np.random.default_rng(12)
    low, high = FULL.code_range
    events = rng.integers(low, high + 1, (50, FULL.size))
    objects = pack(events, FULL)
    charges = {-1: 0b11, 0: 0b00, 1: 0b10}  # known, negative
    for row, codes in enumerate(events.tolist()):
        for i in range(8):
            pt, eta, phi, quality, charge, index, station, free = (
                codes[at[f"mu{i}_{name}"]] for name in ("pt", "eta", "phi", "quality", "charge", "index", "phi_station", "pt_unconstrained")
            )
            upper = f"{free:08b}{station:010b}{index:07b}{charges[charge]:02b}00{eta % 512:09b}"
            assert int(objects.muons[row, i]) == int(f"{upper}{quality:04b}{pt:09b}{phi:010b}", 2)
        for i in range(12):
            pt, eta, phi, quality = (codes[at[f"jet{i}_{name}"]] for name in ("pt", "eta", "phi", "quality"))
            assert int(objects.jets[row, i]) == int(f"{quality}{phi:08b}{eta % 256:08b}{pt:011b}", 2)
            for kind, words in (("eg", objects.egammas), ("tau", objects.taus)):
                pt, eta, phi, isolation = (codes[at[f"{kind}{i}_{name}"]] for name in ("pt", "eta", "phi", "isolation"))
                assert int(words[row, i]) == int(f"{isolation:02b}{phi:08b}{eta % 256:08b}{pt:09b}", 2)
        sums = [int(word) for word in objects.sums[row]]
        assert sums[0] == codes[at["ett_pt_em"]] << 12 | codes[at["ett_pt"]]
        assert sums[1] == codes[at["htt_tower_count"]] << 12 | codes[at["htt_pt"]]
        for word, name in enumerate(("met", "mht", "met_hf", "mht_hf"), start=2):
            assert sums[word] == codes[at[f"{name}_phi"]] << 12 | codes[at[f"{name}_pt"]]


def test_a_charge_that_is_not_known_is_zero_whatever_its_sign_bit():
    charge = KIND["muons"]["charge"]
    assert charge.range == (-1, 1)
    assert [int(charge.put(np.array([code]))[0]) >> 34 for code in (-1, 0, 1)] == [0b11, 0b00, 0b10]
    np.testing.assert_array_equal(charge.take(np.array([0b00, 0b01, 0b10, 0b11], np.uint64) << np.uint64(34)), [0, 0, 1, -1])


def test_the_public_record_is_deliverable_with_angles_at_the_vertex():
    layout = layout_of(record_at_vertex())
    assert layout.size == 117
    read = {(wire.kind, wire.word) for wire in wires(layout)}
    counts = {kind: sum(found == kind for found, _ in read) for kind in KIND}
    assert counts == {"muons": 4, "egammas": 12, "taus": 12, "jets": 10, "sums": 1}
    assert ("sums", 4) in read  # missing energy with the forward calorimeter


def _changed(group, feature=None, **changes):
    """Layout `ugt` with keys of a group, or of one of its features, changed."""
    content = UGT.model_dump(mode="json", exclude_none=True)
    part = next(item for item in content["groups"] if item["name"] == group)
    (part if feature is None else next(item for item in part["features"] if item["name"] == feature)).update(changes)
    return Layout.model_validate(content)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (None, r"nobody said what this network's inputs are, .*; name their layout \(hardware.layout of the description\), or deliver"),
        (
            named_layout("cms_l1_record"),
            r"group 'mu', column 'eta' of layout 'cms_l1_record' has no bit in the words .*; leave it out with inputs.select: .* or use a "
            r"layout whose columns all have a bit, as `ugt` has \(of muons: their angles at the vertex, sources muonIEtaAtVtx and",
        ),
        (named_layout("ugt_full"), r"group 'mu', column 'eta_station' of layout 'ugt_full' has no bit in the words"),
        (
            named_layout("gelato"),
            r"group 'jet' of layout 'gelato' has no word of the global trigger; give it `word`, one of muons, egammas",
        ),
        (named_layout("p2gt"), r"group 'jet' of layout 'p2gt' has no word of the global trigger"),
        (_changed("eg", word="photons"), r"group 'eg' of layout 'ugt' has the word 'photons', which is none of its words; give it"),
        (_changed("jet", first_word=3), r"group 'jet' of layout 'ugt' has slots up to word 12, but there are 12 jets; take fewer slots"),
        (
            _changed("jet", "pt", bit=1),
            r"group 'jet', column 'pt' of layout 'ugt' has 11 bits from bit 1 on, which is no field of word 0 of",
        ),
        (
            _changed("eg", "pt", bits=8, high=255, saturation=255),
            r"column 'pt' .* has 8 bits from bit 0 on, .*; there are pt \(9 from 0 on\)",
        ),
        (
            _changed("met", first_word=1),
            r"column 'phi' of layout 'ugt' has 8 bits from bit 12 on, .* of word 1 of sums; there are pt \(12 from",
        ),
        (_changed("jet", word="egammas"), r"group 'jet', column 'pt' of layout 'ugt' has the bits of eg0_pt; read each number once"),
    ],
    ids=["none", "record", "full", "gelato", "p2gt", "word", "slots", "bit", "width", "sum", "twice"],
)
def test_what_has_no_place_in_the_words_is_refused_with_the_reason(layout, message):
    with pytest.raises(UserError, match=message + ".*deliver with --target emp" if layout else message):
        layout_of(layout)


def test_a_signed_field_is_in_twos_complement():
    field = Field("eta", 9, 8, signed=True)
    assert field.range == (-128, 127)
    np.testing.assert_array_equal(field.put(np.array([-1, -128, 127])) >> np.uint64(9), [255, 128, 127])
    np.testing.assert_array_equal(field.take(np.array([0x1FE00, 0x10000, 0xFE00 | 0x1FF], np.uint32)), [-1, -128, 127])
