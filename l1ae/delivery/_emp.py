"""Target `emp`: payload, buffer files and sources for a board with the EMP framework."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from l1ae.config import SLOTS, BudgetConfig, Fit
from l1ae.contract import Contract
from l1ae.delivery._emp_buffers import Buffer, read_buffer, write_buffer
from l1ae.delivery._emp_links import Links, answers_of, events_of, frames_of
from l1ae.delivery._inputs import cost_values, input_rows, rate_values
from l1ae.delivery._ipbb import check_constants, check_sources, compiled, dep_file, rtl_of, rtl_sources
from l1ae.delivery._sim import Bench, sim_files
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import COPIED_HDL, Check, Target, Timing
from l1ae.delivery._templates import render
from l1ae.delivery._ugt_hdl import model_package, values_of
from l1ae.delivery._ugt_vectors import WorkingPoint, working_points
from l1ae.errors import UserError
from l1ae.files import json_content

if TYPE_CHECKING:
    from l1ae.rtl_results import Design

__all__ = ["EMP", "checks", "files"]

_FORMAT = "l1ae-emp-buffers"
_FORMAT_VERSION = 1
_DESCRIPTION = "buffers/buffers.json"


def files(source: Source) -> dict[str, bytes]:
    """All files by relative path. Raises `UserError` when there is no RTL, or when words or score do not fit into frames."""
    links = Links.of(rtl_of(source).design)
    points = working_points(source.contract, source.working_points)
    values = values_of(source, points) | {"links": links, "crossings": -(-links.delay // links.frames)}
    provenance = source.provenance
    more = {"input_rows": _places(source, links)} | rate_values(source.working_points) | cost_values(source.cost)
    readme = f"<!--\n{provenance.header('', 'for an EMP board')}-->\n" + render("emp/README.md.j2", **values, **more)
    table = f"<!--\n{provenance.header('', 'registers')}-->\n" + render("emp/emp_payload.xml.j2", **values)
    hdl = _hdl_files(source, values)
    texts = {"README.md": readme, "addr_table/emp_payload.xml": table, **hdl, **_sim_files(source, values, hdl)}
    return {path: text.encode() for path, text in texts.items()} | _buffer_files(source, links, points)


def _hdl_files(source: Source, values: dict[str, Any]) -> dict[str, str]:
    from l1ae.rtl._firmware import firmware_source

    name, header = values["name"], source.provenance.header

    def made(template: str, what: str) -> str:
        return header("--", what) + render(f"{template}.vhd.j2", **values)

    before = {f"{name}/{name}_pkg.vhd": model_package(source, values)}
    before[f"{name}/l1ae_score_comparison.vhd"] = made("ugt/l1ae_score_comparison", "threshold on the score")
    before[f"{name}/l1ae_framer.vhd"] = firmware_source("l1ae_framer.vhd")
    after = {
        f"{name}/{name}_emp.vhd": made("emp/algorithm", "network on links"),
        f"{name}/emp_payload.vhd": made("emp/emp_payload", "payload of the board"),
    }
    sources = before | rtl_sources(rtl_of(source), f"{name}/rtl") | after
    dep = dep_file(source.provenance, list(sources), "payload") + "addrtab emp_payload.xml\n"
    return {f"firmware/hdl/{path}": text for path, text in sources.items()} | {f"firmware/cfg/{name}_emp.dep": dep}


def _places(source: Source, links: Links) -> list[dict[str, Any]]:
    """Every input with its place in the frames of an event."""
    rows = []
    for row in input_rows(source.contract):
        beat, lane = divmod(row["word"], links.lanes)
        link, slot = divmod(lane, links.slots)
        rows.append(row | {"frame": beat, "link": link, "bits": f"{(slot + 1) * links.slot - 1}..{slot * links.slot}"})
    return rows


def _sim_files(source: Source, values: dict[str, Any], hdl: dict[str, str]) -> dict[str, str]:
    """The bench of the network on links, without the payload: that one needs the framework."""
    name, header = values["name"], source.provenance.header
    texts = {"emp_data_types.vhd": "types for the bench", f"{name}_bench.vhd": "test bench"}
    templates = dict(zip(texts, ("emp_data_types", "bench"), strict=True))
    bench = Bench(
        sources=[path for path in compiled(hdl[f"firmware/cfg/{name}_emp.dep"]) if not path.endswith("/emp_payload.vhd")],
        own={path: header("--", what) + render(f"emp/{templates[path]}.vhd.j2", **values) for path, what in texts.items()},
        vectors="buffers/*_in.txt",
        generics="-gFILE_IN=../../$$file -gFILE_OUT=../../$${file%_in.txt}_out.txt",
    )
    return sim_files(source.provenance, bench)


def _buffer_files(source: Source, links: Links, points: tuple[WorkingPoint, ...]) -> dict[str, bytes]:
    result: dict[str, bytes] = {}
    written: list[dict[str, Any]] = []
    project, digest = source.provenance.project, source.provenance.digest
    for number, start in enumerate(range(0, len(source.events), links.capacity)):
        events = source.events[start : start + links.capacity]
        inputs = frames_of(events, links, f"{project} {digest}")
        entry = {"inputs": f"{project}_{number:03d}_in.txt", "outputs": f"{project}_{number:03d}_out.txt", "events": len(events)}
        result[f"buffers/{entry['inputs']}"] = write_buffer(inputs)
        result[f"buffers/{entry['outputs']}"] = write_buffer(answers_of(source.contract, points, inputs, links))
        written.append(entry)
    content = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "project": project,
        "digest": digest,
        "tool": source.provenance.tool,
        "links": asdict(links),
        "working_points": [asdict(point) for point in points],
        "buffers": written,
    }
    return result | {_DESCRIPTION: (json.dumps(content, indent=1) + "\n").encode()}


def _description(folder: Path) -> tuple[dict[str, Any], Links, tuple[WorkingPoint, ...]]:
    """What `buffers.json` says. Raises `UserError` when it is damaged."""
    path = folder / _DESCRIPTION
    try:
        content = json_content(path.read_bytes())
        _ = content["digest"], [entry[key] for entry in content["buffers"] for key in ("inputs", "outputs", "events")]
        return content, Links(**content["links"]), tuple(WorkingPoint(**point) for point in content["working_points"])
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged or missing ({error}); deliver again") from error


def checks(folder: Path, contract: Contract) -> Iterator[Check]:
    """Whether buffers, constants and the list of sources in `folder` are those of `contract`."""
    yield check_sources(folder)
    name = Provenance.of(contract).project
    try:
        content, links, points = _description(folder)
    except UserError as error:
        yield Check("buffers", False, str(error))
        return
    yield Check("buffers name the contract", content["digest"] == contract.digest, f"digest {content['digest']}")
    thresholds = {point.bit: point.threshold for point in points}
    yield from check_constants(folder / f"firmware/hdl/{name}/{name}_pkg.vhd", contract, thresholds)
    yield _check_buffers(folder / "buffers", content, links, points, contract)


def _check_buffers(folder: Path, content: dict[str, Any], links: Links, points: tuple[WorkingPoint, ...], contract: Contract) -> Check:
    name, total, differing, where = "buffers", 0, 0, ""
    for entry in content["buffers"]:
        try:
            inputs, outputs = (_read(folder / entry[key], contract) for key in ("inputs", "outputs"))
            found = len(events_of(inputs, links, entry["inputs"])[0])
            if found != entry["events"]:
                raise UserError(f"{found} events, and {_DESCRIPTION} says {entry['events']}; deliver again")
            wrong = _differing(answers_of(contract, points, inputs, links), outputs)
        except (OSError, UserError) as error:
            return Check(name, False, f"{entry['inputs']}: {error}")
        if wrong and not differing:
            where = f"; the first is frame {wrong[0]} of {entry['outputs']}"
        total, differing = total + len(outputs.data), differing + len(wrong)
    return Check(name, differing == 0 and total > 0, f"{differing} differing frames of {total} in {len(content['buffers'])} buffers{where}")


def _read(path: Path, contract: Contract) -> Buffer:
    """A buffer that names the contract and that is written again as it was read."""
    content = path.read_bytes()
    buffer = read_buffer(content, path.name)
    if buffer.identity != f"{contract.project} {contract.digest}":
        raise UserError(f"{path.name}: its ID is '{buffer.identity}', which is not this contract's; deliver again")
    if write_buffer(buffer) != content:
        raise UserError(f"{path.name}: written again, it is another file; deliver it again")
    return buffer


def _differing(expected: Buffer, found: Buffer) -> list[int]:
    """Frames that differ."""
    if (found.channels, found.data.shape) != (expected.channels, expected.data.shape):
        raise UserError(
            f"channels {found.channels} with {len(found.data)} frames, not {expected.channels} with {len(expected.data)}; deliver again"
        )
    wrong = (expected.data != found.data).any(axis=1) | (expected.flags != found.flags).any(axis=(1, 2))
    return [int(frame) for frame in np.flatnonzero(wrong)]


def _slot(design: "Design | Timing", given: BudgetConfig) -> Fit:
    """From the first frame of an event on, as the buffers count."""
    try:
        links = Links.of(design)
    except UserError as error:
        return Fit("emp", False, f"does not fit into an EMP board: {error}")
    return SLOTS["emp"].fit(
        latency=design.latency,
        interval=design.interval,
        period=design.clock_period,
        given=given,
        collected=links.beats,
        made=not isinstance(design, Timing),
    )


EMP = Target(
    name="emp",
    summary="payload, buffer files and sources for a board with the EMP framework (Phase 2)",
    needs=("rtl",),
    takes=("rtl",),
    slot=_slot,
    files=files,
    checks=checks,
    copied=COPIED_HDL,
    by_products=("build/*",),
)
