"""Files of Keras models as people save them: read exactly, or refused with the layer, the file and the remedy; never executed."""

import gzip
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

from l1ae.config import Config
from l1ae.contract import build_contract, load_keras
from l1ae.contract._from_keras import layer_types
from l1ae.contract._saved._load import _INITIALIZERS
from l1ae.errors import UserError
from l1ae.models import LearnedActivation, LearnedDense, Slice, TableDense

from ..levels import slow

L = keras.layers
KERAS2 = Path(__file__).parent / "keras2"


def _quantized(units, name, **options):
    weights = {"kernel_quantizer": quantized_bits(6, 0, alpha=1), "bias_quantizer": quantized_bits(8, 2, alpha=1)}
    bias = keras.initializers.RandomUniform(-1, 1, seed=units)
    return QDense(units, name=name, bias_initializer=bias, **weights | options)


def _encoder(sequential=False):
    layers = [_quantized(4, "z"), QActivation(quantized_relu(8, 4), name="zr")]
    if sequential:
        return keras.Sequential([L.Input((57,)), *layers], name="encoder")
    inputs = L.Input((57,))
    return keras.Model(inputs, layers[1](layers[0](inputs)), name="encoder")


def _decoder():
    inputs = L.Input((4,))
    outputs = QActivation(quantized_bits(12, 6, alpha=1), name="out_q")(_quantized(57, "out")(inputs))
    return keras.Model(inputs, outputs, name="decoder")


def _nested():
    inputs = L.Input((57,), name="events")
    return keras.Model(inputs, _decoder()(_encoder()(inputs)), name="ae")


def _sequential():
    return keras.Sequential([L.Input((57,)), _encoder(), _decoder()], name="ae")


def _flat():
    return keras.Sequential([L.Input((57,), batch_size=1), *_encoder(sequential=True).layers, *_decoder().layers[1:]], name="ae")


def _two_heads():
    """Two layers of one shape, which a reader that goes by the order alone may take for each other; one of them not trained."""
    inputs = L.Input((57,))
    mu, log_var = _quantized(3, "mu"), _quantized(3, "log_var", trainable=False)
    return keras.Model(inputs, [L.GaussianNoise(0.1)(mu(inputs)), log_var(L.Dropout(0.2)(inputs))])


def _own_layers():
    inputs = L.Input((57,))
    x = LearnedActivation(hidden=False, bits=6, integer=3, name="cast")(
        LearnedDense(5, initial_bits=6, bias_fraction=4, name="first")(inputs)
    )
    edges = [[0], [1], [2]]
    return keras.Model(inputs, TableDense(2, index=edges, bits=3, entry_fraction=3, learned=True, name="tables")(Slice(0, 3)(x)))


MODELS = {
    "nested": _nested,
    "sequence of models": _sequential,
    "sequence": _flat,
    "two heads": _two_heads,
    "own layers": _own_layers,
}


def _computed(model):
    events = np.random.default_rng(3).normal(0, 2, (200, 57)).astype(np.float32)
    return [np.asarray(output) for output in keras.tree.flatten(model(events))]


@pytest.mark.parametrize("suffix", slow([".keras", ".h5"], (".keras",)))
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_saved_model_is_the_model(name, suffix, tmp_path):
    keras.utils.set_random_seed(5)
    model = MODELS[name]()
    for number, variable in enumerate(model.weights):
        if "fraction" not in variable.name:
            variable.assign(np.random.default_rng(number).uniform(-1, 1, variable.shape))
    path = tmp_path / f"model{suffix}"
    model.save(path)
    for ours, theirs in zip(_computed(load_keras(path)), _computed(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_compiled_and_trained_model_needs_nothing_of_its_training(tmp_path):
    """Loss, optimizer, initialiser and regulariser may be Python functions of their own: they do not decide what is computed."""

    @keras.saving.register_keras_serializable("mine")
    def penalty(weights):
        return 1e-3 * keras.ops.sum(keras.ops.abs(weights))

    @keras.saving.register_keras_serializable("mine")
    def loss(truth, found):
        return keras.ops.sum(keras.ops.abs(truth - found))

    keras.utils.set_random_seed(5)
    inputs = L.Input((57,))
    model = keras.Model(inputs, _quantized(57, "out", kernel_regularizer=penalty)(inputs))
    model.compile("adam", loss=loss)
    events = np.random.default_rng(0).normal(size=(32, 57)).astype(np.float32)
    model.fit(events, events, verbose=0)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(_computed(load_keras(tmp_path / "model.keras"))[0], _computed(model)[0])


# -- Keras 2 ---------------------------------------------------------------------------------------------------------

# made by tensorflow 2.15 and QKeras 0.9: dense autoencoders, afterwards cut to 6 inputs; weights by layer, LSB and bounds in LSB of
# the casts, those of the weights all the same
OLD = {
    "old": [("e0", 2**-4, 0, 255), ("z", 2**-5, -512, 511), ("o", 2**-5, -2048, 2047)],
    "old_str": [("e0", 2**-4, 0, 255), ("o", 2**-5, -2048, 2047)],
}


def _old(name, folder):
    path = folder / name
    if name.endswith(".keras"):
        return shutil.copy(KERAS2 / name, path)
    path.write_bytes(gzip.decompress((KERAS2 / f"{name}.gz").read_bytes()))
    return path


def _cast(values, lsb, low, high):
    return np.clip(np.rint(values / lsb), low, high) * lsb


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", OLD)
def test_models_of_keras_2_compute_what_their_numbers_say(name, suffix, tmp_path):
    """Against the formulae of the quantizers, with the arrays as h5py reads them from the HDF5 file."""
    with h5py.File(_old(f"{name}.h5", tmp_path)) as file:
        weights = {
            key: [group[f"{key}/{part}:0"][()] for part in ("kernel", "bias")] for key, group in file["model_weights"].items() if len(group)
        }
    x = events = np.random.default_rng(1).normal(0, 2, (300, 6)).astype(np.float32)
    for layer, lsb, low, high in OLD[name]:
        kernel, bias = (np.asarray(values, np.float64) for values in weights[layer])
        x = _cast(x @ _cast(kernel, 2**-5, -32, 31) + _cast(bias, 2**-5, -128, 127), lsb, low, high)
    found = np.asarray(load_keras(Path(_old(name + suffix, tmp_path)))(events))
    # Keras adds in float32, where a sum may fall to the other side of a rounding
    assert found.shape == x.shape
    assert (np.abs(found - x) > 1e-6).mean() < 0.01
    assert len(np.unique(x)) > 20


def _six_numbers():
    layout = {"name": "six", "groups": [{"name": "sums", "kind": "sums", "features": [{"name": f"x{k}", "bits": 8} for k in range(6)]}]}
    model = {"architecture": "imported", "source": "old.keras", "score": "squared_error"}
    inputs = {"layout": layout, "groups": {"sums": {"offset": [0] * 6, "shift": [2] * 6}}}
    return Config.model_validate({"name": "old", "model": model, "inputs": inputs})


def test_a_model_of_keras_2_becomes_a_contract(tmp_path):
    found = [build_contract(_six_numbers(), load_keras(Path(_old(f"old{suffix}", tmp_path)))) for suffix in (".keras", ".h5")]
    assert found[0].digest == found[1].digest
    assert [operation.name for operation in found[0].operations][2:8] == ["e0", "r0", "z", "zq", "o", "oq"]


# -- refusals --------------------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("mine")
class Sampling(L.Layer):
    """A layer of the user, which this process could find."""

    def call(self, inputs):
        """The mean."""
        raise AssertionError("it is not called")


@keras.saving.register_keras_serializable("mine")
def hard(x):
    """An activation of the user."""
    return keras.ops.clip(x, -1, 1)


@keras.saving.register_keras_serializable("mine")
class Own(keras.Model):
    """A model of the user."""

    def __init__(self, **options):
        super().__init__(**options)
        self.layer = _quantized(57, "out")

    def call(self, inputs):
        """One layer."""
        return self.layer(inputs)


def _with(layer, after=()):
    inputs = L.Input((57,))
    x = layer(QActivation(quantized_bits(8, 3, alpha=1), name="mu_q")(_quantized(3, "mu")(inputs)))
    for item in after:
        x = item(x)
    return keras.Model(inputs, x)


def _subclassed():
    model = Own()
    model(np.zeros((1, 57), np.float32))
    return model


class _Passing(Sampling):
    def call(self, inputs):
        return inputs


_Passing.__name__ = "Sampling"


REFUSED = {
    "custom layer": (
        lambda: _with(_Passing(name="z")),
        r"layer 'z' of '.*model.keras': Sampling is not supported, its code, of '.*', is not part of the model; if it samples the latent "
        r"space .* end the model in the layers before it, keras.Model\(model.input, \[model.get_layer\('NAME'\).output, ...\]\)",
    ),
    "Lambda": (
        lambda: _with(L.Lambda(lambda x: x + 1, name="z")),
        "layer 'z' of '.*': Lambda is not supported; .* end the model in the layers",
    ),
    "Dot": (
        lambda: _with(lambda x: L.Dot(1, name="n")([x, x])),
        "layer 'n' of '.*': Dot is .* a score of the latent space; end the model in",
    ),
    "activation of Python": (
        lambda: _with(_quantized(3, "z", activation=hard)),
        r"'z.activation' of '.*': activation hard is not supported; use",
    ),
    "Keras' activation": (
        lambda: _with(_quantized(3, "z", activation="relu")),
        r"'z.activation' .* relu is not supported; use quantized_relu\(",
    ),
    "subclassed": (_subclassed, r"'.*model.keras' was saved from a class of its own, mine.Own, whose code is not in the file"),
    "BatchNormalization": (lambda: _with(L.BatchNormalization(name="bn")), "layer 'bn' of '.*': BatchNormalization is .*; fold it"),
    "Dense": (lambda: _with(L.Dense(3, name="d")), "layer 'd' of '.*': Dense is not supported; .* use QDense"),
    "operation": (lambda: _with(lambda x: x + 1.0), "layer 'add.*' of '.*': the operation Add is not supported; use a layer"),
    "float16": (
        lambda: _with(_quantized(3, "z", dtype="mixed_float16")),
        "layer 'z' of '.*' computes in mixed_float16; build the model with",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exact_is_refused_with_layer_file_and_remedy(case, tmp_path):
    make, message = REFUSED[case]
    make().save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=message):
        load_keras(tmp_path / "model.keras")


def test_the_model_that_ends_before_a_refused_layer_is_imported(tmp_path):
    """What the message says, carried out as it is written."""
    model = _with(_Passing(name="z"))
    model.save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=r"end the model in the layers before it") as error:
        load_keras(tmp_path / "model.keras")
    (remedy,) = re.findall(r"keras\.Model\(.*?\)\.output, \.\.\.\]\)", str(error.value))
    remedy = remedy.replace("'NAME'", "'mu_q'").replace(", ...]", "]")
    eval(remedy, {"keras": keras, "model": model}).save(tmp_path / "cut.keras")
    config = {"architecture": "imported", "source": "cut.keras", "score": "mu2"}
    contract = build_contract(Config.model_validate({"name": "cut", "model": config}), load_keras(tmp_path / "cut.keras"))
    assert contract["mu2"].inputs == ("mu_q",)


def _edited(path, edit):
    """The same `.keras` file with another configuration."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    edit(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, json.dumps(config) if name == "config.json" else data)
    return path


def _first_dense(config):
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == "QDense")


def test_a_layer_of_hgq2_is_refused_with_its_name_and_package(tmp_path):
    """As HGQ2 serialises it: a class with the name of one of QKeras."""

    def edit(config):
        _first_dense(config).update(module="hgq.layers.core.dense", registered_name="hgq>QDense")

    path = _edited(_old("old.keras", tmp_path), edit)
    with pytest.raises(
        UserError, match=r"layer 'e0' of '.*old.keras': QDense is not supported, the quantizers of HGQ2 have a width for every"
    ):
        load_keras(Path(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('touch ran')", "is no call of a quantizer"),
        ("quantized_bits(__import__('os').getpid(), 0)", "has arguments that quantized_bits does not take"),
        ("quantized_bits(8, 0, beta=1)", "has arguments that quantized_bits does not take .*beta"),
        ("quantized_bits(8, 0", "is no call of a quantizer"),
        ("(" * 900 + ")" * 99, "is no call of a quantizer"),
        ("quantized_tanh(8)", "quantized_tanh is not supported; use quantized_bits"),
        ("quantized_relu_po2(8)", "quantized_relu_po2 is not supported; use quantized_relu"),
        ("sigmoid", "activation sigmoid is not supported; use quantized_bits"),
    ],
)
def test_quantizers_as_text_are_read_and_not_evaluated(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = _edited(_old("old_str.keras", tmp_path), lambda config: config["config"]["layers"][2]["config"].update(activation=text))
    with pytest.raises(UserError, match=rf"'r0.activation' of '.*old_str.keras': .*{message}"):
        load_keras(Path(path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "item",
    [
        {"class_name": "__lambda__", "config": {"value": "4wEAAAAA"}},
        {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "function"},
        {"class_name": "get_file", "module": "keras.utils", "config": {"origin": "file:///etc/passwd"}, "registered_name": None},
        {"class_name": "__typespec__", "spec_name": "x", "module": "os", "registered_name": None, "config": []},
    ],
    ids=lambda item: item["class_name"],
)
@pytest.mark.parametrize("place", ["units", "activation", "kernel_quantizer", "inbound", "layer"])
def test_objects_of_other_kinds_are_not_made(item, place, tmp_path, monkeypatch):
    """Wherever they stand: neither imported nor called, but refused."""
    monkeypatch.setattr("keras.src.saving.serialization_lib._retrieve_class_or_fn", _allowed(), raising=True)

    def edit(config):
        layer = _first_dense(config)
        if place == "inbound":
            layer["inbound_nodes"] = [[["input_1", 0, 0, {"mask": item}]]]
        elif place == "layer":
            config["config"]["layers"].append(item | {"name": "bad", "inbound_nodes": []})
        else:
            layer["config"][place] = item

    with pytest.raises(UserError, match=r"old\.keras'"):
        load_keras(Path(_edited(_old("old.keras", tmp_path), edit)))


def _allowed():
    from keras.src.saving import serialization_lib

    original = serialization_lib._retrieve_class_or_fn

    def retrieve(name, registered_name, module, *args, **options):
        assert module.startswith(("keras", "qkeras", "l1ae")), module
        assert name not in {"eval", "get_file"}
        return original(name, registered_name, module, *args, **options)

    return retrieve


def test_every_layer_with_weights_has_initialisers_that_bound_them():
    """No configuration makes a weight that no file holds."""
    with_weights = {kind for kind, cls in layer_types().items() if any(hasattr(cls, name) for name in ("quantized_kernel", "entries"))}
    with_weights |= {kind for kind in layer_types() if kind.startswith(("QDense", "QConv"))}
    assert set(_INITIALIZERS) == with_weights


# -- files that are no models ----------------------------------------------------------------------------------------


def _arrays(path):
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))


NO_MODEL = {
    "nothing": (lambda path: None, "does not exist; give the .keras or .h5 file that model.save wrote"),
    "folder": (lambda path: path.mkdir(), "is a folder, as TensorFlow's SavedModel; load the model where it was made and write it with"),
    "text": (lambda path: path.write_text("weights"), "is neither a .keras nor a .h5 file of Keras, or is damaged"),
    "arrays": (_arrays, "is a zip archive without config.json and model.weights.h5, no .keras"),
    "weights": (lambda path: _flat().save_weights(path.with_suffix(".weights.h5")), "holds weights only; load the model where"),
    "events": (
        lambda path: h5py.File(path, "w").create_dataset("Particles", data=np.zeros(3)).file.close(),
        "is an HDF5 file without a Keras",
    ),
}


@pytest.mark.parametrize("case", NO_MODEL)
def test_files_that_are_no_model_are_refused(case, tmp_path):
    make, message = NO_MODEL[case]
    path = tmp_path / "model.keras"
    make(path)
    weights = tmp_path / "model.weights.h5"
    with pytest.raises(UserError, match=message):
        load_keras(weights if weights.exists() else path)


def test_messages_call_the_file_as_the_configuration_does(tmp_path):
    """A run holds a copy, which is not the file that a user edits."""
    (tmp_path / "copy.keras").write_text("no model")
    with pytest.raises(UserError, match=r"^'models/mine.keras' is neither"):
        load_keras(tmp_path / "copy.keras", "models/mine.keras")


# -- damage ----------------------------------------------------------------------------------------------------------


def _tree(node, path=()):
    """Every place in a JSON document."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _tree(value, (*path, key))


def _put(node, path, value):
    for key in path[:-1]:
        node = node[key]
    if value is _put:
        del node[path[-1]]
    else:
        node[path[-1]] = value


def _nested_list(depth):
    return json.loads("[" * depth + "]" * depth)


STRANGE = [
    None,
    True,
    -1,
    0,
    1 << 40,
    10**400,
    1e300,
    float("nan"),
    "",
    "x" * 5000,
    [],
    {},
    [[]],
    _nested_list(400),
    {"class_name": 3},
    _put,
]


def _damaged_config(rng, path):
    def edit(config):
        places = [place for place in _tree(config) if place]
        _put(config, places[rng.integers(len(places))], STRANGE[rng.integers(len(STRANGE))])

    return _edited(path, edit)


def _damaged_bytes(rng, path):
    content = bytearray(Path(path).read_bytes())
    if rng.random() < 0.4:
        content = content[: rng.integers(len(content))]
    else:
        for _ in range(rng.integers(1, 30)):
            content[rng.integers(len(content))] = rng.integers(256)
    Path(path).write_bytes(bytes(content))
    return path


def _attempt(path):
    """Load and make the contract: whatever happens, one that can be evaluated or a `UserError`, whose text is returned."""
    try:
        contract = build_contract(_six_numbers(), load_keras(Path(path)))
    except UserError as error:
        text = str(error)
        assert len(text) < 1500, text
        assert "; " in text, text
        return text
    contract.evaluate(np.zeros((1, 6), np.int64), ["score"])
    return None


SOME = [pytest.param(6, id="some"), pytest.param(100, id="many", marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("trials", SOME)
@pytest.mark.parametrize("name", slow(["old.keras", "old_str.keras", "old.h5", "old_str.h5"], ("old.keras", "old.h5")))
def test_damaged_bytes_are_a_message(name, trials, tmp_path):
    rng = np.random.default_rng(11)
    refused = [_attempt(_damaged_bytes(rng, _old(name, tmp_path))) is not None for _ in range(trials)]
    assert sum(refused) > trials // 10


@pytest.mark.parametrize("trials", SOME)
@pytest.mark.parametrize("name", slow(["old.keras", "old_str.keras"], ("old.keras",)))
def test_damaged_configurations_are_a_message(name, trials, tmp_path):
    rng = np.random.default_rng(12)
    refused = [_attempt(_damaged_config(rng, _old(name, tmp_path))) is not None for _ in range(trials)]
    assert sum(refused) > trials // 10


def test_deep_nesting_is_a_message(tmp_path):
    path = tmp_path / "deep.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[" * 100_000)
        archive.writestr("model.weights.h5", "")
    assert "damaged" in _attempt(path)


def _models_in_models(config):
    inner = config["config"]["layers"][1]
    for number in range(200):
        inner = {"module": "keras", "class_name": "Sequential", "config": {"name": f"m{number}", "layers": [inner]}, "name": f"m{number}"}
    config["config"]["layers"][1] = inner | {"inbound_nodes": []}


def test_models_in_models_without_end_are_a_message(tmp_path):
    assert "too many models in models" in _attempt(_edited(_old("old.keras", tmp_path), _models_in_models))


@pytest.mark.parametrize("units", [1 << 40, 10**300])
def test_a_configuration_that_asks_for_more_than_memory_is_a_message(units, tmp_path):
    path = _edited(_old("old.keras", tmp_path), lambda config: _first_dense(config)["config"].update(units=units))
    assert "old.keras'" in _attempt(path)


def _external(group):
    group["e0"] = h5py.ExternalLink("/etc/hostname", "/e0")


def _soft(group):
    group["e0"] = h5py.SoftLink("/model_weights/z")


def _huge(group):
    group.create_dataset("e0/e0/kernel:0", (1 << 40, 1 << 20), np.float32, chunks=(1, 1024))
    group.create_dataset("e0/e0/bias:0", data=np.zeros(4, np.float32))


def _elsewhere(group):
    group.create_dataset("e0/e0/kernel:0", (6, 4), np.float32, external=[("/etc/hostname", 0, 96)])
    group.create_dataset("e0/e0/bias:0", data=np.zeros(4, np.float32))


def _text(group):
    group.create_dataset("e0/e0/kernel:0", (6, 4), h5py.string_dtype())
    group.create_dataset("e0/e0/bias:0", data=np.zeros(4, np.float32))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_external, "layer 'e0' of '.*old.h5': its kernel is not in the file; copy the file again"),
        (_soft, "layer 'e0' of '.*old.h5': its kernel is not in the file"),
        (_huge, r"layer 'e0' of '.*': its kernel has shape \(1099511627776, 1048576\), and all weights together more than"),
        (_elsewhere, "layer 'e0' of '.*': its kernel lies in another file, which is not read"),
        (_text, "layer 'e0' of '.*': its kernel is object, no numbers"),
    ],
)
def test_weights_that_lie_elsewhere_or_have_another_size_are_not_read(edit, message, tmp_path):
    path = _old("old.h5", tmp_path)
    with h5py.File(path, "a") as file:
        del file["model_weights/e0"]
        edit(file["model_weights"])
    with pytest.raises(UserError, match=message):
        load_keras(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_crash_of_the_hdf5_library_is_a_message(suffix, tmp_path, monkeypatch):
    """It has crashed in damaged files of these tests, and not in every process; here another program does in its place."""
    script = tmp_path / "crash.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr("l1ae.contract._saved._file._PROCESS", script)
    path = _old(f"old{suffix}", tmp_path)
    with pytest.raises(
        UserError, match=r"'.*old.*' is damaged \(the HDF5 library crashes in it, or does not end\); copy it again, or load"
    ):
        load_keras(Path(path))


def test_weights_under_the_name_of_another_layer_are_a_message(tmp_path):
    """A `.keras` file has them by position; since Keras 3 with the name of the layer beside, which is compared."""
    _two_heads().save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(content["model.weights.h5"])
    with h5py.File(weights, "a") as file:
        file["layers/q_dense/vars"].attrs["name"] = "log_var"
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, data in (content | {"model.weights.h5": weights.getvalue()}).items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match="the weights of 'log_var' are where those of layer 'mu' belong; copy the file again"):
        load_keras(tmp_path / "model.keras")
