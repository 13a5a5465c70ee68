from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from l1ae.data import Events, StoreWriter
from l1ae.inputs import Layout, named_layout


@pytest.fixture
def layout() -> Layout:
    return named_layout("ugt")


@pytest.fixture
def joined() -> Layout:
    """Objects and calorimeter image."""
    return Layout.joined([named_layout("ugt"), named_layout("calo_regions")])


@pytest.fixture
def make_events(layout: Layout) -> Callable[..., Events]:
    """Events with uniform codes over the whole hardware range of every column of a layout, `ugt` by default."""

    def make(count: int, seed: int = 0, processes: int = 1, of: Layout = layout, **extra: np.ndarray) -> Events:
        random = np.random.default_rng(seed)
        low, high = of.code_range
        return Events(
            random.integers(low, high + 1, (count, of.size)).astype(of.dtype),
            random.integers(0, processes, count).astype(np.int16),
            random.integers(0, 10**12, count),
            random.integers(-1, 60, count).astype(np.int16),
            extra,
        )

    return make


@pytest.fixture
def write_store(layout: Layout, tmp_path: Path) -> Callable[..., Path]:
    def write(
        *blocks: Events, name: str = "store.h5", processes: tuple[str, ...] = ("w", "qcd"), of: Layout = layout, **changes: object
    ) -> Path:
        options: dict[str, object] = {"sample": "background", "provenance": {"seed": 1}} | changes
        with StoreWriter(tmp_path / name, of, processes=processes, **options) as writer:  # type: ignore[arg-type]
            for block in blocks:
                writer.append(block)
        return tmp_path / name

    return write
