"""The fixed-point types that the contract demands of every layer of a project."""

from l1ae.contract import Convolution, Dense, Operation, Preprocess, ReconstructionError, Sum, Table
from l1ae.inputs import FixedFormat

__all__ = ["contract_types"]


def contract_types(operation: Operation) -> dict[str, FixedFormat]:
    """Formats by role: "output", and what the layer has inside."""
    types = {"output": operation.format}
    if isinstance(operation, Dense | Convolution):
        types |= {"accumulator": operation.format, "weights": operation.weight_format, "bias": operation.bias_format}
    elif isinstance(operation, Preprocess):
        types["work"] = operation.work
    elif isinstance(operation, ReconstructionError):
        types["difference"] = operation.difference
    elif isinstance(operation, Table) and not operation.bits:
        types["table"] = operation.format
    elif isinstance(operation, Sum):
        form = operation.format
        types["total"] = FixedFormat(form.signed, form.width, form.integer + operation.halvings)
    return types
