import shutil
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from l1ae.data import EventStore, dataset_folder
from l1ae.data.generator import ZERO_BIAS, DetectorConfig, GeneratorConfig, RegionConfig, ZeroBiasConfig, _pythia, generate, strata
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._pileup import Draw, PileupLibrary
from l1ae.data.generator._pythia import cross_section, make_pythia
from l1ae.data.generator._zero_bias import (
    CollisionLibrary,
    _further,
    expected_collisions,
    hardest,
    simulate_crossings,
    stratum_probabilities,
)
from l1ae.errors import UserError
from l1ae.inputs import named_layout

UGT = named_layout("ugt")
MEANS = np.array([3.0, 0.7, 0.3, 0.05])


def library(sizes: tuple[int, ...], detector: DetectorConfig) -> CollisionLibrary:
    """Collisions of one photon and one charged hadron each, with energies that tell the class."""

    def collisions(rank: int, number: int) -> Particles:
        pt = np.full(2 * number, 10.0 * (rank + 1), np.float32)
        nothing = np.zeros(2 * number, np.float32)
        kind = np.tile(np.array([Kind.PHOTON, Kind.CHARGED], np.int8), number)
        return Particles(np.full(number, 2), pt, nothing, nothing, pt, kind)

    classes = tuple(PileupLibrary.build(collisions(rank, number), detector) for rank, number in enumerate(sizes))
    return CollisionLibrary(classes, np.arange(sizes[0], dtype=np.float32))


def perfect(**choices: float | bool) -> DetectorConfig:
    bins = [{"eta_max": 5, "value": 1}]
    exact = [{"eta_max": 5, "constant": 0, "slope": 0}]
    energy = [{"eta_max": 5, "constant": 0, "stochastic": 0}]
    efficiencies = dict.fromkeys(("hadron_tracking", "photon_efficiency"), bins)
    return DetectorConfig.model_validate(efficiencies | {"hadron_track": exact, "electromagnetic": energy, "hadronic": energy} | choices)


def test_strata_are_what_independent_poisson_numbers_make():
    numbers = np.random.default_rng(1).poisson(MEANS, (400_000, 4))
    highest = np.where(numbers[:, 1:].any(axis=1), 3 - (numbers[:, :0:-1] > 0).argmax(axis=1), 0)
    expected = stratum_probabilities(MEANS)
    assert expected.sum() == pytest.approx(1, abs=1e-12)
    found = np.bincount(highest, minlength=4) / len(highest)
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(0.25 / len(highest)))


def test_the_strata_together_have_poisson_numbers_of_every_class():
    """Mean and variance of the number of collisions of each class, and covariances of 0, over all strata with their probabilities."""
    number, rng = 200_000, np.random.default_rng(2)
    drawn_from = library((5, 5, 5, 5), DetectorConfig())
    counts, weights = [], []
    for rank, probability in enumerate(stratum_probabilities(MEANS)):
        count = np.zeros((number, 4))
        if rank == 0:
            count[:, 0] = rng.poisson(MEANS[0], number)
        else:
            for lower, draw in enumerate(_further(number, MEANS[: rank + 1], drawn_from, rng)):
                count[:, lower] = draw.count
            count[:, rank] += 1
        counts.append(count)
        weights.append(np.full(number, probability / number))
    everything, weight = np.concatenate(counts), np.concatenate(weights)
    np.testing.assert_allclose(np.average(everything, axis=0, weights=weight), MEANS, rtol=0.01)
    np.testing.assert_allclose(np.cov(everything.T, aweights=weight), np.diag(MEANS), atol=0.03)


