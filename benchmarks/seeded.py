"""Contracts without training: a configuration's network with weights from a fixed seed, ranges measured on its events."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from l1ae.config import Config, dump_config
from l1ae.contract import Contract, build_contract

__all__ = ["nonzero_weights", "seeded_contract"]

_BIAS = 0.1
_EVENTS = 10_000


def seeded_contract(config: Config, seed: int, cache: Path) -> Contract:
    """The contract of the network of `config` with He-normal kernels and biases of standard deviation 0.1.

    The binary points are those that `l1ae train` would choose for these weights on the first 10,000 training events.
    Kept in `cache` under the configuration's digest, since TensorFlow takes longer than all else.
    """
    sections = {name: section for name, section in yaml.safe_load(dump_config(config)).items() if name not in ("hls", "csim", "rtl")}
    key = hashlib.sha256(yaml.safe_dump([sections, seed]).encode()).hexdigest()[:16]
    path = cache / f"{config.name}-{key}.contract.json"
    if path.is_file():
        return Contract.load(path)
    contract = build_contract(config, _quantized(config, seed))
    cache.mkdir(parents=True, exist_ok=True)
    contract.save(path)
    return contract


def _quantized(config: Config, seed: int) -> Any:
    """The quantized Keras model; its quantizers round the seeded weights."""
    from l1ae.models import build_float_model, build_quantized_model, firmware_plan, weight_steps
    from l1ae.training._calibrate import calibrate_on
    from l1ae.training._data import load_training_data

    rng = np.random.default_rng(seed)
    model = build_float_model(config, folded=True)
    names = [step.name for step in weight_steps(firmware_plan(config))]
    for name in names:
        layer = model.get_layer(name)
        layer.set_weights([_drawn(rng, weight.shape) for weight in layer.get_weights()])
    calibration = calibrate_on(config, model, load_training_data(config).training[:_EVENTS])
    quantized = build_quantized_model(config, calibration)
    for name in names:
        quantized.get_layer(name).set_weights(model.get_layer(name).get_weights())
    return quantized


def _drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """He-normal (arXiv:1502.01852, equation 10) for kernels, whose last axis is the output."""
    scale = _BIAS if len(shape) == 1 else np.sqrt(2 / np.prod(shape[:-1]))
    return rng.normal(0, scale, shape).astype(np.float32)


def nonzero_weights(contract: Contract, names: Collection[str]) -> tuple[int, int]:
    """Weights (without biases) that are not 0, and all, of the named operations."""
    arrays = [operation.weights for operation in contract.weighted if operation.name in names]
    return sum(int(np.count_nonzero(array)) for array in arrays), sum(array.size for array in arrays)
