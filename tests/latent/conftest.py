import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from l1ae.data import Events, EventStore, StoreWriter
from l1ae.inputs import ugt_input_spec


@pytest.fixture(scope="session")
def spec():
    return ugt_input_spec()


@pytest.fixture(scope="session")
def events(hardware):
    """The session's random events with canonical empty slots, three copies of each source event, two processes."""
    spec = ugt_input_spec()
    codes = np.where((hardware[:, :, :1] == 0) | ~spec.present.reshape(spec.slots, 3), 0, hardware).astype(np.int16)
    n = len(codes)
    return Events(codes, (np.arange(n) % 2).astype(np.int16), np.arange(n) // 6, np.full(n, 20, np.int16))


@pytest.fixture
def store(events, tmp_path):
    path = tmp_path / "store.h5"
    with StoreWriter(path, ugt_input_spec(), sample="toy", processes=["a", "b"], provenance={"seed": 11}) as writer:
        writer.append(events)
    return EventStore.open(path, ugt_input_spec())


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """Many small matrix products: on a busy machine their threads wait for each other most of the time."""
    with threadpool_limits(1):
        yield
