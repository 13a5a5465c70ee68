"""Corner vectors: hardware inputs that drive the network's tensors to their extremes."""

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract, Dense

__all__ = ["corner_vectors"]

Codes = npt.NDArray[np.int64]

_RANDOM = 1000
_SWEEPS = 2


def corner_vectors(contract: Contract, seed: int = 0) -> Codes:
    """(N, size) hardware codes within the hardware range, the same for the same contract and seed.

    * all inputs at their smallest, largest, zero; every single input at its ends, alone and with all others filled;
    * for every node of the first layer the vector that maximises and the one that minimises its sum, from the signs
      of its weights;
    * for every node of the deeper layers the same by coordinate ascent over the inputs' ends, with the contract itself
      as the objective;
    * codes drawn uniformly from the whole range, most of which no collision makes.
    """
    low, high = contract.hardware.low, contract.hardware.high
    rng = np.random.default_rng(seed)
    random = rng.integers(low, high + 1, (_RANDOM, contract.hardware.size))
    parts = [_ends(low, high), _first_layer(contract), random]
    for operation in list(contract.dense())[1:]:
        parts.append(_ascend(contract, operation, random))
    return np.unique(np.concatenate(parts), axis=0)


def _ends(low: Codes, high: Codes) -> Codes:
    alone = np.concatenate([np.diag(low), np.diag(high)])
    middle = (high + 1) // 2
    filled = np.tile(middle, (2 * len(low), 1))
    filled[np.arange(2 * len(low)), np.tile(np.arange(len(low)), 2)] = np.concatenate([low, high])
    return np.concatenate([np.stack([low, high, np.zeros_like(low), middle]), alone, filled])


def _first_layer(contract: Contract) -> Codes:
    """The vectors that maximise and minimise each sum of the first layer.

    The sum is monotone in every input, so that the ends by the sign of the weights are best for a filled slot; a slot
    that still pulls the wrong way is left empty.
    """
    first = next(contract.dense())
    low, high = contract.hardware.low, contract.hardware.high
    signed = np.concatenate([first.weights.T, -first.weights.T])
    vectors = np.where(signed > 0, high, low)
    inputs = contract.evaluate(vectors, [first.inputs[0]])[first.inputs[0]]
    pull = (signed * inputs).reshape(len(vectors), -1, 3).sum(axis=2)
    return np.where(np.repeat(pull < 0, 3, axis=1), 0, vectors)


def _ascend(contract: Contract, operation: Dense, start: Codes) -> Codes:
    """Push every node of a layer up and down: in each step one input of all vectors goes to the better of its ends."""
    nodes = 2 * operation.size
    sign = np.repeat([1, -1], operation.size)
    node = np.tile(np.arange(operation.size), 2)

    def objective(vectors: Codes) -> Codes:
        sums = contract.evaluate(vectors, [operation.name])[operation.name]
        return sign * sums.reshape(-1, nodes, operation.size)[:, np.arange(nodes), node]

    sums = contract.evaluate(start, [operation.name])[operation.name]
    best = start[np.argmax(sign[:, None] * sums.T[node], axis=1)]
    for _ in range(_SWEEPS):
        for column in range(contract.hardware.size):
            candidates = np.stack([best, best, best])
            candidates[1, :, column] = contract.hardware.low[column]
            candidates[2, :, column] = contract.hardware.high[column]
            choice = np.argmax(objective(candidates.reshape(-1, best.shape[1])), axis=0)
            best = candidates[choice, np.arange(nodes)]
    return best
