"""What a firmware engineer finds in the project: a test bench that can fail, a library that builds, ports that are explained."""

import re
import shlex
import subprocess

import numpy as np
import pytest

from l1ae.config import HlsConfig
from l1ae.hls import convert
from l1ae.inputs import named_layout

from ..delivery.tiny import tiny_contract, tiny_events
from ..levels import exhaustive
from .networks import everything

pytestmark = pytest.mark.usefixtures("kept_gxx")


def _compile_and_run(folder, name):
    """As the project's README says."""
    compiled, _, bench = re.search(r"^    (g\+\+ .*)$", (folder / "README.md").read_text(), re.MULTILINE)[1].partition(" && ")
    assert bench == f"./{name}_test"
    subprocess.run(shlex.split(compiled), cwd=folder, check=True, capture_output=True)
    return subprocess.run([bench], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_test_bench_passes_and_fails_when_one_answer_or_one_weight_is_wrong(written):
    contract, folder = written("kl")
    result = _compile_and_run(folder, contract.project)
    assert (result.returncode, result.stdout) == (0, "C simulation: 0 mismatches in 20 events\n")
    logged = (folder / "tb_data" / "csim_results.log").read_text().split()
    assert [float(value) for value in logged] == [float(v) for v in (folder / "tb_data" / "tb_output_predictions.dat").read_text().split()]

    expected = folder / "tb_data" / "tb_output_predictions.dat"
    right = expected.read_text()
    lines = right.splitlines()
    lines[7] = f"{float(lines[7].split()[0]) + contract.score.format.lsb} {lines[7].split()[1]}"
    expected.write_text("\n".join(lines) + "\n")
    result = subprocess.run([f"./{contract.project}_test"], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.startswith("event 7: expected")
    expected.write_text("")
    assert subprocess.run([f"./{contract.project}_test"], cwd=folder, capture_output=True, check=False).returncode == 1


def _cut(lines):
    return lines[:10]


def _token(place, value):
    def change(lines):
        words = lines[12].split()
        words[place] = value
        return [*lines[:12], " ".join(words), *lines[13:]]

    return change


INPUTS, ANSWERS = "tb_input_features.dat", "tb_output_predictions.dat"
DAMAGE = {
    "answers are missing": ({ANSWERS: _cut}, "compared were 10"),
    "inputs are missing": ({INPUTS: _cut}, "compared were 10"),
    "both are missing": ({INPUTS: _cut, ANSWERS: _cut}, "do not hold 20 events and their answers: compared were 10"),
    "all are missing": ({INPUTS: lambda _: [], ANSWERS: lambda _: []}, "compared were 0"),
    "there are more": ({INPUTS: lambda lines: lines * 2, ANSWERS: lambda lines: lines * 2}, "compared were 40"),
    "an answer is left over": ({ANSWERS: lambda lines: [*lines, lines[0]]}, "compared were 20"),
    "a code is a word": ({INPUTS: _token(3, "x")}, "tb_input_features.dat, line 13: 57 numbers are expected, not '"),
    "a code is half a word": ({INPUTS: _token(3, "7x")}, "tb_input_features.dat, line 13: 57 numbers are expected"),
    "a code is a fraction": ({INPUTS: _token(3, "7.5")}, "tb_input_features.dat, line 13: 57 numbers are expected"),
    "a code is beyond an integer": ({INPUTS: _token(3, "99999999999")}, "tb_input_features.dat, line 13: 57 numbers are expected"),
    "a code is beyond the port": ({INPUTS: _token(3, "4096")}, "event 12: input 3 is 4096, and the port takes -4096 to 4095"),
    "a code is missing": ({INPUTS: _token(3, "")}, "tb_input_features.dat, line 13: 57 numbers are expected"),
    "a code is left over": ({INPUTS: _token(3, "1 2")}, "tb_input_features.dat, line 13: 57 numbers are expected"),
    "an answer is a word": ({ANSWERS: _token(0, "nan")}, "tb_output_predictions.dat, line 13: 2 numbers are expected, not 'nan "),
    "an answer has a third": ({ANSWERS: _token(1, "0 0")}, "tb_output_predictions.dat, line 13: 2 numbers are expected"),
    "lines are broken elsewhere": ({INPUTS: lambda lines: " ".join(lines).split(" 0 ", 1)}, "line 1: 57 numbers are expected"),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A project of twenty events with its bench, compiled."""
    folder = tmp_path_factory.mktemp("bench")
    contract = tiny_contract()
    convert(contract, HlsConfig(), tiny_events(20, seed=8)).write(folder / "project")
    assert _compile_and_run(folder / "project", contract.project).returncode == 0
    return folder / "project"


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", exhaustive(DAMAGE, ("both are missing", "all are missing", "a code is beyond the port", "an answer has a third"))
)
def test_a_test_bench_that_lacks_an_event_fails(bench, tmp_path, damage):
    changes, message = DAMAGE[damage]
    (tmp_path / "tb_data").mkdir()
    for name in (INPUTS, ANSWERS):
        lines = (bench / "tb_data" / name).read_text().splitlines()
        (tmp_path / "tb_data" / name).write_text("".join(line + "\n" for line in changes.get(name, lambda lines: lines)(lines)))
    result = subprocess.run([bench / "tiny_v3_test"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert message in result.stdout


@pytest.mark.slow
def test_the_library_of_hls4ml_builds(written):
    contract, folder = written("mu2")
    result = subprocess.run(["bash", "build_lib.sh"], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert list((folder / "firmware").glob(f"{contract.project}*.so"))


def test_the_readme_explains_every_port_and_input(make_project):
    contract, project = make_project("squared_error")
    text = project.files["README.md"].decode()
    source = project.files[f"firmware/{contract.project}.cpp"].decode()
    ports = re.search(r"input_t hw\[57\],\s*\w+ (\w+)\[1\], \w+ (\w+)\[1\]", source)
    assert f"| `{ports[1]}[0]` | {contract.score.format.cpp} | score" in text
    assert f"| `{ports[2]}[0]` |" in text
    assert f"`firmware/weights/{re.search(r'threshold[0-9]+', source)[0]}.h`" in text
    preprocess = contract["inputs"]
    rows = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(rows) == 57
    assert rows[17].startswith(f"| 17 | mu0_phi | 0 to 575 | 0.0109083 rad | {preprocess.offset[17]} | {preprocess.shift[17]} | mu0_pt |")
    assert "| 1 | met_eta | 0 to 0 | absent, 0 |" in rows[1]
    assert "Where the code of an\ninput's slot (last column) is 0 the slot is empty" in text


@pytest.mark.parametrize(("io_type", "port"), [("io_parallel", "| `hw[252]`, reshaped"), ("io_stream", "| `hw`, words of 252 x 10 bits")])
def test_the_readme_of_a_calorimeter_image(io_type, port):
    contract = tiny_contract(layout=named_layout("calo_regions"))
    project = convert(contract, HlsConfig(io_type=io_type), np.zeros((2, 252), int))
    text = project.files["README.md"].decode()
    assert port in text
    rows = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    preprocess = contract["inputs"]
    assert rows[15] == f"| 15 | region_phi1_eta1 | 0 to 1023 | 0.5 GeV | {preprocess.offset[15]} | {preprocess.shift[15]} |  |"
    assert f"computed as {preprocess.work.cpp}, as {preprocess.format.cpp}." in text
    assert "slot is empty" not in text
    assert f"Strategy Latency, {io_type}, reuse factor 1." in text


@pytest.mark.slow
def test_the_test_bench_of_streams_passes(make_network, hardware, tmp_path):
    network = make_network("squared_error", hidden=(6,))
    hls = HlsConfig(io_type="io_stream")
    convert(network.contract, hls, np.asarray(hardware[:20])).write(tmp_path)
    result = _compile_and_run(tmp_path, network.contract.project)
    assert (result.returncode, result.stdout) == (0, "C simulation: 0 mismatches in 20 events\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "hls",
    [
        {},
        pytest.param({"io_type": "io_stream"}, marks=pytest.mark.exhaustive),
        pytest.param({"strategy": "distributed_arithmetic"}, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_the_sources_keep_to_the_language_of_the_build_script(tmp_path, hls):
    """build_prj.tcl compiles with -std=c++0x; Vivado HLS knows no later one."""
    contract = everything(exact_products=True)
    convert(contract, HlsConfig(backend="Vivado", **hls), np.zeros((2, contract.hardware.size), int)).write(tmp_path)
    assert '-cflags "-std=c++0x"' in (tmp_path / "build_prj.tcl").read_text()
    for source in (f"firmware/{contract.project}.cpp", f"{contract.project}_test.cpp"):
        command = ["g++", "-std=c++0x", "-w", "-fsyntax-only", "-I.", "-Ifirmware/ap_types", source]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr[-2000:]
