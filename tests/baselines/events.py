"""Events of any layout, random and with numbers that follow a law."""

import numpy as np

from l1ae.baselines import TrainingEvents
from l1ae.inputs import Layout
from l1ae.trigger import JudgedEvents


def random_codes(layout, count, seed):
    """Valid events (count, size): falling energies, slots that are empty more and more often."""
    rng = np.random.default_rng(seed)
    codes = np.zeros((count, layout.size), np.int64)
    for column in layout.columns:
        low, high = column.feature.range
        scale = (high - low) / 20 / (1 + column.slot)
        spread = rng.exponential(scale, count) if column.feature.role == "energy" else rng.uniform(0, high - low + 1, count)
        codes[:, column.number] = np.clip(low + spread, low, high)
    for group in layout.groups:
        if group.gate_feature is not None:
            block = layout.block(codes, group.name)
            gate = group.index(group.gate_feature)
            block[..., gate] = np.maximum(block[..., gate], 1)
            block[rng.random(block.shape[:2]) < 0.2 + 0.6 * np.arange(group.slots) / group.slots] = 0
    return np.where(layout.mask(codes), codes, 0).astype(layout.dtype)


def vector(*slots):
    """A layout of one number per slot, codes 0 to 255, of which 0 is an empty slot for groups named `object`."""
    groups = [
        {
            "name": name,
            "kind": "objects",
            "slots": number,
            "features": [{"name": "pt", "role": "energy", "bits": 8, "unit": "GeV", "lsb": 0.5}],
        }
        for name, number in slots
    ]
    return Layout.model_validate({"name": "made_up", "groups": groups})


def training(layout, codes, weights=None):
    codes = np.asarray(codes).reshape(-1, layout.size).astype(layout.dtype)
    return TrainingEvents(codes, np.ones(len(codes)) if weights is None else np.asarray(weights, float), layout, len(codes))


def judged(layout, events, name, inputs=None):
    """What a judge reads, from events in memory."""

    def stream(extra):
        assert set(extra) <= set(events.extra)
        yield events.select(slice(0, len(events) // 2))
        yield events.select(slice(len(events) // 2, None))

    return JudgedEvents(name, tuple(events.extra), len(events), stream, layout, inputs or layout)
