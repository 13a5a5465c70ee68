"""The process that reads the HDF5 part of a model file: `python _hdf5_process.py FILE`; on standard output, JSON.

The HDF5 library can crash, or not end, in a damaged file, which must not happen to the process that wants the model. What it prints:
`config`, the text of the attribute `model_config` (null without one); `weights_only`, whether the file looks like one of weights alone;
`names`, those that layers have beside their weights; and `arrays`, each with shape, type and either its numbers as base64 of float32, or
why it was not read. A damaged file ends it with Python's message on standard error. Links to elsewhere, in the file or out of it, are not
followed.
"""

import base64
import io
import json
import math
import resource
import sys
import zipfile
from typing import Any

import h5py
import numpy as np

# of groups in a group, of objects, of numbers in all
_MAX_DEPTH = 12
_MAX_OBJECTS = 20_000
_MAX_NUMBERS = 1 << 25
_MAX_WEIGHTS = 1 << 28
# seconds of a processor, and bytes, for what takes one and less than a thousand million
_PATIENCE = 20
_MEMORY = 1 << 33


class _Reader:
    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.arrays: dict[str, dict[str, Any]] = {}
        self._objects = self._numbers = 0

    def read(self, group: h5py.Group, path: str, depth: int) -> None:
        name = group.attrs.get("name")
        if isinstance(name, str):
            self.names[path] = name
        for key in group:
            self._objects += 1
            if self._objects > _MAX_OBJECTS:
                raise ValueError(f"more than {_MAX_OBJECTS} objects")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink) or (not path and key in {"optimizer", "optimizer_weights"}):
                continue
            item, place = group[key], f"{path}/{key}" if path else key
            if isinstance(item, h5py.Dataset):
                self.arrays[place] = self._array(item)
            elif isinstance(item, h5py.Group) and depth:
                self.read(item, place, depth - 1)

    def _array(self, dataset: h5py.Dataset) -> dict[str, Any]:
        made: dict[str, Any] = {"shape": list(dataset.shape or ()), "type": str(dataset.dtype), "why": None}
        self._numbers += math.prod(dataset.shape or ())
        if dataset.external is not None or dataset.is_virtual:
            made["why"] = "lies in another file, which is not read"
        elif dataset.shape is None or dataset.dtype.kind not in "fiu":
            made["why"] = f"is {dataset.dtype}, no numbers"
        elif self._numbers > _MAX_NUMBERS:
            made["why"] = f"has shape {tuple(dataset.shape)}, and all weights together more than {_MAX_NUMBERS} numbers"
        else:
            made["numbers"] = base64.b64encode(np.asarray(dataset[()], "<f4").tobytes()).decode()
        return made


def _main(path: str) -> None:
    source: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as stream:
            source = io.BytesIO(stream.read(_MAX_WEIGHTS))
    reader = _Reader()
    with h5py.File(source, "r") as file:
        config = file.attrs.get("model_config")
        text = config.decode("utf-8") if isinstance(config, bytes) else config
        alone = "layer_names" in file.attrs or "layers" in file
        reader.read(file, "", _MAX_DEPTH)
    answer = {"config": text if isinstance(text, str) else None, "weights_only": alone}
    json.dump(answer | {"names": reader.names, "arrays": reader.arrays}, sys.stdout)


def _limit(which: int, value: int) -> None:
    """A limit of this process, beyond which the system kills it or gives it no memory."""
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    _limit(resource.RLIMIT_CPU, _PATIENCE)
    _limit(resource.RLIMIT_AS, _MEMORY)
    _main(sys.argv[1])
