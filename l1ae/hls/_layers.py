"""hls4ml layers for what hls4ml does not bring, through its extension API; the C++ is in `templates/nnet_l1ae.h`.

Each layer is one row of `_LAYERS`: its weights, its extra types, the fields of its configuration struct and its call.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import hls4ml
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute, TypeAttribute, WeightAttribute
from hls4ml.model.layers import Layer, register_layer

__all__ = ["register_layers"]

BACKENDS = ("Vivado", "Vitis")


@dataclass(frozen=True)
class _LayerKind:
    """`weights` become constant arrays; `types` are further typedefs, `sizes` integer constants of the struct."""

    name: str
    function: str
    weights: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()


_KINDS = (
    _LayerKind("L1aePreprocess", "l1ae_preprocess", weights=("offset", "shift", "present"), types=("work",), sizes=("n_in",)),
    _LayerKind("L1aeSquaredError", "l1ae_squared_error", weights=("present",), types=("difference",), sizes=("n_in",)),
    _LayerKind("L1aeSquaredNorm", "l1ae_squared_norm", sizes=("n_in",)),
    _LayerKind("L1aeTable", "l1ae_table", weights=("table",), sizes=("n_in", "n_table")),
    _LayerKind("L1aeSum", "l1ae_sum", types=("total",), sizes=("n_a", "n_b")),
    _LayerKind("L1aeThreshold", "l1ae_threshold", weights=("threshold",)),
)


def _layer_class(kind: _LayerKind) -> type[Any]:
    def initialize(self: Any) -> None:
        self.add_output_variable([self.get_attr("n_out")])
        for name in kind.weights:
            self.add_weights_variable(name=name, var_name=name + "{index}", type_name=name + "{index}_t")
        for name in kind.types:
            self._set_type_t(name)

    expected = [
        Attribute("n_out"),
        *(Attribute(name) for name in kind.sizes),
        *(WeightAttribute(name) for name in kind.weights),
        *(TypeAttribute(name) for name in (*kind.weights, *kind.types)),
    ]
    return type(kind.name, (Layer,), {"_expected_attributes": expected, "initialize": initialize})


def _config_template(kind: _LayerKind, layer_class: type[Any]) -> type[Any]:
    def construct(self: Any) -> None:
        LayerConfigTemplate.__init__(self, layer_class)

    def format_struct(self: Any, node: Any) -> str:
        sizes = [f"    static const unsigned {name} = {node.get_attr(name)};" for name in kind.sizes]
        types = [f"    typedef {node.get_attr(name + '_t').name} {name}_t;" for name in (*kind.types, *kind.weights)]
        return "\n".join([f"struct config{node.index} {{", *sizes, *types, "};\n"])

    return type(f"{kind.name}Config", (LayerConfigTemplate,), {"__init__": construct, "format": format_struct})


def _call_template(kind: _LayerKind, layer_class: type[Any]) -> type[Any]:
    def construct(self: Any) -> None:
        FunctionCallTemplate.__init__(self, layer_class, include_header=["nnet_utils/nnet_l1ae.h"])

    def format_call(self: Any, node: Any) -> str:
        variables = [*(node.get_input_variable(name) for name in node.inputs), node.get_output_variable()]
        types = ", ".join([variable.type.name for variable in variables] + [f"config{node.index}"])
        arguments = ", ".join([variable.name for variable in variables] + [node.get_weights(name).name for name in kind.weights])
        return f"nnet::{kind.function}<{types}>({arguments});"

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
