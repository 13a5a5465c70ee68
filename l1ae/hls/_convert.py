"""From a contract to an hls4ml project: every type in it is the contract's, none is inferred."""

import contextlib
import io
import json
import tempfile
import warnings
from collections.abc import Iterator
from functools import singledispatch
from pathlib import Path
from typing import Any

import hls4ml
import numpy as np
import numpy.typing as npt
from hls4ml.model import ModelGraph

from l1ae.config import HlsConfig
from l1ae.contract import (
    Contract,
    Dense,
    HardwareInput,
    Operation,
    Preprocess,
    Quantize,
    Relu,
    SquaredError,
    SquaredNorm,
    Sum,
    Table,
    Threshold,
)
from l1ae.errors import UserError
from l1ae.hls._documents import project_readme, test_bench
from l1ae.hls._layers import register_layers
from l1ae.hls._project import TYPES_FILE, Project, namespace
from l1ae.hls._types import contract_types
from l1ae.inputs import FixedFormat, InputSpec

__all__ = ["convert", "to_model_graph"]

# hls4ml unrolls everything in io_parallel; Vivado HLS and Vitis HLS stop at 4096 iterations of an unrolled loop.
_UNROLL_LIMIT = 4096

_STRUCT_MEMBER = {
    "accumulator": "accum_t",
    "weights": "weight_t",
    "bias": "bias_t",
    "work": "work_t",
    "difference": "difference_t",
    "table": "table_t",
    "total": "total_t",
}


def convert(contract: Contract, hls: HlsConfig, spec: InputSpec, vectors: npt.NDArray[np.integer]) -> Project:
    """Make the project; nothing is written but a temporary folder that is removed.

    `spec` describes the inputs for the project's README. `vectors`: hardware integers (N, size) that go into `tb_data/`
    as test vectors of the project's own test bench, with the contract's answers. The same contract, configuration and
    vectors give the same bytes.
    Raises `UserError` when a layer is too large to be unrolled.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        graph = to_model_graph(contract, hls, folder)
        with _quiet():
            graph.write()
        files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        stamp = graph.config.get_config_value("Stamp")
    files = {path: _without_traces_of_this_machine(content, str(folder), stamp) for path, content in files.items()}
    files |= _test_vectors(contract, vectors)
    names = _type_names(contract, graph)
    files[f"{contract.project}_test.cpp"] = test_bench(contract, names).encode()
    files["README.md"] = project_readme(
        contract, hls, spec, [graph.get_layer_output_variable(name).name for name in contract.outputs]
    ).encode()
    files["l1ae_contract.json"] = contract.to_json().encode()
    files[TYPES_FILE] = (json.dumps(names, indent=1) + "\n").encode()
    return Project(contract.project, hls.backend, files)


def to_model_graph(contract: Contract, hls: HlsConfig, folder: Path) -> Any:
    """hls4ml's own model of the contract, which will write to `folder`."""
    _refuse_what_cannot_unroll(contract)
    register_layers()
    layers, precision = [], {}
    for operation in contract.operations:
        layer, types = _translate(operation, contract)
        layers.append({"name": operation.name, "inputs": list(operation.inputs), "outputs": [operation.name]} | layer)
        precision[operation.name] = {"Precision": {"result": operation.format.cpp} | types, "Trace": True, "ReuseFactor": hls.reuse_factor}
    config = hls4ml.utils.config.create_config(
        output_dir=str(folder),
        project_name=contract.project,
        backend=hls.backend,
        part=hls.part,
        clock_period=hls.clock_period,
        clock_uncertainty=f"{hls.clock_uncertainty}%",
        io_type=hls.io_type,
        namespace=namespace(contract.project),
        write_weights_txt=False,
    )
    model = {"Precision": "fixed<62,31>", "ReuseFactor": hls.reuse_factor, "Strategy": hls.strategy}
    config |= {"HLSConfig": {"Model": model, "LayerName": precision}, "TraceOutput": True}
    with _quiet():
        return ModelGraph.from_layer_list(config, layers, inputs=[contract.hardware.name], outputs=list(contract.outputs))


def _refuse_what_cannot_unroll(contract: Contract) -> None:
    for operation in contract.dense():
        if operation.weights.size > _UNROLL_LIMIT:
            raise UserError(
                f"layer '{operation.name}' has {operation.weights.size} products; the HLS tools unroll at most {_UNROLL_LIMIT} in "
                f"the Latency strategy; make the layer smaller"
            )


