"""The emulator library of a delivery from Python. Needs numpy and nothing else, and works without l1ae.

emulator = Emulator("dnn_ae_v3/dnn_ae_v3.so", digest="...")
scores, triggers = emulator.evaluate(hardware)
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Emulator", "EmulatorError"]

_INT32 = np.iinfo(np.int32)


class EmulatorError(ValueError):
    """The library cannot be loaded or is another one than asked for, or it refuses its inputs. The message says which."""


class Emulator:
    """A library NAME_vN.so, which holds the firmware's C++.

    `path`: the library; its file name is that of the project. `version`, `digest` (sha256 of the contract, 64 hex digits):
    what it must be. `mode`: how it is loaded, see `ctypes.CDLL`.
    Raises `EmulatorError` when it cannot be loaded or is not what was asked for.
    A library that was built anew needs another path, or a new process: a loaded one stays loaded.
    """

    project: str
    version: int
    digest: str
    inputs: int

    def __init__(self, path: str | Path, *, version: int | None = None, digest: str | None = None, mode: int = ctypes.DEFAULT_MODE) -> None:
        self.path = Path(path).resolve()
        self.project = self.path.name.removesuffix(".so")
        try:
            self._library = ctypes.CDLL(str(self.path), mode=mode)
        except OSError as error:
            raise EmulatorError(f"'{self.path}' cannot be loaded ({error}); build it with make in its folder") from error
        self.version = self._function("version", ctypes.c_int)()
        self.digest = self._function("digest", ctypes.c_char_p)().decode()
        self.inputs = self._function("inputs", ctypes.c_int)()
        self._error = self._function("error", ctypes.c_char_p)
        self._evaluate = self._function("evaluate", ctypes.c_int)
        self._evaluate.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64)]
        self._refuse_another("version", self.version, version)
        self._refuse_another("contract", self.digest, digest)

    def evaluate(
        self, hardware: npt.NDArray[np.integer], *, threshold: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Score codes (N,) and trigger bits (N,) of hardware integers (N, inputs), in the order of the contract's inputs.

        `threshold`: smallest score code that triggers, by default the one that is compiled into the firmware.
        Raises `EmulatorError` for another shape, for a threshold that is no integer of 64 bits, for numbers that are no integers,
        and for codes outside their hardware range, with event, input and value. Runs without Python's lock.
        """
        codes = self._codes(np.asarray(hardware))
        scores, triggers = np.empty(len(codes), np.int64), np.empty(len(codes), np.uint8)
        if threshold is not None and (not isinstance(threshold, int | np.integer) or abs(threshold) >= 1 << 63):
            raise EmulatorError(f"{self.project} takes a threshold that is an integer of 64 bits, not {threshold!r}")
        limit = None if threshold is None else ctypes.byref(ctypes.c_int64(int(threshold)))
        if self._evaluate(codes.ctypes.data, len(codes), scores.ctypes.data, triggers.ctypes.data, limit) != 0:
            raise EmulatorError(self._error().decode())
        return scores, triggers != 0

    def _codes(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        if not np.issubdtype(hardware.dtype, np.integer):
            raise EmulatorError(f"{self.project} takes hardware integers, not {hardware.dtype}")
        if hardware.ndim < 2 or np.prod(hardware.shape[1:]) != self.inputs:
            raise EmulatorError(f"{self.project} takes {self.inputs} hardware codes per event, not an array of shape {hardware.shape}")
        if hardware.size and (hardware.min() < _INT32.min or hardware.max() > _INT32.max):
            raise EmulatorError(f"{self.project} takes 32-bit hardware codes, not {hardware.min()} to {hardware.max()}")
        return np.ascontiguousarray(hardware.reshape(len(hardware), self.inputs), np.int32)

    def _function(self, name: str, result: type) -> ctypes._NamedFuncPointer:
        try:
            function = getattr(self._library, f"{self.project}_{name}")
        except AttributeError as error:
            raise EmulatorError(f"'{self.path}' has no function {self.project}_{name}: it is no emulator of '{self.project}'") from error
        function.restype = result
        return function

    def _refuse_another(self, what: str, found: object, asked: object | None) -> None:
        if asked is not None and found != asked:
            raise EmulatorError(f"'{self.path}' is of {what} {found}, and {what} {asked} was asked for")
