"""Files of numpy that say more than they hold: nothing is allocated for them."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from l1ae.files import DamagedError, array_header, read_arrays


def header(shape: str, dtype: str = "'<f8'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", content)
    return path


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_numpy_wrote_them(order: str, tmp_path: Path) -> None:
    arrays = {
        "matrix": np.asarray(np.random.default_rng(1).normal(size=(3, 4)), order=order),  # type: ignore[call-overload]
        "none": np.zeros((0, 5), np.int16),
        "text": np.array("what it is"),
        "number": np.array(7, np.uint8),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    "content",
    [
        header(f"({10**12},)"),
        header(f"({2**62}, {2**62})"),
        header("(-1,)"),
        header("(3,)", "'|O'") + bytes(24),
        header("(2,") + bytes(16),
        header("(1,)")[:20],
        b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 60000,
        b"no array",
        b"",
    ],
)
def test_what_is_no_array_is_one_kind_of_error(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DamagedError):
        read_arrays(archive(tmp_path / "a.npz", content))


def test_a_missing_array_and_no_archive_are_the_same_kind(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", header("(2,)") + bytes(16))
    with pytest.raises(DamagedError):
        read_arrays(path, ["b"])
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(DamagedError):
        read_arrays(path)


def test_a_header_is_compared_with_the_size_of_the_file() -> None:
    content = header("(3,)") + bytes(16)
    with pytest.raises(DamagedError, match=r"an array of shape \(3,\) has 24 bytes, and there are 16"):
        array_header(io.BytesIO(content), len(content))
