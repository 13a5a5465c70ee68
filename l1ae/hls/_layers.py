"""hls4ml layers for what hls4ml does not bring, through its extension API; the C++ is in `templates/nnet_l1ae.h`.

Each layer is one row of `_KINDS`: its weights, its extra types and integer constants, and the attribute that holds the
members of its configuration struct that only the converter can write (wires, an operator).
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import hls4ml
import numpy as np
import numpy.typing as npt
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute, TypeAttribute, WeightAttribute
from hls4ml.model.layers import Layer, register_layer

from l1ae.contract import Table

__all__ = ["BACKENDS", "connections", "filled", "look_up", "register_layers"]

BACKENDS = ("Vivado", "Vitis")


@dataclass(frozen=True)
class _LayerKind:
    """`weights` become constant arrays; `types` are further typedefs, `sizes` integer constants of the struct.

    `members`: whether the attribute of that name holds further C++ members of the struct.
    """

    name: str
    function: str
    weights: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    members: bool = False


_KINDS = (
    _LayerKind("L1aePreprocess", "l1ae_preprocess", weights=("offset", "shift"), types=("work",), members=True),
    _LayerKind("L1aeGather", "l1ae_gather", members=True),
    _LayerKind("L1aeCopy", "l1ae_copy"),
    _LayerKind("L1aePool", "l1ae_pool", sizes=("n_window",), members=True),
    _LayerKind("L1aeElementwise", "l1ae_elementwise", members=True),
    _LayerKind("L1aeConcatenate", "l1ae_concatenate"),
    _LayerKind("L1aeReconstructionError", "l1ae_reconstruction_error", types=("difference",), members=True),
    _LayerKind("L1aeDot", "l1ae_dot"),
    _LayerKind("L1aeTable", "l1ae_table", weights=("table",), sizes=("n_table",)),
    _LayerKind("L1aeTables", "l1ae_tables", members=True),
    _LayerKind("L1aeSum", "l1ae_sum", types=("total",)),
    _LayerKind("L1aeThreshold", "l1ae_threshold", weights=("threshold",)),
)

_INPUTS = "abc"


def connections(index: npt.NDArray[np.int64]) -> str:
    """C++ member that wires element `index[i]` of an array to element i of another, 0 where it is -1.

    Written out, because an index that the HLS tool reads from a table becomes a multiplexer.
    """
    if np.array_equal(index, np.arange(len(index))):
        loop = [f"for (unsigned i = 0; i < {len(index)}; i++) {{", "    #pragma HLS UNROLL", "    to[i] = from[i];", "}"]
        body = "".join(f"        {line}\n" for line in loop)
    else:
        body = _statements([f"to[{i}] = {f'from[{k}]' if k >= 0 else '0'};" for i, k in enumerate(index)])
    head = "    template <class from_T, class to_T> static void connect(from_T *from, to_T *to) {\n        #pragma HLS INLINE\n"
    return f"{head}{body}    }}\n"


def filled(present: npt.NDArray[np.bool_], gate: npt.NDArray[np.int64]) -> str:
    """C++ member that says which inputs carry information: `present`, and the code of the slot's gate (-1: none) is not 0."""
    conditions = ["false" if not here else "true" if k < 0 else f"hw[{k}] != 0" for here, k in zip(present, gate, strict=True)]
    body = _statements([f"used[{i}] = {condition};" for i, condition in enumerate(conditions)])
    return f"    template <class hw_T> static void filled(hw_T *hw, bool *used) {{\n        #pragma HLS INLINE\n{body}    }}\n"


def look_up(table: Table) -> str:
    """C++ members that find the entry of each element in its own table, as comparisons with the codes at which it changes.

    Written out, because every element of an array that is read at once costs a copy of it; elements with one table share a function.
    """
    codes = [int(code) for code in table.codes]
    functions: dict[str, str] = {}
    calls, first = [], 0
    for k, (bits, starts) in enumerate(zip(table.bits, table.starts, strict=True)):
        body = _comparisons(starts, codes[first : first + len(starts)])
        first += len(starts)
        name = functions.setdefault(body, f"entry{len(functions)}")
        calls.append(f"set(to[{k}], {name}(from[{k}].range({bits - 1}, 0)));" if bits else f"set(to[{k}], {body});")
    text = "".join(f"    static int {name}(unsigned hw) {{\n{_INLINE}{_wrapped(body)}    }}\n" for body, name in functions.items())
    text += f"    template <class to_T> static void set(to_T &to, int code) {{\n{_INLINE}"
    text += "        to.range() = ap_int<to_T::width + 1>(code);\n    }\n"
    head = f"    template <class from_T, class to_T> static void look_up(from_T *from, to_T *to) {{\n{_INLINE}"
    return f"{text}{head}{_statements(calls)}    }}\n"


