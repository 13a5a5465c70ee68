"""The hls4ml layer of each operation of a contract: attributes, and the C++ types beside that of its result."""

from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import (
    Binning,
    Concatenate,
    Contract,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
    Threshold,
)
from l1ae.errors import UserError
from l1ae.hls._members import connections, count_edges, filled, look_up, look_up_addresses, member
from l1ae.hls._types import contract_types
from l1ae.inputs import FixedFormat

__all__ = ["STRUCT_MEMBER", "copy_layer", "translate"]

STRUCT_MEMBER = {
    "accumulator": "accum_t",
    "weights": "weight_t",
    "bias": "bias_t",
    "work": "work_t",
    "difference": "difference_t",
    "table": "table_t",
    "total": "total_t",
}

_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*"}
_POOLS = {"sum": "pooled += x;", "max": "if (x > pooled) pooled = x;"}
# a maximum of some may be below all that the result's type holds, a sum is beyond what the elements' type does
_POOLED = {"sum": "res_T", "max": "data_T"}
_ERRORS = {1: "if (d < 0) total -= d; else total += d;", 2: "total += d * d;"}

_Layer = tuple[dict[str, Any], dict[str, str]]


@singledispatch
def translate(operation: Operation, contract: Contract) -> _Layer:
    """hls4ml's attributes of a layer, and the C++ types beside that of its result.

    Raises `UserError` for an operation that has no layer.
    """
    raise UserError(f"layer '{operation.name}': no HLS layer computes {type(operation).__name__}")


@translate.register
def _(operation: HardwareInput, contract: Contract) -> _Layer:
    return {"class_name": "InputLayer", "input_shape": [operation.size]}, {}


@translate.register
def _(operation: Preprocess, contract: Contract) -> _Layer:
    arrays = {"offset": (operation.offset, operation.offset_fraction), "shift": (operation.shift, 0)}
    layer = _own("L1aePreprocess", operation, members=filled(operation.present, operation.gate))
    layer |= {f"{name}_data": values / 2**fraction for name, (values, fraction) in arrays.items()}
    return layer, {name: _constant_type(*constants) for name, constants in arrays.items()} | _inner_types(operation)


@translate.register
def _(operation: Dense, contract: Contract) -> _Layer:
    n_in, n_out = operation.weights.shape
    return {"class_name": "Dense", "n_in": n_in, "n_out": n_out} | _weights(operation), _inner_types(operation)


@translate.register
def _(operation: Convolution, contract: Contract) -> _Layer:
    (height, width, channels), (rows, columns, _, filters) = operation.shape, operation.weights.shape
    layer = {"class_name": "Conv2D", "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels}
    layer |= {"filt_height": rows, "filt_width": columns, "n_filt": filters}
    layer |= {"stride_height": operation.stride[0], "stride_width": operation.stride[1]}
    layer |= {"pad_top": 0, "pad_bottom": 0, "pad_left": 0, "pad_right": 0}
    layer |= {"out_height": operation.positions[0], "out_width": operation.positions[1]}
    return layer | _weights(operation), _inner_types(operation)


@translate.register
def _(operation: Quantize, contract: Contract) -> _Layer:
    if contract[operation.inputs[0]].format == operation.format:
        # hls4ml would leave out a layer that changes nothing, and with it the name that the C simulation compares.
        return copy_layer((operation.size,)), {}
    return {"class_name": "Activation", "activation": "linear", "n_in": operation.size}, {}


@translate.register
def _(operation: Relu, contract: Contract) -> _Layer:
    return {"class_name": "Activation", "activation": "relu", "n_in": operation.size}, {}


@translate.register
def _(operation: Table, contract: Contract) -> _Layer:
    if operation.bits:
        return _own("L1aeTables", operation, members=look_up(operation)), {}
    layer = _own("L1aeTable", operation, n_table=len(operation.codes), table_data=operation.codes * operation.format.lsb)
    return layer, _inner_types(operation)


@translate.register
def _(operation: Binning, contract: Contract) -> _Layer:
    return _own("L1aeBinning", operation, members=count_edges(operation, contract[operation.inputs[0]].format)), {}


@translate.register
def _(operation: Lookup, contract: Contract) -> _Layer:
    return _own("L1aeLookup", operation, members=look_up_addresses(operation)), {}


@translate.register
def _(operation: Gather, contract: Contract) -> _Layer:
    return _own("L1aeGather", operation, members=connections(operation.index)), {}


@translate.register
def _(operation: Pool, contract: Contract) -> _Layer:
    members = connections(operation.windows.ravel())
    members += f"    template <class data_T, class res_T> using pooled_t = {_POOLED[operation.function]};\n"
    members += member("template <class data_T, class res_T> static void pool(res_T &pooled, data_T x)", _POOLS[operation.function])
    return _own("L1aePool", operation, n_window=operation.windows.shape[1], members=members), {}


@translate.register
def _(operation: Elementwise, contract: Contract) -> _Layer:
    head = "template <class a_T, class b_T, class res_T> static void combine(a_T a, b_T b, res_T &res)"
    return _own("L1aeElementwise", operation, members=member(head, f"res = a {_OPERATORS[operation.function]} b;")), {}


@translate.register
def _(operation: Concatenate, contract: Contract) -> _Layer:
    return _own("L1aeConcatenate", operation), {}


@translate.register
def _(operation: ReconstructionError, contract: Contract) -> _Layer:
    members = member("template <class total_T> static void add(total_T &total, difference_t d)", _ERRORS[operation.power])
    if len(operation.inputs) == 3:
        members += filled(operation.present, operation.gate)
    return _own("L1aeReconstructionError", operation, members=members), _inner_types(operation)


@translate.register
def _(operation: Dot, contract: Contract) -> _Layer:
    return _own("L1aeDot", operation), {}


@translate.register
def _(operation: Sum, contract: Contract) -> _Layer:
    return _own("L1aeSum", operation), _inner_types(operation)


@translate.register
def _(operation: Threshold, contract: Contract) -> _Layer:
    form = contract[operation.inputs[0]].format
    return _own("L1aeThreshold", operation, threshold_data=np.array([operation.threshold * form.lsb])), {"threshold": form.cpp}


def copy_layer(shape: tuple[int, ...]) -> dict[str, Any]:
    """A layer that hands on every element; in io_stream its words hold the last dimension of `shape`."""
    return {"class_name": "L1aeGather", "shape": shape, "members": connections(np.arange(int(np.prod(shape))))}


def _own(class_name: str, operation: Operation, **attributes: Any) -> dict[str, Any]:
    return {"class_name": class_name, "shape": (operation.size,)} | attributes


def _weights(operation: Dense | Convolution) -> dict[str, Any]:
    weights, bias = operation.weights * operation.weight_format.lsb, operation.bias * operation.bias_format.lsb
    return {"weight_data": weights, "bias_data": bias}


def _inner_types(operation: Operation) -> dict[str, str]:
    """hls4ml's precision keys of a layer's inner types."""
    return {STRUCT_MEMBER[role].removesuffix("_t"): form.cpp for role, form in contract_types(operation).items() if role != "output"}


def _constant_type(values: npt.NDArray[np.int64], fraction: int) -> str:
    """The narrowest type that holds integers in units of 2**-fraction."""
    form = FixedFormat.covering(int(values.min()), int(values.max()), fraction)
    return str(form) if fraction else f"{'' if form.signed else 'u'}int<{form.width}>"
