"""Equivalence, for every input, of the RTL of each stage and the netlist that yosys makes of it: yosys and abc."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from l1ae.errors import UserError
from l1ae.files import scratch
from l1ae.results import Positive, load_result, save_result
from l1ae.rtl._project import RtlProject
from l1ae.rtl.proofs._abc import MITER, NO_VERDICT, ask_abc
from l1ae.rtl_results import NetlistProof, Verdict
from l1ae.synth import Part, Synthesis, synthesise
from l1ae.tools import abc_program, run_yosys, yosys_version

__all__ = ["combinational_modules", "compare_netlist", "prove_netlist"]

_LOG = logging.getLogger("l1ae")
_FORMAT = 2
_OPEN_ENTRY = re.compile(r"(: out = \d+'h)X+;")


def combinational_modules(project: RtlProject) -> tuple[str, ...]:
    """The modules of the project's stages, those without registers."""
    pattern = re.compile(rf"{re.escape(project.design.name)}_stage\d+")
    return tuple(name for name in (PurePosixPath(path).stem for path in project.verilog) if pattern.fullmatch(name))


def prove_netlist(
    project: RtlProject,
    part: Part,
    *,
    memory_gb: float,
    timeout: float,
    cache: Path | None,
    modules: Sequence[str] | None = None,
    restructure: bool = True,
) -> tuple[NetlistProof, ...]:
    """Synthesise each of `modules` (default: all stages) by itself and compare RTL and netlist for every input.

    `timeout` (s) and `memory_gb` (1e9 bytes) are for each program that runs: synthesis, the making of the circuit to decide,
    abc. Small modules come first; the result is in the order of `modules`. An entry of a table that the RTL leaves open,
    because no event reaches it, is 0 in both. `cache` is a folder for results, `restructure` as in `synthesise`. Raises
    `UserError` when yosys is missing.
    """
    limits = _Limits(memory_gb, timeout, cache, restructure)
    yosys_version(), abc_program()
    modules = combinational_modules(project) if modules is None else modules
    sources = {name: _sources(project, name) for name in modules}
    ordered = sorted(modules, key=lambda name: sum(len(text) for text in sources[name].values()))
    proofs = {name: _prove(sources[name], name, part, limits) for name in ordered}
    return tuple(proofs[name] for name in modules)


@dataclass(frozen=True)
class _Limits:
    """GB and seconds of each program, where results are kept, and whether synthesis may rewrite logic."""

    memory_gb: float
    timeout: float
    cache: Path | None
    restructure: bool


def _sources(project: RtlProject, module: str) -> dict[str, str]:
    """The file of a module and the modules that it instantiates, by file name; tables without open entries."""
    files = {PurePosixPath(path).name: project.files[path] for path in project.verilog}
    text = files[f"{module}.v"]
    used = set(re.findall(r"(\w+)(?: #\(.*?\))? op_\d+ \(", text))
    sources = {f"{module}.v": text} | {name: files[name] for name in sorted(files) if PurePosixPath(name).stem in used}
    tables = re.findall(r"(module (table_\w+)\(.*?endmodule\n?)", files.get("tables.v", ""), re.DOTALL)
    needed = "\n".join(body for body, name in tables if name in used)
    return sources | ({"tables.v": _OPEN_ENTRY.sub(r"\g<1>0;", needed)} if needed else {})


def _prove(sources: Mapping[str, str], module: str, part: Part, limits: _Limits) -> NetlistProof:
    memory_gb, timeout, cache = limits.memory_gb, limits.timeout, limits.cache
    key = json.dumps([_FORMAT, yosys_version(), part.yosys_family, limits.restructure, sorted(sources.items())])
    entry = cache / f"{hashlib.sha256(key.encode()).hexdigest()}.proof.json" if cache else None
    if entry and (found := _load(entry, timeout)):
        return found
    started = time.monotonic()
    luts, verdict = 0, NO_VERDICT
    try:
        made = synthesise(
            sources, module, part, dsp=False, memory_gb=memory_gb, cache=cache, timeout=timeout, restructure=limits.restructure
        )
        luts = made.resources.luts
        verdict, reason = compare_netlist(sources, module, made, memory_gb=memory_gb, timeout=timeout)
    except UserError as error:
        reason = str(error).splitlines()[0]
    proof = NetlistProof(module, verdict, reason, luts, round(time.monotonic() - started, 2), False)
    _LOG.info("abc: %s: %s%s (%.0f s)", module, verdict, f", {reason}" if reason else "", proof.seconds)
    if entry:
        _save(entry, proof, timeout)
    return proof


def compare_netlist(
    sources: Mapping[str, str], module: str, netlist: Synthesis, *, memory_gb: float, timeout: float
) -> tuple[Verdict, str]:
    """Whether a combinational `module` of Verilog sources and its netlist of AMD primitives are equal for every input.

    The meaning of the primitives is that of yosys' own models of them (`cells_sim.v`). Gives the verdict, and why it is not
    `proven`. Raises `UserError` when yosys refuses the sources or reaches a limit.
    """
    with scratch("prove") as folder:
        for source, text in sources.items():
            (folder / source).write_text(text)
        netlist.write_netlist(folder / "netlist.json")
        run_yosys(_script(sorted(sources), module), folder, memory_gb=memory_gb, timeout=timeout)
        return ask_abc(folder, memory_gb, timeout)


def _script(names: Sequence[str], module: str) -> str:
    """Both sides as one circuit whose only output is 1 where they differ."""
    return (
        f"read_verilog -sv {' '.join(names)}\n"
        f"hierarchy -check -top {module}\n"
        "proc -norom; flatten; opt_clean\n"
        f"rename {module} gold\n"
        "design -stash gold\n"
        "read_json netlist.json\n"
        "read_verilog +/xilinx/cells_sim.v\n"
        f"hierarchy -check -top {module}\n"
        "proc; flatten; opt_clean\n"
        f"rename {module} gate\n"
        "design -stash gate\n"
        "design -copy-from gold -as gold gold\n"
        "design -copy-from gate -as gate gate\n"
        f"{MITER}"
    )


@dataclass(frozen=True)
class _Remembered:
    """A proof, and how long it was tried for."""

    timeout: Positive
    proof: NetlistProof


def _save(entry: Path, proof: NetlistProof, timeout: float) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    # another process may find out the same just now
    with suppress(UserError):
        save_result(entry, _Remembered(timeout, proof))


def _load(entry: Path, timeout: float) -> NetlistProof | None:
    """An earlier result, unless it did not finish and there is more time now."""
    if not entry.is_file():
        return None
    try:
        found = load_result(_Remembered, entry, what="proof of a netlist", remedy="", again="it is made again")
    except UserError as error:
        _LOG.warning("%s", error)
        return None
    return None if found.proof.verdict == NO_VERDICT and found.timeout < timeout else replace(found.proof, cached=True)