_INLINE = "        #pragma HLS INLINE\n"


def _comparisons(starts: Sequence[int], codes: Sequence[int]) -> str:
    """The value of the run that holds `hw`, by halving."""
    if len(starts) == 1:
        return str(codes[0])
    half = len(starts) // 2
    return f"(hw < {starts[half]} ? {_comparisons(starts[:half], codes[:half])} : {_comparisons(starts[half:], codes[half:])})"


def _wrapped(expression: str) -> str:
    return textwrap.fill(f"return {expression};", 128, initial_indent=" " * 8, subsequent_indent=" " * 12) + "\n"


def _statements(items: list[str]) -> str:
    return "".join("        " + " ".join(items[start : start + 6]) + "\n" for start in range(0, len(items), 6))


def _layer_class(kind: _LayerKind) -> type[Any]:
    def initialize(self: Any) -> None:
        for k, name in enumerate(self.outputs):
            self.add_output_variable(list(self.get_attr("shape")), name, f"layer{{index}}_out{k or ''}")
        for name in kind.weights:
            self.add_weights_variable(name=name, var_name=name + "{index}", type_name=name + "{index}_t")
        for name in kind.types:
            self._set_type_t(name)

    expected = [
        Attribute("shape", value_type=tuple),
        *(Attribute(name) for name in kind.sizes),
        *([Attribute("members", value_type=str)] if kind.members else []),
        *(WeightAttribute(name) for name in kind.weights),
        *(TypeAttribute(name) for name in (*kind.weights, *kind.types)),
    ]
    return type(kind.name, (Layer,), {"_expected_attributes": expected, "initialize": initialize})


def _config_template(kind: _LayerKind, layer_class: type[Any]) -> type[Any]:
    def construct(self: Any) -> None:
        LayerConfigTemplate.__init__(self, layer_class)

    def format_struct(self: Any, node: Any) -> str:
        sizes = {f"n_{letter}": node.get_input_variable(name).size() for letter, name in zip(_INPUTS, node.inputs, strict=False)}
        sizes |= {"n_out": node.get_output_variable().size()} | {name: node.get_attr(name) for name in kind.sizes}
        lines = [f"    static const unsigned {name} = {value};" for name, value in sizes.items()]
        lines += [f"    typedef {node.get_attr(name + '_t').name} {name}_t;" for name in (*kind.types, *kind.weights)]
        members = [node.get_attr("members")] if kind.members else []
        return "\n".join([f"struct config{node.index} {{", *lines, *members, "};\n"])

    return type(f"{kind.name}Config", (LayerConfigTemplate,), {"__init__": construct, "format": format_struct})


def _call_template(kind: _LayerKind, layer_class: type[Any]) -> type[Any]:
    def construct(self: Any) -> None:
        FunctionCallTemplate.__init__(self, layer_class, include_header=["nnet_utils/nnet_l1ae.h"])

    def format_call(self: Any, node: Any) -> str:
        sources = [node.get_input_variable(name) for name in node.inputs]
        results = [node.get_output_variable(name) for name in node.outputs]
        types = ", ".join([*(variable.type.name for variable in [*sources, results[0]]), f"config{node.index}"])
        arguments = ", ".join([variable.name for variable in [*sources, *results, *(node.get_weights(name) for name in kind.weights)]])
        if node.model.config.get_config_value("IOType") == "io_stream":
            return f"nnet::l1ae_stream_{len(node.inputs)}<nnet::{kind.function}, {types}>({arguments});"
        return f"nnet::{kind.function}::run<{types}>({arguments});"

    return type(f"{kind.name}Call", (FunctionCallTemplate,), {"__init__": construct, "format": format_call})


@cache
def register_layers() -> None:
    """Make the layers known to hls4ml, once per process."""
    classes = {kind: _layer_class(kind) for kind in _KINDS}
    with as_file(files("l1ae.hls") / "templates" / "nnet_l1ae.h") as header:
        for kind, layer_class in classes.items():
            register_layer(kind.name, layer_class)
            for name in BACKENDS:
                backend = hls4ml.backends.get_backend(name)
                backend.register_template(_config_template(kind, layer_class))
                backend.register_template(_call_template(kind, layer_class))
        for name in BACKENDS:
            hls4ml.backends.get_backend(name).register_source(header.resolve())
