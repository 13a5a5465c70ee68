"""Records of kinds that grow, from l1ae itself and from other distributions: docs/extending.md.

A distribution brings a record by an entry point of group `l1ae.scores`, `l1ae.losses`, `l1ae.layers`, `l1ae.readers` or `l1ae.targets`,
whose name is the record's (packaging.python.org, Entry points specification). It is imported when it is first asked for, so that one that
is damaged stands in nobody's way who does not use it. A notebook calls `register` instead.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, TypeVar

from l1ae.errors import UserError

__all__ = ["Extension", "Registry", "extensions", "loaded_distributions", "register"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Record = TypeVar("_Record", bound=_Named)

HOMES = {
    "scores": ("l1ae.families", "SCORES"),
    "losses": ("l1ae.families", "LOSSES"),
    "layers": ("l1ae.contract", "LAYERS"),
    "readers": ("l1ae.data", "READERS"),
    "targets": ("l1ae.delivery", "TARGETS"),
}
"""By kind the package and the name of its registry."""

PROCESS = "this process"
"""Origin of what `register` added."""

_loaded: dict[str, str] = {}


@dataclass(frozen=True)
class Extension:
    """One record that does not come with l1ae. `problem`: why it cannot be used, "" where it can."""

    kind: str
    name: str
    origin: str
    problem: str


class Registry(Mapping[str, _Record]):
    """The records of one kind by name: those of l1ae (`own`), then those of other distributions and of `register`, then `last`.

    Names are known without importing anything. Asking for a record raises `UserError`, with distribution and remedy, when it cannot be
    imported, has the wrong type or another name than its entry point, or lacks what the kind needs; so does any use of the registry while
    a distribution takes a name that exists.
    """

    def __init__(
        self,
        kind: str,
        record: type[_Record],
        own: Iterable[_Record],
        *,
        last: Iterable[_Record] = (),
        reserved: Iterable[str] = (),
        complaint: Callable[[_Record], str] = lambda record: "",
    ) -> None:
        """`reserved`: names that no record may take; `complaint` says what a record lacks and what to do, or ""."""
        self.kind, self.record = kind, record
        self.own: dict[str, _Record] = {item.name: item for item in own}
        self._last = {item.name: item for item in last}
        self._reserved = frozenset(reserved)
        self._complaint = complaint
        self._added: dict[str, _Record] = {}
        self._found: dict[EntryPoint, _Record] = {}
        _registries.append(self)

    def __getitem__(self, name: str) -> _Record:
        points = self._points()
        for known in (self.own, self._added, self._last):
            if name in known:
                return known[name]
        return self._load(points[name])

    def __iter__(self) -> Iterator[str]:
        points = self._points()
        return iter((*self.own, *points, *self._added, *self._last))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._points() or any(name in known for known in (self.own, self._added, self._last))

    def origin(self, name: str) -> str | None:
        """The distribution and its version that a record comes from; None for l1ae's own."""
        if name in self._added:
            return PROCESS
        return _distribution(self._points()[name]) if name in self._points() else None

    def add(self, record: _Record, *, replace: bool = False) -> None:
        """What `register` does."""
        problem = self._problem(record, record.name)
        taken = record.name in self if not replace else record.name in self and record.name not in self._added
        if taken:
            problem = f"the name '{record.name}' is taken; give it another one"
        if problem:
            raise UserError(f"cannot register '{record.name}' among the {self.kind}: {problem}")
        self._added[record.name] = record

    def _points(self) -> Mapping[str, EntryPoint]:
        """Entry points by name. Raises `UserError` when two have one name, or one has a name of l1ae's."""
        found: dict[str, EntryPoint] = {}
        for point in _entry_points(self.kind, tuple(sys.path)):
            others = "l1ae itself" if point.name in {*self.own, *self._last, *self._reserved} else None
            if point.name in found:
                others = _distribution(found[point.name])
            if others is not None:
                raise self._refused(point, f"{others} has that name already")
            found[point.name] = point
        return found

    def _load(self, point: EntryPoint) -> _Record:
        if point not in self._found:
            try:
                record: Any = point.load()
            except Exception as error:  # whatever that module raises is about that module
                raise self._refused(point, f"{point.value} cannot be imported ({type(error).__name__}: {error})") from error
            if problem := self._problem(record, point.name):
                raise self._refused(point, problem)
            self._found[point] = record
            name, _, version = _distribution(point).partition(" ")
            _loaded[name] = version
        return self._found[point]

    def _problem(self, record: Any, name: str) -> str:
        if not isinstance(record, self.record):
            wanted = f"{self.record.__module__.split('._')[0]}.{self.record.__name__}"
            return f"it is a {type(record).__name__}, but must be a {wanted}"
        if record.name != name:
            return f"its record is called '{record.name}'; name record and entry point alike"
        return f"the name '{name}' is taken; give it another one" if name in self._reserved else self._complaint(record)

    def _refused(self, point: EntryPoint, why: str) -> UserError:
        distribution = _distribution(point)
        return UserError(
            f"distribution {distribution}, entry point '{point.name}' of group '{point.group}': {why}; repair it, or remove it with "
            f"pip uninstall {distribution.partition(' ')[0]}"
        )

    def __repr__(self) -> str:
        return f"Registry of {self.kind}: {', '.join(self)}"


