import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from l1ae.data.generator import PROCESSES, DetectorConfig, GeneratorConfig, PileupConfig, generate

SMALL_SHARDS = {"w": 150, "qcd": 100, "z": 60, "a4l": 50}


def small_config(**detector: float) -> GeneratorConfig:
    """The default processes in small shards, with a small pileup library."""
    processes = {name: PROCESSES[name].model_copy(update={"shard_events": number}) for name, number in SMALL_SHARDS.items()}
    samples = {"background": {"w": 0.5, "qcd": 0.3, "z": 0.2}, "a4l": {"a4l": 1.0}}
    pileup = PileupConfig(library_events=60, shard_events=100)
    return GeneratorConfig(
        processes=processes, samples=samples, pileup=pileup, detector=DetectorConfig(**({"pileup_mean": 3.0} | detector))
    )


@pytest.fixture(scope="session")
def config() -> GeneratorConfig:
    pytest.importorskip("pythia8mc")
    return small_config()


@pytest.fixture(scope="session")
def library(config: GeneratorConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of shards with nothing but a pileup library, whose start-up costs seconds, and one shard of A -> 4l."""
    folder = tmp_path_factory.mktemp("library")
    generate("a4l", 1, folder / "a4l.h5", workers=1, config=config, shards=folder / "shards")
    return folder / "shards"


@pytest.fixture
def fresh_shards(library: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes folders of shards that hold the pileup library only."""

    def make(name: str) -> Path:
        for truth in (library / "truth").glob("pileup-*"):
            shutil.copytree(truth, tmp_path / name / "truth" / truth.name)
        return tmp_path / name

    return make
