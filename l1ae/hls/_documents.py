"""Text files of a project that are ours and not hls4ml's: its test bench and its README."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from l1ae import __version__
from l1ae.config import HlsConfig
from l1ae.contract import Contract
from l1ae.hls._project import namespace
from l1ae.inputs import Feature, Group, Layout

__all__ = ["Ports", "input_lsb", "project_readme", "render", "test_bench"]


@dataclass(frozen=True)
class Ports:
    """C++ names of what a user of the project looks for."""

    score: str
    trigger: str
    threshold: str


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package; a missing value is an error."""
    loader = jinja2.FunctionLoader(lambda name: (files("l1ae.hls") / "templates" / name).read_text())
    return (
        jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        .get_template(template)
        .render(values)
    )


def test_bench(contract: Contract, types: Mapping[str, Mapping[str, str | None]], events: int) -> str:
    """C++ of the project's own test bench, which fails when a value differs or one of the `events` is missing.

    `types`: C++ type names by layer and role.
    """
    score, trigger = contract.outputs
    form = contract.hardware.format
    return render(
        "test_bench.cpp.j2",
        project=contract.project,
        namespace=namespace(contract.project),
        events=events,
        n_in=contract.hardware.size,
        low=form.low,
        high=form.high,
        input_lsb=input_lsb(contract),
        input_type=types[contract.hardware.name]["output"],
        score_type=types[score]["output"],
        trigger_type=types[trigger]["output"],
    )


def project_readme(contract: Contract, hls: HlsConfig, ports: Ports) -> str:
    """The project's README: ports, inputs by the contract's layout if it has one, how to run the tools."""
    layout = contract.layout
    return render(
        "project_readme.md.j2",
        project=contract.project,
        namespace=namespace(contract.project),
        version=__version__,
        digest=contract.digest,
        hls=hls,
        n_in=contract.hardware.size,
        input_width=contract.hardware.format.width,
        input_format=contract.hardware.format.cpp,
        input_lsb=input_lsb(contract),
        ports=ports,
        score_format=contract.score.format.cpp,
        score_lsb=contract.score.format.lsb,
        trigger_format=contract.operations[-1].format.cpp,
        threshold=contract.threshold,
        preprocess=contract.preprocess,
        table=contract.input_table,
        bins=contract.input_bins,
        lookups=contract.input_lookups,
        added=contract.added_names,
        gated=bool((contract.gate >= 0).any()),
        layout=layout,
        groups=[] if layout is None else [_group_row(group, layout) for group in layout.groups],
        inputs=_input_rows(contract),
    )


def input_lsb(contract: Contract) -> float | None:
    """What one step of a hardware code is worth at the port; None where the port takes the codes themselves."""
    form = contract.hardware.format
    return None if form.fraction == 0 else form.lsb


def _group_row(group: Group, layout: Layout) -> dict[str, Any]:
    """Where a group is, and what its features are."""
    columns = layout.where(group.name)
    return {
        "columns": f"{columns.start}" if group.size == 1 else f"{columns.start} to {columns.stop - 1}",
        "name": group.name if group.label == group.name else f"{group.name}: {group.label}",
        "kind": group.kind,
        "slots": group.slots if group.axes is None else " x ".join(f"{axis.size} {axis.name}" for axis in group.axes),
        "features": ", ".join(f"{feature.name} ({meaning_of(feature)})" for feature in group.features),
        "empty": "never" if group.gate_feature is None else f"{group.gate_feature} is 0",
    }


def meaning_of(feature: Feature) -> str:
    """What one code of a feature stands for, and what else its codes say, in a few words."""
    if feature.absent:
        return "absent, 0"
    parts = [f"{feature.lsb:.6g} {feature.unit}".strip()]
    if feature.origin:
        parts.append(f"0 is code {feature.origin}")
    if feature.period is not None:
        parts.append(f"{feature.period} codes once around")
    if feature.saturation is not None:
        parts.append(f"{feature.saturation} and above")
    return "; ".join(parts)


def _input_rows(contract: Contract) -> list[dict[str, Any]]:
    """What arrives (names and scales are the layout's) and what the firmware makes of it (the contract's)."""
    port, layout = contract.hardware, contract.layout
    names = (*contract.input_names, *contract.added_names)
    ends = (port.low, port.high) if layout is None else layout.code_range
    added = [contract.intervals[item.name] for item in contract.added]
    low, high = [*ends[0], *(item.low[0] for item in added)], [*ends[1], *(item.high[0] for item in added)]
    scales = [""] * port.size if layout is None else [_scale(column.feature) for column in layout.columns]
    scales += [""] * len(added)
    gate = [*contract.gate, *(-1 for _ in added)]
    shifted = _first_operations(contract)
    return [
        {
            "index": k,
            "name": names[k],
            "low": low[k],
            "high": high[k],
            "lsb": scales[k],
            "offset": shifted[k][0],
            "shift": shifted[k][1],
            "gate": "" if gate[k] < 0 else names[gate[k]],
        }
        for k in range(len(names))
    ]


def _first_operations(contract: Contract) -> list[tuple[str, str]]:
    """Offset and shift of every input, or in their place what else is made of it and how many steps that has."""
    rows = [("", "")] * contract.event.size
    if (preprocess := contract.preprocess) is not None:
        offsets = [f"{value:.10g}" for value in preprocess.offset / 2**preprocess.offset_fraction]
        rows = list(zip(offsets, map(str, preprocess.shift), strict=True))
    if (table := contract.input_table) is not None:
        for k in np.flatnonzero(table.bits).tolist():
            rows[k] = ("table", f"{len(table.starts[k])} steps")
    for lookup in contract.input_lookups:
        for column in {column for index in lookup.index for column in index}:
            rows[column] = ("address", "")
    edges: dict[int, list[str]] = {}
    for item in contract.input_bins:
        for column, row in zip(item.index.tolist(), item.edges, strict=True):
            edges.setdefault(column, []).append(str(len(row)))
    return [("bins", f"{' and '.join(edges[k])} edges") if k in edges else row for k, row in enumerate(rows)]


def _scale(feature: Feature) -> str:
    return "absent, 0" if feature.absent else f"{feature.lsb:.6g} {feature.unit}".strip()
