"""Damage to files, drawn from a seed: bytes of any file, values of JSON and YAML, arrays of numpy and HDF5."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

__all__ = ["damaged"]

_WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 10**30, -(10**30), 1e300, -1e300, 5e-324, 0.5),
    *(
        "",
        "x",
        "é",
        "\u0000",
        "../../etc/passwd",
        "x" * 5000,
        "nan",
        [],
        {},
        [[]],
        [None],
        {"": None},
        [1, "a"],
        float("nan"),
        float("inf"),
    ),
)


def damaged(path: Path, rng: random.Random) -> str:
    """Damage a file in place; what was done to it."""
    own = {".json": _json, ".yaml": _yaml, ".npz": _npz, ".npy": _npy, ".h5": _hdf5, ".keras": _zip}.get(path.suffix)
    if own is not None and rng.random() < 0.65:
        return own(path, rng)
    content = path.read_bytes()
    name, change = rng.choice(_BYTES)
    path.write_bytes(change(content, rng))
    return name


# -- any bytes ---------------------------------------------------------------------------------------------------------


def _somewhere(content: bytes, rng: random.Random) -> int:
    return rng.randrange(len(content)) if content else 0


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: _somewhere(content, rng)]


def _flip(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if changed:
            changed[_somewhere(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _zeros(content: bytes, rng: random.Random) -> bytes:
    first, size = _somewhere(content, rng), rng.choice((1, 16, 512, 4096))
    return content[:first] + bytes(min(size, len(content) - first)) + content[first + size :]


def _hole(content: bytes, rng: random.Random) -> bytes:
    first = _somewhere(content, rng)
    return content[:first] + content[first + rng.choice((1, 7, 300)) :]


def _foreign(content: bytes, rng: random.Random) -> bytes:
    first = _somewhere(content, rng)
    return content[:first] + rng.choice((b"\xff\xfe\xfd", b"\x80", b"\x00", b"\xed\xa0\x80", rng.randbytes(40))) + content[first:]


def _whole(content: bytes, rng: random.Random) -> bytes:
    texts = (
        b"",
        b"\n",
        b"null",
        b"[]",
        b'"x"',
        b"7",
        b"\xff\xfe",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\x89PNG\r\n\x1a\n",
        bytes(4096),
    )
    return rng.choice((*texts, b"PK\x03\x04", b"\x89HDF\r\n\x1a\n" + bytes(64), b"\x93NUMPY\x01\x00", rng.randbytes(2000)))


def _twice(content: bytes, rng: random.Random) -> bytes:
    return content + content


def _lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines[: rng.randrange(1, len(lines) + 1)])


_BYTES: tuple[tuple[str, Callable[[bytes, random.Random], bytes]], ...] = (
    ("cut", _cut),
    ("bits flipped", _flip),
    ("zeros", _zeros),
    ("hole", _hole),
    ("foreign bytes", _foreign),
    ("another file", _whole),
    ("twice", _twice),
    ("lines in disorder", _lines),
)


# -- values of documents -----------------------------------------------------------------------------------------------


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value[:20]) if isinstance(value, list) else ()
    for key, item in items:
        found += _places(item, (*path, key))
    return found


def _changed(value: Any, rng: random.Random) -> tuple[str, Any]:
    """Another value, or a document with another value in one place."""
    place = rng.choice(_places(value))
    if not place:
        return "another value", rng.choice(_WRONG)
    holder = value
    for key in place[:-1]:
        holder = holder[key]
    key, where = place[-1], ".".join(map(str, place))
    kind = rng.choice(("wrong", "wrong", "wrong", "gone", "added", "near", "deep", "renamed"))
    if kind == "gone":
        del holder[key]
    elif kind == "added":
        holder[key] = {"unknown": holder[key]}
    elif kind == "near":
        holder[key] = _near(holder[key], rng)
    elif kind == "deep":
        deep: Any = 1
        for _ in range(rng.choice((50, 900))):
            deep = [deep]
        holder[key] = deep
    elif kind == "renamed" and isinstance(holder, dict):
        holder["other"] = holder.pop(key)
    else:
        holder[key] = rng.choice(_WRONG)
    return f"{kind} {where}", value


def _near(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice((value + 1, value * 2, -value, value * 1.01, str(value), [value]))
    if isinstance(value, str):
        return rng.choice((value.upper(), value + "x", value[:-1], [value]))
    return value[:-1] if isinstance(value, list) else list(value or ())


def _json(path: Path, rng: random.Random) -> str:
    what, value = _changed(json.loads(path.read_text()), rng)
    path.write_text(json.dumps(value, indent=1))
    return what


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12)]
    return "\n".join(lines) + "\n"


def _yaml(path: Path, rng: random.Random) -> str:
    text = path.read_text()
    if rng.random() < 0.1:
        path.write_text(_bomb() + text)
        return "alias bomb"
    if rng.random() < 0.05:
        path.write_text(text + "loop: &loop [*loop]\n")
        return "an alias of itself"
    what, value = _changed(yaml.safe_load(text), rng)
    # JSON is YAML, and can be written however deep
    path.write_text(json.dumps(value) if what.startswith("deep") else yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
    return what


# -- arrays ------------------------------------------------------------------------------------------------------------


def _header(shape: str, dtype: str) -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _array(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """An array file that says or holds something else."""
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError:
        return "cut", content[: len(content) // 2]
    kind = rng.choice(("huge", "negative", "object", "strings", "shape", "type", "values", "empty"))
    if kind in {"huge", "negative", "object"}:
        shape = {"huge": f"({10**12},)", "negative": "(-1,)", "object": "(3,)"}[kind]
        return kind, _header(shape, "'|O'" if kind == "object" else "'<f8'") + content[-64:]
    other = {
        "strings": lambda: np.full(array.shape, "x"),
        "shape": lambda: array.reshape(-1)[: max(array.size // 2, 0)],
        "type": lambda: array.astype(np.complex128) if array.dtype.kind in "biuf" else np.zeros(3),
        "values": lambda: np.full(array.shape, rng.choice((np.nan, np.inf, -1e300, 1e300))) if array.dtype.kind in "biuf" else array,
        "empty": lambda: np.zeros(0, array.dtype),
    }[kind]()
    buffer = io.BytesIO()
    np.save(buffer, other)
    return kind, buffer.getvalue()


def _npy(path: Path, rng: random.Random) -> str:
    what, content = _array(path.read_bytes(), rng)
    path.write_bytes(content)
    return what


def _npz(path: Path, rng: random.Random) -> str:
    return _zip(path, rng)


def _zip(path: Path, rng: random.Random) -> str:
    """Another content of one member of a zip file, or none, or one that unpacks to far more than it says."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    name = rng.choice(list(members))
    kind = rng.choice(("gone", "renamed", "content", "content", "content", "cut", "bomb"))
    what = kind
    if kind == "gone":
        del members[name]
    elif kind == "renamed":
        members[f"x{name}"] = members.pop(name)
    elif kind == "cut":
        members[name] = members[name][: len(members[name]) // 2]
    elif kind == "bomb":
        members[name] = _header(f"({2**28},)", "'<f8'") + bytes(1 << 27)
    elif name.endswith(".npy"):
        what, members[name] = _array(members[name], rng)
    else:
        what, change = rng.choice(_BYTES)
        members[name] = change(members[name], rng)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member, content in members.items():
            file.writestr(member, content)
    return f"{what} of {name}"


def _hdf5(path: Path, rng: random.Random) -> str:
    """Another dataset or attribute under the name of one, or none."""
    with h5py.File(path, "r+") as file:
        places: list[str] = []
        file.visit(places.append)
        datasets = [name for name in places if isinstance(file[name], h5py.Dataset)]
        if not datasets:
            return "nothing"
        if file.attrs and rng.random() < 0.4:
            name = rng.choice(list(file.attrs))
            value = rng.choice(
                ("", "x", "[]", "{}", "null", '{"a":' * 3000, 7, -1, 2**63 - 1, 1.5, np.zeros(4), b"\xff\xfe", h5py.Empty("f"))
            )
            if rng.random() < 0.2:
                del file.attrs[name]
                return f"attribute {name} gone"
            file.attrs[name] = value
            return f"attribute {name} = {value!r}"
        name = rng.choice(datasets)
        return _other_dataset(file, name, rng)


def _other_dataset(file: h5py.File, name: str, rng: random.Random) -> str:
    old = file[name][()]
    attributes = dict(file[name].attrs)
    kind = rng.choice(("gone", "group", "shape", "type", "text", "scalar", "huge", "values", "external", "damaged chunk"))
    del file[name]
    if kind == "group":
        file.create_group(name)
    elif kind == "shape":
        file[name] = np.asarray(old).reshape(-1)[: np.asarray(old).size // 2]
    elif kind == "type":
        file[name] = np.asarray(old).astype(np.float32) if np.asarray(old).dtype.kind in "biuf" else np.zeros(3)
    elif kind == "text":
        file[name] = "x"
    elif kind == "scalar":
        file[name] = 3
    elif kind == "huge":
        file.create_dataset(name, (10**12, *np.asarray(old).shape[1:]), np.asarray(old).dtype, chunks=True)
    elif kind == "values":
        file[name] = (
            np.full(np.shape(old), rng.choice((-1, 127))).astype(np.asarray(old).dtype) if np.asarray(old).dtype.kind in "iuf" else old
        )
    elif kind == "external":
        file[name] = h5py.ExternalLink("/etc/passwd", "x")
    elif kind == "damaged chunk":
        _damaged_chunk(file, name, np.asarray(old))
    if kind not in {"gone", "group", "external"}:
        file[name].attrs.update(attributes)
    return f"{kind} {name}"


def _damaged_chunk(file: h5py.File, name: str, old: np.ndarray) -> None:
    """A chunk that is no stream of zlib, or one that unpacks to more than a chunk."""
    if not old.ndim:
        file[name] = old
        return
    shape = tuple(max(size, 1) for size in old.shape)
    dataset = file.create_dataset(name, shape, old.dtype, chunks=shape, compression="gzip")
    bomb = zlib.compress(bytes(old.nbytes * 50 + 1_000_000))
    dataset.id.write_direct_chunk((0,) * old.ndim, bomb if old.size % 2 else b"no zlib" * 9)
