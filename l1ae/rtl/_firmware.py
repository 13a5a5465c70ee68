"""The hand-written hardware sources of `firmware/rtl`: from the repository, or from the wheel that carries a copy."""

from pathlib import Path

from l1ae.errors import UserError

__all__ = ["FIRMWARE_SOURCES", "firmware_source"]

FIRMWARE_SOURCES = ("l1ae_trigger.v", "l1ae_trigger.vhd", "l1ae_framer.v", "l1ae_framer.vhd")

# The build of the wheel puts firmware/rtl beside this file. In a checkout there is nothing, and nothing can be out of date.
_FOLDERS = (Path(__file__).parent / "firmware", Path(__file__).parents[2] / "firmware" / "rtl")


def firmware_source(name: str) -> str:
    """The text of one of `FIRMWARE_SOURCES`.

    Raises `ValueError` for another name, and `UserError` when this installation lacks the file.
    """
    if name not in FIRMWARE_SOURCES:
        raise ValueError(f"name must be one of {', '.join(FIRMWARE_SOURCES)}, not '{name}'")
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return (folder / name).read_text()
    raise UserError(f"'{name}' is neither in '{_FOLDERS[0]}' nor in '{_FOLDERS[1]}'; install l1ae again")
