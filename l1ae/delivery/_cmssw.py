"""Target `cmssw`: the firmware's C++ as a library behind the interface through which CMSSW asks an emulated trigger."""

import inspect
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract
from l1ae.delivery import _emulator
from l1ae.delivery._cmssw_library import EVENTS_FILE, build_library, check_delivery, events_header, library_path
from l1ae.delivery._cmssw_scales import address_rows, column_rows, edge_rows, group_values, preprocessing_rows, table_rows
from l1ae.delivery._source import Source
from l1ae.delivery._target import Target
from l1ae.delivery._templates import render
from l1ae.errors import UserError
from l1ae.files import json_content
from l1ae.hls._documents import input_lsb
from l1ae.hls._documents import render as render_hls
from l1ae.hls._project import TYPES_FILE, namespace

__all__ = ["CMSSW"]

_FUNCTIONS = ("version", "project", "digest", "inputs", "error", "evaluate")

# One array of constants: the only thing in a header of the firmware's weights.
_CONSTANTS = re.compile(r"^(?P<type>[A-Za-z_]\w*) (?P<name>\w+)\[(?P<length>\d+)\] = \{[^{}]*\};$", re.MULTILINE)


def _files(source: Source) -> dict[str, bytes]:
    """All files of the target by relative path. Raises `UserError` without an HLS project."""
    if source.hls is None:
        raise UserError("the emulator is made of the HLS project, and there is none; run `l1ae hls` first")
    firmware = {path: content for path, content in source.hls.items() if path.startswith("firmware/") and path.endswith((".h", ".cpp"))}
    texts = _texts(source, json_content(source.hls[TYPES_FILE]), firmware)
    made = firmware | {path: text.encode() for path, text in texts.items()}
    return {f"{source.contract.project}/{path}": content for path, content in made.items()}


def _texts(source: Source, types: Mapping[str, Mapping[str, str]], firmware: Mapping[str, bytes]) -> dict[str, str]:
    provenance = source.provenance
    name = provenance.project
    values = _values(source, types, firmware)

    def cpp(what: str, template: str) -> str:
        return provenance.header("//", what) + "\n" + render(f"cmssw/{template}", **values)

    return {
        "emulator.cpp": cpp("library", "emulator.cpp.j2"),
        "numbers.h": cpp("weights", "numbers.h.j2"),
        "interface/emulator.h": cpp("interface of CMSSW", "emulator.h"),
        f"interface/{name}_c.h": cpp("C interface", "c_api.h.j2"),
        f"interface/{name}_model.h": cpp("model and working points", "model.h.j2"),
        f"interface/{name}_scales.h": cpp("scales of the inputs", "scales.h.j2"),
        "test/loader.cpp": cpp("test program", "loader.cpp"),
        "exports.map": provenance.header("#", "exported symbols") + render("cmssw/exports.map.j2", **values),
        "Makefile": provenance.header("#", "emulator") + render("cmssw/Makefile.j2", **values),
        "README.md": f"<!--\n{provenance.header('', 'emulator')}-->\n" + render("cmssw/README.md.j2", **values),
        EVENTS_FILE: _events_text(source),
        f"{name}_emulator.py": _python(source),
    }


def _values(source: Source, types: Mapping[str, Mapping[str, str]], firmware: Mapping[str, bytes]) -> dict[str, Any]:
    contract, provenance, port = source.contract, source.provenance, source.contract.hardware
    score, trigger = contract.outputs
    return {
        "project": provenance.project,
        "namespace": namespace(provenance.project),
        "version": provenance.version,
        "digest": provenance.digest,
        "functions": _FUNCTIONS,
        "port_template": render_hls("port.h.j2"),
        "port": port.format,
        "input_lsb": input_lsb(contract),
        "arrays": _arrays(firmware),
        "input_type": types[port.name]["output"],
        "score_type": types[score]["output"],
        "trigger_type": types[trigger]["output"],
        "inputs": [
            {"name": name, "low": low, "high": high} for name, low, high in zip(contract.input_names, port.low, port.high, strict=True)
        ],
        "score": contract.score,
        "score_scale": str(Fraction(2) ** contract.score.format.fraction),
        "threshold": contract.threshold,
        **_scales(contract),
        **_working_points(source.working_points),
    }


