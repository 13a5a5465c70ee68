from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l1ae.data import Events, StoreWriter
from l1ae.inputs import InputSpec, ugt_input_spec


@pytest.fixture
def spec() -> InputSpec:
    return ugt_input_spec()


@pytest.fixture
def make_events(spec: InputSpec) -> Callable[..., Events]:
    """Events with uniform codes over the whole hardware range of every input."""

    def make(count: int, seed: int = 0, processes: int = 1, **extra: np.ndarray) -> Events:
        random = np.random.default_rng(seed)
        low, high = (bound.reshape(spec.slots, 3) for bound in spec.code_range)
        return Events(
            random.integers(low, high + 1, (count, spec.slots, 3)).astype(np.int16),
            random.integers(0, processes, count).astype(np.int16),
            random.integers(0, 10**12, count),
            random.integers(-1, 60, count).astype(np.int16),
            extra,
        )

    return make


@pytest.fixture
def with_regions() -> Callable[[Events], Events]:
    """The same events with a random calorimeter image."""

    def add(events: Events) -> Events:
        image = np.random.default_rng(len(events)).integers(0, 1024, (len(events), 18, 14)).astype(np.uint16)
        return replace(events, regions=image)

    return add


@pytest.fixture
def write_store(spec: InputSpec, tmp_path: Path) -> Callable[..., Path]:
    def write(*blocks: Events, name: str = "store.h5", processes: tuple[str, ...] = ("w", "qcd"), **changes: object) -> Path:
        options: dict[str, object] = {"sample": "background", "provenance": {"seed": 1}} | changes
        with StoreWriter(tmp_path / name, spec, processes=processes, **options) as writer:  # type: ignore[arg-type]
            for block in blocks:
                writer.append(block)
        return tmp_path / name

    return write
