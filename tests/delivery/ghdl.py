"""Delivered VHDL in GHDL, compiled in the order that ipbb takes from the .dep file."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from l1ae.tools import ghdl

HDL = Path(__file__).parent / "hdl"
OPTIONS = ("--std=08", "-frelaxed")


def sources_of(files: Mapping[str, bytes], dep: str) -> list[str]:
    """Paths of the sources that a .dep file lists, in order of compilation: the last line first."""
    lines = files[f"firmware/cfg/{dep}"].decode().splitlines()
    return [f"firmware/hdl/{line.split()[-1]}" for line in reversed(lines) if line.startswith("src ")]


def bench(name: str, **names: str) -> str:
    """The text of a bench with the names of the design filled in."""
    text = (HDL / name).read_text()
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    return text


def run(folder: Path, top: str, sources: Sequence[tuple[str, str]]) -> None:
    """Compile texts, given with a name each, and run `top` in `folder`; fails with what GHDL says."""
    names = [f"{k:02d}_{Path(name).name}" for k, (name, _) in enumerate(sources)]
    for name, (_, text) in zip(names, sources, strict=True):
        (folder / name).write_text(text)
    _call(folder, "-a", *OPTIONS, *names)
    _call(folder, "-e", *OPTIONS, top)
    _call(folder, "-r", *OPTIONS, top, "--ieee-asserts=disable")


def _call(folder: Path, *arguments: str) -> None:
    result = subprocess.run([ghdl(), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"ghdl {' '.join(arguments)}: {result.stdout}{result.stderr}"
