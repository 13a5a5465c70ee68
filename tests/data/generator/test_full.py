"""Full events: the columns of `ugt` in them are those of events without the rest, and the rest fits to them."""

import shutil
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from l1ae.data import EventStore
from l1ae.data.generator import FullConfig, GeneratorConfig, JetSumConfig, RegionConfig, generate
from l1ae.data.generator._full import jet_sums
from l1ae.data.generator._jets import FlatMomenta
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

pytest.importorskip("pythia8mc")

UGT, FULL, IMAGE = (named_layout(name) for name in ("ugt", "ugt_full", "calo_regions"))


@pytest.fixture(scope="module")
def mine(config: GeneratorConfig) -> GeneratorConfig:
    """Without QCD, whose shards cost most."""
    return config.model_copy(update={"samples": {**config.samples, "bosons": {"w": 0.6, "z": 0.4}}})


@pytest.fixture(scope="module")
def folder(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Truth shards and library for every test here; the detector shards of each layout beside each other."""
    folder = tmp_path_factory.mktemp("full")
    shutil.copytree(library, folder / "shards")
    return folder


@pytest.fixture(scope="module")
def full(mine: GeneratorConfig, folder: Path) -> Path:
    """200 full events with the image."""
    both = mine.read_out(layout="ugt_full", regions=True)
    generate("bosons", 200, folder / "full.h5", workers=1, config=both)
    return folder / "full.h5"


def columns(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """Codes (n, slots) by group and feature."""
    hw = EventStore.open(path, FULL).read().hw
    return {group.name: {name: hw[:, FULL.positions(group.name, name)] for name in group.present} for group in FULL.groups}


@pytest.mark.slow
def test_full_events_hold_the_same_objects_and_image(full, mine, folder):
    store = EventStore.open(full)
    assert store.layout == Layout.joined([FULL, IMAGE])
    assert store.provenance["full"] == FullConfig().model_dump(mode="json")
    for name, regions, layout in (("plain", False, UGT), ("regions", True, IMAGE)):
        plain = folder / f"{name}.h5"
        generate("bosons", 200, plain, workers=1, config=mine.read_out(regions=regions))
        one, other = (EventStore.open(path, layout).read() for path in (full, plain))
        for column in ("hw", "process", "source_event", "pileup"):
            np.testing.assert_array_equal(getattr(one, column), getattr(other, column), err_msg=f"{name}: {column}")


@pytest.mark.slow
def test_without_the_image_full_events_are_the_same(full, mine, folder, tmp_path):
    alone = tmp_path / "alone.h5"
    shutil.copytree(folder / "shards" / "truth", tmp_path / "shards" / "truth")
    generate("bosons", 200, alone, workers=2, config=mine.read_out(layout="ugt_full"))
    np.testing.assert_array_equal(EventStore.open(alone).read().hw, EventStore.open(full, FULL).read().hw)


@pytest.mark.slow
def test_lists_go_on_behind_the_slots_of_ugt(full):
    found = columns(full)
    for group in ("eg", "mu", "tau", "jet"):
        assert (np.diff(found[group]["pt"], axis=1) <= 0).all()
    assert (found["tau"]["pt"][:, 0] > 0).mean() > 0.9
    for features in found.values():
        if "eta" in features:
            for values in features.values():
                assert not values[features["pt"] == 0].any()


def test_sums_of_jets_are_those_of_their_codes(full):
    """Exact where every jet has a slot, as is so here."""
    found = columns(full)
    pt, eta, phi = (found["jet"][name] for name in ("pt", "eta", "phi"))
    assert not pt[:, 11].any()
    hard = pt >= 60
    central = hard & (np.abs((eta + 0.5) * 0.0435) < 2.5)
    np.testing.assert_array_equal(found["htt"]["pt"][:, 0], np.where(central, pt, 0).sum(axis=1))
    angle = (phi + 0.5) * 2 * np.pi / 144
    for group, mask in (("mht", central), ("mht_hf", hard)):
        balance = -(np.where(mask, pt, 0) * np.exp(1j * angle)).sum(axis=1)
        np.testing.assert_allclose(found[group]["pt"][:, 0], np.floor(np.abs(balance) + 1e-9), atol=1)
        some = np.abs(balance) > 2
        turn = np.exp(1j * (found[group]["phi"][:, 0] + 0.5) * 2 * np.pi / 144) / np.exp(1j * np.angle(balance))
        assert np.abs(np.angle(turn[some])).max() < 2 * np.pi / 144


def test_all_jets_count_in_the_sums():
    """Of 14 jets of 40.2 GeV (code 80, 40 GeV), 12 have a slot."""
    number = 14
    phi = np.linspace(-3, 3, number).astype(np.float32)
    jets = FlatMomenta(np.zeros(number, np.int64), np.full(number, 40.2, np.float32), np.linspace(-3, 3, number).astype(np.float32), phi)
    total, _ = jet_sums(jets, 2, JetSumConfig(), forward=True)
    np.testing.assert_allclose(total, [14 * 40 + 0.25, 0.25])
    assert jet_sums(jets, 1, JetSumConfig(eta=1.0), forward=False)[0][0] == pytest.approx(40 * (np.abs(jets.eta) < 1).sum() + 0.25, abs=41)


def test_the_towers_see_the_same_event(full):
    """Towers and image have the same particles and thresholds, but other fluctuations."""
    found = columns(full)
    image = EventStore.open(full, IMAGE).read().hw.sum(axis=1)
    total, part, count = found["ett"]["pt"][:, 0], found["ett"]["pt_em"][:, 0], found["htt"]["tower_count"][:, 0]
    assert np.corrcoef(image, total)[0, 1] > 0.9
    assert np.corrcoef(count, total)[0, 1] > 0.8
    assert (part <= total).all()
    # The hardest electron is a tau candidate, too, as in the trigger: one electromagnetic cluster is as good as a narrow jet.
    angle = 2 * np.pi / 144
    electron, tau = found["eg"], found["tau"]
    hard = np.flatnonzero(electron["pt"][:, 0] > 46)
    d_eta = (tau["eta"][hard] - electron["eta"][hard, :1]) * 0.0435
    d_phi = np.angle(np.exp(1j * angle * (tau["phi"][hard] - electron["phi"][hard, :1])))
    near = (np.hypot(d_eta, d_phi) < 0.2) & (tau["pt"][hard] > 0.8 * electron["pt"][hard, :1])
    assert near.any(axis=1).mean() > 0.95
    assert len(hard) > 30


def test_muons_bend_against_their_charge(full):
    mu = columns(full)["mu"]
    hard = (mu["pt"] > 20) & (mu["charge"] != 0)
    turn = np.angle(np.exp(1j * 2 * np.pi / 576 * (mu["phi_station"] - mu["phi"])))
    agree = np.sign(turn[hard]) == -mu["charge"][hard]
    # One in a hundred has the wrong charge; bending of a few codes may round to none.
    assert agree.mean() > 0.93
    assert hard.sum() > 80
    assert set(np.unique(mu["quality"][mu["pt"] > 0])) <= {4, 8, 12}
    assert ((mu["pt_unconstrained"] > 0) == ((np.abs(mu["eta_station"] * 0.010875) < 0.83) & (mu["pt"] > 0)))[hard].mean() > 0.98


@pytest.mark.slow
def test_another_parameter_makes_other_shards_of_the_same_objects(full, mine, folder):
    other = FullConfig(jet_sums=JetSumConfig(pt=20.0))
    changed = mine.model_copy(update={"full": other})
    assert changed.detector_digest("w") != mine.read_out(layout="ugt_full").detector_digest("w") != mine.detector_digest("w")
    assert changed.truth_digest("w") == mine.truth_digest("w")
    result = generate("bosons", 60, folder / "changed.h5", workers=1, config=changed)
    assert result.shards_reused == 0
    now, before = columns(folder / "changed.h5"), columns(full)
    for group in ("eg", "mu", "tau", "jet", "met", "ett"):
        for name, values in now[group].items():
            np.testing.assert_array_equal(values, before[group][name][:60])
    assert (now["htt"]["pt"] >= before["htt"]["pt"][:60]).all()


@pytest.mark.slow
def test_older_truth_shards_are_made_again_for_their_charges(config, library, tmp_path):
    """They hold the same particles; without full events they are good as they are."""
    shards, charges = tmp_path / "shards", {}
    shutil.copytree(library / "truth", shards / "truth")
    for path in shards.glob("truth/*/*/*.npz"):
        with np.load(path) as file:
            content = {name: file[name] for name in file.files}
        charges[path] = content.pop("charge")
        np.savez(path, **content)
    before = {path: path.read_bytes() for path in charges}
    generate("a4l", 10, tmp_path / "plain.h5", workers=1, config=config, shards=shards)
    assert {path: path.read_bytes() for path in before} == before
    generate("a4l", 10, tmp_path / "full.h5", workers=1, config=config.read_out(layout="ugt_full"), shards=shards)
    for path, expected in charges.items():
        with np.load(path) as file:
            np.testing.assert_array_equal(file["charge"], expected)
    one, other = (EventStore.open(tmp_path / name, UGT).read() for name in ("plain.h5", "full.h5"))
    np.testing.assert_array_equal(one.hw, other.hw)


def test_an_output_in_another_layout_is_not_overwritten(full, mine, folder):
    with pytest.raises(UserError, match=r"in layout 'ugt_full_calo_regions' \(seed 1, other choices\), .* 'bosons' in layout 'ugt' with"):
        generate("bosons", 300, full, workers=1, config=mine, shards=folder / "shards")
    assert EventStore.open(full).n_events == 200


# --- bits and digests of events without the rest, made with the code before there was the rest

DIGESTS = {
    "w": ("a9cad4a1099f02a9", "8fe1d9c1f8c25574", "9a7497339be72ab5"),
    "qcd": ("f3762121dcc1dd11", "fb8fb2807ca734c0", "2bfca31dea48880c"),
    "soft": ("ae66673625d8172d", "c136e99194f0d206", "b285b15679a20e82"),
    "qcd30": ("db1bebca54aa7125", "eff9c36d5a12a03f", "ed7895d1aa06d641"),
}


def test_shards_made_before_there_were_full_events_are_found(monkeypatch):
    monkeypatch.setattr("l1ae.data.generator._config._version", lambda _: "any")
    plain, image = GeneratorConfig(), GeneratorConfig(regions=RegionConfig())
    for name, expected in DIGESTS.items():
        found = (plain.truth_digest(name), plain.detector_digest(name), image.detector_digest(name))
        assert tuple(digest[:16] for digest in found) == expected


@pytest.mark.skipif(version("pythia8mc") != "8.317.2", reason="another Pythia makes other collisions")
def test_events_are_those_of_before(config, folder):
    """The first 8 bytes of sha256 over the codes."""
    generate("background", 60, folder / "b.h5", workers=1, config=config)
    generate("a4l", 40, folder / "a.h5", workers=1, config=config.read_out(regions=True))
    found = [sha256(EventStore.open(folder / name).read().hw.astype("<i2").tobytes()).hexdigest()[:16] for name in ("b.h5", "a.h5")]
    assert found == ["bbe8d28e9a73dc81", "17f5152b1ec5dd61"]