def test_the_default_classes_share_all_inelastic_collisions():
    config = GeneratorConfig().zero_bias
    for mean in (20.0, 60.0):
        assert expected_collisions(config, mean).sum() == pytest.approx(mean)
        assert sum(stratum.probability for stratum in strata(config, mean)) == pytest.approx(1)
        assert sum(stratum.share * stratum.weight for stratum in strata(config, mean)) == pytest.approx(1)
    means = dict(zip(config.classes, expected_collisions(config, 20.0), strict=True))
    assert means["w_lnu"] == pytest.approx(20 * 45.84e-9 / 78.05e-3)
    # Shares in thousandths: whole blocks of the mixture have them exactly.
    assert all(1000 * item.share == pytest.approx(round(1000 * item.share)) for item in config.classes.values())


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("qcd12", 0.8, 0.9), ("qcd20", 0.9, 1.0), ("qcd30", 0.97, 1.03), ("qcd200", 0.97, 1.03), ("w_lnu", 0.97, 1.03)],
)
def test_cross_sections_are_those_of_pythia(name, low, high):
    """To leading order, which lacks the screening of soft interactions below 30 GeV."""
    pytest.importorskip("pythia8mc")
    collisions = GeneratorConfig().zero_bias.classes[name]
    pythia = make_pythia(collisions, 1, ("PartonLevel:all=off", "HadronLevel:all=off"))
    pythia.nextBatch(5000)
    assert low < collisions.cross_section / cross_section(pythia).value < high


def test_collisions_that_belong_to_another_class_are_left_out(monkeypatch):
    awkward = pytest.importorskip("awkward")
    pt_hat = np.array([1.0, 13, 3, 12.5, 11.5, 80])

    class Stub:
        """Six collisions with one photon each, of 1, 2, 3, ... GeV."""

        def __init__(self) -> None:
            self.first = 0

        def nextBatch(self, number: int) -> awkward.Array:  # noqa: N802
            chosen = slice(self.first, self.first + number)
            self.first += number
            size = np.arange(1.0, 7)[chosen]
            momentum = awkward.zip({"px": size, "py": 0 * size, "pz": 0 * size, "e": size})
            particle = awkward.unflatten(awkward.zip({"id": 0 * size.astype(int) + 22, "status": size, "p": momentum}, depth_limit=1), 1)
            return awkward.zip({"prt": particle, "info": awkward.zip({"pT2Hat": pt_hat[chosen] ** 2})}, depth_limit=1)

    monkeypatch.setattr(_pythia, "make_pythia", lambda process, seed: Stub())
    monkeypatch.setattr(_pythia, "cross_section", lambda pythia: None)
    monkeypatch.setattr(_pythia, "_BATCH", 4)
    soft = GeneratorConfig().zero_bias.classes["soft"].model_copy(update={"shard_events": 6})
    kept = _pythia.generate_class(soft, 4)
    assert kept.source.tolist() == [0, 2, 4]
    assert kept.particles.pt.tolist() == [1, 3, 5]
    assert kept.pt_hat.tolist() == [1, 3, 11.5]
    assert _pythia.generate_class(soft.model_copy(update={"pt_hat_max": None}), 4).source.tolist() == list(range(6))


def test_the_hardest_collision_of_each_event_is_set_apart():
    rng = np.random.default_rng(3)
    count = np.array([2, 0, 5, 1, 0])
    drawn = Draw(count, rng.permutation(8), np.arange(8, dtype=np.float32), np.arange(8) % 2 == 0)
    first, others = hardest(drawn, np.array([7, 1, 5, 3, 2, 9, 4, 8], np.float32))
    hardness = np.array([7, 1, 5, 3, 2, 9, 4, 8])[drawn.picked]
    blocks = np.split(np.arange(8), np.cumsum(count)[:-1])
    expected = [block[np.argmax(hardness[block])] for block in blocks if len(block)]
    assert first.angle.tolist() == expected
    assert first.picked.tolist() == drawn.picked[expected].tolist()
    assert first.count.tolist() == [1, 0, 1, 1, 0]
    assert others.angle.tolist() == [i for i in range(8) if i not in expected]
    assert others.count.tolist() == [1, 0, 4, 0, 0]


