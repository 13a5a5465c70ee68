"""The two kinds of file that hold a whole Keras model: a zip archive (`.keras`) and HDF5 (`.h5`)."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from l1ae.errors import UserError

__all__ = ["SavedModel", "opened"]

# bytes; a network in firmware has some thousand weights
_MAX_CONFIG = 1 << 24
_MAX_WEIGHTS = 1 << 28
_SAVE = "load the model where it was made and write it with model.save('NAME.keras')"
_DAMAGE = (OSError, EOFError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class SavedModel:
    """What a file says of a model."""

    called: str
    """How messages name the file."""
    config: dict[str, Any]
    """The model and its layers, as Keras wrote them."""
    weights: h5py.Group
    archived: bool
    """Whether `weights` are those of a `.keras` file: by kind and position of a layer, and not by name."""


@contextmanager
def opened(path: Path, called: str) -> Iterator[SavedModel]:
    """The model in a file, which its content and not its name says the kind of.

    Raises `UserError` naming the file as `called` when there is none, when it is no whole model, or damaged.
    """
    if path.is_dir():
        raise UserError(f"'{called}' is a folder, as TensorFlow's SavedModel; {_SAVE}")
    if not path.is_file():
        raise UserError(f"'{called}' does not exist; give the .keras or .h5 file that model.save wrote")
    if zipfile.is_zipfile(path):
        config, weights = _from_archive(path, called)
        with _hdf5(io.BytesIO(weights), called) as file:
            yield SavedModel(called, config, file, archived=True)
    elif h5py.is_hdf5(path):
        with _hdf5(path, called) as file:
            yield SavedModel(called, *_from_hdf5(file, called), archived=False)
    else:
        raise UserError(f"'{called}' is neither a .keras nor a .h5 file of Keras, or is damaged; {_SAVE}")


def _from_archive(path: Path, called: str) -> tuple[dict[str, Any], bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
            if missing:
                raise UserError(f"'{called}' is a zip archive without {' and '.join(sorted(missing))}, no .keras file; {_SAVE}")
            text = _member(archive, "config.json", _MAX_CONFIG, called)
            return _parsed(text, called), _member(archive, "model.weights.h5", _MAX_WEIGHTS, called)
    except _DAMAGE as error:
        raise _damaged(called, error) from error


def _member(archive: zipfile.ZipFile, name: str, limit: int, called: str) -> bytes:
    with archive.open(name) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise UserError(f"'{called}': {name} has more than {limit} bytes, more than any network for firmware; {_SAVE}")
    return content


@contextmanager
def _hdf5(source: Path | io.BytesIO, called: str) -> Iterator[h5py.File]:
    try:
        file = h5py.File(source, "r")
    except _DAMAGE as error:
        raise _damaged(called, error) from error
    with file:
        yield file


def _from_hdf5(file: h5py.File, called: str) -> tuple[dict[str, Any], h5py.Group]:
    try:
        text, weights = file.attrs.get("model_config"), file.get("model_weights", getlink=True)
        if text is None or not isinstance(weights, h5py.HardLink):
            only = "holds weights only" if "layer_names" in file.attrs or "layers" in file else "is an HDF5 file without a Keras model"
            raise UserError(f"'{called}' {only}; {_SAVE}")
        return _parsed(text, called), file["model_weights"]
    except _DAMAGE as error:
        raise _damaged(called, error) from error


def _parsed(text: Any, called: str) -> dict[str, Any]:
    if not isinstance(text, str | bytes):
        raise _damaged(called, f"its configuration is {type(text).__name__}, no text")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(called, f"its configuration is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise _damaged(called, f"its configuration is {type(config).__name__}, no object")
    return config


def _damaged(called: str, why: object) -> UserError:
    text = " ".join(str(why).split())[:200]
    return UserError(f"'{called}' is damaged ({text}); copy it again, or {_SAVE}")
