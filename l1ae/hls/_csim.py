"""C simulation of a project as it lies on disk, compared with the contract to the last bit, layer by layer."""

import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.agreement import CsimReport, CsimSeconds, Mismatch, TensorComparison, TypeMismatch, compare_tensor, corner_vectors
from l1ae.contract import Contract, wrapped_total
from l1ae.errors import CheckFailedError, UserError
from l1ae.files import read_json, scratch
from l1ae.hls._documents import input_lsb, render
from l1ae.hls._project import TYPES_FILE, namespace
from l1ae.hls._types import contract_types
from l1ae.inputs import FixedFormat, Overflow, Rounding
from l1ae.progress import Task, task
from l1ae.tools import answer_of, compile_cpp, run_program

__all__ = ["compile_bench", "simulate"]

Values = npt.NDArray[np.float64]
_BLOCK = 8192
_COMPILER_FLAGS = ("-O1", "-std=c++17", "-w")

_CONSTANT_ARRAY = re.compile(r"(?P<name>\w+)\[(?P<length>\d+)\](?P<initialiser>\s*=\s*\{(?P<values>[^{}]*)\})\s*;")

# The order of `ap_q_mode` and `ap_o_mode` in the HLS headers.
_ROUNDINGS = ("RND", "RND_ZERO", "RND_MIN_INF", "RND_INF", "RND_CONV", "TRN", "TRN_ZERO")
_OVERFLOWS = ("SAT", "SAT_ZERO", "SAT_SYM", "WRAP")


@dataclass(frozen=True)
class _Bench:
    """A compiled bench, the columns of its output: (tensor, start, stop), layers first, then outputs, and its number of types."""

    program: Path
    layers: tuple[tuple[str, int, int], ...]
    outputs: tuple[tuple[str, int, int], ...]
    total: int
    types: int
    seconds: float


def simulate(
    contract: Contract, folder: Path, backend: str, hardware: npt.NDArray[np.integer] | Iterable[npt.NDArray[np.integer]]
) -> CsimReport:
    """Compile the project in `folder` and run it on `hardware` (N, size), N 0 or more, or pieces of it, and on all corner vectors.

    The project is taken as it is on disk, whoever changed it. Raises `UserError` when it is not there or g++ is
    missing, `CheckFailedError` when it does not compile or crashes.
    """
    pieces = [hardware] if isinstance(hardware, np.ndarray) else hardware
    corners = corner_vectors(contract).astype(np.int32)
    with scratch("csim") as here:
        with task("C simulation: compiling"):
            bench = compile_bench(contract, folder, here)
        type_mismatches = _compare_types(contract, bench)
        started = time.perf_counter()
        total = len(corners) + len(hardware) if isinstance(hardware, np.ndarray) else None
        with task("C simulation", total=total, unit="events") as simulated, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            compare = _Comparer(contract, bench, here, simulated)
            results = list(pool.map(partial(compare, corners, corner=True), range(0, len(corners), _BLOCK)))
            events = 0
            for piece in pieces:
                real = np.ascontiguousarray(piece.reshape(len(piece), contract.hardware.size), np.int32)
                more = pool.map(partial(compare, real, before=events), range(0, len(real), _BLOCK))
                results, events = [_joined(contract, [*results, *more])], events + len(real)
        seconds = time.perf_counter() - started
    found = _joined(contract, results)
    return CsimReport(
        project=contract.project,
        backend=backend,
        events=events,
        corner_vectors=len(corners),
        mismatches=found.wrong_events,
        first_mismatch=found.first,
        types_compared=bench.types,
        type_mismatches=type_mismatches,
        outputs=found.outputs,
        layers=found.layers,
        wrapped=dict(found.wrapped),
        compiler=_compiler_version(),
        seconds=CsimSeconds(0.0, round(bench.seconds, 3), round(seconds, 3)),
    )


