"""Corner vectors: hardware inputs that drive the network's tensors to their extremes."""

import numpy as np
import numpy.typing as npt

from l1ae.agreement._table_corners import address_vectors, codes_at_steps, edge_vectors, side_by_side
from l1ae.contract import Accumulating, Contract, Convolution, Dense, Elementwise, Gather, Lookup, Operation, Pool, Preprocess, Sum

__all__ = ["corner_vectors"]

Codes = npt.NDArray[np.int64]

_RANDOM = 1000
_EMPTIED = 200

# Sweeps over the inputs; one where there are more inputs than _MANY_INPUTS.
_SWEEPS = 2
_MANY_INPUTS = 128

# Evaluations of the contract that the ascent may take, over all layers; one node of a dense autoencoder takes 700.
_EVALUATIONS = 240_000
_NODES_OF_FIRST_LAYER = 512

# Codes at steps that the ascent tries of each input.
_STEPS = 24

# Starting points per node, as far as the evaluations allow: a layer of few nodes lies deep, where one start gets stuck.
_STARTS = 4


def corner_vectors(contract: Contract, seed: int = 0) -> Codes:
    """(N, size) hardware codes within the hardware range, the same for the same contract and seed.

    * all inputs at their smallest, largest, zero; every single input at its ends, alone, with its slot filled and with all
      others filled, where a slot is filled by a code other than 0 of the input that gates it;
    * for every node of the first layer with weights the vector that maximises and the one that minimises its sum, from
      the signs of its weights, where nothing but wires lies between it and the preprocessing;
    * for every node of the deeper layers the same by coordinate ascent over the inputs' ends, with the contract itself
      as the objective;
    * for every input that is looked up in a table of its own the codes on either side of each of its steps, all inputs at once, and
      for every input that is binned the codes at and beside each edge; for bins of other tensors those that come closest; the same
      for the conditions of added columns;
    * for every address of a table that several codes address a vector, as far as random ones reach them;
    * for every sum of what such tables hold the same ascent, over the codes at edges too;
    * codes drawn uniformly from the whole range, most of which no collision makes, also with slots emptied at random.

    Of a layer with more nodes than the time allows (`_NODES_OF_FIRST_LAYER`, `_EVALUATIONS`) evenly spaced ones are taken.
    """
    low, high = contract.hardware.low, contract.hardware.high
    rng = np.random.default_rng(seed)
    random = rng.integers(low, high + 1, (_RANDOM, contract.hardware.size))
    gate = contract.gate
    steps = codes_at_steps(contract)
    parts = [_ends(low, high, gate), random, _emptied(random[:_EMPTIED], low, high, gate, rng), side_by_side(steps, contract, rng)]
    parts += [edge_vectors(contract, steps, rng), address_vectors(contract, steps, rng)]
    accumulating = [operation for operation in contract.operations if _accumulates(operation, contract)]
    wires = _wires(contract, accumulating[0]) if accumulating else None
    if wires is not None:
        parts.append(_first_layer(contract, *wires, gate))
        accumulating = accumulating[1:]
    choices = _choices(low, high, steps) if contract.input_bins else np.stack([low, high])
    for operation in accumulating:
        parts.append(_ascend(contract, operation, random, _EVALUATIONS // len(accumulating), choices))
    return np.unique(np.concatenate(parts), axis=0)


def _accumulates(operation: Operation, contract: Contract) -> bool:
    """Whether it is a sum that the vectors push: of products, or of what tables hold."""
    tables = isinstance(operation, Sum | Pool) and any(isinstance(contract[name], Lookup) for name in operation.inputs)
    return isinstance(operation, Accumulating) or tables


def _choices(low: Codes, high: Codes, steps: list[Codes]) -> Codes:
    """(choices, size): the ends of each input, and codes that are spread over those at steps."""
    most = min(max(map(len, steps)), _STEPS)
    spread = [codes[_spaced(len(codes), most)] if len(codes) else ends for codes, *ends in zip(steps, low, high, strict=True)]
    return np.concatenate([[low, high], np.stack([np.resize(codes, most) for codes in spread], axis=1)])


def _some(low: Codes, high: Codes) -> Codes:
    """The smallest code other than 0 of each input, positive where there is one; 0 where that is its only code."""
    return np.where(high >= 1, np.maximum(low, 1), np.where(low <= -1, np.minimum(high, -1), 0))


def _ends(low: Codes, high: Codes, gate: Codes) -> Codes:
    alone = np.concatenate([np.diag(low), np.diag(high)])
    middle = (high + 1) // 2
    middle = np.where(middle == 0, _some(low, high), middle)
    row, column = np.arange(2 * len(low)), np.tile(np.arange(len(low)), 2)
    filled = np.tile(middle, (2 * len(low), 1))
    filled[row, column] = np.concatenate([low, high])
    gated = np.flatnonzero((gate[column] >= 0) & (gate[column] != column))
    slots = alone[gated]
    slots[np.arange(len(gated)), gate[column[gated]]] = _some(low, high)[gate[column[gated]]]
    return np.concatenate([np.stack([low, high, np.zeros_like(low), middle]), alone, slots, filled])


def _emptied(vectors: Codes, low: Codes, high: Codes, gate: Codes, rng: np.random.Generator) -> Codes:
    """The vectors with the gate of every second slot at 0, if that is a code of it; none without gates."""
    gates = np.unique(gate[gate >= 0])
    gates = gates[(low[gates] <= 0) & (high[gates] >= 0)]
    result = vectors[: len(vectors) if len(gates) else 0].copy()
    result[:, gates] *= rng.random((len(result), len(gates))) < 0.5
    return result


def _wires(contract: Contract, operation: Operation) -> tuple[Operation, Codes] | None:
    """The preprocessed inputs that a layer with weights sees, and its weights as (inputs, nodes)."""
    if not isinstance(operation, Dense | Convolution):
        return None
    weights = operation.weights if isinstance(operation, Dense) else _matrix(operation)
    source = contract[operation.inputs[0]]
    while isinstance(source, Gather):
        origin = contract[source.inputs[0]]
        gathered = np.zeros((origin.size + 1, weights.shape[1]), np.int64)  # the last row takes the weights of the zeros
        np.add.at(gathered, source.index, weights)
        source, weights = origin, gathered[:-1]
    return (source, weights) if _is_preprocessing(contract, source) else None


def _is_preprocessing(contract: Contract, operation: Operation) -> bool:
    """Whether each element is a function of the hardware code at its place alone, and of what gates it: not of added columns."""
    if contract.added:
        return False
    if isinstance(operation, Elementwise):
        return all(_is_preprocessing(contract, contract[name]) for name in operation.inputs)
    return isinstance(operation, Preprocess) or operation is contract.input_table


def _matrix(convolution: Convolution) -> Codes:
    """The convolution's weights as those of a dense layer, (height x width x channels, positions x filters)."""
    (rows, columns), (down, right), filters = convolution.positions, convolution.stride, convolution.weights.shape[3]
    matrix = np.zeros((*convolution.shape, rows, columns, filters), np.int64)
    for row, column in np.ndindex(rows, columns):
        top, left = row * down, column * right
        height, width = convolution.weights.shape[:2]
        matrix[top : top + height, left : left + width, :, row, column] = convolution.weights
    return matrix.reshape(-1, convolution.size)


def _spaced(size: int, most: int) -> Codes:
    """At most `most` of `size` indices, evenly spaced."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).astype(np.int64))


def _first_layer(contract: Contract, inputs: Operation, weights: Codes, gate: Codes) -> Codes:
    """The vectors that maximise and minimise each sum of the first layer, of weights (inputs, nodes).

    The sum is monotone in every input, so that the ends by the sign of the weights are best for a filled slot; a slot
    that still pulls the wrong way is left empty.
    """
    low, high = contract.hardware.low, contract.hardware.high
    chosen = weights[:, _spaced(weights.shape[1], _NODES_OF_FIRST_LAYER)].T
    signed = np.concatenate([chosen, -chosen])
    vectors = np.where(signed > 0, high, low)
    gates = np.unique(gate[gate >= 0])
    vectors[:, gates] = np.where(vectors[:, gates] == 0, _some(low, high)[gates], vectors[:, gates])
    pull = signed * contract.evaluate(vectors, [inputs.name])[inputs.name]
    empty = np.clip(0, low, high)
    for head in gates:
        slot = gate == head
        wrong = pull[:, slot].sum(axis=1) < 0
        slot[head] = True
        vectors[np.ix_(wrong, slot)] = empty[slot]
    return vectors


def _ascend(contract: Contract, operation: Operation, start: Codes, evaluations: int, choices: Codes) -> Codes:
    """Push nodes of a layer up and down: in each step one input of all vectors goes to the best of its `choices` (choices, size).

    It starts from the random codes `start` that are best for the node.
    """
    sweeps = _SWEEPS if contract.hardware.size <= _MANY_INPUTS else 1
    most = max(1, evaluations // (2 * sweeps * (1 + len(choices)) * contract.hardware.size))
    chosen = _spaced(operation.size, most)
    starts = max(1, min(_STARTS, most // len(chosen)))
    node = np.tile(chosen, 2 * starts)
    sign = np.repeat(np.tile([1, -1], starts), len(chosen))
    nodes = len(node)

    def objective(vectors: Codes) -> Codes:
        sums = contract.evaluate(vectors, [operation.name], workers=1)[operation.name]
        return sign * sums.reshape(-1, nodes, operation.size)[:, np.arange(nodes), node]

    sums = contract.evaluate(start, [operation.name])[operation.name]
    order = np.argsort(-sign[:, None] * sums.T[node], axis=1, kind="stable")
    best = start[order[np.arange(nodes), np.repeat(np.arange(starts), 2 * len(chosen))]]
    for _ in range(sweeps):
        for column in range(contract.hardware.size):
            candidates = np.repeat(best[None], 1 + len(choices), axis=0)
            candidates[1:, :, column] = choices[:, column, None]
            choice = np.argmax(objective(candidates.reshape(-1, best.shape[1])), axis=0)
            best = candidates[choice, np.arange(nodes)]
    return best
