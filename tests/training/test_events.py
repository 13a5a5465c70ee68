"""Preprocessing and noise inside the training graph."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec, named_layout, table_bits
from l1ae.training._events import Noise, Preprocessing

COUNT = 20_000
SPEC = InputSpec.of(named_layout("ugt"))
PT, PHI = np.arange(57) % 3 == 0, np.arange(57) % 3 == 2
PERIOD = np.where(PHI, 144, 0)
PERIOD[15:27] = np.where(PHI[15:27], 576, 0)


def _whole_range(spec, count=4096):
    """Every code of every input occurs; a third of the codes is 0, so that slots are empty."""
    rng = np.random.default_rng(3)
    low, high = spec.code_range
    codes = np.stack([rng.permutation(np.resize(np.arange(a, b + 1), count)) for a, b in zip(low, high, strict=True)], axis=1)
    codes[rng.random(codes.shape) < 1 / 3] = 0
    return codes.astype(spec.layout.dtype)


@pytest.mark.parametrize("counts_empty", [True, False])
def test_what_errors_count_is_what_the_input_specification_says(counts_empty):
    spec = replace(InputSpec.of(named_layout("ugt")), counts_empty=counts_empty)
    codes = _whole_range(spec)
    found = Preprocessing(spec).counted(tf.constant(codes.astype(np.float32))).numpy()
    np.testing.assert_array_equal(found, spec.counted(codes))
    assert found[:, spec.present].all() == counts_empty


FORMATS = ["fixed<12,6,RND_CONV,SAT>", "fixed<9,5,RND,SAT>", "fixed<9,5,TRN,SAT>", "fixed<7,4,RND_CONV,SAT_SYM>", "ufixed<8,5,RND,SAT>"]
FORMATS += ["fixed<26,10,RND,SAT>", "fixed<4,-1,RND_CONV,SAT>", "fixed<6,9,TRN,SAT>"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("layout", ["ugt", "calo_regions"])
def test_preprocessing_equals_the_input_specification_to_the_last_bit(form, layout):
    spec = InputSpec.of(named_layout(layout), FixedFormat.parse(form), {"region": {"shift": 5}} if layout == "calo_regions" else {})
    codes = _whole_range(spec)
    preprocessing = Preprocessing(spec)
    hardware = tf.constant(codes.astype(np.float32))
    mask = preprocessing.mask(hardware)
    np.testing.assert_array_equal(mask.numpy(), spec.mask(codes))
    found = preprocessing.inputs(hardware, mask).numpy()
    expected = spec.to_network_float(codes)
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found)) > 3


@pytest.mark.parametrize("form", ["fixed<12,6,RND_CONV,SAT>", "ufixed<6,5,RND_CONV,SAT>", "ufixed<4,2,TRN,SAT>"])
@pytest.mark.parametrize("select", [{}, {"features": ["pt"]}, {"mu": 0, "features": ["pt", "phi"]}])
def test_tables_equal_the_input_specification_to_the_last_bit(form, select):
    """All columns by table, or beside others by offset and shift."""
    layout, network = named_layout("ugt").select(select), FixedFormat.parse(form)
    rng = np.random.default_rng(4)
    sizes = {k: 1 << table_bits(layout, k) for k in np.flatnonzero(layout.with_role("energy")).tolist()}
    tables = {k: np.sort(rng.integers(0, network.high + 1, size)) * (np.arange(size) > 0) for k, size in sizes.items()}
    spec = InputSpec.of(layout, network).with_tables(tables, {"pt": "surprise"})
    codes, preprocessing = _whole_range(spec), Preprocessing(spec)
    hardware = tf.constant(codes.astype(np.float32))
    found = preprocessing.inputs(hardware, preprocessing.mask(hardware)).numpy()
    np.testing.assert_array_equal(found, spec.to_network_float(codes))
    assert len(np.unique(found[:, spec.tabled])) == len(np.unique(np.concatenate(list(tables.values()))))


@pytest.mark.parametrize("form", ["fixed<12,6>", "fixed<12,6,RND_ZERO,SAT>", "fixed<12,6,TRN,WRAP>", "fixed<12,6,RND,SAT_ZERO>"])
def test_other_modes_are_refused(form):
    message = r"inputs\.network fixed<12,6.*> cannot be trained with; use rounding RND_CONV, RND or TRN and overflow SAT"
    with pytest.raises(UserError, match=message):
        Preprocessing(InputSpec.of(named_layout("ugt"), FixedFormat.parse(form)))


def _config(layout="ugt", **noise):
    model = {"architecture": "dense_ae", "score": "squared_error"}
    if noise.get("rotate"):
        model = {"architecture": "latent_ae", "score": "latent_error"}
    return Config.model_validate({"name": "tiny", "inputs": {"layout": layout}, "model": model, "training": {"noise": noise}})


def _events(seed=1):
    """Filled slots in the middle of the scales, where nothing saturates; the third electron and the last jets are empty."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(-60, 61, (COUNT, 57))
    codes[:, PT] = rng.integers(150, 300, (COUNT, 19))
    codes[:, PHI] = rng.integers(0, PERIOD[PHI], (COUNT, 19))
    codes[:, 1] = 0
    codes[:, 9:12] = 0
    codes[:, 45:] = 0
    return codes.astype(np.float32)


