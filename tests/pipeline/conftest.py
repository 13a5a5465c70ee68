import numpy as np
import pytest

from l1ae.config import Config
from l1ae.data import Events, StoreWriter
from l1ae.inputs import named_layout


def _write(path, sample, count, seed):
    """Falling pT spectra; signals are harder than background, so that there is something to find."""
    rng = np.random.default_rng(seed)
    layout = named_layout("ugt")
    low, high = layout.code_range
    hardware = rng.integers(low // 2, high // 2 + 1, (count, layout.size))
    scale = rng.exponential(60.0 if sample == "background" else 120.0, (count, 1))
    pt = layout.with_role("energy")
    hardware[:, pt] = np.minimum(scale * rng.uniform(0.5, 1.0, (count, pt.sum())), 511)
    hardware[:, pt] = np.where(rng.random((count, pt.sum())) < 0.6, 0, hardware[:, pt])
    hardware = np.where(layout.mask(hardware), hardware, 0).astype(np.int16)
    events = Events(hardware, np.zeros(count, np.int16), np.arange(count), np.full(count, 20, np.int16))
    with StoreWriter(path, layout, sample=sample, processes=[sample], provenance={"seed": seed}) as writer:
        writer.append(events)


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A data set with 3000 background events and two signals of 400."""
    folder = tmp_path_factory.mktemp("data")
    _write(folder / "background.h5", "background", 3000, 1)
    _write(folder / "a4l.h5", "a4l", 400, 2)
    _write(folder / "lq.h5", "lq", 400, 3)
    return folder


@pytest.fixture(scope="session")
def make_config(source):
    """Small networks and two epochs."""

    def make(architecture="dense_ae", **changes):
        score = "squared_error" if architecture == "dense_ae" else "kl"
        content = {
            "name": "tiny",
            "data": {"source": str(source)},
            "model": {"architecture": architecture, "score": score, "encoder": [6], "latent": 2, "decoder": [6], "target_fpr": 0.05},
            "training": {"batch_size": 128, "float_phase": {"epochs": 2}, "quantized_phase": {"epochs": 1}},
            "csim": {"events": 2000},
            "trigger": {"zero_bias": "data"},  # hundreds of crossings instead of hundreds of thousands
        }
        return Config.model_validate(content | changes)

    return make
