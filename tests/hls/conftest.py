import numpy as np
import pytest

from l1ae.config import HlsConfig
from l1ae.hls import convert


@pytest.fixture(scope="session")
def make_project(make_network, hardware):
    """Contract and project of a tiny network."""

    def make(score: str, backend: str = "Vitis"):
        network = make_network(score, hidden=(6,))
        project = convert(network.contract, HlsConfig(backend=backend), np.asarray(hardware[:20]))
        return network.contract, project

    return make


@pytest.fixture
def written(make_project, tmp_path):
    """Contract and folder of a project on disk."""

    def write(score: str, backend: str = "Vitis"):
        contract, project = make_project(score, backend)
        project.write(tmp_path / "hls")
        return contract, tmp_path / "hls"

    return write


@pytest.fixture(scope="session")
def random_codes():
    """3000 events over the whole range of a contract's port, (N, size); a third of the codes is 0."""

    def make(contract):
        rng = np.random.default_rng(1)
        shape = (3000, contract.hardware.size)
        codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, shape)
        return np.where(rng.random(shape) < 0.3, 0, codes)

    return make


@pytest.fixture
def project_on_disk(random_codes, tmp_path):
    """Folder of the project of a contract."""

    def write(contract, **hls):
        convert(contract, HlsConfig(**hls), random_codes(contract)[:20]).write(tmp_path / "hls")
        return tmp_path / "hls"

    return write
