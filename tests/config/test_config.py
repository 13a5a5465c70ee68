from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from l1ae.config import Config, dump_config, load_config, overridden
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, named_layout

SHIPPED = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
MINIMAL = {"name": "tiny", "model": {"architecture": "dense_ae", "score": "squared_error"}}


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    return path


def test_configurations_are_shipped():
    assert {"dnn_ae.yaml", "dnn_vae.yaml"} <= {path.name for path in SHIPPED}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_configuration_loads_and_survives_a_dump(path, tmp_path):
    config = load_config(path)
    assert config.name == path.stem
    (tmp_path / "dumped.yaml").write_text(dump_config(config))
    assert load_config(tmp_path / "dumped.yaml") == config


def test_dump_holds_every_default(config_file):
    dumped = yaml.safe_load(dump_config(load_config(config_file)))
    assert dumped["training"]["batch_size"] == 1024
    assert dumped["inputs"]["layout"]["preset"]["network"] == "fixed<12,6,RND_CONV,SAT>"
    assert set(dumped) == set(Config.model_fields)


def test_overrides(config_file):
    overrides = ("training.batch_size=512", "model.encoder=[8, 4]", "inputs.network=fixed<9,9>", "inputs.groups.jet.shift=[1, 2, 3]")
    config = load_config(config_file, overrides)
    assert config.training.batch_size == 512
    assert config.model.encoder == (8, 4)
    assert config.inputs.network == FixedFormat.parse("fixed<9,9>")
    assert config.inputs.spec().shift[27:].tolist() == [1, 2, 3] * 10


def test_a_later_override_wins(config_file):
    assert load_config(config_file, ("seed=3", "seed=4")).seed == 4


def _message(config_file: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as error:
        load_config(config_file, overrides)
    assert error.value.exit_code == 2
    return str(error.value).replace(str(config_file), "FILE")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainin.batch_size=3", "--set trainin: unknown key; did you mean 'training'?"),
        ("training.batchsize=3", "--set training.batchsize: unknown key; did you mean 'training.batch_size'?"),
        ("hls.clock_perod=3", "--set hls.clock_perod: unknown key; did you mean 'hls.clock_period'?"),
        ("csim.zzz=3", "--set csim.zzz: unknown key; known keys are events"),
        ("training.float_phase.epoch=3", "--set training.float_phase.epoch: unknown key; did you mean 'training.float_phase.epochs'?"),
        (
            "model.layers.enc0={weight_bit: 3}",
            "--set model.layers.enc0.weight_bit: unknown key; did you mean 'model.layers.enc0.weight_bits'?",
        ),
        (
            "training.epochs=3",
            "--set training.epochs: unknown key; did you mean 'training.pruning.epochs', 'training.float_phase.epochs' or "
            "'training.quantized_phase.epochs'?",
        ),
        ("weight_bits=3", "--set weight_bits: unknown key; did you mean 'model.weight_bits'?"),
    ],
)
def test_unknown_keys(config_file, override, message):
    assert _message(config_file, override).splitlines()[0] == message


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("training.batch_size=0", ("--set training.batch_size: ", "greater than or equal to 2", "(value: 0)")),
        ("training.batch_size=many", ("--set training.batch_size: ", "valid integer", "(value: 'many')")),
        ("data.train=1.5", ("--set data.train: ", "less than 1", "(value: 1.5)")),
        (
            "data.train=0.95",
            ("FILE with --set data.train: data: train + validation = 1.05", "leaves nothing to test on; their sum must be below 1"),
        ),
        ("name=1abc", ("--set name: ", "(value: '1abc')")),
        (
            "inputs.network=float32",
            ("--set inputs.network: ", "'float32' is no fixed-point format; write for example fixed<12,6,RND_CONV,SAT>"),
        ),
        (
            "inputs.groups.tau.shift=[1,1,1]",
            ("FILE with --set inputs.groups.tau.shift: inputs: unknown group 'tau'; the groups of layout 'ugt' are met, eg, mu, jet",),
        ),
        (
            "model.architecture=gan",
            (
                "--set model.architecture: unknown architecture 'gan'; choose one of dense_ae, dense_vae, conv_ae, conv_vae, ",
                "(value: 'gan')",
            ),
        ),
        (
            "model.score=kl",
            ("FILE with --set model.score: model: score 'kl' does not exist for architecture 'dense_ae'; choose squared_error",),
        ),
        ("model.score_type=ufixed<18,14>", ("--set model.score_type: 'ufixed<18,14>' would wrap a large score to a small one",)),
        ("model={}", ("--set model.architecture is missing; add 'architecture: ...' (dense_ae, ",)),
        ("seed", ("--set 'seed' has no '='; write for example --set training.batch_size=512",)),
        ("name.sub=3", ("--set 'name.sub=3': 'name' is a value, not a section",)),
    ],
)
def test_bad_values(config_file, override, parts):
    message = _message(config_file, override)
    for part in parts:
        assert part in message


