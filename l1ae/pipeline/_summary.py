"""Summaries of contract and HLS project for people and for the report."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.config import Config, HlsConfig
from l1ae.contract import Accumulating, Binning, Contract, Convolution, Dense, Lookup, Table
from l1ae.hls import Project
from l1ae.records import BinnedElement, BinsSummary, ContractSummary, FirmwareThreshold, HlsSummary, TableSummary, TensorSummary

__all__ = ["bit_operations", "contract_summary", "hls_summary", "used_bits"]


def contract_summary(
    contract: Contract,
    config: Config,
    hardware: npt.NDArray[np.integer],
    *,
    threshold_given: bool,
    threshold_events: tuple[int, int],
    threshold_fraction: float | None,
    threshold_rate: FirmwareThreshold | None,
    wrapped: Mapping[str, int],
    wrapped_events: int,
) -> ContractSummary:
    """Sizes, threshold, and per tensor: type, proven range, range observed on `hardware`, number type of the evaluation."""
    weights = [array for layer in contract.weighted for array in (layer.weights, layer.bias)]
    form = contract.score.format
    return ContractSummary(
        project=contract.project,
        digest=contract.digest,
        parameters=sum(array.size for array in weights),
        nonzero_parameters=sum(int(np.count_nonzero(array)) for array in weights),
        weight_bits=_weight_bits(contract),
        used_bits=used_bits(contract),
        bit_operations=bit_operations(contract),
        score=config.model.score,
        score_type=str(form),
        threshold=contract.threshold,
        threshold_value=contract.threshold * form.lsb,
        target_fpr=config.model.target_fpr,
        threshold_given=threshold_given,
        threshold_events=threshold_events,
        threshold_fraction=threshold_fraction,
        threshold_rate=threshold_rate,
        observed_events=len(hardware),
        tensors=_tensors(contract, hardware),
        tables=tuple(_table(item) for item in contract.operations if isinstance(item, Table | Lookup)),
        bins=tuple(_bins(item, contract) for item in contract.operations if isinstance(item, Binning)),
        wrapped=dict(wrapped),
        wrapped_events=wrapped_events,
    )


def _table(operation: Table | Lookup) -> TableSummary:
    """What the tables of an operation hold. `max_error` is None where nobody says which function they approximate."""
    if isinstance(operation, Lookup):
        bits: Sequence[int] = [sum(row) for row in operation.bits]
    else:
        bits = operation.bits or [len(operation.codes).bit_length() - 1]
    entries = np.concatenate(operation.tables) if isinstance(operation, Table) and operation.bits else operation.codes
    return TableSummary(
        name=operation.name,
        function=operation.function,
        elements=operation.size,
        address_bits=(min(bits), max(bits)),
        entries=len(entries),
        saturated=int(np.sum(entries == operation.format.high)),
        max_error=operation.max_error if isinstance(operation, Table) else None,
    )


def _bins(binning: Binning, contract: Contract) -> BinsSummary:
    """Edges of every element, in LSB of what it reads: columns of an event have names, other tensors positions."""
    names = (*contract.input_names, *contract.added_names) if binning in contract.input_bins else None
    elements = tuple(
        BinnedElement(names[k] if names else f"{binning.inputs[0]}[{k}]", tuple(int(edge) for edge in edges))
        for k, edges in zip(binning.index.tolist(), binning.edges, strict=True)
    )
    return BinsSummary(binning.name, binning.inputs[0], elements)


def _weight_bits(contract: Contract) -> str:
    """Widths of the weights as they are stored: one number, or the range over the layers; 0 without weights."""
    widths = sorted({layer.weight_format.width for layer in contract.weighted}) or [0]
    return f"{widths[0]}" if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"


def used_bits(contract: Contract) -> int:
    """Bits that all weights and biases need, signs included: 0 for a 0, else those of |w| without trailing zeros, and the sign.

    Trailing zeros are wires. The stored width of a layer is that of its widest weight on the grid of its finest one, so it
    says little where widths are learned per weight.
    """
    weights = [array for layer in contract.weighted for array in (layer.weights, layer.bias)]
    return sum(int(_significant_bits(array).sum()) + int(np.count_nonzero(array)) for array in weights)


def bit_operations(contract: Contract) -> int:
    """Effective bit operations per event: the sum over products of bits(weight) x bits(input), both without the sign.

    arXiv:2405.00645, section III, where the bits of a constant are those enclosed by its first and last non-zero bit.
    """
    formats = {operation.name: operation.format for operation in contract.operations}
    total = 0
    for layer in contract.weighted:
        source = formats[layer.inputs[0]]
        positions = layer.size // layer.weights.shape[-1]
        total += positions * (source.width - source.signed) * int(_significant_bits(layer.weights).sum())
    return total


def _significant_bits(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Bits of |code| from the first to the last that is 1."""
    size = np.abs(codes)
    odd = size // np.maximum(size & -size, 1)
    # frexp gives odd = m 2^e with 1/2 <= m < 1, exact below 2^53
    return np.asarray(np.frexp(odd.astype(np.float64))[1], np.int64)


def _multiplications(layer: Dense | Convolution) -> int:
    """Products with a weight that is not 0, per event."""
    positions = layer.size // layer.weights.shape[-1]
    return positions * int(np.count_nonzero(layer.weights))


def _tensors(contract: Contract, hardware: npt.NDArray[np.integer]) -> tuple[TensorSummary, ...]:
    observed = contract.evaluate(hardware, [operation.name for operation in contract.operations])
    evaluated_in = contract.evaluated_in()
    rows = []
    for operation in contract.operations:
        lsb, interval, codes = operation.format.lsb, contract.intervals[operation.name], observed[operation.name]
        rows.append(
            TensorSummary(
                name=operation.name,
                op=type(operation).__name__,
                type=str(operation.format),
                shape=operation.size,
                low=int(min(interval.low)) * lsb,
                high=int(max(interval.high)) * lsb,
                observed_low=int(codes.min()) * lsb,
                observed_high=int(codes.max()) * lsb,
                accumulator=str(operation.format) if isinstance(operation, Accumulating) else None,
                evaluated_in=evaluated_in[operation.name],
            )
        )
    return tuple(rows)


def hls_summary(contract: Contract, hls: HlsConfig, project: Project) -> HlsSummary:
    """What was written, for which part and clock; nothing about latency and resources, which only a vendor tool knows."""
    return HlsSummary(
        project=project.name,
        backend=project.backend,
        part=hls.part,
        clock_period_ns=hls.clock_period,
        clock_uncertainty_percent=hls.clock_uncertainty,
        reuse_factor=hls.reuse_factor,
        layer_reuse_factors={name: layer.reuse_factor for name, layer in hls.layers.items()},
        strategy=hls.strategy,
        io_type=hls.io_type,
        files=len(project.files),
        digest=project.digest,
        multiplications=sum(_multiplications(layer) for layer in contract.weighted),
    )