def compile_bench(contract: Contract, folder: Path, scratch: Path) -> _Bench:
    """Compile the bench around the project's top function into `scratch`."""
    names = _type_names(contract, folder)
    types = [
        (operation.name, role, name)
        for operation in contract.operations
        for role, name in names[operation.name].items()
        if name is not None
    ]
    layers, position = [], 0
    for operation in contract.operations[1:]:
        layers.append((operation.name, position, position + operation.size))
        position += operation.size
    outputs = []
    for name in contract.outputs:
        outputs.append((name, position, position + contract[name].size))
        position += contract[name].size
    constants = _copy_firmware(folder.resolve(), scratch)
    source = render(
        "csim_bench.cpp.j2",
        project=contract.project,
        namespace=namespace(contract.project),
        types=types,
        traced=[(name, start) for name, start, _ in layers],
        outputs=[(f"{name}_out", names[name]["output"], contract[name].size) for name in contract.outputs],
        n_in=contract.hardware.size,
        input_lsb=input_lsb(contract),
        n_out=sum(contract[name].size for name in contract.outputs),
        total=position,
        constants=constants,
    )
    (scratch / "bench.cpp").write_text(source)
    seconds = _compile(folder, scratch)
    return _Bench(scratch / "bench", tuple(layers), tuple(outputs), position, len(types), seconds)


def _type_names(contract: Contract, folder: Path) -> dict[str, dict[str, str | None]]:
    path = folder / TYPES_FILE
    if not path.is_file():
        raise UserError(f"there is no HLS project in '{folder}'; run `l1ae hls` first")
    names: dict[str, dict[str, str | None]] = read_json(path, missing="run `l1ae hls` first", damaged="run `l1ae hls` again")
    for layer, roles in names.items():
        if not isinstance(roles, dict) or any(not isinstance(name, str | None) for name in roles.values()):
            raise UserError(f"'{path}' is damaged ({layer}: {roles!r} is no mapping of names); run `l1ae hls` again")
    for operation in contract.operations:
        missing = set(contract_types(operation)) - set(names.get(operation.name, {}))
        if missing:
            raise UserError(
                f"the project in '{folder}' does not know the {', '.join(sorted(missing))} of layer '{operation.name}': "
                f"it was made from another contract; run `l1ae hls` again"
            )
    return names


def _copy_firmware(folder: Path, scratch: Path) -> list[tuple[str, int]]:
    """Copy the sources; the values of constant arrays go to a file from which the bench loads them.

    g++ needs half a minute for a few thousand initialised `ap_fixed`, and a second for the same arrays without
    their values. The values are those of the project's own headers. A header of another form is compiled as it is.
    Returns name and length of every array, in the order of the file.
    """
    shutil.copytree(folder / "firmware", scratch / "firmware", ignore=shutil.ignore_patterns("ap_types", "nnet_utils", "*.so"))
    for name in ("ap_types", "nnet_utils"):
        (scratch / "firmware" / name).symlink_to(folder / "firmware" / name)
    constants, values = [], []
    for header in sorted((scratch / "firmware" / "weights").glob("*.h")):
        text = header.read_text()
        match = _CONSTANT_ARRAY.search(text)
        if match is None:
            continue
        name, length, numbers = match["name"], int(match["length"]), np.array([float(item) for item in match["values"].split(",")])
        if len(numbers) != length:
            raise CheckFailedError(f"'{folder / 'firmware' / 'weights' / header.name}' holds {len(numbers)} values for {name}[{length}]")
        header.write_text(text[: match.start("initialiser")] + text[match.end("initialiser") :])
        constants.append((name, length))
        values.append(numbers)
    np.concatenate([np.empty(0), *values]).tofile(scratch / "constants.bin")
    return constants


def _compile(folder: Path, scratch: Path) -> float:
    started = time.perf_counter()
    options = [*_COMPILER_FLAGS, "-I.", "-Ifirmware/ap_types"]
    result = compile_cpp("bench.cpp", options, scratch / "bench", scratch, purpose="C simulation")
    if result.returncode != 0:
        raise CheckFailedError(f"the project in '{folder}' does not compile:\n{result.stderr[-4000:]}")
    return time.perf_counter() - started


def _compiler_version() -> str:
    return answer_of(["g++", "--version"]).splitlines()[0]


