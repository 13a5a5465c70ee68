"""hls4ml layers for what hls4ml does not bring, through its extension API; the C++ is in `templates/nnet_l1ae.h`.

Each layer is one row of `_KINDS`: its weights, its extra types and integer constants, and the attribute that holds the
members of its configuration struct that only the converter can write (`l1ae.hls._members`).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import hls4ml
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute, TypeAttribute, WeightAttribute
from hls4ml.model.layers import Layer, register_layer

__all__ = ["BACKENDS", "register_layers"]

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
    _LayerKind("L1aeBinning", "l1ae_binning", members=True),
    _LayerKind("L1aeLookup", "l1ae_lookup", members=True),
    _LayerKind("L1aeSum", "l1ae_sum", types=("total",)),
    _LayerKind("L1aeThreshold", "l1ae_threshold", weights=("threshold",)),
)

_INPUTS = "abc"


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