def _arrays(firmware: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Type, name, length and header of every array of constants; a header of another form is compiled as it is."""
    found = []
    for path in sorted(path for path in firmware if path.startswith("firmware/weights/")):
        match = _CONSTANTS.search(firmware[path].decode())
        if match is not None:
            found.append({"file": path.removeprefix("firmware/weights/"), **match.groupdict()})
    return found


def _working_points(content: Mapping[str, Any] | None) -> dict[str, Any]:
    points = content["working_points"] if content is not None else []
    return {
        "points": [
            {
                "name": json.dumps(point["name"]),
                "threshold": int(point["threshold"]),
                "requested_khz": float(point["requested_khz"]),
                "raw_khz": _khz(point["raw"]),
                "pure_khz": _khz(point["pure"]),
            }
            for point in points
            if point["threshold"] is not None
        ],
        "impossible": [json.dumps(point["name"]) for point in points if point["threshold"] is None],
    }


def _khz(rate: Mapping[str, float] | None) -> float:
    return -1.0 if rate is None else float(rate["khz"])


def _scales(contract: Contract) -> dict[str, Any]:
    layout = contract.layout
    return {
        "preprocess": contract.preprocess,
        "preprocessing": preprocessing_rows(contract),
        "table": contract.input_table,
        "steps": table_rows(contract),
        "edges": edge_rows(contract),
        "addresses": address_rows(contract),
        "first": _first(contract),
        "layout": layout,
        "added": contract.added_names,
        "rows": [] if layout is None else column_rows(layout),
        "groups": [] if layout is None else group_values(layout),
    }


def _first(contract: Contract) -> str:
    """What the scales' header has of the operations that read the codes."""
    kinds = {
        "offsets and shifts before the network": contract.preprocess is not None,
        "steps of the tables of inputs": contract.input_table is not None,
        "edges of the bins of inputs": bool(contract.input_bins),
        "bits that address tables": bool(contract.input_lookups),
    }
    return ", ".join(kind for kind, there in kinds.items() if there) or "no preprocessing"


def _events_text(source: Source) -> str:
    """Hardware codes, score code and trigger bit, one event per line."""
    provenance = source.provenance
    events = source.events.reshape(len(source.events), -1)
    scores, triggers = source.answers
    table: npt.NDArray[np.int64] = np.column_stack([events, scores, triggers.astype(np.int64)])
    return (
        provenance.header("#", "events and the contract's answers: hardware codes, score code, trigger bit")
        + f"{events_header(source.contract, len(events))}\n"
        + "".join(" ".join(map(str, row)) + "\n" for row in table.tolist())
    )


def _python(source: Source) -> str:
    """The module `_emulator` as it is, a function that loads the library next to it, and what its inputs are.

    Its name is not the library's: Python would take that for an extension module and import it instead.
    """
    provenance = source.provenance
    module = inspect.getsource(_emulator).replace(
        '["Emulator", "EmulatorError"]', '["COLUMNS", "GROUPS", "Emulator", "EmulatorError", "load"]'
    )
    return (
        provenance.header("#", "the library from Python")
        + module.replace("import ctypes\n", "import ctypes\nimport json\n", 1)
        + f'''

_INPUTS = json.loads(
    r"""
{_inputs_as_json(source.contract)}
"""
)

COLUMNS: tuple[str, ...] = tuple(_INPUTS["columns"])
"""Names of the hardware codes, in their order."""

GROUPS: tuple[dict[str, object], ...] = tuple(_INPUTS["groups"])
"""Objects, sums, images or waveforms in the order of the codes. Feature k of slot s of a group is code
`first + len(features) * s + k`. A slot is empty where the code of its feature `gate` is 0 (None: never), and then all its codes are 0.
Code c of a feature stands for [c - origin, c - origin + 1) x lsb (`bin`: edge) or for values around (c - origin) x lsb (centre)."""


def load() -> Emulator:
    """{provenance.project} from the folder of this file. Raises `EmulatorError` when the library there is of another contract."""
    path = Path(__file__).resolve().with_name("{provenance.project}.so")
    return Emulator(path, version={provenance.version}, digest="{provenance.digest}")
'''
    )


def _inputs_as_json(contract: Contract) -> str:
    """Columns and groups, in lines that a person can read."""
    texts = []
    for group in [] if contract.layout is None else group_values(contract.layout):
        axes = [{"name": axis["name"], "unit": axis["unit"], "edges": [float(edge) for edge in axis["edges"]]} for axis in group["axes"]]
        head = {key: group[key] for key in ("name", "title", "kind", "first", "slots", "gate")} | ({"axes": axes} if axes else {})
        features = ",\n".join("   " + json.dumps(feature).replace(', "origin"', ',\n    "origin"') for feature in group["features"])
        texts.append(f'  {json.dumps(head)[:-1]},\n   "features": [\n{features}]}}')
    columns = fill(", ".join(map(json.dumps, contract.input_names)), 120, initial_indent="  ", subsequent_indent="  ")
    groups = ",\n".join(texts)
    return f'{{"columns": [\n{columns}],\n "groups": [\n{groups}]}}'


def _finish(folder: Path) -> None:
    """Build the library."""
    for makefile in sorted(folder.glob("*/Makefile")):
        build_library(makefile.parent)


def _built(contract: Contract) -> tuple[str, ...]:
    return (library_path(contract),)


CMSSW = Target(
    name="cmssw",
    summary="library with the firmware's C++ for CMSSW and Python, one per version",
    needs=("hls",),
    takes=("hls",),
    files=_files,
    checks=check_delivery,
    finish=_finish,
    built=_built,
    copied=("*/firmware/ap_types/*", "*/firmware/nnet_utils/*"),
)