def _compare_types(contract: Contract, bench: _Bench) -> tuple[TypeMismatch, ...]:
    """Types as the compiler saw them against the contract's."""
    lines = answer_of([str(bench.program), "types"]).splitlines()
    if len(lines) != bench.types:
        raise CheckFailedError(f"the bench of the C simulation printed {len(lines)} types, not {bench.types}; compile it again")
    wrong = []
    for line in lines:
        layer, role, signed, width, integer, rounding, overflow = line.split()
        modes = Rounding(_ROUNDINGS[int(rounding)]), Overflow(_OVERFLOWS[int(overflow)])
        compiled = FixedFormat(signed == "1", int(width), int(integer), *modes)
        wanted = contract_types(contract[layer])[role]
        if compiled != wanted:
            wrong.append(TypeMismatch(layer, role, str(wanted), str(compiled)))
    return tuple(wrong)


@dataclass(frozen=True)
class _BlockResult:
    layers: tuple[TensorComparison, ...]
    outputs: tuple[TensorComparison, ...]
    first: Mismatch | None
    wrong_events: int
    wrapped: Mapping[str, int]


@dataclass(frozen=True)
class _Comparer:
    """Runs the bench on one block of events and compares."""

    contract: Contract
    bench: _Bench
    scratch: Path
    simulated: Task

    def __call__(self, hardware: npt.NDArray[np.int32], start: int, *, corner: bool = False, before: int = 0) -> _BlockResult:
        """The block of the events (N, size) from `start` on, `before` which others were read."""
        block = hardware[start : start + _BLOCK]
        values = self._run(block, f"{'corner' if corner else 'event'}-{start}")
        codes = self.contract.evaluate(block, [name for name, _, _ in self.bench.layers], workers=1)
        firsts: list[Mismatch] = []
        compared = []
        wrong = np.zeros(len(block), np.bool_)
        for columns in (self.bench.layers, self.bench.outputs):
            tensors = []
            for name, begin, end in columns:
                found = values[:, begin:end]
                tensor, different = compare_tensor(name, self.contract[name].format, codes[name], found)
                tensors.append(tensor)
                if tensor.mismatches:
                    wrong |= np.any(different, axis=1)
                    first = self._first(name, codes[name], found, different)
                    firsts.append(replace(first, corner=corner, event=before + start + first.event))
            compared.append(tuple(tensors))
        wrapped = {} if corner else self.contract.wrapped(block, workers=1)
        self.simulated.advance(len(block))
        return _BlockResult(compared[0], compared[1], _first(self.contract, firsts), int(wrong.sum()), wrapped)

    def _run(self, block: npt.NDArray[np.int32], stem: str) -> Values:
        source, target = self.scratch / f"{stem}.in", self.scratch / f"{stem}.out"
        block.tofile(source)
        result = run_program([self.bench.program, "run", source, target], folder=self.scratch)
        values = np.fromfile(target, np.float64) if target.exists() else np.empty(0)
        source.unlink()
        target.unlink(missing_ok=True)
        if result.returncode != 0 or values.size != len(block) * self.bench.total:
            raise CheckFailedError(f"the C simulation stopped with status {result.returncode} in block {stem}: {result.stderr[-2000:]}")
        return values.reshape(len(block), self.bench.total)

    def _first(self, name: str, codes: npt.NDArray[np.int64], found: Values, different: npt.NDArray[np.bool_]) -> Mismatch:
        """The first of the values that differ."""
        event, element = (int(i) for i in np.argwhere(different)[0])
        expected = float(codes[event, element] * self.contract[name].format.lsb)
        return Mismatch(name, False, event, element, expected, float(found[event, element]))


def _merge(parts: Sequence[Sequence[TensorComparison]]) -> tuple[TensorComparison, ...]:
    return tuple(
        replace(column[0], mismatches=sum(t.mismatches for t in column), max_abs_lsb=max(t.max_abs_lsb for t in column))
        for column in zip(*parts, strict=True)
    )


def _joined(contract: Contract, results: Sequence[_BlockResult]) -> _BlockResult:
    return _BlockResult(
        _merge([result.layers for result in results]),
        _merge([result.outputs for result in results]),
        _first(contract, [result.first for result in results if result.first is not None]),
        sum(result.wrong_events for result in results),
        wrapped_total(result.wrapped for result in results),
    )


def _first(contract: Contract, found: Sequence[Mismatch]) -> Mismatch | None:
    """In the earliest layer that is wrong, where the cause is, the first event; real ones before corner vectors."""
    order = {operation.name: k for k, operation in enumerate(contract.operations)}
    return min(found, key=lambda m: (order[m.layer], m.corner, m.event), default=None)
