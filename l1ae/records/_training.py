"""What a training, or the import of a model, leaves in train/training.json."""

from dataclasses import dataclass

from l1ae.results import Count, Positive, Real
from l1ae.tables import TablesResult

__all__ = ["ImportedModel", "TrainedNetwork", "TrainingRecord"]


@dataclass(frozen=True)
class TrainedNetwork:
    """Epochs run in each phase, the best validation losses, and the time spent in epochs, interruptions left out."""

    float_epochs: Count
    quantized_epochs: Count
    float_loss: Real
    quantized_loss: Real
    seconds: Positive


@dataclass(frozen=True)
class ImportedModel:
    """A model that was made elsewhere: the name of its file."""

    imported_from: str


TrainingRecord = TrainedNetwork | TablesResult | ImportedModel
