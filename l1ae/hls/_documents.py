"""Text files of a project that are ours and not hls4ml's: its test bench and its README."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2

from l1ae import __version__
from l1ae.config import HlsConfig
from l1ae.contract import Contract, Preprocess
from l1ae.hls._project import namespace
from l1ae.inputs import InputSpec, InputView, RegionSpec

__all__ = ["Ports", "project_readme", "render", "test_bench"]


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


def test_bench(contract: Contract, types: Mapping[str, Mapping[str, str | None]]) -> str:
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


def project_readme(contract: Contract, hls: HlsConfig, spec: InputView | None, ports: Ports) -> str:
    """The project's README: ports, inputs, how to run the tools. `spec` names the inputs, where there is one of their number."""
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
        ports=ports,
        score_format=contract.score.format.cpp,
        score_lsb=contract.score.format.lsb,
        trigger_format=contract.operations[-1].format.cpp,
        threshold=contract.threshold,
        preprocess=_preprocess(contract),
        inputs=_input_rows(contract, spec if spec is not None and spec.size == contract.hardware.size else None),
    )


def _preprocess(contract: Contract) -> Preprocess | None:
    return next((operation for operation in contract.operations if isinstance(operation, Preprocess)), None)


def _input_rows(contract: Contract, spec: InputView | None) -> list[dict[str, Any]]:
    """What arrives (the names and scales are the view's) and what the firmware makes of it (the contract's)."""
    port, preprocess = contract.hardware, _preprocess(contract)
    names = spec.names if spec is not None else [f"input{k}" for k in range(port.size)]
    low, high = spec.code_range if spec is not None else (port.low, port.high)
    return [
        {
            "index": k,
            "name": name,
            "low": low[k],
            "high": high[k],
            "lsb": lsb,
            "offset": "" if preprocess is None else preprocess.offset[k],
            "shift": "" if preprocess is None else preprocess.shift[k],
            "gate": "" if preprocess is None or preprocess.gate[k] < 0 else names[preprocess.gate[k]],
        }
        for k, (name, lsb) in enumerate(zip(names, _units(spec, port.size), strict=True))
    ]


def _units(spec: InputView | None, size: int) -> list[str]:
    """LSB and unit of every input, where the view has them."""
    if isinstance(spec, RegionSpec):
        return [f"{spec.et.lsb:.6g} GeV"] * size
    if isinstance(spec, InputSpec):
        scales = [scale for group in spec.groups for _ in range(group.count) for scale in group.scales]
        units = ("GeV", "", "rad") * spec.slots
        return ["absent, 0" if scale is None else f"{scale.lsb:.6g} {unit}".strip() for scale, unit in zip(scales, units, strict=True)]
    return [""] * size
