"""What a contract answers, in the form in which firmware and its emulators do."""

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract

__all__ = ["Answers", "contract_answers"]

Answers = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]


def contract_answers(contract: Contract, hardware: npt.NDArray[np.integer]) -> Answers:
    """The contract's score codes and trigger bits, each (N,), of hardware integers (N, size)."""
    score, trigger = contract.outputs
    found = contract.evaluate(hardware)
    return found[score][:, 0], found[trigger][:, 0] != 0