@singledispatch
def _translate(operation: Operation, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    """hls4ml's attributes of a layer, and the C++ types beside that of its result."""
    raise UserError(f"layer '{operation.name}': hls4ml has no {type(operation).__name__}")


@_translate.register
def _(operation: HardwareInput, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    return {"class_name": "InputLayer", "input_shape": [operation.size]}, {}


@_translate.register
def _(operation: Preprocess, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    arrays = {"offset": operation.offset, "shift": operation.shift, "present": operation.present.astype(np.int64)}
    layer = {"class_name": "L1aePreprocess", "n_in": operation.size, "n_out": operation.size}
    layer |= {f"{name}_data": values.astype(float) for name, values in arrays.items()}
    return layer, {name: _integer_type(values) for name, values in arrays.items()} | _inner_types(operation)


@_translate.register
def _(operation: Dense, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    n_in, n_out = operation.weights.shape
    layer = {
        "class_name": "Dense",
        "n_in": n_in,
        "n_out": n_out,
        "weight_data": operation.weights * operation.weight_format.lsb,
        "bias_data": operation.bias * operation.bias_format.lsb,
    }
    return layer, _inner_types(operation)


@_translate.register
def _(operation: Quantize, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    return {"class_name": "Activation", "activation": "linear", "n_in": operation.size}, {}


@_translate.register
def _(operation: Relu, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    return {"class_name": "Activation", "activation": "relu", "n_in": operation.size}, {}


@_translate.register
def _(operation: Table, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    layer = {"class_name": "L1aeTable", "n_in": operation.size, "n_out": operation.size, "n_table": len(operation.codes)}
    return layer | {"table_data": operation.codes * operation.format.lsb}, _inner_types(operation)


@_translate.register
def _(operation: SquaredError, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    present = operation.present.astype(float)
    layer = {"class_name": "L1aeSquaredError", "n_in": len(present), "n_out": 1, "present_data": present}
    return layer, {"present": "uint<1>"} | _inner_types(operation)


@_translate.register
def _(operation: SquaredNorm, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    return {"class_name": "L1aeSquaredNorm", "n_in": contract[operation.inputs[0]].size, "n_out": 1}, {}


@_translate.register
def _(operation: Sum, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    n_a, n_b = (contract[name].size for name in operation.inputs)
    return {"class_name": "L1aeSum", "n_a": n_a, "n_b": n_b, "n_out": 1}, _inner_types(operation)


@_translate.register
def _(operation: Threshold, contract: Contract) -> tuple[dict[str, Any], dict[str, str]]:
    form = contract[operation.inputs[0]].format
    return {"class_name": "L1aeThreshold", "n_out": 1, "threshold_data": np.array([operation.threshold * form.lsb])}, {
        "threshold": form.cpp
    }


def _inner_types(operation: Operation) -> dict[str, str]:
    """hls4ml's precision keys of a layer's inner types."""
    return {_STRUCT_MEMBER[role].removesuffix("_t"): form.cpp for role, form in contract_types(operation).items() if role != "output"}


def _integer_type(values: npt.NDArray[np.int64]) -> str:
    form = FixedFormat.covering(int(values.min()), int(values.max()), 0)
    return f"{'' if form.signed else 'u'}int<{form.width}>"


def _without_traces_of_this_machine(content: bytes, folder: str, stamp: str) -> bytes:
    """hls4ml draws a random stamp; YAML quotes the ones that look like a number."""
    return content.replace(folder.encode(), b".").replace(f"'{stamp}'".encode(), b"csim").replace(stamp.encode(), b"csim")


def _test_vectors(contract: Contract, vectors: npt.NDArray[np.integer]) -> dict[str, bytes]:
    answers = contract.evaluate(vectors)
    score, trigger = (answers[name][:, 0] * contract[name].format.lsb for name in contract.outputs)
    inputs = "".join(" ".join(str(int(code)) for code in row) + "\n" for row in vectors.reshape(len(vectors), -1))
    outputs = "".join(f"{a!r} {int(b)}\n" for a, b in zip(score.tolist(), trigger, strict=True))
    return {"tb_data/tb_input_features.dat": inputs.encode(), "tb_data/tb_output_predictions.dat": outputs.encode()}


def _type_names(contract: Contract, graph: Any) -> dict[str, dict[str, str]]:
    """The project's C++ name of every type that `contract_types` lists, by layer and role."""
    nodes = {node.name: node for node in graph.get_layers()}
    names = {}
    for operation in contract.operations:
        node = nodes[operation.name]
        inner = {role: f"config{node.index}::{_STRUCT_MEMBER[role]}" for role in contract_types(operation) if role != "output"}
        names[operation.name] = {"output": node.get_output_variable().type.name} | inner
    return names


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """hls4ml prints its progress and warns about what is explicit here."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
