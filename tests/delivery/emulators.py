"""Two versions of the tiny model, delivered as emulators and built once per test process."""

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.delivery._cmssw import CMSSW
from l1ae.delivery._source import Source
from l1ae.hls import convert

from .tiny import tiny_contract, tiny_events


@dataclass(frozen=True)
class Delivered:
    """A delivered folder that is finished: not to be changed by tests."""

    contract: Contract
    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / self.contract.project

    @property
    def library(self) -> Path:
        return self.project / f"{self.contract.project}.so"

    @property
    def events(self) -> Path:
        return self.project / "test/events.txt"


def source_of(version: int, seed: int) -> Source:
    contract = tiny_contract(version=version, seed=seed)
    config = Config.model_validate({"name": "tiny", "version": version, "model": {"architecture": "dense_ae", "score": "squared_error"}})
    events = tiny_events()
    return Source(contract, config, events, hls=convert(contract, config.hls, events[:20]).files)


def write(source: Source, folder: Path) -> None:
    for name, content in CMSSW.files(source).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@cache
def _scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="l1ae-test-emulators-", ignore_cleanup_errors=True)


@cache
def delivered(version: int = 3, seed: int = 5) -> Delivered:
    """Compiled without optimisation, which takes less time; the answers are the same."""
    source = source_of(version, seed)
    folder = Path(_scratch().name) / f"{version}-{seed}"
    write(source, folder)
    with mock.patch.dict(os.environ, CXXFLAGS="-O0"):
        CMSSW.finish(folder)
    return Delivered(source.contract, folder)
