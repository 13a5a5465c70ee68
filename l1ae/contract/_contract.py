"""The contract: a trained model as integers, formats and named operations, that decides what the right answer is."""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import _reference
from l1ae.contract._added import EVENT, PREFIX
from l1ae.contract._bounds import Interval, bounds, interval_of, may_wrap, unlimited
from l1ae.contract._check import check, check_whole
from l1ae.contract._execute import Plan, make_plan, one_blas_thread
from l1ae.contract._json import from_dict, to_dict
from l1ae.contract._kernels import Context
from l1ae.contract._ops import (
    Accumulating,
    Binning,
    Concatenate,
    Convolution,
    Dense,
    HardwareInput,
    IntArray,
    Lookup,
    Operation,
    Preprocess,
    Table,
    Threshold,
)
from l1ae.documents import validate
from l1ae.errors import UserError
from l1ae.files import DamagedError, json_content, write_text
from l1ae.html import html_table
from l1ae.inputs import Layout

__all__ = ["FORMAT_VERSION", "Contract", "wrapped_text"]

FORMAT_VERSION = 2

Take = Callable[[slice, Mapping[str, npt.NDArray[Any]]], None]


@dataclass(frozen=True, eq=False, repr=False)
class Contract:
    """A fixed-point model in topological order: hardware codes in, score and trigger bit out.

    It begins with the only `HardwareInput` and ends with the only `Threshold`. Making one raises `UserError` when it does not, when
    the parts of an operation do not fit each other, and when an accumulator could overflow for some input (unless it is known to
    wrap), so that a `Contract` that exists is proven not to.
    `project` is NAME_vVERSION. `layout` says what each hardware code is; None where nobody said.

    >>> contract = l1ae.load_contract(run_folder)
    >>> hardware = l1ae.open_store("zerobias", contract.layout).hardware(0, 100)
    >>> codes = contract.evaluate(hardware)
    >>> codes["score"].shape, codes["trigger"].shape  # in LSB
    ((100, 1), (100, 1))
    >>> bool(((codes["score"] >= contract.threshold) == codes["trigger"]).all())
    True
    """

    project: str
    operations: tuple[Operation, ...]
    layout: Layout | None = None

    def __post_init__(self) -> None:
        check_whole(self.project, self.operations)
        known: dict[str, Operation] = {}
        for operation in self.operations:
            check(operation, known)
            known[operation.name] = operation
        _ = self.intervals
        if self.layout is not None:
            self._check_layout(self.layout)

    def _check_layout(self, layout: Layout) -> None:
        port = self.hardware
        if layout.size != port.size:
            raise UserError(
                f"the network has {port.size} inputs, layout '{layout.name}' has {layout.size} columns; choose the layout, or a part of it "
                "with inputs.select, that the network was made for"
            )
        low, high = layout.code_range
        if len(bad := np.flatnonzero((low < port.low) | (high > port.high))):
            k = int(bad[0])
            raise UserError(
                f"input {k} is {layout.names[k]}, with codes {low[k]} to {high[k]}, but the hardware port holds {port.low[k]} to "
                f"{port.high[k]}; widen the port (hardware.width, hardware.signed), or bring the inputs into the order of layout "
                f"'{layout.name}'"
            )

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Proven code range of every tensor."""
        return bounds(self.operations)

    @property
    def hardware(self) -> HardwareInput:
        """The input."""
        first = self.operations[0]
        assert isinstance(first, HardwareInput)
        return first

    @property
    def input_names(self) -> tuple[str, ...]:
        """One name per hardware input: the layout's, or input0, input1, ... where there is none."""
        return tuple(f"input{k}" for k in range(self.hardware.size)) if self.layout is None else self.layout.names

    @cached_property
    def event(self) -> Operation:
        """All columns of an event: the hardware input, or where columns are added the operation that puts them behind it."""
        first = self.hardware
        joined = (item for item in self.operations if isinstance(item, Concatenate) and item.name == EVENT)
        return next(joined, first)

    @property
    def added(self) -> tuple[Operation, ...]:
        """The operations whose results are the columns that the firmware adds to an event, in order."""
        return () if self.event is self.hardware else self._parts(self.event.inputs[1])

    @property
    def added_names(self) -> tuple[str, ...]:
        """Names of the columns that the firmware adds to an event."""
        return tuple(item.name.removeprefix(PREFIX) for item in self.added)

    def _parts(self, name: str) -> tuple[Operation, ...]:
        found = self[name]
        return tuple(part for source in found.inputs for part in self._parts(source)) if isinstance(found, Concatenate) else (found,)

    @property
    def input_table(self) -> Table | None:
        """The operation that looks the codes of an event up in tables, one for each column that has one; None without."""
        found = (item for item in self.operations if isinstance(item, Table) and item.bits and item.inputs == (self.event.name,))
        return next(found, None)

    @property
    def preprocess(self) -> Preprocess | None:
        """The operation that shifts hardware codes; None without."""
        return next((item for item in self.operations if isinstance(item, Preprocess)), None)

    @property
    def input_bins(self) -> tuple[Binning, ...]:
        """The operations that count the edges which the codes of an event reach."""
        return tuple(item for item in self.operations if isinstance(item, Binning) and item.inputs == (self.event.name,))

    @property
    def input_lookups(self) -> tuple[Lookup, ...]:
        """The operations whose tables the codes of an event address."""
        return tuple(item for item in self.operations if isinstance(item, Lookup) and item.inputs == (self.event.name,))

    @property
    def gate(self) -> IntArray:
        """(size,): the hardware input whose code 0 says that this one's slot is empty; -1 for none.

        Of what is shifted the contract says so, of what is binned or looked up the layout.
        """
        if self.preprocess is not None:
            return self.preprocess.gate[: self.hardware.size]
        tables = self.input_table is not None or self.input_bins or self.input_lookups
        return self.layout.gate if tables and self.layout is not None else np.full(self.hardware.size, -1, np.int64)

    @property
    def threshold(self) -> int:
        """Smallest score code that triggers."""
        last = self.operations[-1]
        assert isinstance(last, Threshold)
        return last.threshold

    @property
    def score(self) -> Operation:
        """The operation whose output is the score."""
        return self[self.operations[-1].inputs[0]]

    @property
    def outputs(self) -> tuple[str, str]:
        """Names of score and trigger bit."""
        return (self.score.name, self.operations[-1].name)

    def __repr__(self) -> str:
        return f"Contract({self.project!r}, {len(self.operations)} operations, {self.hardware.size} inputs, digest {self.digest[:12]})"

    def _repr_html_(self) -> str:
        rows = ((item.name, type(item).__name__, ", ".join(item.inputs), item.size, str(item.format)) for item in self.operations)
        caption = f"{self.project}, threshold {self.threshold}, digest {self.digest[:12]}"
        return html_table(("tensor", "operation", "inputs", "elements", "type"), rows, caption=caption)

    def __getitem__(self, name: str) -> Operation:
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise KeyError(name)

    def with_threshold(self, threshold: int) -> "Contract":
        """The same model with another threshold, in LSB of the score."""
        last = self.operations[-1]
        assert isinstance(last, Threshold)
        return replace(self, operations=(*self.operations[:-1], replace(last, threshold=int(threshold))))

    # -- evaluation ------------------------------------------------------------------------------------------------

    def evaluate(
        self, hardware: npt.NDArray[np.integer], tensors: Sequence[str] | None = None, *, workers: int | None = None
    ) -> dict[str, IntArray]:
        """Exact codes of the named tensors (default: score and trigger bit), each (N, size).

        `hardware`: (N, size) integers. `workers`: threads, default one per core.
        Raises `UserError` for codes outside the hardware range, for which nothing is proven.
        """
        names = tuple(tensors or self.outputs)
        flat = self._flat(hardware)
        results = {name: np.empty((len(flat), self[name].size), np.int64) for name in names}

        def take(events: slice, codes: Mapping[str, npt.NDArray[Any]]) -> None:
            for name in names:
                results[name][events] = codes[name].T

        self._run(self._plan(names), flat, take, workers)
        return results

    def score_codes(self, hardware: npt.NDArray[np.integer]) -> IntArray:
        """Scores (N,) in LSB, as the firmware gives them; `hardware` and what is raised as in `evaluate`."""
        return self.evaluate(hardware, [self.score.name])[self.score.name][:, 0]

    def scores(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Scores (N,) in real units: codes times `score.format.lsb`; `hardware` and what is raised as in `evaluate`."""
        return np.asarray(self.score_codes(hardware) * self.score.format.lsb, np.float64)

    def trigger_bits(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Whether each event (N,) triggers, at `threshold`; `hardware` and what is raised as in `evaluate`."""
        bit = self.outputs[1]
        return self.evaluate(hardware, [bit])[bit][:, 0].astype(np.bool_)

    def wrapped(self, hardware: npt.NDArray[np.integer], *, workers: int | None = None) -> dict[str, int]:
        """For every tensor of `wrapping` the number of events in which it really wraps: with more bits some element would be another.

        `hardware`, `workers` and what is raised as in `evaluate`.
        """
        flat = self._flat(hardware)
        wraps = {name: np.zeros(len(flat), np.bool_) for name in self.wrapping}

        def take(events: slice, codes: Mapping[str, npt.NDArray[Any]]) -> None:
            for name, found in wraps.items():
                found[events] = (codes[name] != codes[_exact_name(name)]).any(axis=0)

        if wraps:
            self._run(self._wrapping_plan, flat, take, workers)
        return {name: int(found.sum()) for name, found in wraps.items()}

    def _run(self, plan: Plan, flat: npt.NDArray[np.integer], take: Take, workers: int | None) -> None:
        """Hand the codes of every chunk of events to `take`."""
        count = max(workers or os.cpu_count() or 1, 1)

        def run(worker: int) -> None:
            workspace = plan.workspace(min(plan.chunk, len(flat)))
            for start in range(worker * plan.chunk, len(flat), count * plan.chunk):
                chunk = flat[start : start + plan.chunk]
                self._check_range(chunk)
                take(slice(start, start + len(chunk)), plan.run(chunk, workspace))

        with one_blas_thread():
            if len(flat) <= plan.chunk:
                run(0)
            else:
                with ThreadPoolExecutor(count) as pool:
                    list(pool.map(run, range(count)))

    def evaluate_reference(self, hardware: npt.NDArray[np.integer], tensors: Sequence[str] | None = None) -> dict[str, IntArray]:
        """As `evaluate`, in int64 throughout: the cross-check."""
        env: dict[str, IntArray] = {}
        formats = {operation.name: operation.format for operation in self.operations}
        flat = self._flat(hardware)
        self._check_range(flat)
        env[self.hardware.name] = flat.T.astype(np.int64)
        for operation in self.operations[1:]:
            inputs = [env[name] for name in operation.inputs]
            env[operation.name] = _reference.apply(operation, inputs, [formats[name] for name in operation.inputs])
        return {name: np.ascontiguousarray(env[name].T) for name in tensors or self.outputs}

    def _flat(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        array = np.asarray(hardware)
        flat = array.reshape(len(array), math.prod(array.shape[1:]))
        if flat.shape[1] != self.hardware.size:
            raise UserError(f"an event must have {self.hardware.size} hardware codes, not {flat.shape[1]}")
        return flat

    def _check_range(self, flat: npt.NDArray[np.integer]) -> None:
        least, most = self._common_range
        if not len(flat) or (flat.min() >= least and flat.max() <= most):
            return
        low, high = flat.min(axis=0), flat.max(axis=0)
        bad = np.flatnonzero((low < self.hardware.low) | (high > self.hardware.high))
        if len(bad):
            k = int(bad[0])
            raise UserError(
                f"input {k} takes values {low[k]} to {high[k]}; its hardware range is {self.hardware.low[k]} to {self.hardware.high[k]}"
            )

    @cached_property
    def _common_range(self) -> tuple[int, int]:
        """Codes that every input may take: looking for others is fast."""
        return int(self.hardware.low.max()), int(self.hardware.high.min())

    def _plan(self, names: tuple[str, ...]) -> Plan:
        if names not in self._plans:
            context = Context(self.intervals, {operation.name: operation.format for operation in self.operations})
            self._plans[names] = make_plan(self.operations, context, names)
        return self._plans[names]

    @cached_property
    def _wrapping_plan(self) -> Plan:
        """What can wrap, and beside it the same without a limit."""
        exact = [replace(unlimited(self[name]), name=_exact_name(name)) for name in self.wrapping]
        operations = (*self.operations, *exact)
        intervals = self.intervals | {operation.name: interval_of(operation, self.intervals) for operation in exact}
        context = Context(intervals, {operation.name: operation.format for operation in operations})
        return make_plan(operations, context, [*self.wrapping, *(operation.name for operation in exact)])

    @cached_property
    def _plans(self) -> dict[tuple[str, ...], Plan]:
        return {}

    # -- serialisation ---------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """Canonical text: the same model gives the same bytes."""
        layout = {} if self.layout is None else {"layout": self.layout.model_dump(mode="json", exclude_defaults=True)}
        return _canonical(self._content | layout)

    @property
    def _content(self) -> dict[str, Any]:
        """What is computed."""
        return {
            "format": "l1ae-contract",
            "format_version": FORMAT_VERSION,
            "project": self.project,
            "operations": [to_dict(operation) for operation in self.operations],
        }

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical text without `layout`: of what is computed, whatever the inputs are called."""
        return hashlib.sha256(_canonical(self._content).encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "contract") -> "Contract":
        """Read `to_json`'s text; `where` names its origin in errors.

        Raises `UserError` when it is damaged or of another version, or when it describes a model that no `Contract` can be.
        """
        try:
            content = json_content(text)
        except DamagedError as error:
            raise UserError(f"{where} is no readable contract ({error}); make it again with `l1ae train`") from error
        version = content.get("format_version")
        if content.get("format") == "l1ae-contract" and (version != FORMAT_VERSION or type(version) is not int):
            raise UserError(
                f"{where}: version {version} is not l1ae-contract version {FORMAT_VERSION}; make it again with this version of l1ae"
            )
        try:
            return cls._of(content, where)
        except UserError as error:
            raise UserError(f"{where} is no readable contract ({error}); make it again with `l1ae train`") from error

    @classmethod
    def _of(cls, content: dict[str, Any], where: str) -> "Contract":
        if content.get("format") != "l1ae-contract":
            raise UserError("its format is not l1ae-contract")
        surplus = sorted(set(content) - {"format", "format_version", "project", "operations", "layout"})
        project, items, layout = content.get("project"), content.get("operations"), content.get("layout")
        if surplus or not isinstance(project, str) or not isinstance(items, list):
            raise UserError(f"it has project, a text, and operations, a list{f', but not {surplus[0]!r}' if surplus else ''}")
        operations = tuple(from_dict(item) for item in items)
        return cls(project, operations, None if layout is None else _layout_of(layout, where))

    def save(self, path: Path) -> None:
        """Write the canonical text, whole or not at all."""
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "Contract":
        """Read a saved contract; errors as in `from_json`."""
        if not path.is_file():
            raise UserError(f"'{path}' does not exist; run `l1ae train` first")
        return cls.from_json(path.read_bytes(), str(path))

    # -- summary ---------------------------------------------------------------------------------------------------

    @property
    def weighted(self) -> tuple[Dense | Convolution, ...]:
        """The operations with weights, in order."""
        return tuple(operation for operation in self.operations if isinstance(operation, Dense | Convolution))

    @cached_property
    def wrapping(self) -> tuple[str, ...]:
        """Tensors that some input makes wrap, by the bounds alone: none, except in an imported model whose formats wrap.

        What computes added columns is left out: it reads the bits of the columns' features, and words that no feature has go around.
        """
        start = self.operations.index(self.event)
        return tuple(operation.name for operation in self.operations[start:] if may_wrap(operation, self.intervals))

    def sum_wraps(self, operation: Accumulating) -> bool:
        """Whether the sum may wrap and, by the bounds, does for some input."""
        return operation.wraps and operation.name in self.wrapping

    def decided(self, operation: Operation) -> Operation:
        """The operation without `Accumulating.wraps` where the bounds prove that its sum never does."""
        return replace(operation, wraps=self.sum_wraps(operation)) if isinstance(operation, Accumulating) else operation

    def evaluated_in(self) -> Mapping[str, str]:
        """Number type that the fast evaluation uses for each tensor."""
        context = Context(self.intervals, {})
        return {operation.name: str(context.type_of(operation.name)) for operation in self.operations}


def wrapped_total(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """What `Contract.wrapped` found in all parts of a sample; a tensor that never wraps is kept, with 0."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def wrapped_text(wrapped: Mapping[str, int], events: int) -> str:
    """What `Contract.wrapped` found in so many events, for people: "score wraps in 83 of 20,000"; empty where nothing wraps."""
    return ", ".join(f"{name} wraps in {count:,} of {events:,}" for name, count in wrapped.items() if count)


def _exact_name(name: str) -> str:
    """No name of a layer: they have no blanks."""
    return f"{name} exact"


def _layout_of(content: Any, where: str) -> Layout:
    layout = validate(Layout, content, f"{where}: layout")
    if _canonical(layout.model_dump(mode="json", exclude_defaults=True)) != _canonical(content):  # true is taken for 1, for example
        raise UserError("its layout is not as l1ae writes it")
    return layout


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
