"""RUN/latent of tiny models: files, numbers against the definition, refusals."""

import shutil

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.data import Events, StoreWriter, open_dataset
from l1ae.errors import UserError
from l1ae.inputs import derive_preprocessing, named_layout
from l1ae.latent import load_latent, read_codes
from l1ae.pipeline import LatentOptions, Run, latent_stage, train_stage
from l1ae.pipeline._samples import part_of

from ..levels import exhaustive

pytestmark = pytest.mark.slow

OPTIONS = LatentOptions(events=500)


@pytest.fixture(scope="module")
def autoencoder(make_config, tmp_path_factory):
    """A trained run whose latent space has been measured, and the result."""
    run = train_stage(make_config(), tmp_path_factory.mktemp("runs") / "ae")
    return run, latent_stage(run, OPTIONS)


@pytest.fixture(scope="module")
def variational(make_config, tmp_path_factory):
    return train_stage(make_config("dense_vae"), tmp_path_factory.mktemp("runs") / "vae")


def _events(run):
    events = open_dataset(run.config.data.source, run.config.inputs.selected).background.read()
    return events, part_of(run.config, events)


def test_every_event_of_every_sample_is_encoded_as_the_contract_says(autoencoder):
    run, result = autoencoder
    contract = Contract.load(run.path("contract") / "contract.json")
    events, part = _events(run)
    codes = read_codes(run.path("latent") / "codes" / "background.h5")
    assert np.array_equal(codes.tensors["latent_q"], contract.evaluate_reference(events.hw, ["latent_q"])["latent_q"])
    assert np.array_equal(codes.part, part)
    assert codes.origin["contract"] == contract.digest == result.contract
    assert {file.sample: file.events for file in result.codes} == {"background": 3000, "a4l": 400, "lq": 400}


def test_the_bias_is_that_of_the_definition(autoencoder):
    """Met pT of all test events, from the reconstruction in network units, in GeV."""
    run, result = autoencoder
    contract = Contract.load(run.path("contract") / "contract.json")
    events, part = _events(run)
    all_events = latent_stage(run, LatentOptions(events=10**6))
    hardware = events.hw[part == 2]
    hardware = hardware[hardware[:, 0] > 0]
    out = contract.evaluate_reference(hardware, ["out_q"])["out_q"][:, 0] * contract["out_q"].format.lsb
    expected = np.mean(np.clip(np.round(out * 64), 0, 4095) * 0.5 - hardware[:, 0] * 0.5)
    row = next(row for row in all_events.resolution if row.feature == "met_pt" and row.energy_low is None)
    assert row.bias.value == pytest.approx(expected, rel=1e-9)
    assert row.entries == len(hardware)
    assert result.events == 500


def test_the_result_is_on_disk_reproducible_and_in_the_manifest(autoencoder):
    run, _ = autoencoder
    first = latent_stage(run, OPTIONS)
    before = {path.name: path.read_bytes() for path in run.path("latent").rglob("*") if path.is_file()}
    assert load_latent(run.path("latent") / "latent.json") == first
    latent_stage(run, OPTIONS)
    after = {path.name: path.read_bytes() for path in run.path("latent").rglob("*") if path.is_file()}
    assert before == after
    assert {"latent.json", "background.h5", "a4l.h5", "dimensions.svg", "pairs.svg", "correlation.svg", "resolution.svg"} <= set(before)
    assert "latent" in run.manifest.stages


def test_an_autoencoder_generates_nothing_and_says_why(autoencoder):
    run, result = autoencoder
    assert result.generation is None
    assert "not variational" in result.skipped["generation"]
    with pytest.raises(UserError, match="'tiny' is a dense_ae: its latent space has no prior"):
        latent_stage(run, LatentOptions(generate=100))


def test_train_and_test_events_do_not_drift_and_a_signal_does(autoencoder):
    run, result = autoencoder
    (own,) = result.drift
    assert own.p_value > 1e-3
    signal = open_dataset(run.config.data.source, run.config.inputs.selected).signals["a4l"].path
    drifts = {drift.other: drift for drift in latent_stage(run, LatentOptions(events=500, compare=signal)).drift}
    assert drifts["compared a4l"].p_value < 0.02


@pytest.mark.exhaustive
def test_a_folder_is_compared_sample_by_sample(autoencoder, tmp_path):
    run, _ = autoencoder
    folder = open_dataset(run.config.data.source, run.config.inputs.selected).folder
    shutil.copy(folder / "lq.h5", tmp_path / "lq.h5")
    result = latent_stage(run, LatentOptions(events=500, compare=tmp_path))
    assert [(drift.reference, drift.other) for drift in result.drift] == [("training", "test"), ("lq", "compared lq")]
    assert result.drift[1].p_value == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds none of background\.h5, a4l\.h5, lq\.h5"):
        latent_stage(run, LatentOptions(compare=tmp_path / "empty"))


