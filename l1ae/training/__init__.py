"""Float pre-training and quantization-aware fine-tuning, with checkpoints that continue bit-identically."""

from l1ae.training._checkpoint import Phase
from l1ae.training._data import Teacher
from l1ae.training._drawn import drawn_model, is_linear
from l1ae.training._train import EpochReport, Progress, TrainedModels, TrainingResult, load_trained, train

__all__ = [
    "EpochReport",
    "Phase",
    "Progress",
    "Teacher",
    "TrainedModels",
    "TrainingResult",
    "drawn_model",
    "is_linear",
    "load_trained",
    "train",
]
