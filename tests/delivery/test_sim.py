"""The test benches that come with VHDL: what a receiver calls passes on what was delivered, and fails where an answer is another."""

import subprocess
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from l1ae.delivery import TARGETS, Source
from l1ae.delivery._ugt import files as ugt_files
from l1ae.delivery._ugt_vectors import Filling

from .every_input import every_input_contract
from .tiny import tiny_events

SMALL = Filling(crossings=60, colliding=40, train=10, abort_gap=2)


def points(*thresholds: int) -> dict[str, object]:
    return {"working_points": [{"name": f"{k} kHz", "threshold": threshold} for k, threshold in enumerate(thresholds)]}


@pytest.fixture(scope="module")
def every(tiny_config) -> Source:
    """Every input read, a signed score, threshold and working points at and next to scores that occur."""
    from l1ae.rtl import Clock, unroll

    contract, events = every_input_contract(), tiny_events(60)
    config = tiny_config.model_copy(update={"name": "every", "version": 2})
    scores = np.sort(contract.evaluate(events)["score"][:, 0])
    *others, trigger = contract.operations
    contract = replace(contract, operations=(*others, replace(trigger, threshold=int(scores[20]))))
    project = unroll(contract, Clock(4.16, config.rtl.clock_uncertainty), part=config.rtl_part).project
    return Source(contract, config, events, {}, project, points(int(scores[30]), int(scores[30]) + 1))


def made_of(target: str, source: Source) -> dict[str, bytes]:
    return ugt_files(source, SMALL) if target == "ugt" else TARGETS[target].files(source)