def test_a_mistake_of_the_file_is_the_files(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "model: {architecture: imported, source: mine.keras, score: squared_error, latnt: 3}\ntrainin: {}\n"
    )
    with pytest.raises(UserError) as error:
        load_config(tmp_path / "mine.yaml", ("seed=3", "model.latent=4"))
    missing, *unknown = str(error.value).replace(str(tmp_path / "mine.yaml"), "FILE").splitlines()
    assert missing.startswith("FILE: name is missing; add 'name: ...' (of the model, in C++ and HDL: lower-case letters")
    assert unknown == ["FILE: unknown key 'model.latnt'; did you mean 'latent'?", "FILE: unknown key 'trainin'; did you mean 'training'?"]


def test_overrides_of_a_program_are_named_as_such(config_file):
    with pytest.raises(UserError, match=r"overrides: model\.weight_bit: unknown key; did you mean 'model\.weight_bits'\?"):
        overridden(config_file, {"model.weight_bit": 3})


def test_malformed_value_of_an_override(config_file):
    assert _message(config_file, "model.encoder=[8, 4").startswith("--set 'model.encoder=[8, 4': '[8, 4' is no valid YAML")


def test_every_mistake_is_reported_at_once(config_file):
    assert len(_message(config_file, "seed=-1", "training.beta=2", "csim.event=3").splitlines()) == 3


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"configuration '.*no\.yaml' does not exist; `l1ae configs` lists those that come with l1ae"):
        load_config(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("text", "message"), [("a: [1", "is no valid YAML"), ("- 1\n- 2", "must hold a mapping of keys, not list"), ("", "not NoneType")]
)
def test_files_that_are_no_configuration(tmp_path, text, message):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_config(tmp_path / "bad.yaml")


def test_yaml_cannot_run_code(tmp_path):
    (tmp_path / "bad.yaml").write_text("name: !!python/object/apply:os.getcwd []")
    with pytest.raises(UserError, match="is no valid YAML"):
        load_config(tmp_path / "bad.yaml")


def test_preprocessing_overrides_leave_the_hardware_scales_alone():
    content = MINIMAL | {"inputs": {"groups": {"mu": {"offset": [[0, 0, i] for i in range(4)], "shift": [-1, 0, 0]}}}}
    spec = Config.model_validate(content).inputs.spec()
    assert spec.layout == named_layout("ugt")
    assert spec.offset[[17, 20, 23, 26]].tolist() == [0, 1, 2, 3]
    assert spec.shift[15:27].tolist() == [-1, 0, 0] * 4


def test_configuration_is_frozen(config_file):
    config = load_config(config_file)
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 2  # type: ignore[misc]
    assert config.project == "tiny_v1"


@pytest.mark.parametrize("content", [b"name: a\x00b\n", b"name: \x1b[31m\n", b"name: \xff\n", b"name: \xed\xa0\x80\n"])
def test_bytes_that_no_yaml_holds_are_said(content, tmp_path):
    path = tmp_path / "damaged.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is no valid YAML"):
        load_config(path)
