"""The two kinds of file that hold a whole Keras model: a zip archive (`.keras`) and HDF5 (`.h5`)."""

import base64
import json
import sys
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.files import json_content
from l1ae.tools import run_program

__all__ = ["SavedModel", "StoredWeights", "saved_model", "stored_weights"]

# bytes; a network in firmware has some thousand weights
_MAX_CONFIG = 1 << 24
_SAVE = "load the model where it was made and write it with model.save('NAME.keras')"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PROCESS = Path(__file__).with_name("_hdf5_process.py")


@dataclass(frozen=True)
class StoredWeights:
    """The numbers in a file, by their path in it."""

    arrays: Mapping[str, npt.NDArray[np.float32]]
    unread: Mapping[str, str]
    """Why those were not read that are not in `arrays`."""
    names: Mapping[str, str]
    """Names of layers by the path of their weights, where the file says them beside."""


@dataclass(frozen=True)
class SavedModel:
    """What a file says of a model."""

    path: Path
    called: str
    """How messages name the file."""
    config: dict[str, Any]
    """The model and its layers, as Keras wrote them."""
    weights: StoredWeights | None
    """By name of the layer; None in a `.keras` file, where they are by kind and position of the layer, and read later."""


def saved_model(path: Path, called: str) -> SavedModel:
    """The model in a file, which its content and not its name says the kind of.

    Raises `UserError` naming the file as `called` when there is none, when it is no whole model, or damaged.
    """
    if path.is_dir():
        raise UserError(f"'{called}' is a folder, as TensorFlow's SavedModel; {_SAVE}")
    if not path.is_file():
        raise UserError(f"'{called}' does not exist; give the .keras or .h5 file that model.save wrote")
    if zipfile.is_zipfile(path):
        return SavedModel(path, called, _parsed(_archived_config(path, called), called), None)
    with path.open("rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise UserError(f"'{called}' is neither a .keras nor a .h5 file of Keras, or is damaged; {_SAVE}")
    answer = _read_hdf5(path, called)
    if answer["config"] is None:
        only = "holds weights only" if answer["weights_only"] else "is an HDF5 file without a Keras model"
        raise UserError(f"'{called}' {only}; {_SAVE}")
    return SavedModel(path, called, _parsed(answer["config"], called), _weights(answer))


def _archived_config(path: Path, called: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
            if missing:
                raise UserError(f"'{called}' is a zip archive without {' and '.join(sorted(missing))}, no .keras file; {_SAVE}")
            with archive.open("config.json") as stream:
                return stream.read(_MAX_CONFIG)
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(called, error) from error


def _parsed(text: str | bytes, called: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(called, f"its configuration is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise _damaged(called, f"its configuration is {type(config).__name__}, no object")
    return config


def stored_weights(saved: SavedModel) -> StoredWeights:
    """All weights of a model, as its file holds them. Raises `UserError` when that is damaged."""
    return saved.weights or _weights(_read_hdf5(saved.path, saved.called))


def _weights(answer: Mapping[str, Any]) -> StoredWeights:
    arrays = {}
    for path, item in answer["arrays"].items():
        if item["why"] is None:
            arrays[path] = np.frombuffer(base64.b64decode(item["numbers"]), "<f4").reshape(item["shape"])
    unread = {path: item["why"] for path, item in answer["arrays"].items() if item["why"] is not None}
    return StoredWeights(arrays, unread, answer["names"])


def _read_hdf5(path: Path, called: str) -> dict[str, Any]:
    """What `_hdf5_process.py` says of a file."""
    result = run_program([sys.executable, "-P", _PROCESS, path.absolute()])
    if result.returncode < 0:
        raise _damaged(called, "the HDF5 library crashes in it, or does not end")
    if result.returncode:
        raise _damaged(called, (result.stderr.strip().splitlines() or ["no reason"])[-1])
    return json_content(result.stdout)


def _damaged(called: str, why: object) -> UserError:
    text = " ".join(str(why).split())[-200:]
    return UserError(f"'{called}' is damaged ({text}); copy it again, or {_SAVE}")
