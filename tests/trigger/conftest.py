import numpy as np
import pytest

from l1ae.inputs import named_layout


@pytest.fixture(scope="session")
def layout():
    return named_layout("ugt")


@pytest.fixture(scope="session")
def crossings(layout):
    """4000 events with soft spectra, codes at the thresholds of the default menu more often than chance would have them."""
    rng = np.random.default_rng(23)
    low, high = layout.code_range
    hw = rng.integers(low, high + 1, (4000, layout.size))
    slots = hw.reshape(4000, -1, 3)  # a view: met, 4 eg, 4 mu, 10 jets, each with pT, eta, phi
    edges = np.array([14, 15, 24, 30, 31, 44, 45, 50, 59, 60, 71, 72, 179, 180, 299, 300, 359, 360])
    slots[..., 0] = np.minimum(rng.exponential(30, slots.shape[:2]).astype(int), 500)
    slots[..., 0] = np.where(rng.random(slots.shape[:2]) < 0.05, rng.choice(edges, slots.shape[:2]), slots[..., 0])
    near = rng.random(slots.shape[:2]) < 0.3
    slots[..., 1] = np.where(near & (slots[..., 1] != 0), rng.choice([-59, -58, 57, 58], slots.shape[:2]), slots[..., 1])
    slots[:, 0, 1] = 0
    slots[rng.random(slots.shape[:2]) < 0.4] = 0
    jets = layout.block(hw, "jet")
    # three jets of 120 GeV and nothing else: just the threshold of the sum, and of no other seed
    hw[:8] = 0
    jets[:8, :3] = (240, 5, 7)
    # two jets between 150 and 180 GeV, whose sum is too low
    hw[8:12] = 0
    jets[8:12, :2] = (310, 5, 7)
    return np.where(layout.mask(hw), hw, 0).astype(np.int16)
