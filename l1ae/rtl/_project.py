"""An RTL project as a value: every source in memory under its relative path, with the figures that its users need."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from l1ae.errors import UserError
from l1ae.files import in_hand
from l1ae.results import load_result, save_result
from l1ae.rtl_results import Design, DesignFile

__all__ = ["DESCRIPTION", "RtlProject", "open_design"]

DESCRIPTION = "design.json"


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
        with in_hand(temporary):
            for name, text in self.files.items():
                path = temporary / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            save_result(temporary / DESCRIPTION, DesignFile(self.design, self.verilog, self.vhdl))
            if folder.exists():
                folder.rmdir()
            temporary.rename(folder)


def open_design(folder: Path) -> RtlProject:
    """The project that lies in `folder`, with its files as they are now, whoever changed them.

    Raises `UserError` when there is none or its description is damaged.
    """
    path, again = folder / DESCRIPTION, "run `l1ae rtl` again"
    if not path.is_file():
        raise UserError(f"there is no RTL in '{folder}'; run `l1ae rtl` first")
    found = load_result(DesignFile, path, what="description of RTL", remedy="run `l1ae rtl` first", again=again)
    try:
        files = {name: (folder / name).read_text() for name in (*found.verilog, *found.vhdl)}
    except (OSError, UnicodeError) as error:
        raise UserError(f"a source in '{folder}' is missing or damaged ({error}); {again}") from error
    return RtlProject(found.design, files, found.verilog, found.vhdl)
