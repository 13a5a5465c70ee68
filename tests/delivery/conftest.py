"""One tiny network that every target delivers, and golden copies of what is delivered.

`pytest tests/delivery --update-golden` writes the golden copies anew; read the difference before you commit it.
"""

from pathlib import Path

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.delivery._source import Source
from l1ae.hls import convert

from .tiny import tiny_contract, tiny_events

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module", autouse=True)
def _kept(kept_gxx):
    """Emulators are compiled by makefiles, many of them several times."""


@pytest.fixture(scope="session")
def tiny() -> Contract:
    """A contract of 57 hardware inputs that no training made: integer weights, a threshold that some events reach."""
    return tiny_contract()


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    return Config.model_validate({"name": "tiny", "version": 3, "model": {"architecture": "dense_ae", "score": "squared_error"}})


@pytest.fixture(scope="session")
def tiny_source(tiny, tiny_config) -> Source:
    """With an HLS project, without RTL."""
    events = tiny_events()
    project = convert(tiny, tiny_config.hls, events[:20])
    return Source(tiny, tiny_config, events, hls=project.files)


@pytest.fixture(scope="session")
def tiny_rtl_source(tiny_source) -> Source:
    """The same with RTL."""
    from l1ae.rtl import Clock, unroll

    config = tiny_source.config
    made = unroll(tiny_source.contract, Clock(config.rtl_clock_period, config.rtl.clock_uncertainty), part=config.rtl_part)
    return Source(tiny_source.contract, config, tiny_source.events, tiny_source.hls, made.project)


@pytest.fixture
def golden(request):
    """Compare files with their golden copies byte for byte: `golden("ugt", files)`.

    Names that differ fail, as do bytes; `--update-golden` writes what it is given instead.
    """

    def compare(name: str, files: dict[str, bytes]) -> None:
        folder = GOLDEN / name
        if request.config.getoption("--update-golden"):
            for path in sorted(folder.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            return
        present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert present == set(files)
        for path, content in files.items():
            assert (folder / path).read_bytes() == content, f"{name}/{path} is not its golden copy"

    return compare


@pytest.fixture(scope="session")
def events() -> np.ndarray:
    return tiny_events()
