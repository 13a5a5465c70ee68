import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from l1ae.data import Events, EventStore, StoreWriter
from l1ae.inputs import InputSpec, named_layout

from .layouts import random_codes


@pytest.fixture(scope="session")
def layout():
    return named_layout("ugt")


@pytest.fixture(scope="session")
def spec(layout):
    return InputSpec.of(layout)


@pytest.fixture(scope="session")
def events(layout):
    """2000 random events, three copies of each source event, two processes."""
    codes = random_codes(layout, 2000, 11)
    n = len(codes)
    return Events(codes, (np.arange(n) % 2).astype(np.int16), np.arange(n) // 6, np.full(n, 20, np.int16))


@pytest.fixture
def store(events, layout, tmp_path):
    path = tmp_path / "store.h5"
    with StoreWriter(path, layout, sample="toy", processes=["a", "b"], provenance={"seed": 11}) as writer:
        writer.append(events)
    return EventStore.open(path, layout)


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """Many small matrix products: on a busy machine their threads wait for each other most of the time."""
    with threadpool_limits(1):
        yield
