"""The external programs that the RTL flow runs: where they are, and what to do when they are missing."""

from l1ae.tools._ghdl import ghdl, ghdl_version
from l1ae.tools._process import answer_of
from l1ae.tools._verilator import OLDEST_VERILATOR, Verilator, verilator
from l1ae.tools._vivado import VENDOR_TOOLS, VendorTool, hls_tool, vivado
from l1ae.tools._yosys import YosysRun, abc_program, run_yosys, yosys_version

__all__ = [
    "OLDEST_VERILATOR",
    "VENDOR_TOOLS",
    "VendorTool",
    "Verilator",
    "YosysRun",
    "abc_program",
    "answer_of",
    "ghdl",
    "ghdl_version",
    "hls_tool",
    "run_yosys",
    "verilator",
    "vivado",
    "yosys_version",
]
