"""The stores that come with the package are made again, bit for bit."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from l1ae.data import EventStore, dataset_folder
from l1ae.data.generator import GeneratorConfig, generate

pytest.importorskip("pythia8mc")
pytestmark = [pytest.mark.exhaustive, pytest.mark.skipif(version("pythia8mc") != "8.317.2", reason="another Pythia makes other collisions")]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pileup library, which costs a minute, for all samples."""
    return tmp_path_factory.mktemp("shipped")


@pytest.mark.parametrize(
    ("folder", "sample"), [("shipped", "a4l"), ("shipped_regions", "a4l"), ("shipped", "background"), ("zerobias", "a4l")]
)
def test_the_first_events_are_made_again(folder, sample, shards):
    """The crossings take a quarter of an hour: `benchmarks/make_shipped.py --check` does the same for it."""
    shipped = EventStore.open(dataset_folder(folder) / f"{sample}.h5")
    config = GeneratorConfig().inclusive() if folder == "zerobias" else GeneratorConfig().read_out(regions="region" in shipped.layout)
    generate(sample, 300, shards / f"{folder}-{sample}.h5", workers=1, config=config, shards=shards / "shards")
    made = EventStore.open(shards / f"{folder}-{sample}.h5")
    assert made.layout == shipped.layout
    one, other = made.read(), shipped.read(0, 300)
    for column in ("hw", "process", "source_event", "pileup"):
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column), err_msg=column)