_registries: list[Registry[Any]] = []


@cache
def _entry_points(kind: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Looking through all distributions takes tens of ms: once for each search path."""
    return tuple(sorted(entry_points(group=f"l1ae.{kind}"), key=lambda point: (point.name, _distribution(point))))


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "unknown"


def register(record: Any, *, replace: bool = False) -> None:
    """Add a `Score`, `Loss`, `Layer`, `Reader` or `Target` of your own, in this process.

    With `replace` one of the same name that was registered here before makes way. What other processes must know, such as the workers of a
    search and the command line, comes from an entry point instead: docs/extending.md. Raises `UserError` for another type, a name that is
    taken, and a record that lacks what its kind needs.

    >>> from l1ae.families import Body, Score
    >>> score = Score(
    ...     name="code_overlap",
    ...     title="Overlap of mean and variance",
    ...     text="the sum of the products of latent means and log-variances",
    ...     source="an example",
    ...     bodies=frozenset({Body.VARIATIONAL}),
    ...     outputs=(2,),
    ...     real=lambda inputs, outputs, mask: (outputs[0] * outputs[1]).sum(axis=1),
    ...     firmware=lambda builder, outputs, table: builder.dot("code_overlap", outputs[0], outputs[1]),
    ... )
    >>> l1ae.register(score, replace=True)
    >>> l1ae.load_config("dnn_vae", {"model.score": "code_overlap"}).model.score
    'code_overlap'
    """
    for registry in _registries:
        if isinstance(record, registry.record):
            registry.add(record, replace=replace)
            return
    raise UserError(
        f"cannot register a {type(record).__name__}; give a l1ae.families.Score or Loss, a l1ae.contract.Layer, a l1ae.data.Reader or "
        "a l1ae.delivery.Target"
    )


def extensions() -> tuple[Extension, ...]:
    """Every record that does not come with l1ae, imported, with its distribution and, where it cannot be used, the problem.

    >>> [found.problem for found in l1ae.extensions() if found.problem]
    []
    """
    found = []
    for kind, (home, name) in HOMES.items():
        points = _entry_points(kind, tuple(sys.path))
        if not points and home not in sys.modules:
            continue
        registry: Registry[Any] = getattr(importlib.import_module(home), name)
        found += [_tried(registry, kind, point.name, _distribution(point)) for point in points]
        found += [Extension(kind, added, PROCESS, "") for added in registry._added]
    return tuple(found)


def _tried(registry: Registry[Any], kind: str, name: str, origin: str) -> Extension:
    try:
        registry[name]
    except UserError as error:
        return Extension(kind, name, origin, str(error))
    return Extension(kind, name, origin, "")


def loaded_distributions() -> dict[str, str]:
    """Versions of the distributions whose records were used in this process, by their name."""
    return dict(_loaded)
