"""Bits of a contract, counted from the binary digits of every weight."""

import numpy as np
import pytest

from l1ae.contract import Convolution, build_contract
from l1ae.pipeline._summary import bit_operations, used_bits


def _digits(code: int) -> int:
    return len(f"{abs(int(code)):b}".strip("0"))


@pytest.mark.parametrize("architecture", ["dense_ae", "conv_ae"])
def test_bits_are_counted_from_the_first_to_the_last_one(make_learned, architecture):
    contract = build_contract(*make_learned(architecture))
    formats = {operation.name: operation.format for operation in contract.operations}
    bits = operations = 0
    for layer in contract.weighted:
        source = formats[layer.inputs[0]]
        repeats = int(np.prod(layer.positions)) if isinstance(layer, Convolution) else 1
        for code in layer.weights.ravel():
            bits += _digits(code) + (code != 0)
            operations += repeats * _digits(code) * (source.width - (1 if source.signed else 0))
        bits += sum(_digits(code) + (code != 0) for code in layer.bias)
    assert used_bits(contract) == bits
    assert bit_operations(contract) == operations


def test_learned_widths_bound_the_bits_that_are_used(make_learned):
    from l1ae.models import effective_bit_operations

    config, model = make_learned("dense_ae")
    contract = build_contract(config, model)
    estimate = float(effective_bit_operations(config, model))
    assert 0.5 * estimate < bit_operations(contract) <= estimate
