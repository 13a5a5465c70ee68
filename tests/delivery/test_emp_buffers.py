import re

import numpy as np
import pytest

from l1ae.delivery._emp_buffers import Buffer, read_buffer, write_buffer
from l1ae.errors import UserError


@pytest.fixture
def buffer() -> Buffer:
    rng = np.random.default_rng(4)
    data = rng.integers(0, 2**64, (20, 3), np.uint64)
    return Buffer("tiny_v3 0123", (0, 1, 70), rng.random((20, 3, 4)) < 0.5, data)


def test_a_file_is_as_the_format_says(buffer):
    """Read with the patterns of CMSSW's L1Trigger/DemonstratorTools: tokens are two or more blanks apart."""
    lines = write_buffer(buffer).decode().split("\n")
    assert lines[0] == "ID: tiny_v3 0123"
    assert lines[1] == "Metadata: (strobe,) start of orbit, start of packet, end of packet, valid"
    assert lines[2] == ""
    assert re.split(r"\s+", lines[3].strip()) == ["Link", "000", "001", "070"]
    assert lines[24:] == [""]
    for number, line in enumerate(lines[4:24]):
        assert line.startswith(f"Frame {number:04d}  ")
        tokens = [token for token in re.split(r"\s\s+", line[12:]) if token]
        assert len(tokens) == 3
        for channel, token in enumerate(tokens):
            found = re.fullmatch("([01])?([01])([01])([01])([01]) ([0-9a-fA-F]{16})", token)
            assert found[1] is None
            assert [found[k] == "1" for k in range(2, 6)] == buffer.flags[number, channel].tolist()
            assert int(found[6], 16) == buffer.data[number, channel]


def test_columns_are_below_their_channel(buffer):
    lines = write_buffer(buffer).decode().split("\n")
    assert all(lines[3].index(channel) > lines[4].index("  ", 10) for channel in ("000", "001", "070"))
    assert len({len(line) for line in lines[3:24]}) == 1


def test_what_was_written_is_read(buffer):
    content = write_buffer(buffer)
    found = read_buffer(content)
    assert (found.identity, found.channels) == (buffer.identity, buffer.channels)
    np.testing.assert_array_equal(found.flags, buffer.flags)
    np.testing.assert_array_equal(found.data, buffer.data)
    assert write_buffer(found) == content


def test_a_strobe_of_one_is_read(buffer):
    text = re.sub(r"  ([01]{4} )", r"  1\1", write_buffer(buffer).decode())
    np.testing.assert_array_equal(read_buffer(text.encode()).data, buffer.data)
    with pytest.raises(UserError, match="line 5"):
        read_buffer(re.sub(r"  1([01]{4} )", r"  0\1", text).encode())


def test_a_damaged_file_is_named(buffer):
    text = write_buffer(buffer).decode()
    with pytest.raises(UserError, match=r"a\.txt: it does not begin with ID"):
        read_buffer(text.replace("ID: ", "Board ").encode(), "a.txt")
    with pytest.raises(UserError, match=r"a\.txt: line 9: it must begin with 'Frame 0004'"):
        read_buffer(text.replace("Frame 0004", "Frame 0005").encode(), "a.txt")
    with pytest.raises(UserError, match=r"a\.txt: line 6: 3 frames of 4 flags"):
        read_buffer("\n".join(line[:60] if k == 5 else line for k, line in enumerate(text.split("\n"))).encode(), "a.txt")
    with pytest.raises(UserError, match="line 4 must list the channels"):
        read_buffer(text.replace(" 070 ", " q17 ").encode(), "a.txt")


def test_no_more_frames_than_the_memory_has():
    def frames(count: int) -> Buffer:
        return Buffer("x", (0,), np.zeros((count, 1, 4), np.bool_), np.zeros((count, 1), np.uint64))

    content = write_buffer(frames(1024))
    assert len(read_buffer(content).data) == 1024
    with pytest.raises(UserError, match="1025 frames: a buffer has 1 to 1024"):
        write_buffer(frames(1025))
    with pytest.raises(UserError, match="1025 frames, but a buffer has at most 1024"):
        read_buffer(content + b"Frame 1024    0000 0000000000000000\n")
