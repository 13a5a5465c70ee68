"""Verilog in Verilator: translation to C++, compilation around our bench, one run per stimulus."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.progress import Task, task
from l1ae.rtl._project import RtlProject
from l1ae.rtl.simulation._bench import check_compiled, check_finished, execute, pack, to_codes
from l1ae.rtl.simulation._protocol import Stimulus, Trace
from l1ae.rtl_results import Design
from l1ae.tools import Verilator, answer_of, compile_cpp, compiled, compiler_identity, gxx, verilator

__all__ = ["VerilatorBench"]

# Every register starts from random bits that the bench's seed chooses, and so does whatever is unknown in the source.
_TRANSLATION = ("--cc", "--prefix", "Dut", "-O3", "--x-assign", "unique", "--x-initial", "unique", "-Wno-lint", "-Wno-fatal")
_SPLIT = ("--output-split", "10000", "--output-split-cfuncs", "1000")
_FLAGS = ("-std=c++17", "-w", "-DVL_TIME_CONTEXT")
_OPTIMISATIONS = _FAST, _SLOWLY = "-O1", "-O0"
_LINKED = ("-pthread", "-latomic")
_PURPOSE = "RTL simulation"

_SLOW = "Slow"  # in the names of the generated files that only initialise
_UNIT_BYTES = 1_000_000

_DRIVE = np.dtype([("threshold", "<u8"), ("row", "<u4"), ("flags", "<u4")])
_SHOW = np.dtype([("score", "<u8"), ("threshold", "<u8"), ("flags", "<u4"), ("unused", "<u4")])


class VerilatorBench:
    """The bench around the Verilog of the project in `folder`, compiled into `scratch`.

    Raises `UserError` when Verilator or g++ is missing, `CheckFailedError` when the sources do not compile.
    """

    def __init__(self, project: RtlProject, folder: Path, scratch: Path) -> None:
        self._tool, self._design, self._folder, self._scratch = verilator(), project.design, folder, scratch
        generated = scratch / "verilated"
        sources = [(folder / name).resolve() for name in project.verilog]
        options = [*_TRANSLATION, *_SPLIT, "--top-module", project.design.name, "--Mdir", str(generated)]
        environment = os.environ | dict(self._tool.environment)
        with task("Verilog in Verilator: translating"):
            check_compiled(execute([*self._tool.command, *options, *sources], folder, environment), folder)
        bench = files("l1ae.rtl") / "templates" / "verilator_bench.cpp"
        (generated / "bench.cpp").write_text(bench.read_text())
        root = _root(self._tool)
        compiled(scratch / "bench", _ingredients(generated, root), lambda: self._build(generated, root))

    @property
    def version(self) -> str:
        """Name and version of the simulator."""
        return f"Verilator {self._tool.version}"

    def run(self, stimulus: Stimulus, seed: int, simulated: Task) -> Trace:
        """Simulate one stimulus; `seed` chooses the bits of uninitialised registers.

        Raises `CheckFailedError` when the simulation stops early.
        """
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            here = Path(name)
            words = pack(stimulus.codes, self._design.input_bits)
            words.tofile(here / "events")
            _drive(stimulus, self._design).tofile(here / "cycles")
            command: list[str | Path] = [
                self._scratch / "bench",
                str(seed),
                here / "events",
                str(words.shape[1]),
                here / "cycles",
                here / "shows",
            ]
            result = execute(command, self._folder)
            shows = np.fromfile(here / "shows", _SHOW) if (here / "shows").exists() else np.empty(0, _SHOW)
        check_finished(result, stimulus, len(shows))
        simulated.advance(len(shows))
        return _trace(shows, self._design)

    def _build(self, generated: Path, root: Path) -> None:
        """Compile, what takes longest first, and link. Compiling by ourselves saves the library's time for all designs but one."""
        runtime = re.findall(r"^  (verilated\w*)", (generated / "Dut_classes.mk").read_text(), re.MULTILINE)
        includes = (f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}")

        def compile_one(source: Path) -> Path:
            target = (generated / source.name).with_suffix(".o")
            if source.parent != generated:
                # Verilator's own library takes longer than a small design
                options = [*_FLAGS, _FAST, *includes, "-c"]
                check_compiled(compile_cpp(source, options, target, generated, purpose=_PURPOSE), source.parent)
            else:
                self._gxx([_optimisation(source), *includes, "-I.", "-c", source, "-o", target], generated)
            done.advance()
            return target

        units = [*_units(generated, slow=False), *_units(generated, slow=True)]
        libraries = [root / "include" / f"{name}.cpp" for name in runtime]
        sources = [*libraries, *units]
        with (
            task("Verilog in Verilator: compiling", total=len(sources), unit="files") as done,
            ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        ):
            objects = list(pool.map(compile_one, sources))
        self._gxx([*objects, *_LINKED, "-o", self._scratch / "bench"], generated)

    def _gxx(self, arguments: Sequence[str | Path], where: Path) -> None:
        check_compiled(execute([gxx(_PURPOSE), *_FLAGS, *arguments], where), self._folder)


def _root(tool: Verilator) -> Path:
    """Where Verilator's own headers and library are."""
    return Path(answer_of((*tool.command, "--getenv", "VERILATOR_ROOT"), tool.environment).strip())


def _ingredients(generated: Path, root: Path) -> Iterator[str | bytes]:
    """Everything that decides about the bench, once the Verilog is translated into `generated`."""
    yield from (str(root), _headers(root), *_OPTIMISATIONS, *_FLAGS, *_LINKED)
    yield from compiler_identity(gxx(_PURPOSE))
    for pattern in ("*.cpp", "*.h", "*_classes.mk"):
        for path in sorted(generated.glob(pattern)):
            yield path.name
            yield path.read_bytes()


@cache
def _headers(root: Path) -> bytes:
    """Digest of Verilator's headers and library, of which a part is compiled into every bench."""
    digest = hashlib.sha256()
    for path in sorted(item for item in (root / "include").rglob("*") if item.is_file()):
        digest.update(f"{path} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.digest()


def _optimisation(source: Path) -> str:
    """What runs once per simulation need not be fast."""
    return _SLOWLY if _SLOW in source.name else _FAST


def _units(generated: Path, *, slow: bool) -> list[Path]:
    """Files that include the generated ones, small ones together: reading the headers takes longer than compiling them.

    `slow`: the files that run once per simulation, or the others.
    """
    groups: list[list[Path]] = []
    size = _UNIT_BYTES
    for source in sorted(path for path in generated.glob("*.cpp") if (_SLOW in path.name) == slow):
        if size + source.stat().st_size > _UNIT_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(source)
        size += source.stat().st_size
    units = []
    for number, group in enumerate(groups):
        units.append(generated / f"unit{number}{_SLOW if slow else ''}.cpp")
        units[-1].write_text("".join(f'#include "{source.name}"\n' for source in group))
    return units


def _drive(stimulus: Stimulus, design: Design) -> npt.NDArray[np.void]:
    cycles = np.empty(len(stimulus.row), _DRIVE)
    cycles["threshold"] = stimulus.threshold & ((1 << design.score_bits) - 1)
    cycles["row"] = stimulus.row
    cycles["flags"] = stimulus.reset + 2 * stimulus.valid + 4 * stimulus.write
    return cycles


def _trace(shows: npt.NDArray[np.void], design: Design) -> Trace:
    ready, valid, trigger = ((shows["flags"] >> k & 1).astype(np.int64) for k in range(3))
    score, threshold = (to_codes(shows[name].astype(np.int64), design) for name in ("score", "threshold"))
    return Trace(ready, valid, trigger, score, threshold)
