"""Every kind of result: what is written is read, and what was edited is refused with file, place and remedy."""

import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from l1ae.errors import CheckFailedError, UserError
from l1ae.manifest import Manifest
from l1ae.records import RESULT_FILES
from l1ae.records._result_file import ResultFile
from l1ae.results import save_result
from l1ae.trigger import load_working_points

from .examples import EXAMPLES, manifest, metrics

FILES = {file.place: file for file in RESULT_FILES}
CASES = [(place, k) for place, examples in EXAMPLES.items() for k in range(len(examples))]
WORKING_POINTS = sorted((Path(__file__).parents[1] / "trigger").glob("example_*.json"))

# Names of numbers that may be below zero, whatever they are part of; `value`, `low` and `high` of differences and of ranges too.
NEGATIVE = {
    *("threshold", "threshold_value", "threshold_low", "threshold_high", "code", "equivalent_from", "score", "score_fraction"),
    *("observed_low", "observed_high", "edges", "contract", "simulation", "expected", "found", "delay_ns", "logic", "arrival"),
    *("float_loss", "quantized_loss", "slack_ns", "hold_slack_ns", "limit", "mean", "mmd", "reference_mean", "other_mean"),
}
SIGNED = ("tensors", "comparisons", "resolution", "capacity", "adaptive", "lines", "verdicts")
"""Parents of `value`, `low` and `high` that may be below zero."""

Place = tuple[str | int, ...]


def leaves(content: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Everything in a JSON value that holds nothing else; of a list the first two, as all are alike."""
    items = content.items() if isinstance(content, dict) else enumerate(content[:2]) if isinstance(content, list) else ()
    for key, value in items:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*place, key))
        else:
            yield (*place, key), value


def numbers(content: Any) -> Iterator[Place]:
    """Places of numbers; the share of an amount is computed again."""
    for place, value in leaves(content):
        if isinstance(value, int | float) and not isinstance(value, bool) and place[-1] != "share":
            yield place


def name_of(place: Place) -> str:
    """The last name, which those of a list share."""
    return next(part for part in reversed(place) if isinstance(part, str))


def complaint(file: ResultFile[Any], run: Path) -> str | None:
    """What is said of a file, None where it is read."""
    try:
        file.read(run)
    except UserError as error:
        return str(error)
    return None


def may_be_negative(place: Place) -> bool:
    name = name_of(place)
    return name in NEGATIVE or (name in {"value", "low", "high"} and any(part in SIGNED for part in place))


def changed(content: Any, place: Place, value: Any) -> str:
    """The JSON text with another value at one place."""
    inside = content
    for part in place[:-1]:
        inside = inside[part]
    before, inside[place[-1]] = inside[place[-1]], value
    text = json.dumps(content)
    inside[place[-1]] = before
    return text


def replacements(place: Place) -> list[Any]:
    return [float("nan"), float("inf"), 10**30, True, "x", *([] if may_be_negative(place) else [-1])]


@pytest.fixture(name="written")
def _written(tmp_path: Path) -> Callable[[ResultFile[Any], object], Path]:
    def write(file: ResultFile[Any], result: object) -> Path:
        path = tmp_path / file.place
        path.parent.mkdir(exist_ok=True)
        file.write(path.parent, result)
        return path

    return write


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(FILES)


@pytest.mark.parametrize(("place", "k"), CASES)
def test_what_is_written_is_read(place: str, k: int, tmp_path: Path, written: Callable[..., Path]) -> None:
    file, result = FILES[place], EXAMPLES[place][k]
    assert file.find(tmp_path) is None
    written(file, result)
    assert file.read(tmp_path) == file.find(tmp_path) == result


@pytest.mark.parametrize(("place", "k"), CASES)
def test_no_number_is_believed(place: str, k: int, tmp_path: Path, written: Callable[..., Path]) -> None:
    file = FILES[place]
    path = written(file, EXAMPLES[place][k])
    content = json.loads(path.read_text())
    for where in numbers(content):
        for value in replacements(where):
            path.write_text(changed(content, where, value))
            message = complaint(file, tmp_path)
            assert message is not None, (where, value)
            assert str(path) in message
            assert file.command.format(run=tmp_path) in message
            assert isinstance(value, float) or any(part in message for part in where[-3:] if isinstance(part, str)), (where, value, message)


@pytest.mark.parametrize("place", EXAMPLES)
def test_whatever_stands_there_is_no_traceback(place: str, tmp_path: Path, written: Callable[..., Path]) -> None:
    file = FILES[place]
    path = written(file, EXAMPLES[place][0])
    content = json.loads(path.read_text())
    for where, _ in leaves(content):
        for value in (None, {}, [[]], 5, False, "\ud800", -(10**400)):
            path.write_text(changed(content, where, value))
            assert str(path) in (complaint(file, tmp_path) or str(path))


@pytest.mark.parametrize(("place", "k"), CASES)
def test_a_missing_key_is_named(place: str, k: int, tmp_path: Path, written: Callable[..., Path]) -> None:
    file, result = FILES[place], EXAMPLES[place][k]
    path = written(file, result)
    content = json.loads(path.read_text())
    for key in content:
        path.write_text(json.dumps({name: value for name, value in content.items() if name != key}))
        optional = {field.name for field in fields(result) if field.default is not MISSING or field.default_factory is not MISSING}
        assert (complaint(file, tmp_path) is None) == (key in optional), key
        assert key in (complaint(file, tmp_path) or key)


@pytest.mark.parametrize("path", WORKING_POINTS, ids=lambda path: path.stem)
def test_no_number_of_a_working_point_is_believed(path: Path, tmp_path: Path) -> None:
    content = json.loads(path.read_text())
    for curve in (content["curve"], content["efficiency_curve"]):
        curve |= {name: values and values[:2] for name, values in curve.items()}
    copy = tmp_path / "working_points.json"
    for where in numbers(content):
        for value in replacements(where):
            copy.write_text(changed(content, where, value))
            with pytest.raises(UserError, match=r"working_points\.json.*l1ae") as error:
                load_working_points(copy)
            assert isinstance(value, float) or name_of(where) in str(error.value), (where, value)


def test_no_number_of_the_manifest_is_believed(tmp_path: Path) -> None:
    manifest().save(tmp_path)
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    assert Manifest.load(tmp_path) == manifest()
    for where in numbers(content):
        for value in replacements(where):
            path.write_text(changed(content, where, value))
            with pytest.raises(UserError, match=r"manifest\.json.*remove it"):
                Manifest.load(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_what_could_not_be_read_is_not_written(value: float, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    save_result(path, metrics())
    before = path.read_bytes()
    with pytest.raises(CheckFailedError, match="was not written"):
        save_result(path, replace(metrics(), threshold=value))
    assert path.read_bytes() == before


def test_an_operation_that_no_longer_exists_is_refused(tmp_path: Path, written: Callable[..., Path]) -> None:
    file = FILES["contract/summary.json"]
    path = written(file, EXAMPLES[file.place][0])
    path.write_text(path.read_text().replace("ReconstructionError", "SquaredError"))
    with pytest.raises(UserError, match=r"tensors\.1\.op: is no operation; there are .*ReconstructionError"):
        file.read(tmp_path)
