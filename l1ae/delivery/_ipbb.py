"""What the firmware targets share: sources, files for ipbb, and checks of both."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from l1ae.contract import Contract
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import Check
from l1ae.errors import UserError

if TYPE_CHECKING:
    from l1ae.rtl import RtlProject

__all__ = ["check_constants", "check_sources", "compiled", "dep_file", "rtl_of", "rtl_sources"]

# Where ipbb looks for the files of a component, by command.
_FOLDERS = {"src": "firmware/hdl", "addrtab": "addr_table"}


def rtl_of(source: Source) -> "RtlProject":
    """The RTL. Raises `UserError` when there is none."""
    if source.rtl is None:
        raise UserError("this target delivers RTL, and there is none; run `l1ae rtl` first")
    return source.rtl


def rtl_sources(project: "RtlProject", folder: str) -> dict[str, str]:
    """VHDL of the network below `folder`, in order of compilation."""
    return {f"{folder}/{Path(name).name}": project.files[name] for name in project.vhdl}


def dep_file(provenance: Provenance, sources: Sequence[str], what: str, comments: Sequence[str] = ()) -> str:
    """A file for ipbb that lists sources, given in order of compilation, from `firmware/hdl` on.

    ipbb compiles the last source first (reversed in its makers of ModelSim and Vivado projects).
    """
    lines = [f"# {comment}\n" for comment in (*comments, "ipbb compiles from the last line to the first.")]
    return provenance.header("#", what) + "".join(lines) + "".join(f"src --vhdl2008 {name}\n" for name in reversed(sources))


def compiled(dep: str) -> list[str]:
    """Paths in the delivery of the sources that the text of such a file lists, in order of compilation."""
    return [f"{_FOLDERS['src']}/{line.split()[-1]}" for line in reversed(dep.splitlines()) if line.startswith("src ")]


def check_sources(folder: Path) -> Check:
    """Whether the files that the .dep files list are those that are there, both ways."""
    name = "sources are listed"
    listed: set[str] = set()
    for dep in sorted((folder / "firmware/cfg").glob("*.dep")):
        words = [line.split() for line in dep.read_text().splitlines() if line and not line.startswith("#")]
        listed.update(f"{_FOLDERS[line[0]]}/{line[-1]}" for line in words if line[0] in _FOLDERS)
    present = {path.relative_to(folder).as_posix() for place in _FOLDERS.values() for path in (folder / place).rglob("*") if path.is_file()}
    if missing := sorted(listed - present):
        return Check(name, False, f"listed, but not there: {', '.join(missing)}")
    if foreign := sorted(present - listed):
        return Check(name, False, f"there, but not listed: {', '.join(foreign)}")
    return Check(name, bool(listed), f"{len(listed)} files")


_CONSTANT = re.compile(r"constant (\w+)\s*:[^:]*:= (?:x\"([0-9a-f]+)\"|(-?\d+|true|false));")
_THRESHOLD = re.compile(r"^\s+(\d+) => (-?\d+)[, ] -- (.*)$", re.MULTILINE)


def check_constants(path: Path, contract: Contract, thresholds: Mapping[int, int]) -> Iterator[Check]:
    """Whether the package in `path` says version, digest, widths and thresholds as contract and working points do."""
    name = f"constants of {path.name}"
    if not path.is_file():
        yield Check(name, False, f"there is no '{path}'")
        return
    text, provenance, score = path.read_text(), Provenance.of(contract), contract.score.format
    found = {key: hexadecimal or number for key, hexadecimal, number in _CONSTANT.findall(text)}
    expected = {
        "MODEL_VERSION": f"{provenance.version:08x}",
        "MODEL_DIGEST": provenance.short_digest,
        "INPUTS": str(contract.hardware.size),
        "INPUT_WIDTH": str(contract.hardware.format.width),
        "SCORE_WIDTH": str(score.width),
        "SCORE_SIGNED": str(score.signed).lower(),
        "MODEL_THRESHOLD": str(contract.threshold),
        "WORKING_POINTS": str(len(thresholds)),
    }
    wrong = [f"{key} is {found.get(key)}, not {value}" for key, value in expected.items() if found.get(key) != value]
    yield Check(name, not wrong, "; ".join(wrong) or f"version {provenance.version}, digest {provenance.short_digest}")
    written = {int(bit): int(threshold) for bit, threshold, _ in _THRESHOLD.findall(text)}
    yield Check(
        f"thresholds of {path.name}",
        written == dict(thresholds),
        f"{written}" + ("" if written == thresholds else f", not {dict(thresholds)}"),
    )
