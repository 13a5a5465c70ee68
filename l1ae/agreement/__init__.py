"""Whether what was made of a contract agrees with it to the last bit: the inputs to try, its answers, the comparison, what was found.

C simulation, RTL simulation, proofs, emulator and test vectors share this; none of the packages that they are made with is needed for it.
"""

from l1ae.agreement._answers import Answers, contract_answers
from l1ae.agreement._corners import corner_vectors
from l1ae.agreement._csim_report import CsimReport, CsimSeconds, FloatComparison, Mismatch, QuantizedComparison, TypeMismatch, verdict
from l1ae.agreement._tensors import TensorComparison, compare_tensor

__all__ = [
    "Answers",
    "CsimReport",
    "CsimSeconds",
    "FloatComparison",
    "Mismatch",
    "QuantizedComparison",
    "TensorComparison",
    "TypeMismatch",
    "compare_tensor",
    "contract_answers",
    "corner_vectors",
    "verdict",
]
