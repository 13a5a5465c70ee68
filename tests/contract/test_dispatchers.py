"""Every operation is known to everything that must know them all; what an operation may fall through is listed here, and why."""

import pytest

from l1ae.contract import OPERATIONS, _bounds, _check, _kernels, _reference
from l1ae.hls import _translate
from l1ae.rtl import _operations as rtl
from l1ae.rtl.estimator import _needed
from l1ae.rtl.estimator import _operations as estimator
from l1ae.rtl.proofs import _linear, _tables

from .exact import EXACT

# Given from outside, and the comparison that the hand-written shell makes.
ENDS = {"HardwareInput", "Threshold"}
# Not linear, or of which a table is proven instead.
NOT_LINEAR = {"Preprocess", "Relu", "ReconstructionError", "Dot"}
TABLES = {"Table", "Binning", "Lookup"}

DISPATCHERS = {
    "bounds": (_bounds.interval_of, set()),
    "reference": (_reference.apply, set()),
    "check, element by element": (_check._check_parts, {"Quantize", "Relu"}),
    "kernels": (_kernels.compile_kernel, {"HardwareInput"}),
    "HLS": (_translate.translate, set()),
    "RTL": (rtl.apply, ENDS),
    "estimator, what is needed": (_needed._read, ENDS),
    "estimator, shapes": (estimator.shape_of, ENDS),
    "proof of linear layers": (_linear._expected, ENDS | NOT_LINEAR | TABLES),
    "proof of tables": (_tables._expected, set(OPERATIONS) - TABLES),
}


@pytest.mark.parametrize("name", DISPATCHERS)
def test_every_operation_has_an_entry_or_is_listed_as_having_none(name):
    dispatcher, without = DISPATCHERS[name]
    assert {kind for kind, operation in OPERATIONS.items() if operation not in dispatcher.registry} == without


def test_every_operation_but_the_input_has_a_meaning_in_rational_numbers():
    assert {kind for kind, operation in OPERATIONS.items() if operation not in EXACT} == {"HardwareInput"}


def test_what_is_proven_covers_all_but_what_is_listed():
    """An operation is proven as linear, as a table, or is one of those that only simulation and the netlist's proof see."""
    linear, tables = set(_linear._expected.registry), set(_tables._expected.registry)
    assert {kind for kind, operation in OPERATIONS.items() if operation not in linear | tables} == ENDS | NOT_LINEAR