def write(made: dict[str, bytes], folder: Path) -> Path:
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def play(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", "sim", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def summary(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("../../") for line in result.stdout.splitlines() if "differing: " in line]


@pytest.fixture(scope="module")
def played(every, tmp_path_factory):
    """A delivered folder of each target, in which the bench has run, and what it said."""

    @cache
    def of(target: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        folder = write(made_of(target, every), tmp_path_factory.mktemp(target))
        return folder, play(folder)

    return of


SUMMARY = {
    "ugt": ["vectors/TestVector_every_v2_000.txt: 60 crossings", "vectors/TestVector_every_v2_001.txt: 60 crossings"],
    "emp": ["buffers/every_v2_000_in.txt: 366 frames"],
    "vivado": ["sim/events.txt: 60 events"],
}


@pytest.mark.parametrize("target", SUMMARY)
def test_what_was_delivered_passes(target, every, played):
    folder, result = played(target)
    assert result.returncode == 0, result.stdout + result.stderr
    assert summary(result) == [f"{line}, differing: 0" for line in SUMMARY[target]]
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - set(made_of(target, every))
    assert left
    # what the bench leaves is nobody's business
    assert all(any(fnmatchcase(name, pattern) for pattern in TARGETS[target].by_products) for name in left)


def test_what_the_c_simulation_leaves_is_a_by_product():
    patterns = TARGETS["vivado"].by_products
    left = ("hls/tiny_v3_test", "hls/tb_data/csim_results.log", "hls/tb_data/rtl_cosim_results.log")
    assert all(any(fnmatchcase(name, pattern) for pattern in patterns) for name in left)
    kept = ("hls/tiny_v3_test.cpp", "hls/tb_data/tb_input_features.dat", "hls/firmware/tiny_v3.cpp", "rtl/vhdl/tiny_v3.vhd")
    assert not any(fnmatchcase(name, pattern) for name in kept for pattern in patterns)


def flipped(text: str, line: int, column: int) -> str:
    """One hexadecimal digit with its lowest bit the other way."""
    lines = text.splitlines(keepends=True)
    row = list(lines[line])
    row[column] = f"{int(row[column], 16) ^ 1:x}"
    lines[line] = "".join(row)
    return "".join(lines)


# of the fifth crossing, answer, event: a digit of the score, an algorithm bit, the final OR; the score; the score, the trigger bit
@pytest.mark.parametrize(
    ("target", "path", "line", "column", "said"),
    [
        ("ugt", "vectors/TestVector_every_v2_000_score.txt", 2 + 5, -2, "crossing 5: score "),
        ("ugt", "vectors/TestVector_every_v2_000.txt", 5, -4, "crossing 5: score "),
        ("ugt", "vectors/TestVector_every_v2_000.txt", 5, -2, "crossing 5: score "),
        ("emp", "buffers/every_v2_000_out.txt", 4 + 11 + 4 * 6, -2, "frame 35: "),
        ("vivado", "sim/events.txt", 2 + 5, -4, "event 6: valid 1, score "),
        ("vivado", "sim/events.txt", 2 + 5, -2, "event 6: valid 1, score "),
    ],
)
def test_another_answer_fails(target, path, line, column, said, played):
    folder, _ = played(target)
    text = (folder / path).read_text()
    (folder / path).write_text(flipped(text, line, column))
    result = play(folder)
    (folder / path).write_text(text)
    assert result.returncode == 2
    assert said in result.stdout
    assert summary(result) == [f"{SUMMARY[target][0]}, differing: 1"]


@pytest.mark.parametrize("target", SUMMARY)
def test_nothing_to_play_and_no_simulator_are_said(target, played):
    folder, _ = played(target)
    result = play(folder, "FILES=")
    assert (result.returncode, "fetch the folder again" in result.stderr) == (2, True)
    result = play(folder, "GHDL=no_such_program", "-B")
    assert (result.returncode, "there is no no_such_program; Debian/Ubuntu: apt-get install ghdl" in result.stderr) == (2, True)


def test_one_file_can_be_chosen(played):
    folder, _ = played("ugt")
    name = "vectors/TestVector_every_v2_001.txt"
    assert summary(play(folder, f"FILES={name}")) == [f"{name}: 60 crossings, differing: 0"]


def test_the_makefile_of_vivado_runs_the_bench(played):
    folder, _ = played("vivado")
    result = subprocess.run(["make", "sim"], cwd=folder, capture_output=True, text=True, check=False)
    assert (result.returncode, summary(result)) == (0, [f"{SUMMARY['vivado'][0]}, differing: 0"])


def test_there_is_no_bench_where_there_is_no_rtl(every):
    source = replace(every, rtl=None, hls={"firmware/every_v2.cpp": b""})
    for target in ("ugt", "vivado"):
        assert not [name for name in made_of(target, source) if name.startswith("sim/")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "path", "old", "new"),
    [
        ("ugt", "firmware/hdl/every_v2/l1ae_score_comparison.vhd", "signed(score) >= threshold", "signed(score) > threshold"),
        ("ugt", "firmware/hdl/every_v2/every_v2_inputs.vhd", "eg(1)(24 downto 17)", "eg(2)(24 downto 17)"),
        ("ugt", "firmware/hdl/every_v2/every_v2_wrapper.vhd", "anomaly_score_valid <= valid", "anomaly_score_valid <= '1'"),
        ("ugt", "firmware/hdl/every_v2/rtl/every_v2.vhd", 'model_version <= x"00000002"', 'model_version <= x"00000003"'),
        ("emp", "firmware/hdl/every_v2/every_v2_emp.vhd", "resize(signed(code), 32)", "resize(unsigned(code), 32)"),
        ("vivado", "rtl/vhdl/l1ae_trigger.vhd", ">=", ">"),
        ("vivado", "rtl/vhdl/every_v2.vhd", "in_valid        => in_valid", "in_valid        => '1'"),
        ("vivado", "rtl/vhdl/every_v2.vhd", 'model_version <= x"00000002"', 'model_version <= x"00000003"'),
    ],
)
def test_a_fault_in_the_vhdl_fails(target, path, old, new, every, tmp_path):
    made = made_of(target, every)
    assert old in made[path].decode(), "the fault is not in the text"
    result = play(write(made | {path: made[path].decode().replace(old, new).encode()}, tmp_path))
    assert result.returncode == 2
    assert "differing: " in result.stdout, result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("target", ["emp", "vivado"])
def test_folded_rtl_passes(target, every, tmp_path):
    from l1ae.rtl import Clock, fold

    source = replace(every, rtl=fold(every.contract, 12, Clock(5.0, 0), every.config.rtl_part).project, events=every.events[:20])
    result = play(write(made_of(target, source), tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr
