"""Buffer files of EMP boards, format EMPv2."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError

__all__ = ["FRAMES", "Buffer", "read_buffer", "write_buffer"]

FRAMES = 1024  # of a channel's memory
_METADATA = "Metadata: (strobe,) start of orbit, start of packet, end of packet, valid"
_LINK = "      Link  "
# A strobe of 0 would say that the frame does not count, which no file of ours has.
_FRAME = re.compile(r"1?([01])([01])([01])([01]) ([0-9a-fA-F]{16})")


@dataclass(frozen=True, eq=False)
class Buffer:
    """Frames of some channels: `flags` (frames, channels, 4) start of orbit, start, last, valid; `data` (frames, channels) uint64."""

    identity: str
    channels: tuple[int, ...]
    flags: npt.NDArray[np.bool_]
    data: npt.NDArray[np.uint64]


def write_buffer(buffer: Buffer) -> bytes:
    """The text of a file. Raises `UserError` for more frames than a buffer has."""
    if not 0 < len(buffer.data) <= FRAMES:
        raise UserError(f"{len(buffer.data)} frames: a buffer has 1 to {FRAMES}")
    lines = [f"ID: {buffer.identity}", _METADATA, "", _LINK + "".join(f"            {channel:03d}        " for channel in buffer.channels)]
    for number, (flags, data) in enumerate(zip(buffer.flags.astype(int).tolist(), buffer.data.tolist(), strict=True)):
        words = "".join(f"  {orbit}{start}{last}{valid} {word:016x}" for (orbit, start, last, valid), word in zip(flags, data, strict=True))
        lines.append(f"Frame {number:04d}  {words}")
    return ("\n".join(lines) + "\n").encode()


def read_buffer(content: bytes, where: str = "buffer") -> Buffer:
    """What a file holds. Raises `UserError` naming `where` and the line for another format."""
    lines = content.decode("ascii", "replace").splitlines()
    if len(lines) < 5 or not lines[0].startswith("ID: ") or lines[1] != _METADATA or lines[2] or not lines[3].startswith(_LINK):
        raise UserError(f"{where}: it does not begin with ID, Metadata, an empty line, Link and frames; is this an EMPv2 file?")
    channels = lines[3][len(_LINK) :].split()
    if not channels or not all(channel.isdigit() for channel in channels):
        raise UserError(f"{where}: line 4 must list the channels, not '{lines[3]}'; write the file again")
    if len(lines) - 4 > FRAMES:
        raise UserError(f"{where}: {len(lines) - 4} frames, but a buffer has at most {FRAMES}; split the file")
    rows = [_frame(line, number, len(channels), f"{where}: line {number + 5}") for number, line in enumerate(lines[4:])]
    flags = np.array([[[part == "1" for part in token[:4]] for token in row] for row in rows], np.bool_)
    data = np.array([[int(token[4], 16) for token in row] for row in rows], np.uint64)
    return Buffer(lines[0][4:], tuple(int(channel) for channel in channels), flags, data)


def _frame(line: str, number: int, channels: int, where: str) -> list[tuple[str, ...]]:
    prefix = f"Frame {number:04d}  "
    if not line.startswith(prefix):
        raise UserError(f"{where}: it must begin with '{prefix.rstrip()}', not '{line[:10]}'; write the file again")
    tokens = [token for token in re.split(r"\s\s+", line[len(prefix) :].strip()) if token]
    matches = [_FRAME.fullmatch(token) for token in tokens]
    if len(tokens) != channels or None in matches:
        raise UserError(f"{where}: {channels} frames of 4 flags and 16 hexadecimal digits expected, not '{line[len(prefix) :]}'")
    return [match.groups() for match in matches if match]
