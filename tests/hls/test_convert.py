"""The project as a value: reproducible, versioned, with the contract's types and answers in it."""

import json
import re

import numpy as np
import pytest

from l1ae.config import HlsConfig
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.hls import convert
from l1ae.hls._types import contract_types
from l1ae.inputs import FixedFormat

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
    project = convert(network.contract, hls, network.config.inputs.spec(), np.asarray(hardware[:5]))
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


def test_a_layer_too_large_to_unroll_is_refused(make_network, hardware):
    network = make_network("mu2", hidden=(80,))
    with pytest.raises(UserError, match="layer 'enc0' has 4560 products; the HLS tools unroll at most 4096"):
        convert(network.contract, HlsConfig(), network.config.inputs.spec(), np.asarray(hardware[:5]))
