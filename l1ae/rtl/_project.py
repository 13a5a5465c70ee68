"""An RTL project as a value: every source in memory under its relative path, with the figures that its users need."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from l1ae.errors import UserError

__all__ = ["DESCRIPTION", "Design", "RtlProject", "open_design"]

DESCRIPTION = "design.json"


@dataclass(frozen=True)
class Design:
    """What the ports of a design are, and when it answers.

    `name` is the top module and entity. An event is `inputs` words of `input_bits` bits, word 0 in the lowest bits of
    `in_event`. The score is a code of `score_bits` bits, in two's complement if `score_signed`, LSB `2**-score_fraction`.
    `latency`: an event that the k-th rising edge samples is answered by outputs that change at edge k + latency.
    `interval` (II): clocks between two events. `threshold`: smallest code that triggers, after reset.
    `digest`: of the contract.
    """

    name: str
    inputs: int
    input_bits: int
    score_bits: int
    score_signed: bool
    score_fraction: int
    threshold: int
    latency: int
    interval: int
    clock_period: float
    part: str
    digest: str


@dataclass(frozen=True)
class RtlProject:
    """`files`: relative path to text. `verilog` and `vhdl` list the sources of each language in order of compilation."""

    design: Design
    files: Mapping[str, str]
    verilog: tuple[str, ...]
    vhdl: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write all files and the description into an empty or new folder, through a temporary one.

        Raises `UserError` when `folder` holds something.
        """
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"'{folder}' is not empty; remove it, or write the RTL elsewhere")
        temporary = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        for name, text in self.files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        content = {"design": asdict(self.design), "verilog": self.verilog, "vhdl": self.vhdl}
        (temporary / DESCRIPTION).write_text(json.dumps(content, indent=1) + "\n")
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)


def open_design(folder: Path) -> RtlProject:
    """The project that lies in `folder`, with its files as they are now, whoever changed them.

    Raises `UserError` when there is none or its description is damaged.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise UserError(f"there is no RTL in '{folder}'; run `l1ae rtl` first")
    try:
        content = json.loads(path.read_text())
        design = Design(**{field.name: content["design"][field.name] for field in fields(Design)})
        verilog, vhdl = tuple(content["verilog"]), tuple(content["vhdl"])
        files = {name: (folder / name).read_text() for name in (*verilog, *vhdl)}
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged ({error}); run `l1ae rtl` again") from error
    return RtlProject(design, files, verilog, vhdl)
