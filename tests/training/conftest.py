import numpy as np
import pytest

from l1ae.config import Config
from l1ae.data import Events, StoreWriter
from l1ae.inputs import named_layout


def _hardware(rng: np.random.Generator, count: int) -> np.ndarray:
    """Falling pT spectra with correlated slots, so that there is something to learn."""
    layout = named_layout("ugt")
    low, high = layout.code_range
    hardware = rng.integers(low, high + 1, (count, layout.size)).reshape(count, 19, 3)
    scale = rng.exponential(60.0, (count, 1))
    hardware[:, :, 0] = np.minimum(scale * rng.uniform(0.5, 1.0, (count, 19)), 511)
    hardware[rng.random((count, 19)) < 0.6] = 0
    return np.where(hardware[:, :, :1] == 0, 0, hardware).astype(np.int16).reshape(count, 57)


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A folder with 1500 background events, in which every source event appears twice."""
    rng = np.random.default_rng(5)
    count = 1500
    events = Events(
        hw=_hardware(rng, count),
        process=np.ones(count, np.int16),
        source_event=rng.permutation(np.arange(count) // 2),
        pileup=np.full(count, -1, np.int16),
    )
    folder = tmp_path_factory.mktemp("tiny")
    with StoreWriter(folder / "background.h5", named_layout("ugt"), sample="background", processes=["w", "qcd"], provenance={}) as writer:
        writer.append(events)
    return folder


@pytest.fixture(scope="session")
def as_network():
    """Network inputs, float32 (N, size), and mask of hardware codes (N, size), from the input specification itself."""

    def convert(config: Config, hardware: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spec = config.inputs.spec()
        return spec.to_network_float(hardware), spec.mask(hardware)

    return convert


@pytest.fixture
def make_config(source):
    """Small networks and short schedules; keyword arguments replace parts of the training section."""

    def make(
        architecture: str = "dense_ae",
        *,
        seed: int = 1,
        data: dict | None = None,
        inputs: dict | None = None,
        model: dict | None = None,
        **training: object,
    ) -> Config:
        score = "squared_error" if architecture == "dense_ae" else "kl"
        code = {} if "student" in architecture else {"latent": 2, "decoder": [8]}
        schedule = {
            "batch_size": 64,
            "float_phase": {"epochs": 4, "decay_patience": 1, "min_improvement": 0.2},
            "quantized_phase": {"epochs": 3},
        }
        return Config.model_validate(
            {
                "name": "tiny",
                "seed": seed,
                "data": {"source": str(source), **(data or {})},
                "inputs": inputs or {},
                "model": {"architecture": architecture, "score": score, "encoder": [8], **code, **(model or {})},
                "training": schedule | training,
            }
        )

    return make
