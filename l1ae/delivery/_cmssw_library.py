"""The emulator library of a delivered folder: built from its sources, and held against a contract."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.agreement import contract_answers, corner_vectors
from l1ae.contract import Contract
from l1ae.delivery._cmssw_scales import address_rows, column_rows, edge_rows, preprocessing_rows, table_rows
from l1ae.delivery._emulator import Emulator, EmulatorError
from l1ae.delivery._target import Check
from l1ae.errors import CheckFailedError, UserError
from l1ae.files import scratch
from l1ae.tools import run_program

__all__ = ["EVENTS_FILE", "build_library", "check_delivery", "events_header", "library_path"]

EVENTS_FILE = "test/events.txt"

IntArray = npt.NDArray[np.int64]

_CONSTANT = re.compile(r"inline constexpr [\w:]+ (?:char )?\*?(\w+)(?:\[\w*\])? = ([^;]+);")
# Tables of the scales' header: name, rows of initialisers.
_TABLE = re.compile(r"^inline constexpr \w+ (?P<name>\w+)\[\w+\] = \{\n(?P<rows>(?:    \{.*\},\n)*)\};$", re.MULTILINE)


def library_path(contract: Contract) -> str:
    """Where the library is below a delivered folder."""
    return f"{contract.project}/{contract.project}.so"


def events_header(contract: Contract, events: int) -> str:
    """The comment in the file of events from which its readers know whose they are, and how many."""
    return f"# project {contract.project} digest {contract.digest} inputs {contract.hardware.size} events {events}"


def build_library(folder: Path, goal: str = "all") -> str:
    """Run `make` in the project folder `folder`, and return what it printed.

    Raises `UserError` without g++ or make, `CheckFailedError` with the output when it fails.
    """
    for tool in ("make", os.environ.get("CXX", "g++")):
        if shutil.which(tool) is None:
            raise UserError(f"{tool} is not installed; the emulator is built with it (Debian/Ubuntu: apt-get install make g++)")
    result = run_program(["make", "-s", goal], folder=folder)
    if result.returncode != 0:
        raise CheckFailedError(f"`make {goal}` failed in '{folder}':\n{(result.stdout + result.stderr)[-4000:]}")
    return result.stdout


@dataclass(frozen=True)
class _Stimulus:
    """Events (N, size) and what the contract answers."""

    what: str
    hardware: IntArray
    scores: IntArray
    triggers: npt.NDArray[np.bool_]


def check_delivery(folder: Path, contract: Contract) -> Iterator[Check]:
    """The delivered events, headers and library, and the library that the delivered sources give on this machine.

    Libraries are loaded as copies under a name of their own: a path that this process has loaded before would give what lay
    there then.
    """
    project = folder / contract.project
    if not project.is_dir():
        yield Check("folder", False, f"there is no '{project}'")
        return
    check, events = _check_events(project / EVENTS_FILE, contract)
    yield check
    stimulus = _stimulus(contract, events)
    yield _check_model_header(project / "interface" / f"{contract.project}_model.h", contract)
    yield _check_scales_header(project / "interface" / f"{contract.project}_scales.h", contract)
    with scratch("emulator") as here:
        yield _check_delivered(folder / library_path(contract), contract, stimulus, here / "delivered")
        yield from _check_rebuilt(project, contract, stimulus, here / "rebuilt")


def _check_events(path: Path, contract: Contract) -> tuple[Check, IntArray]:
    none = np.empty((0, contract.hardware.size), np.int64)
    name = "events are the contract's"
    try:
        lines = path.read_text().splitlines()
        table = np.array([line.split() for line in lines if line and not line.startswith("#")], np.int64)
        events, scores, triggers = table[:, :-2], table[:, -2], table[:, -1]
        expected = contract_answers(contract, events)
    except (OSError, ValueError, IndexError, UserError) as error:
        return Check(name, False, f"'{path}': {error}"), none
    if (header := events_header(contract, len(events))) not in lines:
        return Check(name, False, f"'{path}' is of another contract, or lacks events: there is no line '{header}'"), none
    wrong = np.flatnonzero((scores != expected[0]) | (triggers != expected[1]))
    return Check(name, not len(wrong), _differing(wrong, len(events), "events")), events


def _stimulus(contract: Contract, events: IntArray) -> _Stimulus:
    corners = corner_vectors(contract)
    hardware = np.concatenate([events, corners])
    return _Stimulus(f"{len(events)} events and {len(corners)} corner vectors", hardware, *contract_answers(contract, hardware))


def _differing(wrong: IntArray, total: int, what: str) -> str:
    return f"{len(wrong)} of {total} {what} differ" + (f", the first is {wrong[0]}" if len(wrong) else "")


def _check_model_header(path: Path, contract: Contract) -> Check:
    """Constants of the model's header."""
    port = contract.hardware
    expected = {
        "PROJECT": f'"{contract.project}"',
        "VERSION": contract.project.rpartition("_v")[2],
        "DIGEST": f'"{contract.digest}"',
        "INPUTS": str(port.size),
        "INPUT_LOW": _list(port.low),
        "INPUT_HIGH": _list(port.high),
        "SCORE_TYPE": f'"{contract.score.format.cpp}"',
        "SCORE_FRACTION": str(contract.score.format.fraction),
        "SCORE_LSB": str(contract.score.format.lsb),
        "THRESHOLD": str(contract.threshold),
    }
    found = {name: "".join(value.split()) for name, value in _CONSTANT.findall(path.read_text())} if path.is_file() else {}
    wrong = [f"{name} is {found.get(name, 'missing')}, not {value}" for name, value in expected.items() if found.get(name) != value]
    return Check("constants of the model", not wrong, "; ".join(wrong) or f"{len(expected)} constants in {path.name}")