def _noisy(codes, seed=(5, 0), layout="ugt", **noise):
    config = _config(layout, **noise)
    mask = Preprocessing(config.inputs.spec()).mask(tf.constant(codes))
    return Noise(config)(tf.constant(codes), mask, tf.constant(seed, tf.int32)).numpy()


ALL = {"rotate": True, "gaussian": (30.0, 40.0, 50.0), "relative": 0.8, "masking": 0.1, "drop": 0.2}


def test_no_noise_changes_nothing():
    np.testing.assert_array_equal(_noisy(_events()), _events())
    assert not _config().training.noise.active


@pytest.mark.parametrize("noise", [*({name: value} for name, value in ALL.items()), ALL], ids="-".join)
def test_empty_slots_stay_empty_and_codes_valid_whole_and_present(noise):
    """Over the whole range of codes, where rounding, saturation and wrapping all happen."""
    codes = _whole_range(SPEC, 8000)
    codes[:, PT] = np.abs(codes[:, PT])
    noisy = _noisy(codes.astype(np.float32), **noise)
    mask = SPEC.mask(codes)
    assert (noisy[~mask] == 0).all()
    assert (noisy == np.rint(noisy)).all()
    SPEC.layout.validate_hardware(noisy.astype(np.int16))
    filled = noisy[:, PT] > 0
    if "drop" in noise:
        angles = noisy.reshape(-1, 19, 3)[:, :, 1:]
        assert (angles[~filled] == 0).all()
    else:
        np.testing.assert_array_equal(filled, codes[:, PT] > 0)
    assert not np.array_equal(noisy[mask], codes[mask])


def test_every_object_turns_by_the_same_angle():
    """Differences in phi between objects of one event, in units of the finer scale of the muons, modulo a full turn."""
    codes = _events()
    noisy = _noisy(codes, rotate=True)
    filled = [k for k in np.flatnonzero(PHI) if (codes[:, k - 2] > 0).all()]
    fine = 576 // PERIOD[filled]
    turns = ((noisy - codes)[:, filled] * fine) % 576
    assert (turns == turns[:, :1]).all()
    assert len(filled) == 14
    np.testing.assert_array_equal(noisy[:, ~PHI], codes[:, ~PHI])
    counts = np.bincount(turns[:, 0].astype(int) // 4, minlength=144)
    assert counts.sum() == COUNT
    # each of the 144 angles is as likely as the others: chi-squared of 143 degrees of freedom within 5 sigma
    assert abs(((counts - COUNT / 144) ** 2 / (COUNT / 144)).sum() - 143) < 5 * np.sqrt(2 * 143)


def test_gaussian_noise_has_the_configured_width_in_lsb():
    codes, sigma = _events(), (8.0, 5.0, 3.0)
    noisy = _noisy(codes, gaussian=sigma)
    for kind, (column, width) in enumerate(zip((3, 4, 5), sigma, strict=True)):
        shift = noisy[:, column] - codes[:, column]
        if kind == 2:
            shift = (shift + 72) % 144 - 72
        # rounding to whole codes adds the variance of a uniform distribution
        expected = np.sqrt(width**2 + 1 / 12)
        assert shift.mean() == pytest.approx(0, abs=5 * expected / np.sqrt(COUNT))
        assert shift.std() == pytest.approx(expected, abs=5 * expected / np.sqrt(2 * COUNT))


def test_gaussian_noise_of_an_image():
    codes = np.full((COUNT, 252), 500, np.float32)
    shift = _noisy(codes, layout="calo_regions", gaussian=(12.0, 0.0, 0.0)) - 500
    expected = np.sqrt(144 + 1 / 12)
    assert shift.std() == pytest.approx(expected, abs=5 * expected / np.sqrt(2 * shift.size))
    assert abs(np.corrcoef(shift[:, 3], shift[:, 200])[0, 1]) < 5 / np.sqrt(COUNT)


def test_relative_noise_is_a_fraction_of_pt():
    codes = _events()
    noisy = _noisy(codes, relative=0.1)
    ratio = (noisy - codes)[:, 3] / codes[:, 3]
    assert ratio.std() == pytest.approx(0.1, abs=5 * 0.1 / np.sqrt(2 * COUNT) + 1e-4)
    np.testing.assert_array_equal(noisy[:, ~PT], codes[:, ~PT])


def test_masking_hits_each_feature_with_its_probability_and_gives_what_the_network_sees_as_zero():
    codes = _events()
    codes[:, [4, 5]] = 50, 20
    noisy = _noisy(codes, masking=0.15)
    error = 5 * np.sqrt(0.15 * 0.85 / COUNT)
    assert (noisy[:, 3] == 1).mean() == pytest.approx(0.15, abs=error)
    assert (noisy[:, 4] == 0).mean() == pytest.approx(0.15, abs=error)
    assert (noisy[:, 5] == 72).mean() == pytest.approx(0.15, abs=error)
    hits = noisy != codes
    assert np.mean(hits[:, 3] & hits[:, 4]) == pytest.approx(0.15**2, abs=5 * np.sqrt(0.15**2 / COUNT)), "features are hit one by one"
    network = SPEC.to_network_float(noisy.astype(np.int16))
    assert (network[:, 4:6][hits[:, 4:6]] == 0).all()
    assert (np.abs(network[:, 3][hits[:, 3]]) <= 1 / 32).all()


def test_masking_of_an_image_empties_regions():
    noisy = _noisy(np.full((COUNT, 252), 500, np.float32), layout="calo_regions", masking=0.3)
    assert set(np.unique(noisy)) == {0.0, 500.0}
    assert (noisy == 0).mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / noisy.size))


def test_whole_objects_are_dropped_with_their_probability_one_by_one():
    codes = _events()
    kept = (_noisy(codes, drop=0.25).reshape(-1, 19, 3) == codes.reshape(-1, 19, 3)).all(axis=2)
    error = 5 * np.sqrt(0.25 * 0.75 / COUNT)
    for slot in (0, 1, 5, 9):
        assert (~kept[:, slot]).mean() == pytest.approx(0.25, abs=error)
    assert (~kept[:, 1] & ~kept[:, 5]).mean() == pytest.approx(0.25**2, abs=5 * np.sqrt(0.25**2 / COUNT))


def test_noise_follows_from_the_seed_alone():
    first = _noisy(_events(), **ALL)
    tf.random.set_seed(99)
    np.testing.assert_array_equal(_noisy(_events(), **ALL), first)
    for seed in ((5, 1), (6, 0)):
        assert not np.array_equal(_noisy(_events(), seed, **ALL), first)


def test_kinds_of_noise_are_independent_of_each_other():
    """Which objects are dropped does not tell which way the event turned or where a feature was masked."""
    codes = _events()
    turned = (_noisy(codes, rotate=True) - codes)[:, 5] % 144
    dropped = _noisy(codes, drop=0.3)[:, 3] == 0
    masked = _noisy(codes, masking=0.3)[:, 3] == 1
    shifted = _noisy(codes, gaussian=(9.0, 0.0, 0.0))[:, 3] - codes[:, 3]
    scaled = _noisy(codes, relative=0.1)[:, 3] - codes[:, 3]
    table = np.corrcoef([turned, dropped, masked, shifted, scaled])
    assert np.abs(table - np.eye(5)).max() < 5 / np.sqrt(COUNT)


ADD = {
    "n_jet30": {"kind": "multiplicity", "group": "jet", "threshold": 60, "abs_eta": 57},
    "ht": {"kind": "sum", "group": "jet"},
    "dphi": {"kind": "delta_phi", "slots": ["mu[0]", "met"]},
}


def test_added_columns_equal_the_input_specification_to_the_last_bit():
    spec = Config.model_validate(
        {"name": "m", "inputs": {"add": ADD}, "model": {"architecture": "dense_ae", "score": "squared_error"}}
    ).inputs.spec()
    codes, preprocessing = _whole_range(SPEC), Preprocessing(spec)
    hardware = tf.constant(codes.astype(np.float32))

    @tf.function(autograph=False)
    def graph(hardware):
        mask = preprocessing.mask(hardware)
        return mask, preprocessing.inputs(hardware, mask)

    mask, found = graph(hardware)
    assert found.shape == (len(codes), 60)
    np.testing.assert_array_equal(mask.numpy(), spec.mask(codes))
    np.testing.assert_array_equal(found.numpy(), spec.to_network_float(codes))
    assert all(len(np.unique(column)) > 5 for column in found.numpy()[:, 57:].T)


def test_noise_changes_what_arrives_and_added_columns_follow():
    inputs = {
        "name": "m",
        "inputs": {"add": ADD},
        "model": {"architecture": "dense_ae", "score": "squared_error"},
        "training": {"noise": {"drop": 0.5}},
    }
    config = Config.model_validate(inputs)
    spec, codes = config.inputs.spec(), _whole_range(SPEC, 512)
    preprocessing, hardware = Preprocessing(spec), tf.constant(codes.astype(np.float32))
    noisy = Noise(config)(hardware, preprocessing.mask(hardware), tf.constant([7, 1], tf.int32))
    assert noisy.shape == (512, 57)
    found = preprocessing.inputs(noisy, preprocessing.mask(noisy)).numpy()
    np.testing.assert_array_equal(found, spec.to_network_float(noisy.numpy().astype(np.int64)))
    counts = spec.event(codes)[:, -1], spec.event(noisy.numpy().astype(np.int64))[:, -1]
    assert np.all(counts[1] <= counts[0])
    assert counts[1].sum() < 0.7 * counts[0].sum()
