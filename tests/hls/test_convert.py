"""The project as a value: reproducible, versioned, with the contract's types and answers in it."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from l1ae.config import HlsConfig
from l1ae.contract import Contract, Quantize
from l1ae.hls import convert
from l1ae.hls._types import contract_types
from l1ae.inputs import FixedFormat

from .networks import everything

BACKENDS = ["Vitis", "Vivado"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_same_contract_gives_the_same_bytes(make_project, backend):
    _, first = make_project("kl", backend)
    _, second = make_project("kl", backend)
    assert [path for path in {*first.files, *second.files} if first.files.get(path) != second.files.get(path)] == []
    assert first.digest == second.digest


@pytest.mark.parametrize("stamp", ["12345678", "1234e567", "0badcafe"])
def test_bytes_do_not_depend_on_the_random_stamp_of_hls4ml(make_project, monkeypatch, stamp):
    _, first = make_project("mu2")
    monkeypatch.setattr("uuid.uuid4", lambda: f"0000-{stamp}")
    _, second = make_project("mu2")
    assert first.files == second.files


def test_nothing_of_this_machine_is_in_the_project(make_project):
    _, project = make_project("kl")
    for path, content in project.files.items():
        if "ap_types" not in path:
            assert b"/tmp" not in content, path
            assert not re.search(rb"WEIGHTS_DIR=\"\\?/", content), path


@pytest.mark.parametrize("backend", BACKENDS)
def test_top_function_namespace_and_build_files_carry_the_version(make_project, backend):
    contract, project = make_project("squared_error", backend)
    name = contract.project
    source = project.files[f"firmware/{name}.cpp"].decode()
    assert f"namespace l1ae_{name} {{" in source
    assert f"void {name}(" in source
    assert {"build_prj.tcl", "project.tcl", f"{name}_test.cpp", "tb_data/tb_input_features.dat"} <= set(project.files)
    assert ("build_opt.tcl" in project.files) == (backend == "Vitis")
    assert "load_weights_from_txt" not in source
    assert not [path for path in project.files if path.startswith("firmware/weights/") and path.endswith(".txt")]


@pytest.mark.parametrize("backend", BACKENDS)
def test_configuration_reaches_the_tcl(make_network, hardware, backend):
    hls = HlsConfig(backend=backend, part="xc7vx690tffg1927-2", clock_period=25.0, clock_uncertainty=10.0, reuse_factor=2)
    network = make_network("mu2", hidden=(6,))
    project = convert(network.contract, hls, np.asarray(hardware[:5]))
    tcl = project.files["project.tcl"].decode()
    assert 'set part "xc7vx690tffg1927-2"' in tcl
    assert "set clock_period 25.0" in tcl
    assert "set clock_uncertainty 10.0%" in tcl
    assert "reuse_factor = 2;" in project.files["firmware/parameters.h"].decode()


@pytest.mark.parametrize("score", ["squared_error", "mu2", "kl"])
def test_every_type_of_the_contract_is_declared(make_project, score):
    contract, project = make_project(score)
    names = json.loads(project.files["l1ae_types.json"])
    typedefs = {name: text for text, name in re.findall(r"typedef (ap_\w+<[^;]*>) (\w+);", project.files["firmware/defines.h"].decode())}
    for operation in contract.operations:
        wanted = contract_types(operation)
        assert set(names[operation.name]) == set(wanted)
        assert FixedFormat.parse(typedefs[names[operation.name]["output"]]) == wanted["output"], operation.name


def test_contract_and_answers_are_in_the_project(make_project, hardware):
    contract, project = make_project("kl")
    assert Contract.from_json(project.files["l1ae_contract.json"].decode()).digest == contract.digest
    rows = [line.split() for line in project.files["tb_data/tb_output_predictions.dat"].decode().splitlines()]
    answers = contract.evaluate_reference(hardware[:20])
    assert [float(row[0]) / contract.score.format.lsb for row in rows] == answers["score"][:, 0].tolist()
    assert [int(row[1]) for row in rows] == answers["trigger"][:, 0].tolist()


def _written(**hls):
    contract = everything(exact_products=hls.get("strategy") == "distributed_arithmetic")
    files = convert(contract, HlsConfig(**hls), np.zeros((3, contract.hardware.size), int)).files
    return contract, files, files["firmware/everything_v1.cpp"].decode(), files["firmware/parameters.h"].decode()


def test_streams_are_words_of_one_event():
    contract, files, source, _ = _written(io_type="io_stream")
    defines = files["firmware/defines.h"].decode()
    assert "void everything_v1(\n    hls::stream<input_t> &hw,\n    hls::stream<layer" in source
    assert f"typedef nnet::array<ap_fixed<10,10>, {contract.hardware.size}*1> input_t;" in defines
    assert "#pragma HLS INTERFACE axis port=hw,score,trigger" in source
    assert "nnet::l1ae_stream_3<nnet::l1ae_reconstruction_error" in source
    assert "::run<" not in source


def test_reuse_factors_reach_their_layers():
    layers = {"conv": {"reuse_factor": 3}, "pointwise": {"reuse_factor": 3}, "enc": {"reuse_factor": 8}, "dec": {"reuse_factor": 10}}
    _, _, _, parameters = _written(strategy="Resource", layers=layers)
    blocks = dict(re.findall(r"// (\w+)\nstruct config\d+(?:_mult)? : nnet::dense_config \{(.*?)\};", parameters, re.DOTALL))
    found = {name: int(re.search(r"reuse_factor = (\d+);", block)[1]) for name, block in blocks.items()}
    assert found == {name: layer["reuse_factor"] for name, layer in layers.items()}
    assert all("strategy = nnet::resource;" in block for block in blocks.values())


def test_every_array_of_a_dataflow_region_has_one_reader():
    """The HLS tools refuse an array that two functions of a dataflow region read, or that one reads and the port shows."""
    for hls in ({}, {"strategy": "Resource", "layers": {"enc": {"reuse_factor": 8}}}):
        _, _, source, _ = _written(**hls)
        assert "#pragma HLS DATAFLOW" in source
        alias = dict(re.findall(r"auto& (\w+) = (\w+);", source))
        calls = re.findall(r"nnet::[\w:]+<[^;]*>\(([^;]*)\); // (\w+)", source)
        reads = Counter()
        for arguments, name in calls:
            names = [argument.strip() for argument in arguments.split(",")]
            arrays = [item for item in names if item == "hw" or re.fullmatch(r"layer\d+_out\d*|score|trigger", item)]
            results = 2 if re.fullmatch(r"l1ae_\w+_copy\d+", name) else 1
            reads.update({alias.get(item, item) for item in arrays[:-results]})
        ports = re.search(r"ap_vld port=hw,(\w+),(\w+)", source).groups()
        assert ports == ("score", "trigger")
        assert set(reads.values()) == {1}
        assert not set(ports) & set(reads)


def test_generated_files_name_the_contract(make_project):
    contract, project = make_project("squared_error")
    silent = {path for path, content in project.files.items() if contract.digest.encode() not in content}
    own = {path for path in silent if not path.startswith(("firmware/ap_types/", "firmware/nnet_utils/"))}
    assert own == {"l1ae_contract.json", "l1ae_types.json", "tb_data/tb_input_features.dat", "tb_data/tb_output_predictions.dat"}
    assert project.files["build_lib.sh"].startswith(b"#!/bin/bash\n# ")


def test_a_pipelined_network_has_no_copies(make_project):
    contract, project = make_project("squared_error")
    source = project.files[f"firmware/{contract.project}.cpp"].decode()
    assert "#pragma HLS PIPELINE" in source
    assert "l1ae_copy" not in source


@pytest.mark.exhaustive
def test_distributed_arithmetic_is_code_in_the_namespace_of_the_project():
    _, files, source, parameters = _written(strategy="distributed_arithmetic")
    code = files["firmware/nnet_utils/nnet_code_gen.h"].decode()
    assert set(re.findall(r"void (dense_da_\d+)\(", code)) == set(re.findall(r"l1ae_everything_v1::(dense_da_\d+)", source + parameters))
    assert not re.search(r"nnet::dense_da|nnet::fill_buffer_\d|[^:]bit_shift<", parameters + code + source)
    assert not [path for path in files if re.fullmatch(r"firmware/weights/[wb]\d+\.h", path)]
    names = json.loads(files["l1ae_types.json"])
    assert names["enc"] == {"output": names["enc"]["output"], "accumulator": None, "weights": None, "bias": None}
    assert _written(strategy="distributed_arithmetic")[1] == files


@pytest.mark.parametrize("name", ["conv_flat", "conv_image", "score_port", "hw_copy0"])
def test_layers_of_ours_do_not_take_the_names_of_the_network(name):
    contract = everything()
    operations = list(contract.operations)
    operations.insert(2, Quantize(name=name, inputs=("inputs",), format=contract["inputs"].format, size=contract["inputs"].size))
    project = convert(Contract(contract.project, tuple(operations)), HlsConfig(), np.zeros((3, contract.hardware.size), int))
    assert set(json.loads(project.files["l1ae_types.json"])) == {operation.name for operation in operations}
