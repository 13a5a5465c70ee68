"""From a contract to an hls4ml project: every type in it is the contract's, none is inferred."""

import json
import re
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from l1ae.config import HlsConfig
from l1ae.contract import Contract
from l1ae.files import scratch
from l1ae.hls._documents import Ports, project_readme, test_bench
from l1ae.hls._graph import quiet, to_model_graph, type_names
from l1ae.hls._project import PORTS, TYPES_FILE, Project, namespace

__all__ = ["convert"]


def convert(contract: Contract, hls: HlsConfig, vectors: npt.NDArray[np.integer]) -> Project:
    """Make the project; nothing is written but a temporary folder that is removed.

    `vectors`: hardware integers (N, size) that go into `tb_data/`
    as test vectors of the project's own test bench, with the contract's answers. The same contract, configuration and
    vectors give the same bytes.
    Raises `UserError` when the configuration cannot work for this contract (`check_strategy`).
    """
    with scratch("hls") as here:
        folder = here / "project"
        graph = to_model_graph(contract, hls, folder)
        with quiet():
            graph.write()
        files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        stamp = graph.config.get_config_value("Stamp")
    files = {path: _without_traces_of_this_machine(content, str(folder), stamp) for path, content in files.items()}
    if hls.strategy == "distributed_arithmetic":
        _repair_names(files, contract)
    files |= _test_vectors(contract, vectors)
    names = type_names(contract, graph)
    files[f"{contract.project}_test.cpp"] = test_bench(contract, names, len(vectors)).encode()
    _name_ports(files, contract.project, [variable.name for variable in graph.get_output_variables()])
    ports = Ports(*PORTS, graph.graph[contract.outputs[1]].get_weights("threshold").name)
    files["README.md"] = project_readme(contract, hls, ports).encode()
    _name_contract(files, contract)
    files["l1ae_contract.json"] = contract.to_json().encode()
    files[TYPES_FILE] = (json.dumps(names, indent=1) + "\n").encode()
    return Project(contract.project, hls.backend, files)


def _without_traces_of_this_machine(content: bytes, folder: str, stamp: str) -> bytes:
    """hls4ml draws a random stamp; YAML quotes the ones that look like a number."""
    return content.replace(folder.encode(), b".").replace(f"'{stamp}'".encode(), b"csim").replace(stamp.encode(), b"csim")


def _repair_names(files: dict[str, bytes], contract: Contract) -> None:
    """hls4ml 1.3.0 generates distributed arithmetic in the project's namespace, but calls it as if it were in its own."""
    own = namespace(contract.project).encode()
    parameters, code = "firmware/parameters.h", "firmware/nnet_utils/nnet_code_gen.h"
    files[parameters] = re.sub(rb"\bnnet::(dense_da_\d+|fill_buffer_\d+)\b", own + rb"::\1", files[parameters])
    files[code] = re.sub(rb"(?<!:)\bbit_shift<", b"nnet::bit_shift<", files[code])


def _name_ports(files: dict[str, bytes], project: str, variables: Sequence[str]) -> None:
    """hls4ml numbers its output ports by layer; who wires them up, and the next version of the model, need names that stay."""
    for path in (f"firmware/{project}.cpp", f"firmware/{project}.h", f"{project}_bridge.cpp"):
        for variable, port in zip(variables, PORTS, strict=True):
            files[path] = re.sub(rf"\b{variable}\b".encode(), port.encode(), files[path])


_COMMENTS = {".cpp": "//", ".h": "//", ".tcl": "#", ".yml": "#", ".sh": "#"}


def _name_contract(files: dict[str, bytes], contract: Contract) -> None:
    """A comment at the head of every file that hls4ml made for this contract says whose it is; not in copies of libraries."""
    for path, content in files.items():
        comment = _COMMENTS.get(PurePath(path).suffix)
        if comment is None or (path.startswith(("firmware/ap_types/", "firmware/nnet_utils/")) and not path.endswith("nnet_code_gen.h")):
            continue
        line = f"{comment} {contract.project}: contract sha256 {contract.digest}\n".encode()
        first, rest = content.split(b"\n", 1) if content.startswith(b"#!") else (b"", content)
        files[path] = first + (b"\n" if first else b"") + line + rest


def _test_vectors(contract: Contract, vectors: npt.NDArray[np.integer]) -> dict[str, bytes]:
    answers = contract.evaluate(vectors)
    score, trigger = (answers[name][:, 0] * contract[name].format.lsb for name in contract.outputs)
    inputs = "".join(" ".join(str(int(code)) for code in row) + "\n" for row in vectors.reshape(len(vectors), -1))
    outputs = "".join(f"{a!r} {int(b)}\n" for a, b in zip(score.tolist(), trigger, strict=True))
    return {"tb_data/tb_input_features.dat": inputs.encode(), "tb_data/tb_output_predictions.dat": outputs.encode()}