def _list(values: IntArray) -> str:
    return "{" + "".join(f"{value}," for value in values) + "}"


def _check_scales_header(path: Path, contract: Contract) -> Check:
    """What the first operations do is the contract's, and scales are its layout's."""
    name = "scales of the inputs"
    expected = {"PREPROCESSING": preprocessing_rows(contract), "STEP": table_rows(contract)}
    expected |= {"EDGE": edge_rows(contract), "ADDRESS": address_rows(contract)}
    expected["INPUT"] = [] if contract.layout is None else column_rows(contract.layout)
    text = path.read_text() if path.is_file() else ""
    found = {table["name"]: re.findall(r"^    \{(.*)\},$", table["rows"], re.MULTILINE) for table in _TABLE.finditer(text)}
    for table, rows in expected.items():
        there = found.get(table, [])
        if len(there) != len(rows):
            return Check(name, False, f"{table} in '{path.name}' has {len(there)} rows, not {len(rows)}")
        wrong = [
            f"{table}[{k}] is {{{row}}}, not {{{right}}}" for k, (row, right) in enumerate(zip(there, rows, strict=True)) if row != right
        ]
        if wrong:
            return Check(name, False, "; ".join(wrong[:3]))
    return Check(name, True, f"{' and '.join(table for table, rows in expected.items() if rows) or 'no table'} in {path.name}")


def _check_delivered(library: Path, contract: Contract, stimulus: _Stimulus, scratch: Path) -> Check:
    """The library as delivered. Where there is none, or none that loads here, the next check stands for it."""
    name = "delivered library"
    if not library.is_file():
        return Check(name, None, "not there as it was delivered, judged by the one built from its sources; `make` in its folder builds it")
    scratch.mkdir()
    copy = shutil.copy(library, scratch)
    try:
        emulator = Emulator(copy)
    except EmulatorError as error:
        return Check(name, None, f"does not load on this machine, judged by the one built from its sources: {error}")
    return _compare(name, emulator, contract, stimulus)


def _check_rebuilt(project: Path, contract: Contract, stimulus: _Stimulus, scratch: Path) -> Iterator[Check]:
    """Sources, compiled here, and the delivered test program, which asks through the interface of CMSSW."""
    name, test = "library built from the sources", "test program"
    shutil.copytree(project, scratch, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    try:
        build_library(scratch)
        emulator = Emulator(scratch / f"{contract.project}.so")
    except UserError as error:
        yield Check(name, None, str(error))
        return
    except (CheckFailedError, EmulatorError) as error:
        yield Check(name, False, str(error))
        return
    compared = _compare(name, emulator, contract, stimulus)
    yield compared
    if not compared.passed:
        return
    try:
        yield Check(test, True, build_library(scratch, "test").strip().removeprefix("./"))
    except CheckFailedError as error:
        yield Check(test, False, str(error))


def _compare(name: str, emulator: Emulator, contract: Contract, stimulus: _Stimulus) -> Check:
    found = f"{emulator.project}, version {emulator.version}, digest {emulator.digest}"
    if (f"{contract.project}", contract.digest) != (emulator.project, emulator.digest):
        return Check(name, False, f"is {found}; the contract is {contract.project}, digest {contract.digest}")
    try:
        scores, triggers = emulator.evaluate(stimulus.hardware)
    except EmulatorError as error:
        return Check(name, False, str(error))
    wrong = np.flatnonzero((scores != stimulus.scores) | (triggers != stimulus.triggers))
    return Check(name, not len(wrong), f"{found}: {_differing(wrong, len(scores), f'({stimulus.what})')}")
