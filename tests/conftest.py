import os
import random
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # as many workers as cores: threads of matrix products would wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# before the libraries of Verilator and TensorFlow: behind both of them, in one process, its fonts do not load
import matplotlib.font_manager  # noqa: F401

from l1ae.config import Config
from l1ae.contract import Contract, build_contract

from .messages import ENVIRONMENT, note_errors

hypothesis.settings.register_profile("fixed", derandomize=True, max_examples=30)
hypothesis.settings.register_profile("deep", derandomize=True, max_examples=100)
hypothesis.settings.load_profile("fixed")


def _seed(name: str) -> None:
    """Every generator that has a state of its own; those of libraries that are not loaded yet take theirs from Python's."""
    seed = zlib.crc32(name.encode()) % 2**31
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(seed)
    if "keras" in sys.modules:
        # names that Keras counts are the same whatever was built before
        sys.modules["keras.src.utils.naming"].reset_uids()
        sys.modules["keras"].utils.set_random_seed(seed)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[Any]:
    """What a file builds when it is read draws the same whichever files are read before."""
    _seed(collector.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Iterator[None]:
    """A fixture that tests share draws the same whichever asks for it first, and takes no draws from that one."""
    if fixturedef.scope == "function":
        return (yield)
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    _seed(f"{fixturedef.baseid}::{fixturedef.argname}[{getattr(request, 'param', '')!s:.100}]")
    try:
        return (yield)
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002


@pytest.fixture(autouse=True)
def _seeded(request: Any) -> None:
    """The seed of a test is its name: it draws the same in any order and on any worker."""
    _seed(request.node.nodeid)


@pytest.fixture(scope="module")
def kept_gxx():
    """What tests compile by themselves, or with a makefile, is compiled once for the same text: tests/kept_gxx.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L1AE_TEST_PYTHON", sys.executable)
        patch.setenv("PATH", f"{Path(__file__).parent / 'bin'}{os.pathsep}{os.environ['PATH']}")
        yield


@dataclass(frozen=True)
class Network:
    """A small quantized model with fixed random weights, and its contract."""

    config: Config
    model: Any
    contract: Contract


def _dense(name: str, size: int, x: Any) -> Any:
    from keras.initializers import RandomUniform
    from qkeras import QDense, quantized_bits

    return QDense(
        size,
        name=name,
        kernel_quantizer=quantized_bits(8, 0, alpha=1),
        bias_quantizer=quantized_bits(8, 0, alpha=1),
        kernel_initializer=RandomUniform(-0.8, 0.8, seed=len(name)),
        bias_initializer=RandomUniform(-0.9, 0.9, seed=size),
    )(x)


def _build(score: str, hidden: Sequence[int], grid: bool) -> Any:
    import keras
    from qkeras import QActivation, quantized_bits, quantized_relu

    keras.utils.set_random_seed(7)
    inputs = x = keras.layers.Input((57,))
    if grid:
        x = QActivation(quantized_bits(12, 5, alpha=1), name="grid")(x)
    for k, size in enumerate(hidden):
        x = QActivation(quantized_relu(8, 3), name=f"enc{k}_relu")(_dense(f"enc{k}", size, x))
    if score == "squared_error":
        x = QActivation(quantized_bits(10, 4, alpha=1), name="latent_q")(_dense("latent", 3, x))
        x = QActivation(quantized_relu(8, 3), name="dec0_relu")(_dense("dec0", hidden[0], x))
        return keras.Model(inputs, QActivation(quantized_bits(12, 5, alpha=1), name="out_q")(_dense("out", 57, x)))
    mu = QActivation(quantized_bits(10, 4, alpha=1), name="mu_q")(_dense("mu", 3, x))
    log_var = QActivation(quantized_bits(8, 3, alpha=1), name="log_var_q")(_dense("log_var", 3, x))
    return keras.Model(inputs, [mu, log_var])


@pytest.fixture(scope="session")
def small_zero_bias(tmp_path_factory):
    """A folder with the first 3,000 shipped crossings of every part, and 500 events of every signal."""
    from l1ae.data import SPLIT, TEST, TRAIN, VALIDATION, WEIGHT, StoreWriter, concatenate, open_dataset

    folder, shipped = tmp_path_factory.mktemp("zerobias"), open_dataset("zerobias")
    for name, store in {"background": shipped.background, **shipped.signals}.items():
        events = store.read(extra=(SPLIT, *((WEIGHT,) if name == "background" else ())))
        parts = (
            events.select(np.flatnonzero(events.extra[SPLIT] == part)[: 3000 if name == "background" else 500])
            for part in (TRAIN, VALIDATION, TEST)
        )
        with StoreWriter(folder / f"{name}.h5", store.own, sample=store.sample, processes=store.processes, provenance={}) as writer:
            writer.append(concatenate(list(parts)))
    return folder


@pytest.fixture(scope="session")
def make_network() -> Callable[..., Network]:
    """A network with the given score ("squared_error", "mu2", "kl") and hidden layers, the same for the same arguments.

    With `grid` a quantizer on the grid of the inputs, which changes nothing, comes first: hls4ml's `bit_exact` wants it.
    """

    def make(score: str, hidden: Sequence[int] = (8, 6), threshold: int = 300, *, grid: bool = False, **model_options: Any) -> Network:
        architecture = "dense_ae" if score == "squared_error" else "dense_vae"
        content = {"name": f"tiny_{score}", "model": {"architecture": architecture, "score": score, **model_options}}
        config = Config.model_validate(content)
        model = _build(score, hidden, grid)
        return Network(config, model, build_contract(config, model).with_threshold(threshold))

    return make


@pytest.fixture(scope="session")
def hardware() -> np.ndarray:
    """2000 events of layout `ugt` with codes over the whole hardware range, (N, 57); half of the slots are empty."""
    from l1ae.inputs import named_layout

    rng = np.random.default_rng(11)
    layout = named_layout("ugt")
    low, high = layout.code_range
    codes = rng.integers(low, high + 1, (2000, layout.size)).reshape(-1, 19, 3)
    codes[rng.random(codes.shape[:2]) < 0.5] = 0
    return codes.reshape(2000, layout.size).astype(layout.dtype)


_LEARNED = {
    "dense_ae": {"encoder": [7, 6], "latent": 3, "decoder": [5]},
    "dense_vae": {"encoder": [7], "latent": 3, "decoder": [5]},
    "set_ae": {"objects": [5, 4], "encoder": [6], "latent": 3, "decoder": [5]},
    "conv_ae": {
        "convolutions": [{"filters": 3, "padding": "same", "pool": [2, 1]}, {"filters": 2, "kernel": [3, 1], "stride": [2, 1]}],
        "encoder": [],
        "latent": 3,
        "decoder": [5],
    },
}


@pytest.fixture(scope="session")
def make_learned() -> Callable[[str], tuple[Config, Any]]:
    """Configuration and quantized model of an architecture with learned widths: random weights, every width another."""
    from l1ae.models import build_quantized_model, calibrate, firmware_plan, weight_steps

    def make(architecture: str) -> tuple[Config, Any]:
        score = "mu2" if architecture == "dense_vae" else "squared_error"
        model = {"architecture": architecture, "score": score, **_LEARNED[architecture]}
        # one preprocessing per kind of object, which sets need
        inputs = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}
        content = {"name": "learned", "inputs": inputs, "model": model, "training": {"learned_widths": {"initial_bits": 9}}}
        config = Config.model_validate(content)
        steps = weight_steps(firmware_plan(config))
        sizes, biases = {step.name: 0.6 for step in steps}, {step.name: 0.3 for step in steps}
        network = build_quantized_model(config, calibrate(config, sizes, biases, {step.activation: 3.0 for step in steps}))
        rng = np.random.default_rng(17)
        for layer in network.layers:
            if hasattr(layer, "kernel_fraction"):
                layer.kernel.assign(rng.normal(0, 0.3, layer.kernel.shape))
                layer.kernel_fraction.assign(rng.uniform(-1, 9, layer.kernel.shape))
                if layer.use_bias:
                    layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
            elif hasattr(layer, "fraction"):
                layer.fraction.assign(layer.fraction - rng.uniform(0, 4))
        return config, network

    return make


def pytest_configure() -> None:
    if folder := os.environ.get(ENVIRONMENT):
        note_errors(Path(folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--order", type=int, help="seed of a random order of files, and of the tests in each")
    parser.addoption("--update-golden", action="store_true", help="write the golden copies of deliveries anew instead of comparing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files stay together, since what they share would otherwise be made again and again."""
    order = config.getoption("order")
    if order is not None:
        drawn = random.Random(order)
        files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
        drawn.shuffle(files)
        for tests in files:
            drawn.shuffle(tests)
        items[:] = [test for tests in files for test in tests]
