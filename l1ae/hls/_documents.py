"""Text files of a project that are ours and not hls4ml's: its test bench and its README."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from l1ae import __version__
from l1ae.config import HlsConfig
from l1ae.contract import Contract
from l1ae.hls._project import namespace
from l1ae.inputs import InputSpec

__all__ = ["project_readme", "render", "test_bench"]


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package; a missing value is an error."""
    loader = jinja2.FunctionLoader(lambda name: (files("l1ae.hls") / "templates" / name).read_text())
    return (
        jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        .get_template(template)
        .render(values)
    )


def test_bench(contract: Contract, types: Mapping[str, Mapping[str, str]]) -> str:
    """C++ of the project's own test bench, which fails when a value differs. `types`: C++ type names by layer and role."""
    score, trigger = contract.outputs
    return render(
        "test_bench.cpp.j2",
        project=contract.project,
        namespace=namespace(contract.project),
        n_in=contract.hardware.size,
        input_type=types[contract.hardware.name]["output"],
        score_type=types[score]["output"],
        trigger_type=types[trigger]["output"],
    )


def project_readme(contract: Contract, hls: HlsConfig, spec: InputSpec, ports: Sequence[str]) -> str:
    """The project's README: ports, inputs, how to run the tools. `ports`: C++ names of score and trigger bit."""
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
        network_format=spec.network.cpp,
        score_port=ports[0],
        trigger_port=ports[1],
        score_format=contract.score.format.cpp,
        score_lsb=contract.score.format.lsb,
        trigger_format=contract.operations[-1].format.cpp,
        threshold=contract.threshold,
        threshold_file=f"threshold{len(contract.operations)}.h",
        inputs=_input_rows(spec),
    )


def _input_rows(spec: InputSpec) -> list[dict[str, Any]]:
    low, high = spec.code_range
    scales = [scale for group in spec.groups for _ in range(group.count) for scale in group.scales]
    units = ("GeV", "", "rad") * spec.slots
    return [
        {
            "index": k,
            "name": name,
            "low": low[k],
            "high": high[k],
            "lsb": "absent, 0" if scale is None else f"{scale.lsb:.6g} {unit}".strip(),
            "offset": spec.offset[k],
            "shift": spec.shift[k],
        }
        for k, (name, scale, unit) in enumerate(zip(spec.names, scales, units, strict=True))
    ]