def test_a_variational_model_generates_and_decodes(variational):
    result = latent_stage(variational, LatentOptions(events=500, generate=700))
    assert result.generation.events == 700
    assert result.generation.real_events == 500
    assert set(result.compression.code_bits) == {"mu_q", "log_var_q"}
    assert result.resolution
    assert "generation" not in result.skipped
    assert (variational.path("latent") / "generated.svg").is_file()


@pytest.mark.exhaustive
def test_injected_events_are_in_the_hunt(autoencoder):
    run, _ = autoencoder
    plain = latent_stage(run, LatentOptions(events=500)).hunts
    more = latent_stage(run, LatentOptions(events=500, inject={"a4l": 300})).hunts
    assert [hunt.quantile for hunt in plain][:2] == [0.0, 0.9]
    assert plain[0].injected == 0
    assert 0 < more[0].injected <= 300
    assert plain[1].threshold > plain[0].threshold
    with pytest.raises(UserError, match="no signal 'h0' to inject; the data set holds a4l, lq"):
        latent_stage(run, LatentOptions(inject={"h0": 5}))


def test_the_mass_is_that_of_any_groups_and_an_impossible_one_is_refused(autoencoder):
    run, result = autoencoder
    assert {hunt.mass for hunt in result.hunts} == {"dijet"}  # the first that the inputs have
    again = latent_stage(run, LatentOptions(events=500, mass="jet:2")).hunts
    assert [hunt.hunt.counts for hunt in again] == [hunt.hunt.counts for hunt in result.hunts]
    before = (run.path("latent") / "latent.json").read_bytes()
    with pytest.raises(UserError, match=r"mass 'tau:2': it needs a group 'tau' .* those of layout 'ugt' are eg, mu, jet"):
        latent_stage(run, LatentOptions(mass="tau:2"))
    assert (run.path("latent") / "latent.json").read_bytes() == before


@pytest.mark.parametrize("name", exhaustive(["samples", "p2gt"], ("samples",)))
def test_other_inputs_have_a_latent_space_too(name, tmp_path):
    """A waveform has neither masses nor empty slots; Phase-2 objects have both, filled where their valid bit is."""
    layout = named_layout(name)
    rng = np.random.default_rng(3)
    low, high = layout.code_range
    for sample, count in (("odd", 300), ("background", 2000)):
        hw = (rng.beta(2, 5, (count, layout.size)) * (high - low + 1) + low).astype(int)
        hw = np.where(layout.mask(hw), hw, 0).astype(layout.dtype)
        with StoreWriter(tmp_path / "data" / f"{sample}.h5", layout, sample=sample, processes=[sample], provenance={}) as writer:
            writer.append(Events(hw, np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16)))
    numbers = dict(zip(("offset", "shift"), derive_preprocessing(layout, [(hw, None)], by_group=True), strict=True))
    groups = {
        group.name: {key: layout.block(values[None], group.name)[0].tolist() for key, values in numbers.items()} for group in layout.groups
    }
    content = {
        "name": "tiny",
        "data": {"source": str(tmp_path / "data")},
        "inputs": {"layout": name, "groups": groups},
        "model": {"architecture": "dense_vae", "score": "mu2", "encoder": [6], "latent": 2, "decoder": [6], "target_fpr": 0.05},
        "training": {"batch_size": 128, "float_phase": {"epochs": 1}, "quantized_phase": {"epochs": 1}},
    }
    run = train_stage(Config.model_validate(content), tmp_path / "run")
    result = latent_stage(run, LatentOptions(events=400))
    assert {row.feature for row in result.resolution} == {column.name for column in layout.columns}
    assert {row.group for row in result.emptiness} == {group.name for group in layout.groups if group.gate_feature}
    assert result.generation is not None
    assert ("bump hunt" in result.skipped) is (name == "samples")
    assert {"generated.svg", "resolution.svg"} <= {path.name for path in run.path("latent").iterdir()}


def test_a_contract_of_another_training_is_refused(variational, tmp_path):
    shutil.copytree(variational.folder, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    with (run.path("train") / "quantized.weights.h5").open("ab") as file:
        file.write(b"changed")
    with pytest.raises(UserError, match="was not made from the training"):
        latent_stage(run, OPTIONS)
