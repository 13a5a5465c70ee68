"""Vivado, Vivado HLS and Vitis HLS: where they are and of which generation. The delivered scripts ask the same shell script."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from l1ae.errors import UserError
from l1ae.tools._process import run_program

__all__ = ["VENDOR_TOOLS", "VendorTool", "hls_tool", "vivado"]

# A delivery carries a copy, because where vendor tools run there is often no l1ae.
VENDOR_TOOLS = Path(__file__).with_name("vendor_tools.sh")


@dataclass(frozen=True)
class VendorTool:
    """`generation` (`vivado`, `vivado_hls`, `vitis_hls`, `vitis_run`) says how it is called, `version` is for example `2023.1`."""

    generation: str
    version: str
    program: Path


def vivado() -> VendorTool:
    """Vivado, from L1AE_VIVADO, PATH or XILINX_VIVADO.

    Raises `UserError` with the remedy when there is none, or a version that is not supported.
    """
    return _ask("vivado")


def hls_tool(backend: Literal["Vitis", "Vivado"]) -> VendorTool:
    """What synthesises an HLS project of `backend`, from L1AE_HLS, PATH, XILINX_HLS, XILINX_VITIS or XILINX_VIVADO.

    Raises `UserError` with the remedy when there is none, or a version that is not supported.
    """
    return _ask("hls", backend)


def _ask(*question: str) -> VendorTool:
    try:
        answer = run_program(["sh", VENDOR_TOOLS, *question], timeout=120)
    except subprocess.TimeoutExpired as error:
        raise UserError("the vendor tool does not tell its version within two minutes; start it by hand to see why") from error
    if answer.returncode != 0:
        raise UserError(answer.stderr.strip())
    generation, version, program = answer.stdout.rstrip("\n").split("\t")
    return VendorTool(generation, version, Path(program))