@pytest.mark.parametrize("removed", [True, False])
def test_charged_particles_stay_only_at_the_hardest_vertex(removed):
    """All particles fly along one direction unless turned, so MET of an event with one collision is its whole visible pT."""
    detector = perfect(charged_pileup_removed=removed, subtract_density=False)
    drawn_from = library((30, 4), detector)
    only = simulate_crossings(4000, None, np.array([1.5]), drawn_from, detector, rng=np.random.default_rng(5))
    assert only.pileup.mean() == pytest.approx(1.5, abs=0.1)
    met, jets = only.physical[:, 0, 0], only.physical[:, 9:, 0].sum(axis=1)
    assert met[only.pileup == 0].tolist() == [0.0] * (only.pileup == 0).sum()
    np.testing.assert_allclose(met[only.pileup == 1], 20, rtol=1e-4)
    two = jets[(only.pileup == 2) & (only.physical[:, 10, 0] == 0)]
    # Two collisions: either one jet of both (its vector sum a little less), or one of 20 GeV beside one below the threshold.
    assert set(np.round(two, -1).astype(int)) == ({20, 30} if removed else {40})
    fresh = drawn_from.classes[1].complete.take(np.zeros(4000, np.int64))
    hard = simulate_crossings(4000, fresh, np.array([1.5, 0.2]), drawn_from, detector, rng=np.random.default_rng(6))
    assert hard.pileup.min() == 1
    alone = hard.pileup == 1
    np.testing.assert_allclose(hard.physical[alone, 9, 0], 40, rtol=1e-4)
    assert alone.mean() == pytest.approx(np.exp(-1.5) * 0.2 * np.exp(-0.2) / -np.expm1(-0.2), abs=0.03)


def with_classes(**changes: dict[str, object]) -> ZeroBiasConfig:
    classes = GeneratorConfig().zero_bias.classes
    return ZeroBiasConfig(classes={name: item.model_copy(update=changes.get(name, {})) for name, item in classes.items()})


def test_impossible_classes_are_refused():
    with pytest.raises(ValidationError, match=r"the shares of the zero-bias classes must add up to 1, not 1\.1"):
        with_classes(qcd50={"share": 0.19})
    with pytest.raises(ValidationError, match=r"more than all inelastic collisions \('soft', 7.805e\+07 nb\)"):
        with_classes(qcd50={"cross_section": 1e9})
    classes = GeneratorConfig().zero_bias.classes
    with pytest.raises(ValidationError, match="the name 'w' is taken by the zero-bias sample"):
        GeneratorConfig(zero_bias={"classes": {"w": classes["soft"].model_copy(update={"share": 1.0})}})
    with pytest.raises(ValidationError, match="the name 'zerobias' is taken"):
        GeneratorConfig(samples={"zerobias": {"w": 1.0}})


def test_shares_do_not_change_the_events_but_all_else_does():
    base = GeneratorConfig()
    shared = GeneratorConfig(zero_bias=with_classes(qcd50={"share": 0.08}, qcd80={"share": 0.07}))
    assert shared.detector_digest("qcd20") == base.detector_digest("qcd20")
    for changed in (
        GeneratorConfig(zero_bias=with_classes(qcd80={"cross_section": 2700.0})),
        GeneratorConfig(zero_bias=with_classes(soft={"library_shards": 2})),
        GeneratorConfig(detector=DetectorConfig(pileup_mean=60)),
    ):
        assert changed.truth_digest("qcd20") == base.truth_digest("qcd20")
        assert changed.detector_digest("qcd20") != base.detector_digest("qcd20")
        assert changed.zero_bias == base.zero_bias or changed.detector_digest("w") == base.detector_digest("w")
    softer = GeneratorConfig(zero_bias=with_classes(soft={"pt_hat_max": 10.0}))
    assert softer.truth_digest("soft") != base.truth_digest("soft")


def test_the_other_samples_are_as_they_were():
    """The digests in the shipped stores are older than the zero-bias sample."""
    pytest.importorskip("fastjet")
    made = EventStore.open(dataset_folder("shipped") / "background.h5", UGT).provenance["processes"]
    assert {name: facts["detector_digest"] for name, facts in made.items()} == {
        name: GeneratorConfig().detector_digest(name) for name in made
    }


@pytest.fixture(scope="module")
def small() -> GeneratorConfig:
    pytest.importorskip("pythia8mc")
    keep = {
        "soft": {"share": 0.3, "shard_events": 250, "library_shards": 1},
        "qcd12": {"share": 0.3, "shard_events": 60},
        "qcd30": {"share": 0.3, "shard_events": 60},
        "w_lnu": {"share": 0.1, "shard_events": 40},
    }
    classes = GeneratorConfig().zero_bias.classes
    mine = {name: classes[name].model_copy(update=change) for name, change in keep.items()}
    return GeneratorConfig(zero_bias=ZeroBiasConfig(classes=mine), detector=DetectorConfig(pileup_mean=4.0))


