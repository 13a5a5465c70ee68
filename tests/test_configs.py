"""Every configuration that comes with l1ae, from training on some of the shipped collisions to the C simulation."""

import json
from pathlib import Path

import pytest

from l1ae.config import load_config
from l1ae.contract import OPERATIONS
from l1ae.data.generator import GeneratorConfig, strata
from l1ae.documents import load_yaml
from l1ae.families import SCORES
from l1ae.pipeline._models import drawn_contract

from .levels import exhaustive

FOLDER = Path(__file__).parents[1] / "configs"
GENERATOR = sorted((FOLDER / "generator").glob("*.yaml"))
CONFIGS = sorted(FOLDER.glob("*.yaml"))

# a short training: what is tested is that every bit agrees, which does not depend on how good the weights are
SMOKE = (
    "training.batch_size=256",
    "training.float_phase.epochs=1",
    "training.quantized_phase.epochs=1",
    "training.kl_warmup=0",
)


# Together they have every kind of operation. The first is the default model.
REPRESENTATIVE = ("surprise_ae", "deep_set_ae", "vae_rz", "density_forest")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_is_valid_and_named_after_its_file(path):
    assert load_config(path).name == path.stem


def test_the_families_of_the_field_are_there():
    configs = [load_config(path) for path in CONFIGS]
    assert len(configs) >= 14
    assert {config.model.score for config in configs} == set(SCORES)


@pytest.mark.slow
def test_the_representative_models_have_every_kind_of_operation():
    """What the others are made of is simulated by default, too."""
    contracts = [drawn_contract(load_config(path)) for path in CONFIGS if path.stem in REPRESENTATIVE]
    assert len(contracts) == len(REPRESENTATIVE)
    assert {type(operation) for contract in contracts for operation in contract.operations} == set(OPERATIONS.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", exhaustive([path.stem for path in CONFIGS], REPRESENTATIVE))
def test_no_bit_differs_from_training_to_c_simulation(name, small_zero_bias, tmp_path):
    from l1ae.pipeline import RunOptions, run_all

    path = FOLDER / f"{name}.yaml"
    config = load_config(path)
    source = (f"data.source={small_zero_bias}",) if config.inputs.layout.name == "ugt" else ("data.train=0.1", "data.validation=0.02")
    short = ("model.pair_tables.reference.events=4000",) if config.model.architecture == "pair_tables" else SMOKE
    short = () if config.model.architecture == "density_tree" else short
    run, report = run_all(load_config(path, (*short, *source)), tmp_path / "run", options=RunOptions(events=2000))
    content = json.loads((run.path("csim") / "report.json").read_text())
    assert (content["mismatches"], content["type_mismatches"]) == (0, [])
    assert content["quantized"]["mismatches"] == 0
    assert content["events"] == 2000
    assert content["corner_vectors"] > 1000
    assert name in report.read_text()


@pytest.mark.parametrize("path", GENERATOR, ids=lambda path: path.stem)
def test_a_configuration_of_the_generator_is_one(path):
    config = load_yaml(GeneratorConfig, path)
    found = strata(config.zero_bias, config.detector.pileup_mean)
    assert sum(stratum.probability for stratum in found) == pytest.approx(1, abs=1e-9)
    assert sum(stratum.share for stratum in found) == pytest.approx(1, abs=1e-5)


def test_plain_zero_bias_has_one_stratum_into_which_every_crossing_falls():
    config = load_yaml(GeneratorConfig, next(path for path in GENERATOR if path.stem == "plain_zero_bias"))
    (stratum,) = strata(config.zero_bias, config.detector.pileup_mean)
    assert (stratum.name, stratum.probability, stratum.weight) == ("inelastic", 1.0, 1.0)
    assert stratum.expected_collisions == config.detector.pileup_mean
