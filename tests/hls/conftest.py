import numpy as np
import pytest

from l1ae.config import HlsConfig
from l1ae.hls import convert


@pytest.fixture(scope="session")
def make_project(make_network, hardware):
    """Contract and project of a tiny network."""

    def make(score: str, backend: str = "Vitis"):
        network = make_network(score, hidden=(6,))
        project = convert(network.contract, HlsConfig(backend=backend), network.config.inputs.spec(), np.asarray(hardware[:20]))
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
