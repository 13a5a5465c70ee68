"""hls4ml's model of a contract: layers, the copies and reshapes between them, explicit types, strategy."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hls4ml
from hls4ml.model import ModelGraph

from l1ae.config import HlsConfig
from l1ae.contract import Contract, Convolution, Dense, HardwareInput, Operation
from l1ae.extras import quiet_tensorflow
from l1ae.hls._layers import register_layers
from l1ae.hls._project import namespace
from l1ae.hls._strategy import check_strategy
from l1ae.hls._translate import STRUCT_MEMBER, copy_layer, translate
from l1ae.hls._types import contract_types
from l1ae.names import checked

__all__ = ["quiet", "to_model_graph", "type_names"]


@dataclass
class _Layers:
    """hls4ml's layer list as it grows, and where each tensor of the contract can be read."""

    hls: HlsConfig
    layers: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)

    def add(self, layer: dict[str, Any], inputs: list[str], outputs: list[str], precision: dict[str, str], *, trace: bool = False) -> None:
        """Append a layer, named as its first output."""
        name = outputs[0]
        self.layers.append({"name": name, "inputs": inputs, "outputs": outputs} | layer)
        self.config[name] = {"Precision": precision, "Trace": trace, "ReuseFactor": self.hls.reuse_of(name)}

    def reshape(self, name: str, source: str, shape: tuple[int, ...], precision: str) -> str:
        """The same elements in another shape: a name in io_parallel, words of another length in io_stream."""
        stream = self.hls.io_type == "io_stream"
        layer = copy_layer(shape) if stream else {"class_name": "Reshape", "target_shape": list(shape)}
        self.add(layer, [source], [name], {"result": precision})
        return name

    def read(self, tensor: str) -> str:
        """The variable that the next reader of a tensor reads."""
        variables = self.sources[tensor]
        return variables.pop(0) if len(variables) > 1 else variables[0]


def to_model_graph(contract: Contract, hls: HlsConfig, folder: Path) -> Any:
    """hls4ml's own model of the contract, which will write to `folder`.

    Raises `UserError` when the configuration cannot work for this contract.
    """
    check_strategy(contract, hls)
    register_layers()
    built = _Layers(hls)
    for operation in contract.operations:
        checked("layer", operation.name)
        _add(built, operation, contract)
    outputs = [_add_port(built, contract[name]) for name in contract.outputs]
    config = hls4ml.utils.config.create_config(
        output_dir=str(folder),
        project_name=contract.project,
        backend=hls.backend,
        part=checked("part", hls.part),
        clock_period=hls.clock_period,
        clock_uncertainty=f"{hls.clock_uncertainty}%",
        io_type=hls.io_type,
        namespace=namespace(contract.project),
        write_weights_txt=False,
    )
    model = {"Precision": "fixed<62,31>", "ReuseFactor": hls.reuse_factor, "Strategy": hls.strategy}
    config |= {"HLSConfig": {"Model": model, "LayerName": built.config}, "TraceOutput": True}
    with quiet():
        return ModelGraph.from_layer_list(config, built.layers, inputs=[contract.hardware.name], outputs=outputs)


def _add(built: _Layers, operation: Operation, contract: Contract) -> None:
    layer, types = translate(operation, contract)
    name, inputs = operation.name, [built.read(tensor) for tensor in operation.inputs]
    precision = {"result": operation.format.cpp}
    if isinstance(operation, Convolution):
        inputs = [built.reshape(f"l1ae_{name}_image", inputs[0], operation.shape, contract[operation.inputs[0]].format.cpp)]
    built.add(layer, inputs, [name], precision | types, trace=not isinstance(operation, HardwareInput))
    flat = built.reshape(f"l1ae_{name}_flat", name, (operation.size,), operation.format.cpp) if isinstance(operation, Convolution) else name
    built.sources[name] = [flat]
    if _is_dataflow(contract, built.hls):
        _add_copies(built, operation, contract)


def _is_dataflow(contract: Contract, hls: HlsConfig) -> bool:
    """Whether hls4ml makes the arrays of an io_parallel project channels of a dataflow region, with one reader each."""
    convolutions = any(isinstance(operation, Convolution) and operation.positions != (1, 1) for operation in contract.operations)
    return hls.io_type == "io_parallel" and (hls.strategy == "Resource" or convolutions)


def _add_copies(built: _Layers, operation: Operation, contract: Contract) -> None:
    """One array per reader, the port of an output being one; hls4ml does the same by itself for streams only."""
    readers = sum(other.inputs.count(operation.name) for other in contract.operations) + (operation.name in contract.outputs)
    variables = built.sources[operation.name]
    for k in range(readers - 1):
        names = [f"l1ae_{operation.name}_copy{k}", f"l1ae_{operation.name}_rest{k}"]
        layer = {"class_name": "L1aeCopy", "shape": (operation.size,)}
        built.add(layer, [variables[-1]], names, {"result": operation.format.cpp})
        variables[-1:] = names


def _add_port(built: _Layers, operation: Operation) -> str:
    """The layer whose output is the port of the top function."""
    source = built.read(operation.name)
    if source == operation.name:
        return source
    port = f"l1ae_{operation.name}_port"
    built.add(copy_layer((operation.size,)), [source], [port], {"result": operation.format.cpp})
    return port


def type_names(contract: Contract, graph: Any) -> dict[str, dict[str, str | None]]:
    """The project's C++ name of every type that `contract_types` lists, by layer and role.

    None where there is none: distributed arithmetic writes products and sums as code, without types of their own.
    """
    nodes = {node.name: node for node in graph.get_layers()}
    names: dict[str, dict[str, str | None]] = {}
    for operation in contract.operations:
        node = nodes[operation.name]
        roles = [role for role in contract_types(operation) if role != "output"]
        written_as_code = isinstance(operation, Dense | Convolution) and node.get_attr("strategy") == "distributed_arithmetic"
        inner = {role: None if written_as_code else f"config{node.index}::{STRUCT_MEMBER[role]}" for role in roles}
        names[operation.name] = {"output": node.get_output_variable().type.name} | inner
    return names


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """hls4ml prints its progress, warns about what is explicit here, and imports Keras and TensorFlow where these are installed."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), quiet_tensorflow():
        warnings.simplefilter("ignore")
        yield
