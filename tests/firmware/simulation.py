"""Runs the benches on Verilog or VHDL, as it is or with a planted fault."""

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

from cocotb_tools.runner import get_runner

from l1ae.rtl._firmware import firmware_source
from l1ae.tools._verilator import verilator

from .cases import verilog_top, vhdl_top

HERE = Path(__file__).parent
SUFFIX = {"verilator": ".v", "ghdl": ".vhd"}


@dataclass(frozen=True)
class Outcome:
    """`failed`: the names of the tests inside the simulator that failed. `logs`: what the random ones read."""

    passed: frozenset[str]
    failed: frozenset[str]
    logs: dict[str, list[dict[str, int]]]


def simulate(simulator: str, folder: Path, faults: dict[str, tuple[str, str]] | None = None, clocks: int = 2000) -> Outcome:
    """All tests of both benches. `faults`: module to a text of its source and what stands there instead."""
    suffix, results = SUFFIX[simulator], folder / "results.xml"
    results.unlink(missing_ok=True)
    sources = [_write(folder, module + suffix, firmware_source(module + suffix), (faults or {}).get(module)) for module in _MODULES]
    sources.append(HERE / "hdl" / f"trigger_case{suffix}")
    sources.append(_write(folder, f"bench_top{suffix}", verilog_top() if suffix == ".v" else vhdl_top(), None))
    environment = _verilator_environment(folder) if simulator == "verilator" else {}
    # The runner gives the simulator our search path, which must hold what the benches import.
    with mock.patch.dict(os.environ, environment), mock.patch("sys.path", [str(HERE), *sys.path]):
        runner = get_runner(simulator)
        build_args = ["--std=08"] if simulator == "ghdl" else ["-Wno-WIDTHEXPAND"]
        log = {"log_file": folder / "build.log"}
        runner.build(sources=sources, hdl_toplevel="bench_top", build_dir=folder / "build", build_args=build_args, **log)
        # Under pytest the runner exits when a test inside the simulator fails. Which ones did is what is asked here.
        with contextlib.suppress(SystemExit):
            runner.test(
                hdl_toplevel="bench_top",
                hdl_toplevel_lang="vhdl" if suffix == ".vhd" else "verilog",
                test_module=["bench_trigger", "bench_framer"],
                test_args=["--std=08"] if simulator == "ghdl" else [],
                build_dir=folder / "build",
                test_dir=folder / "build",
                results_xml=str(results),
                log_file=folder / "test.log",
                extra_env={"BENCH_LOG": str(folder), "BENCH_CLOCKS": str(clocks)},
            )
    return _outcome(folder, results)


_MODULES = ("l1ae_trigger", "l1ae_framer")


def _write(folder: Path, name: str, text: str, fault: tuple[str, str] | None) -> Path:
    if fault is not None:
        assert fault[0] in text, f"{name} has no '{fault[0]}' any more"
        text = text.replace(*fault)
    (folder / name).write_text(text)
    return folder / name


def _verilator_environment(folder: Path) -> dict[str, str]:
    """Optimising the simulator takes longer than running it unoptimised."""
    tool = verilator()
    launcher = tool.write_launcher(folder / "bin")
    flags = "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
    return {
        **tool.environment,
        "PATH": f"{launcher.parent}{os.pathsep}{os.environ['PATH']}",
        "MAKEFLAGS": f"{tool.environment.get('MAKEFLAGS', '')} {flags}",
    }


def _outcome(folder: Path, results: Path) -> Outcome:
    cases = ElementTree.parse(results).getroot().findall(".//testcase")
    names = {case: f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}" for case in cases}
    failed = frozenset(name for case, name in names.items() if case.find("failure") is not None or case.find("error") is not None)
    logs = {path.stem: json.loads(path.read_text()) for path in folder.glob("?.json")}
    return Outcome(frozenset(names.values()) - failed, failed, logs)
