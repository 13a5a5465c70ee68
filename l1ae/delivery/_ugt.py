"""Target `ugt`: test vectors and wrapper for the CMS global trigger of Run 3."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l1ae.config import SLOTS, BudgetConfig, Fit
from l1ae.contract import Contract
from l1ae.delivery._inputs import cost_values, input_rows, rate_values
from l1ae.delivery._ipbb import check_constants, check_sources, compiled
from l1ae.delivery._sim import Bench, sim_files
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import COPIED_HDL, Check, Target, Timing
from l1ae.delivery._templates import render
from l1ae.delivery._ugt_hdl import hdl_files, place_of, values_of
from l1ae.delivery._ugt_objects import layout_of, wires
from l1ae.delivery._ugt_vectors import Difference, Filling, WorkingPoint, compare_orbit, orbits, working_points
from l1ae.errors import UserError
from l1ae.files import json_content

if TYPE_CHECKING:
    from l1ae.rtl_results import Design

__all__ = ["UGT", "checks", "files"]

_FORMAT = "l1ae-ugt-vectors"
_FORMAT_VERSION = 1
_DESCRIPTION = "vectors/vectors.json"


def files(source: Source, filling: Filling | None = None) -> dict[str, bytes]:
    """All files by relative path; `filling` None is a whole orbit with as many collisions as `trigger.bunches`.

    Wraps the RTL and the core of the HLS project, whichever there is. Raises `UserError` when there is neither, and when the
    network reads other inputs than the trigger has.
    """
    layout_of(source.contract.layout)
    filling = filling or Filling(colliding=source.config.trigger.bunches)
    points = working_points(source.contract, source.working_points)
    provenance = source.provenance
    hdl = hdl_files(source, points)
    values = values_of(source, points)
    deps = [path for path in hdl if path.endswith(".dep")]
    more = {"crossings": filling.crossings, "deps": deps, **_inputs_read(source), **rate_values(source.working_points)} | cost_values(
        source.cost
    )
    readme = f"<!--\n{provenance.header('', 'for the global trigger')}-->\n" + render("ugt/README.md.j2", **values, **more)
    texts = {"README.md": readme, **hdl, **_sim_files(source, values, hdl)}
    return {path: text.encode() for path, text in texts.items()} | _vector_files(source, filling, points)


def _inputs_read(source: Source) -> dict[str, Any]:
    """`inputs_read`: every input that the hardware has, with its place in the objects; `words_read`: the words, as `mu(0 to 3)`."""
    rows, found = input_rows(source.contract), wires(layout_of(source.contract.layout))
    places = [place_of(wire) for wire in found]
    words = list(dict.fromkeys(place["port"] for place in places))
    return {"inputs_read": [rows[wire.input] | place for wire, place in zip(found, places, strict=True)], "words_read": _joined(words)}


def _joined(words: Sequence[str]) -> list[str]:
    """`mu(0)`, `mu(1)`, `etm` as `mu(0 to 1)`, `etm`; a gap in the numbers begins another range."""
    ranges: list[tuple[str, int, int]] = []
    for word in words:
        name, _, index = word.rstrip(")").partition("(")
        number = int(index or -1)
        if ranges and index and (ranges[-1][0], ranges[-1][2]) == (name, number - 1):
            ranges[-1] = name, ranges[-1][1], number
        else:
            ranges.append((name, number, number))
    return [name if first < 0 else f"{name}({first})" if first == last else f"{name}({first} to {last})" for name, first, last in ranges]


def _sim_files(source: Source, values: dict[str, Any], hdl: dict[str, str]) -> dict[str, str]:
    """The bench of the wrapper of the RTL; none for an HLS core, whose VHDL the tool has yet to write."""
    if source.rtl is None:
        return {}
    name = values["name"]
    text = source.provenance.header("--", "test bench") + render("ugt/bench.vhd.j2", **values)
    bench = Bench(
        sources=compiled(hdl[f"firmware/cfg/{name}.dep"]),
        own={f"{name}_bench.vhd": text},
        vectors="vectors/TestVector_*.txt",
        without="%_score.txt",
        generics="-gFILE_IN=../../$$file -gSCORES=../../$${file%.txt}_score.txt",
    )
    return sim_files(source.provenance, bench)


def _vector_files(source: Source, filling: Filling, points: tuple[WorkingPoint, ...]) -> dict[str, bytes]:
    result: dict[str, bytes] = {}
    written: list[dict[str, Any]] = []
    for number, orbit in enumerate(orbits(source.contract, source.events, points, filling)):
        name = f"TestVector_{source.provenance.project}_{number:03d}"
        entry = {"vectors": f"{name}.txt", "scores": f"{name}_score.txt", "events": orbit.events}
        result |= {f"vectors/{entry['vectors']}": orbit.vectors, f"vectors/{entry['scores']}": orbit.scores}
        written.append(entry)
    content = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "project": source.provenance.project,
        "digest": source.provenance.digest,
        "tool": source.provenance.tool,
        "filling": asdict(filling),
        "algorithms": [asdict(point) for point in points],
        "orbits": written,
    }
    return result | {_DESCRIPTION: (json.dumps(content, indent=1) + "\n").encode()}


def _description(folder: Path) -> tuple[dict[str, Any], tuple[WorkingPoint, ...]]:
    """What `vectors.json` says, and the algorithm bits. Raises `UserError` when it is damaged."""
    path = folder / _DESCRIPTION
    try:
        content = json_content(path.read_bytes())
        _ = content["digest"], content["filling"]["crossings"]
        _ = [entry[key] for entry in content["orbits"] for key in ("vectors", "scores", "events")]
        return content, tuple(WorkingPoint(**point) for point in content["algorithms"])
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged or missing ({error}); deliver again") from error


def checks(folder: Path, contract: Contract) -> Iterator[Check]:
    """Whether vectors, constants and lists of sources in `folder` are those of `contract`."""
    yield check_sources(folder)
    name = Provenance.of(contract).project
    try:
        content, points = _description(folder)
    except UserError as error:
        yield Check("test vectors", False, str(error))
        return
    yield Check("test vectors name the contract", content["digest"] == contract.digest, f"digest {content['digest']}")
    thresholds = {point.bit: point.threshold for point in points}
    yield from check_constants(folder / f"firmware/hdl/{name}/{name}_pkg.vhd", contract, thresholds)
    yield _check_vectors(folder / "vectors", content, points, contract)


def _check_vectors(folder: Path, content: dict[str, Any], points: tuple[WorkingPoint, ...], contract: Contract) -> Check:
    name = "test vectors"
    total, differing = 0, 0
    for entry in content["orbits"]:
        try:
            found = _compare(folder, entry, points, contract)
        except (OSError, UserError) as error:
            return Check(name, False, str(error))
        if found.crossings != content["filling"]["crossings"]:
            return Check(
                name, False, f"{entry['vectors']}: {found.crossings} crossings, not {content['filling']['crossings']}; deliver again"
            )
        if found.differing and not differing:
            first = f"; the first in crossing {found.first} of {entry['vectors']}"
        total, differing = total + found.crossings, differing + found.differing
    where = first if differing else ""
    detail = f"{differing} differing crossings of {total} in {len(content['orbits'])} orbits{where}"
    return Check(name, differing == 0 and total > 0, detail)


def _compare(folder: Path, entry: dict[str, str], points: tuple[WorkingPoint, ...], contract: Contract) -> Difference:
    vectors, scores = ((folder / entry[key]).read_bytes() for key in ("vectors", "scores"))
    return compare_orbit(contract, points, vectors, scores, entry["vectors"])


def _slot(design: "Design | Timing", given: BudgetConfig) -> Fit:
    made = not isinstance(design, Timing)
    return SLOTS["ugt"].fit(latency=design.latency, interval=design.interval, period=design.clock_period, given=given, made=made)


UGT = Target(
    name="ugt",
    summary="test vectors, wrapper and sources for the CMS global trigger (Run 3)",
    needs=(),
    slot=_slot,
    files=files,
    checks=checks,
    copied=(*COPIED_HDL, "vectors/TestVector_*[0-9].txt"),
    by_products=("build/*",),
)
