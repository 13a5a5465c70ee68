"""Latent codes of events: the integers that the firmware has in its latent layer, in memory and as HDF5.

Layout of a file: one dataset (N, latent) per latent tensor of the contract, in the smallest integer type that holds its
format, `score` (N,) in LSB of the score, and per event `process`, `source_event` and `part` (see `LatentCodes`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract
from l1ae.data import Events, EventStore
from l1ae.errors import UserError
from l1ae.evaluation import group_ids
from l1ae.files import json_content
from l1ae.hdf5 import created, number_attribute, opened, text_attribute
from l1ae.inputs import FixedFormat
from l1ae.latent._inverse import FloatArray, IntArray

__all__ = ["LatentCodes", "encode_store", "latent_tensors", "read_codes", "write_codes"]

FORMAT = "l1ae-latent-codes"
FORMAT_VERSION = 1
CHUNK = 4096
UNKNOWN_PART = -1
_COLUMNS = ("score", "process", "source_event", "part")
_LATENT = (("latent_q",), ("latent_relu",), ("mu_q", "log_var_q"))

Part = Callable[[Events], npt.NDArray[np.int8]]


@dataclass(frozen=True)
class LatentCodes:
    """Latent codes of N events in the order of their store.

    `tensors` maps the contract's tensor to its codes (N, latent), `formats` to its fixed-point format; `score` (N,) is
    in LSB of `score_format`. `part` is 0, 1, 2 for training, validation and test events of the background that the
    model was trained on, -1 for all others. `origin` is the JSON provenance of the store and the contract's digest.
    """

    sample: str
    tensors: Mapping[str, npt.NDArray[np.signedinteger[Any]]]
    formats: Mapping[str, FixedFormat]
    score: IntArray
    score_format: FixedFormat
    process: npt.NDArray[np.int16]
    source_event: npt.NDArray[np.int64]
    part: npt.NDArray[np.int8]
    origin: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.score)

    @cached_property
    def groups(self) -> IntArray:
        """(N,): equal for events that share a source event and so are not independent."""
        return group_ids(self.process, self.source_event)

    def values(self) -> FloatArray:
        """All latent tensors side by side as real values, (N, total), columns as in `names`."""
        return np.concatenate([self.tensors[name] * form.lsb for name, form in self.formats.items()], axis=1)

    @property
    def names(self) -> tuple[str, ...]:
        """One name per column of `values`: tensor without its suffix, and index."""
        return tuple(f"{name.rsplit('_', 1)[0]}_{k}" for name, codes in self.tensors.items() for k in range(codes.shape[1]))

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> "LatentCodes":
        """The events where a mask is true, or those at the given positions."""
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return replace(self, tensors={name: codes[chosen] for name, codes in self.tensors.items()}, **columns)


def latent_tensors(contract: Contract) -> tuple[str, ...]:
    """Names of the contract's latent tensors: `latent_q` (`latent_relu`), or `mu_q` and `log_var_q` of a variational encoder.

    Raises `UserError` when the contract has neither.
    """
    known = {operation.name for operation in contract.operations}
    for names in _LATENT:
        if known.issuperset(names):
            return names
    raise UserError(
        f"contract '{contract.project}' has no latent layer (no tensor latent_q or latent_relu, no mu_q and log_var_q); nothing to encode"
    )


def encode_store(store: EventStore, contract: Contract, part: Part | None = None, *, extra: Sequence[str] = ()) -> LatentCodes:
    """Latent codes of every event of a store, exactly as the firmware computes them.

    `part` says which part of the training sample each event belongs to, from the extra columns `extra` too. Raises `UserError`
    as `latent_tensors` and `EventStore.chunks` do.
    """
    formats = {name: contract[name].format for name in latent_tensors(contract)}
    blocks = [_encode_block(events, contract, formats, part) for events in store.chunks(extra=extra)]
    joined = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return LatentCodes(
        sample=store.sample or store.path.stem,
        tensors={name: joined.pop(name) for name in formats},
        formats=formats,
        score_format=contract.score.format,
        origin={"contract": contract.digest, "project": contract.project, "store": store.path.name, "provenance": dict(store.provenance)},
        **joined,
    )


def _encode_block(
    events: Events, contract: Contract, formats: Mapping[str, FixedFormat], part: Part | None
) -> dict[str, npt.NDArray[np.signedinteger[Any]]]:
    codes = contract.evaluate(events.hw, [*formats, contract.score.name])
    columns: dict[str, npt.NDArray[np.signedinteger[Any]]] = {name: codes[name].astype(_small_type(form)) for name, form in formats.items()}
    parts = np.full(len(events), UNKNOWN_PART, np.int8) if part is None else part(events)
    score = codes[contract.score.name][:, 0]
    return columns | {"score": score, "process": events.process, "source_event": events.source_event, "part": parts}


def _small_type(form: FixedFormat) -> np.dtype[Any]:
    return next(np.dtype(t) for t in ("int8", "int16", "int32", "int64") if np.iinfo(t).min <= form.low and form.high <= np.iinfo(t).max)


def write_codes(path: Path, codes: LatentCodes) -> None:
    """Write a file of latent codes, whole or not at all. The same codes give the same bytes."""
    columns = {**codes.tensors, **{name: getattr(codes, name) for name in _COLUMNS}}
    with created(path) as file:
        file.hdf5.attrs.update(_attributes(codes))
        for name, column in columns.items():
            chunks = (min(CHUNK, max(len(column), 1)), *column.shape[1:])
            maxshape = (None, *column.shape[1:])
            dataset = file.hdf5.create_dataset(
                name, data=column, maxshape=maxshape, chunks=chunks, compression="gzip", compression_opts=4, shuffle=True
            )
            form = codes.score_format if name == "score" else codes.formats.get(name)
            if form is not None:
                dataset.attrs.update({"type": str(form), "lsb": form.lsb})


def _attributes(codes: LatentCodes) -> dict[str, str | int]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sample": codes.sample,
        "tensors": json.dumps(list(codes.formats)),
        "origin": json.dumps(dict(codes.origin), sort_keys=True),
        "contract": str(codes.origin["contract"]),
    }


def read_codes(path: Path) -> LatentCodes:
    """Read what `write_codes` wrote. Raises `UserError` when the file is missing, damaged or something else."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `l1ae latent RUN`")
    with opened(path, "make it again with `l1ae latent RUN`") as file:
        if text_attribute(file, "format") != FORMAT or number_attribute(file, "format_version") != FORMAT_VERSION:
            raise UserError(f"{path}: no latent codes of version {FORMAT_VERSION}; make them again with `l1ae latent RUN`")
        names = [str(name) for name in json.loads(_text(file, "tensors"))]
        return LatentCodes(
            sample=_text(file, "sample"),
            tensors={name: _column(file, name, dimensions=2) for name in names},
            formats={name: FixedFormat.parse(_text(file[name], "type")) for name in names},
            score_format=FixedFormat.parse(_text(file["score"], "type")),
            origin=json_content(_text(file, "origin")),
            **{name: _column(file, name, dimensions=1) for name in _COLUMNS},
        )


def _text(place: h5py.HLObject, name: str) -> str:
    text = text_attribute(place, name)
    if text is None:
        raise ValueError(f"attribute '{name}' is missing, or no text")
    return text


def _column(file: h5py.File, name: str, dimensions: int) -> Any:
    """A dataset of integers with one row per event."""
    dataset, rows = file[name], file["score"].shape[0]
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != dimensions or dataset.dtype.kind != "i" or dataset.shape[0] != rows:
        raise ValueError(f"'{name}' does not hold integers of {rows} events")
    return dataset[:]
