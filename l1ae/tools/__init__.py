"""The external programs that l1ae runs: where they are, what to do when they are missing, and that none outlives its caller."""

from l1ae.tools._compiled import KEPT_VARIABLE, compiled
from l1ae.tools._ghdl import ghdl, ghdl_version
from l1ae.tools._gxx import compile_cpp, compiler_identity, gxx
from l1ae.tools._process import answer_of, run_program, started, stop_programs
from l1ae.tools._verilator import OLDEST_VERILATOR, Verilator, verilator
from l1ae.tools._vivado import VENDOR_TOOLS, VendorTool, hls_tool, vivado
from l1ae.tools._yosys import YosysRun, abc_program, run_yosys, yosys_version

__all__ = [
    "KEPT_VARIABLE",
    "OLDEST_VERILATOR",
    "VENDOR_TOOLS",
    "VendorTool",
    "Verilator",
    "YosysRun",
    "abc_program",
    "answer_of",
    "compile_cpp",
    "compiled",
    "compiler_identity",
    "ghdl",
    "ghdl_version",
    "gxx",
    "hls_tool",
    "run_program",
    "run_yosys",
    "started",
    "stop_programs",
    "verilator",
    "vivado",
    "yosys_version",
]