@pytest.fixture(scope="module")
def made(small: GeneratorConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 1000 crossings and its shards beside it."""
    path = tmp_path_factory.mktemp("zerobias") / "zerobias.h5"
    generate(ZERO_BIAS, 1000, path, workers=1, config=small)
    return path


@pytest.mark.slow
def test_the_store_holds_weighted_crossings(made, small):
    store = EventStore.open(made, UGT)
    assert (store.sample, store.n_events, store.extra) == ("zerobias", 1000, ("weight",))
    assert store.processes == ("soft", "qcd12", "qcd30", "w_lnu")
    events = store.read(extra=["weight"])
    weight = events.extra["weight"]
    assert weight.dtype == np.float64
    assert weight.sum() == pytest.approx(1000)
    assert np.bincount(events.process).tolist() == [300, 300, 300, 100]
    for index, stratum in enumerate(strata(small.zero_bias, 4.0)):
        assert set(weight[events.process == index]) == {stratum.probability / stratum.share}
        facts = store.provenance["zero_bias"]["strata"][stratum.name]
        assert (facts["probability"], facts["share"], facts["weight"]) == (stratum.probability, stratum.share, stratum.weight)
    error = np.sqrt(np.average((events.pileup - 4.0) ** 2 * weight**2)) / 1000**0.5
    assert np.average(events.pileup, weights=weight) == pytest.approx(4, abs=5 * error)
    assert (events.pileup[events.process > 0] >= 1).all()
    assert (events.pileup == 0).any()
    assert store.provenance["fractions"] == {"soft": 0.3, "qcd12": 0.3, "qcd30": 0.3, "w_lnu": 0.1}


def test_no_lepton_is_demanded(made):
    physical = UGT.to_physical(EventStore.open(made, UGT).read().hw)
    leading = [physical[:, UGT.positions(group, "pt")[0]] for group in ("eg", "mu")]
    assert (np.max(leading, axis=0) < 23).mean() > 0.9


def test_sources_are_the_hard_collisions(made):
    events = EventStore.open(made, UGT).read()
    for index, most in enumerate((1, 3, 3, 4)):
        assert np.unique(events.source_event[events.process == index], return_counts=True)[1].max() == most


@pytest.mark.exhaustive
def test_crossings_do_not_depend_on_workers_and_extend_shorter_runs(made, small, tmp_path):
    two = tmp_path / "two.h5"
    shutil.copytree(made.parent / "shards" / "truth", tmp_path / "shards" / "truth")
    generate(ZERO_BIAS, 1000, two, workers=2, config=small)
    assert two.read_bytes() == made.read_bytes()
    fewer = tmp_path / "fewer.h5"
    result = generate(ZERO_BIAS, 400, fewer, workers=1, config=small, shards=made.parent / "shards")
    assert result.shards_made == 0
    for name in ("hw", "process", "source_event", "pileup"):
        long, short = (getattr(EventStore.open(path, UGT).read(0, 400), name) for path in (made, fewer))
        np.testing.assert_array_equal(long, short)
    extended = generate(ZERO_BIAS, 1000, fewer, workers=1, config=small, shards=made.parent / "shards")
    assert extended.events == 1000
    assert fewer.read_bytes() == made.read_bytes()
    with pytest.raises(UserError, match="exists and holds 1000 events of sample 'zerobias'"):
        generate(ZERO_BIAS, 1000, fewer, seed=2, workers=1, config=small)


@pytest.mark.slow
def test_the_image_comes_with_the_same_crossings(made, small, tmp_path):
    shards = tmp_path / "shards"
    shutil.copytree(made.parent / "shards" / "truth", shards / "truth")
    config = small.model_copy(update={"regions": RegionConfig()})
    generate(ZERO_BIAS, 200, tmp_path / "image.h5", workers=1, config=config, shards=shards)
    events = EventStore.open(tmp_path / "image.h5", UGT).read()
    np.testing.assert_array_equal(events.hw, EventStore.open(made, UGT).read(0, 200).hw)
    total = EventStore.open(tmp_path / "image.h5", named_layout("calo_regions")).read().hw.sum(axis=1) / 2
    assert np.corrcoef(total, events.pileup)[0, 1] > 0.4
    assert total[events.pileup == 0].tolist() == [0.0] * (events.pileup == 0).sum()


@pytest.mark.skipif(version("pythia8mc") != "8.317.2", reason="another Pythia makes other collisions")
def test_crossings_are_those_of_before(made):
    """The first 8 bytes of sha256 over the codes, made with the code before there were full events."""
    assert sha256(EventStore.open(made).read().hw.astype("<i2").tobytes()).hexdigest()[:16] == "233ba19b1934be09"


@pytest.mark.slow
def test_full_events_are_made_of_the_same_crossings(made, small, tmp_path):
    shards = tmp_path / "shards"
    shutil.copytree(made.parent / "shards" / "truth", shards / "truth")
    layout = named_layout("ugt_full")
    generate(ZERO_BIAS, 200, tmp_path / "full.h5", workers=1, config=small.read_out(layout="ugt_full"), shards=shards)
    full = EventStore.open(tmp_path / "full.h5")
    assert full.layout == layout
    events = EventStore.open(tmp_path / "full.h5", UGT).read()
    np.testing.assert_array_equal(events.hw, EventStore.open(made, UGT).read(0, 200).hw)
    hw = full.read().hw
    total, towers = (hw[:, layout.positions(*name)[0]] for name in (("ett", "pt"), ("htt", "tower_count")))
    assert not (total[events.pileup == 0] | towers[events.pileup == 0]).any()
    assert np.corrcoef(total, events.pileup)[0, 1] > 0.4
    assert np.corrcoef(towers, events.pileup)[0, 1] > 0.5


def spectrum(path: Path, values: str, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fraction of crossings above each edge, and its statistical error with crossings of one source taken together."""
    store = EventStore.open(path, UGT)
    events = store.read(extra=["weight"])
    value = UGT.to_physical(events.hw)[:, UGT.positions(values, "pt")[0]]
    source = np.unique(np.stack([events.process, events.source_event]), axis=1, return_inverse=True)[1].ravel()
    passed = events.extra["weight"][:, None] * (value[:, None] > edges) / len(events)
    variance = [float((np.bincount(source, weights=column) ** 2).sum()) for column in passed.T]
    return passed.sum(axis=0), np.sqrt(variance)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_strata_agree_with_crossings_that_are_not_stratified(tmp_path):
    """Brute force: every collision is a SoftQCD one, of any hardness. Its collisions are used more than once, hence the factor."""
    pytest.importorskip("pythia8mc")
    classes = GeneratorConfig().zero_bias.classes
    detector = DetectorConfig(pileup_mean=5.0)
    soft = classes["soft"].model_copy(update={"pt_hat_max": None, "share": 1.0, "library_shards": 1, "shard_events": 10_000})
    brute = GeneratorConfig(zero_bias=ZeroBiasConfig(classes={"soft": soft}), detector=detector)
    shares = {"soft": 0.35, "qcd12": 0.15, "qcd15": 0.15, "qcd20": 0.15, "qcd30": 0.1, "qcd50": 0.05, "qcd80": 0.05}
    mine = {name: classes[name].model_copy(update={"share": share, "shard_events": 600}) for name, share in shares.items()}
    mine["soft"] = mine["soft"].model_copy(update={"library_shards": 1, "shard_events": 5000})
    stitched = GeneratorConfig(zero_bias=ZeroBiasConfig(classes=mine), detector=detector)
    for name, config in (("brute", brute), ("stitched", stitched)):
        generate(ZERO_BIAS, 10_000, tmp_path / f"{name}.h5", workers=1, config=config, shards=tmp_path / name)
    for values, edges in (("jet", np.array([15.0, 20, 30, 40])), ("met", np.array([5.0, 10, 15, 20, 30]))):
        (one, one_error), (other, other_error) = (spectrum(tmp_path / f"{name}.h5", values, edges) for name in ("brute", "stitched"))
        repeated = np.sqrt(1 + 10_000 * 5 / 10_000)
        np.testing.assert_array_less(np.abs(one - other), 4 * np.hypot(repeated * one_error, other_error))
        assert (one > 0).all()
