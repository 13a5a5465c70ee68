import pytest
from pydantic import ValidationError

from l1ae.data.generator import (
    PROCESSES,
    SAMPLES,
    DetectorConfig,
    EgammaConfig,
    FullConfig,
    GeneratorConfig,
    IsolationConfig,
    PileupConfig,
    ProcessConfig,
    RegionBin,
    RegionConfig,
    SemileptonicConfig,
    TauConfig,
    ZeroBiasConfig,
)
from l1ae.errors import UserError


def with_process(name: str, **changes: object) -> GeneratorConfig:
    return GeneratorConfig(processes={**PROCESSES, name: PROCESSES[name].model_copy(update=changes)})


def test_the_cocktail_is_the_published_one():
    assert SAMPLES["background"] == {"w": 0.592, "qcd": 0.338, "z": 0.067, "ttbar": 0.003}
    assert {"a4l", "lq", "h0", "hc", "hcpair"} < set(SAMPLES)


def test_a_changed_detector_leaves_the_truth_digests_alone():
    base, changed = GeneratorConfig(), GeneratorConfig(detector=DetectorConfig(pileup_mean=60))
    for process in PROCESSES:
        assert base.truth_digest(process) == changed.truth_digest(process)
        assert base.detector_digest(process) != changed.detector_digest(process)
    assert base.truth_digest("pileup") == changed.truth_digest("pileup")


def test_the_image_belongs_to_the_detector_level_and_its_absence_is_what_it_always_was():
    base, image = GeneratorConfig(), GeneratorConfig(regions=RegionConfig())
    for process in PROCESSES:
        assert base.truth_digest(process) == image.truth_digest(process)
        assert base.detector_digest(process) != image.detector_digest(process)
    finer = GeneratorConfig(regions=RegionConfig(tower_threshold=0.5))
    assert finer.detector_digest("w") != image.detector_digest("w")


def test_full_events_belong_to_the_detector_level_and_their_absence_is_what_it_always_was():
    base = GeneratorConfig()
    full = base.read_out(layout="ugt_full")
    for process in PROCESSES:
        assert base.truth_digest(process) == full.truth_digest(process)
        assert base.detector_digest(process) != full.detector_digest(process)
    assert full.read_out(layout="ugt") == base
    harder = base.model_copy(update={"full": FullConfig(tau=TauConfig(seed=3.0))})
    assert harder.detector_digest("w") != full.detector_digest("w")
    assert harder.read_out(layout="ugt_full") == harder.read_out() == harder


def test_layouts_of_the_store():
    names = {(layout, regions): GeneratorConfig().read_out(layout=layout, regions=regions).layout.name
             for layout in ("ugt", "ugt_full") for regions in (False, True)}  # fmt: skip
    assert list(names.values()) == ["ugt", "ugt_calo_regions", "ugt_full", "ugt_full_calo_regions"]
    with pytest.raises(UserError, match="the generator does not make layout 'p2gt'; it makes ugt and ugt_full"):
        GeneratorConfig().read_out(layout="p2gt")


def test_loose_isolation_is_looser_than_tight():
    with pytest.raises(ValidationError, match="every number of the loose isolation"):
        EgammaConfig(loose=IsolationConfig(offset=9, slope=0, per_tower=1))


def test_a_changed_process_changes_only_its_own_digests():
    base, changed = GeneratorConfig(), with_process("z", settings=("WeakSingleBoson:ffbar2gmZ=on",))
    assert base.truth_digest("z") != changed.truth_digest("z")
    assert base.detector_digest("z") != changed.detector_digest("z")
    assert base.detector_digest("w") == changed.detector_digest("w")


