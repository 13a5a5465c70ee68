import numpy as np
import pytest

from l1ae.inputs import ugt_input_spec


@pytest.fixture(scope="session")
def spec():
    return ugt_input_spec()


@pytest.fixture(scope="session")
def crossings(spec):
    """4000 events with soft spectra, codes at the thresholds of the default menu more often than chance would have them."""
    rng = np.random.default_rng(23)
    low, high = spec.code_range
    hw = rng.integers(low, high + 1, (4000, spec.size)).reshape(-1, spec.slots, 3)
    edges = np.array([14, 15, 24, 30, 31, 44, 45, 50, 59, 60, 71, 72, 179, 180, 299, 300, 359, 360])
    hw[..., 0] = np.minimum(rng.exponential(30, hw.shape[:2]).astype(int), 500)
    hw[..., 0] = np.where(rng.random(hw.shape[:2]) < 0.05, rng.choice(edges, hw.shape[:2]), hw[..., 0])
    near = rng.random(hw.shape[:2]) < 0.3
    hw[..., 1] = np.where(near & (hw[..., 1] != 0), rng.choice([-59, -58, 57, 58], hw.shape[:2]), hw[..., 1])
    hw[:, 0, 1] = 0
    hw[rng.random(hw.shape[:2]) < 0.4] = 0
    # three jets of 120 GeV and nothing else: just the threshold of the sum, and of no other seed
    hw[:8] = 0
    hw[:8, spec.slices()["jet"].start : spec.slices()["jet"].start + 3] = (240, 5, 7)
    # two jets between 150 and 180 GeV, whose sum is too low
    hw[8:12] = 0
    hw[8:12, spec.slices()["jet"].start : spec.slices()["jet"].start + 2] = (310, 5, 7)
    return np.where(hw[..., :1] == 0, 0, hw).astype(np.int16)
