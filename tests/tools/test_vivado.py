"""Detection of the vendor tools, on what they were recorded to answer in public logs."""

import os
import shlex

import pytest

from l1ae.errors import UserError
from l1ae.tools import hls_tool, vivado

VIVADO_2020 = """Vivado v2020.1 (64-bit)
SW Build 2902540 on Wed May 27 19:54:35 MDT 2020
IP Build 2902112 on Wed May 27 22:43:36 MDT 2020
Copyright 1986-2020 Xilinx, Inc. All Rights Reserved.
"""
VIVADO_2024 = """vivado v2024.2 (64-bit)
Tool Version Limit: 2024.11
SW Build 5239630 on Fri Nov 08 22:34:34 MST 2024
Copyright 2022-2024 Advanced Micro Devices, Inc. All Rights Reserved.
"""
VIVADO_HLS = """Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC v{} (64-bit)
Copyright 1986-2020 Xilinx, Inc. All Rights Reserved.
"""
VITIS_HLS_2023_1_1 = """
****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2023.1.1 (64-bit)
  **** SW Build 3869133 on Jun 15 2023
  **** IP Build 3900379 on Sat Jun 17 05:28:05 MDT 2023
  **** SharedData Build 3899622 on Fri Jun 16 03:34:24 MDT 2023
    ** Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
"""
VITIS_HLS = """
****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v{} (64-bit)
"""
VITIS_RUN = """
****** vitis-run v{} (64-bit)
  **** SW Build 5239630 on 2024-11-10-11:19:46
  **** Start of session at: Thu Oct  8 19:07:53 2026
    ** Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a program that answers its version option with a text on PATH, or into another folder."""
    for name in [name for name in os.environ if name.startswith(("XILINX", "L1AE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}{os.defpath}")

    def install(name, text, folder="path", option=None):
        option = option or ("--version" if name == "vitis-run" else "-version")
        program = tmp_path / folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\n[ "$*" = {option} ] || exit 1\nprintf "%s" {shlex.quote(text)}\n')
        program.chmod(0o755)
        return program

    return install


@pytest.mark.parametrize(("text", "version"), [(VIVADO_2020, "2020.1"), (VIVADO_2024, "2024.2")])
def test_vivado(install, text, version):
    program = install("vivado", text)
    found = vivado()
    assert (found.generation, found.version, found.program) == ("vivado", version, program)


@pytest.mark.parametrize(
    ("backend", "name", "text", "generation", "version"),
    [
        ("Vivado", "vivado_hls", VIVADO_HLS.format("2020.1.1"), "vivado_hls", "2020.1"),
        ("Vitis", "vitis_hls", VITIS_HLS_2023_1_1, "vitis_hls", "2023.1"),
        ("Vitis", "vitis_hls", VITIS_HLS.format("2023.2.2"), "vitis_hls", "2023.2"),
        ("Vitis", "vitis_hls", VITIS_HLS.format("2024.1"), "vitis_hls", "2024.1"),
        ("Vitis", "vitis-run", VITIS_RUN.format("2024.2"), "vitis_run", "2024.2"),
        ("Vitis", "vitis-run", VITIS_RUN.format("2023.2"), "vitis_run", "2023.2"),
    ],
)
def test_generation_of_c_synthesis(install, backend, name, text, generation, version):
    program = install(name, text)
    found = hls_tool(backend)
    assert (found.generation, found.version, found.program) == (generation, version, program)


@pytest.mark.parametrize(("version", "generation"), [("2024.1", "vitis_hls"), ("2024.2", "vitis_run")])
def test_vitis_run_is_taken_where_vitis_hls_is_a_leftover(install, version, generation):
    install("vitis_hls", VITIS_HLS.format(version))
    install("vitis-run", VITIS_RUN.format(version))
    assert hls_tool("Vitis").generation == generation


@pytest.mark.parametrize(
    ("backend", "name", "text", "reason"),
    [
        ("Vivado", "vivado_hls", VIVADO_HLS.format("2019.2"), "may no longer synthesise .* issue 1283.* take 2020.1"),
        ("Vivado", "vivado_hls", VIVADO_HLS.format("2018.3"), "2018.3 was never tested .* take 2020.1"),
        ("Vitis", "vitis_hls", VITIS_HLS.format("2022.2"), "has no vitis-run .* issue 1463.* take 2023.1"),
        ("Vitis", "vitis_hls", VITIS_HLS.format("2021.2"), "2021.2 was never tested .* take 2023.1"),
    ],
)
def test_a_version_that_does_not_work_is_refused_with_the_reason(install, monkeypatch, backend, name, text, reason):
    install(name, text)
    with pytest.raises(UserError, match=reason):
        hls_tool(backend)
    monkeypatch.setenv("L1AE_UNTESTED", "1")
    assert hls_tool(backend).generation == name


def test_an_old_vivado_is_refused(install):
    install("vivado", VIVADO_2020.replace("2020.1", "2019.2"))
    with pytest.raises(UserError, match=r"Vivado 2019.2 is older than 2020.1"):
        vivado()


def test_a_project_of_the_other_backend_is_refused(install, monkeypatch):
    program = install("vitis_hls", VITIS_HLS.format("2023.1"))
    with pytest.raises(UserError, match=r"the HLS project is for Vivado HLS 2020.1, and there is no vivado_hls"):
        hls_tool("Vivado")
    monkeypatch.setenv("L1AE_HLS", str(program))
    with pytest.raises(UserError, match="the HLS project is for Vivado HLS, but L1AE_HLS is"):
        hls_tool("Vivado")
    monkeypatch.setenv("L1AE_HLS", str(install("vivado_hls", VIVADO_HLS.format("2020.1"))))
    with pytest.raises(UserError, match="the HLS project is for Vitis HLS, but L1AE_HLS is"):
        hls_tool("Vitis")


@pytest.mark.parametrize(
    ("name", "variable", "ask"),
    [
        ("vivado", "XILINX_VIVADO", vivado),
        ("vivado_hls", "XILINX_VIVADO", lambda: hls_tool("Vivado")),
        ("vitis_hls", "XILINX_HLS", lambda: hls_tool("Vitis")),
        ("vitis-run", "XILINX_VITIS", lambda: hls_tool("Vitis")),
    ],
)
def test_installation_folders(install, monkeypatch, tmp_path, name, variable, ask):
    texts = {"vivado": VIVADO_2020, "vivado_hls": VIVADO_HLS.format("2020.1"), "vitis_hls": VITIS_HLS_2023_1_1}
    program = install(name, texts.get(name, VITIS_RUN.format("2024.2")), folder="tools/bin")
    with pytest.raises(UserError, match=r"there is no|there is neither"):
        ask()
    monkeypatch.setenv(variable, str(tmp_path / "tools"))
    assert ask().program == program


def test_program_named_by_the_user_comes_first(install, monkeypatch, tmp_path):
    install("vivado", VIVADO_2020)
    monkeypatch.setenv("L1AE_VIVADO", str(install("vivado", VIVADO_2024, folder="other")))
    assert vivado().version == "2024.2"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("L1AE_VIVADO", "other/vivado")
    assert vivado().program == tmp_path / "other" / "vivado"
    monkeypatch.setenv("L1AE_VIVADO", str(tmp_path / "nothing"))
    with pytest.raises(UserError, match=r"L1AE_VIVADO is '.*nothing', which is no program"):
        vivado()


def test_version_by_the_folder_where_none_is_told(install, monkeypatch, tmp_path):
    install("vitis-run", "usage: vitis-run", folder="Vitis/2025.1/bin")
    monkeypatch.setenv("XILINX_VITIS", str(tmp_path / "Vitis" / "2025.1"))
    assert hls_tool("Vitis").version == "2025.1"
    install("vivado", "no version here")
    with pytest.raises(UserError, match="tells no version: no version here"):
        vivado()