def test_detector_passes_and_pileup_library_belong_to_the_detector_level():
    base = GeneratorConfig()
    for changed in (with_process("qcd", detector_passes=2), GeneratorConfig(pileup=PileupConfig(library_events=10))):
        assert base.truth_digest("qcd") == changed.truth_digest("qcd")
        assert base.detector_digest("qcd") != changed.detector_digest("qcd")


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        ({"trigger_pt": 18.5}, "process 'w': truth.lepton_pt = 18.0 would cut away events that detector.trigger_pt = 18.5 accepts"),
        ({"trigger_pt": 21.5}, "process 'qcd': semileptonic.lepton_pt = 21.0 would cut away"),
        ({"muon_eta": 2.4}, "truth.muon_eta = 2.2 would cut away events that detector.muon_eta = 2.4 accepts; loosen truth.muon_eta"),
        ({"isolation_max": 1.0}, "semileptonic.isolation = 0.7 would cut away"),
        ({"isolation_cone": 0.2}, "semileptonic.isolation_cone = 0.3 would cut away"),
    ],
)
def test_a_truth_filter_tighter_than_the_detector_is_refused(detector, message):
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        GeneratorConfig(detector=DetectorConfig(**detector))


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"w": 0.5}, "add up to 1"),
        ({"w": 1.5, "z": -0.5}, "must be positive"),
        ({"photon": 1.0}, "unknown process 'photon'"),
        ({}, "add up"),
    ],
)
def test_samples_must_be_mixtures_of_known_processes(fractions, message):
    with pytest.raises(ValidationError, match=message):
        GeneratorConfig(samples={"mine": fractions})


def test_bins_must_rise():
    with pytest.raises(ValidationError, match="rising eta_max"):
        DetectorConfig(photon_efficiency=(RegionBin(eta_max=3, value=1), RegionBin(eta_max=2, value=1)))


def test_unknown_samples_are_named():
    with pytest.raises(UserError, match="unknown sample 'backgroud'; known are background, a4l"):
        GeneratorConfig().fractions("backgroud")


def test_pythia_settings_say_whether_multiparton_interactions_are_simulated():
    assert "PartonLevel:MPI=off" in PROCESSES["w"].pythia_settings()
    assert "PartonLevel:MPI=on" in PileupConfig().process().pythia_settings()


def test_the_configuration_survives_json():
    config = with_process("qcd", semileptonic=SemileptonicConfig(tries=50))
    again = GeneratorConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert again.detector_digest("qcd") == config.detector_digest("qcd")


def test_inclusive_samples_have_no_lepton_requirement_and_no_copies():
    config = GeneratorConfig().inclusive()
    assert config.detector.trigger_pt is None
    assert {(item.truth, item.detector_passes, item.semileptonic) for item in config.processes.values()} == {(None, 1, None)}
    assert set(config.samples) == {"a4l", "lq", "h0", "hc", "hcpair"}, "the background has enriched leptons"
    assert config.detector_digest("a4l") != GeneratorConfig().detector_digest("a4l")
    assert config.zero_bias == GeneratorConfig().zero_bias
    with pytest.raises(UserError, match="unknown sample 'background'"):
        config.fractions("background")


def test_a_truth_filter_without_a_selection_is_refused():
    with pytest.raises(ValidationError, match=r"truth.lepton_pt = 18.0 would cut away events that detector.trigger_pt = null accepts"):
        GeneratorConfig(detector={"trigger_pt": None})
    with pytest.raises(ValidationError, match="semileptonic enriches leptons that truth then demands"):
        ProcessConfig(settings=("HardQCD:all=on",), semileptonic=SemileptonicConfig(), truth=None)


def test_the_default_strata_in_other_shares():
    default = ZeroBiasConfig()
    equal = dict.fromkeys(default.classes, 1 / len(default.classes))
    other = ZeroBiasConfig.model_validate({"shares": equal, "detector_passes": 1})
    assert {item.share for item in other.classes.values()} == {1 / len(default.classes)}
    assert {item.detector_passes for item in other.classes.values()} == {1}
    for name, item in default.classes.items():
        changed = item.model_copy(update={"share": 1 / len(equal), "detector_passes": 1})
        assert other.classes[name] == changed
    assert GeneratorConfig(zero_bias=other).truth_digest("qcd30") == GeneratorConfig().truth_digest("qcd30"), "the same collisions"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"shares": {"soft": 1.0}}, "shares must give a number for each of soft, qcd12"),
        ({"shares": 3}, "shares must give a number for each of"),
        ({"shares": {}, "classes": {}}, "with classes of your own, write them there"),
    ],
)
def test_shares_that_are_none(content, message):
    with pytest.raises(ValidationError, match=message):
        ZeroBiasConfig.model_validate(content)
