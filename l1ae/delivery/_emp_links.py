"""Events on the links of an EMP board: which word is where in which frame, and when its answer comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from l1ae.agreement import contract_answers
from l1ae.config import data_frames
from l1ae.contract import Contract
from l1ae.delivery._emp_buffers import FRAMES, Buffer
from l1ae.delivery._ugt_vectors import WorkingPoint
from l1ae.delivery._words import Codes
from l1ae.errors import UserError

if TYPE_CHECKING:
    from l1ae.delivery._target import Timing
    from l1ae.rtl_results import Design

__all__ = ["ANSWER_POINTS", "Links", "answers_of", "events_of", "frames_of"]

ANSWER_POINTS = 15  # working points that fit into an answer
_SCORE_BITS = 32


@dataclass(frozen=True)
class Links:
    """An event is `words` words of `bits` bits on `links` input links, from 0 on.

    A frame of a link has 64 bits: 64 / `slot` words, sign-extended if they have a sign, the first in the lowest bits. Word w is in beat
    w / lanes (rounded down) on lane w mod lanes, lane l on link l / (64 / slot). The beats of an event are consecutive valid
    frames; the first has `start`, the last `last`. `frames`: of a crossing (9 at 360 MHz, 6 at 240 MHz); `period`: between
    two events, a multiple of it; `latency`: of the RTL, in clocks.
    """

    words: int
    bits: int
    slot: int
    links: int
    frames: int
    period: int
    latency: int

    @classmethod
    def of(cls, design: "Design | Timing") -> "Links":
        """As few links as one event per crossing needs, at 360 MHz if the RTL was made for that clock, else at 240 MHz.

        RTL that takes an event less often than every crossing gets every second, third, ...: time multiplexing.
        Raises `UserError` for words of more than 64 bits.
        """
        if design.input_bits > 64:
            raise UserError(f"inputs of {design.input_bits} bits do not fit into a frame of 64; give model inputs fewer bits")
        slot = next(slot for slot in (16, 32, 64) if design.input_bits <= slot)
        frames = data_frames(design.clock_period)
        beats = frames * -(-design.interval // frames)
        lanes = -(-design.inputs // beats)
        links = -(-lanes * slot // 64)
        return cls(design.inputs, design.input_bits, slot, links, frames, beats, design.latency)

    @property
    def slots(self) -> int:
        """Words of a frame of one link."""
        return 64 // self.slot

    @property
    def lanes(self) -> int:
        """Words of a beat."""
        return self.links * self.slots

    @property
    def beats(self) -> int:
        """Frames of an event."""
        return -(-self.words // self.lanes)

    @property
    def delay(self) -> int:
        """Frames from the first frame of an event to that of its answer."""
        return self.beats + self.latency + 1

    @property
    def capacity(self) -> int:
        """Events of a buffer that are answered within it. Raises `UserError` when there is none."""
        if self.delay >= FRAMES:
            raise UserError(f"an answer that comes after {self.delay} frames is not in a buffer of {FRAMES}; use RTL of lower latency")
        return (FRAMES - 1 - self.delay) // self.period + 1


def frames_of(events: npt.NDArray[np.integer], links: Links, identity: str) -> Buffer:
    """The input buffer of at most `capacity` events (N, words), the first in frame 0, long enough for the last answer."""
    count = len(events)
    frames = (count - 1) * links.period + links.delay + 1
    padded = np.zeros((count, links.beats * links.lanes), np.int64)
    padded[:, : links.words] = events
    mask = np.uint64(2**links.slot - 1)
    parts = (padded.astype(np.uint64) & mask).reshape(count, links.beats, links.links, links.slots)
    words = np.bitwise_or.reduce(parts << (np.uint64(links.slot) * np.arange(links.slots, dtype=np.uint64)), axis=-1)
    data = np.zeros((frames, links.links), np.uint64)
    flags = np.zeros((frames, links.links, 4), np.bool_)
    where = np.arange(count)[:, None] * links.period + np.arange(links.beats)
    data[where] = words
    flags[where, :, 3] = True
    flags[where[:, -1], :, 2] = True
    flags[where[:, 0], :, 1] = True
    flags[0, :, 0] = True
    return Buffer(identity, tuple(range(links.links)), flags, data)


def events_of(buffer: Buffer, links: Links, where: str = "buffer") -> tuple[Codes, Codes]:
    """First frames (N,) and events (N, words) in an input buffer.

    Raises `UserError` when it has other links, when their flags differ, or when a packet is no event.
    """
    if buffer.data.shape[1] != links.links:
        raise UserError(f"{where}: it has {buffer.data.shape[1]} links instead of {links.links}; deliver it again")
    flags = buffer.flags[:, 0]
    if (buffer.flags != flags[:, None]).any():
        raise UserError(f"{where}: the links differ in their metadata; deliver it again")
    starts = np.flatnonzero(flags[:, 1] & flags[:, 3])
    expected = np.zeros((len(flags) + links.beats, 3), np.bool_)
    expected[starts, 0] = True
    expected[starts + links.beats - 1, 1] = True
    expected[starts[:, None] + np.arange(links.beats), 2] = True
    wrong = np.flatnonzero((expected[: len(flags)] != flags[:, 1:]).any(axis=1))
    if len(wrong) or expected[len(flags) :].any():
        frame = int(wrong[0]) if len(wrong) else len(flags)
        raise UserError(f"{where}: frame {frame} does not belong to a packet of {links.beats} frames; deliver it again")
    words = buffer.data[starts[:, None] + np.arange(links.beats)]
    lanes = words[..., None] >> (np.uint64(links.slot) * np.arange(links.slots, dtype=np.uint64)) & np.uint64(2**links.slot - 1)
    codes = lanes.reshape(len(starts), -1)[:, : links.words].astype(np.int64)
    if links.slot < 64:
        codes -= (codes >> (links.slot - 1)) << links.slot
    return starts.astype(np.int64), codes


def answers_of(contract: Contract, points: Sequence[WorkingPoint], inputs: Buffer, links: Links) -> Buffer:
    """The output buffer, channel 0, as long as `inputs`: one frame per event, `delay` after its first, and zeros elsewhere.

    Bits 0 to 31: score, in two's complement if it is signed; 32: trigger; 33 to 47: working points; 48 to 63: model version.
    Raises `UserError` for a score or working points that do not fit, and for an answer after the last frame.
    """
    if contract.score.format.width > _SCORE_BITS or len(points) > ANSWER_POINTS:
        raise UserError(
            f"a score of {contract.score.format.width} bits and {len(points)} working points do not fit into the answer, which has "
            f"{_SCORE_BITS} bits and {ANSWER_POINTS}; give the score fewer bits, or ask for fewer rates"
        )
    starts, events = events_of(inputs, links)
    if not contract.hardware.format.signed and links.slot < 64:
        events &= 2**links.slot - 1
    where = starts + links.delay
    if len(where) and where[-1] >= len(inputs.data):
        raise UserError(f"the last answer is due in frame {where[-1]}, but there are {len(inputs.data)} frames; deliver the buffers again")
    scores, triggers = contract_answers(contract, events)
    words = (scores & (2**_SCORE_BITS - 1)) | triggers.astype(np.int64) << _SCORE_BITS
    for point in points:
        words |= (scores >= point.threshold).astype(np.int64) << (_SCORE_BITS + 1 + point.bit)
    version = int(contract.project.rpartition("_v")[2]) & 0xFFFF
    data = np.zeros((len(inputs.data), 1), np.uint64)
    flags = np.zeros((len(inputs.data), 1, 4), np.bool_)
    data[where, 0] = words.astype(np.uint64) | np.uint64(version << 48)
    flags[where, 0, 1:] = True
    flags[where, 0, 0] = inputs.flags[starts, 0, 0]
    return Buffer(inputs.identity, (0,), flags, data)
