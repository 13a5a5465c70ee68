"""VHDL around the network as the global trigger instantiates it, for the RTL and for an HLS core."""

from collections.abc import Sequence
from typing import Any

from l1ae.delivery._ipbb import dep_file, rtl_sources
from l1ae.delivery._source import Source
from l1ae.delivery._templates import render
from l1ae.delivery._ugt_objects import SUMS, Wire, wires
from l1ae.delivery._ugt_vectors import WorkingPoint
from l1ae.errors import UserError

__all__ = ["hdl_files", "model_package", "values_of"]

_PORTS = {"muons": "mu", "egammas": "eg", "jets": "jet"}
_INTEGER = 2**31  # VHDL's integers are below


def values_of(source: Source, points: Sequence[WorkingPoint]) -> dict[str, Any]:
    """What the templates of the firmware targets are filled with. Raises `UserError` for a threshold that is no VHDL integer."""
    contract, provenance = source.contract, source.provenance
    design = source.rtl.design if source.rtl else None
    score = contract.score.format
    for threshold in (contract.threshold, *(point.threshold for point in points)):
        if not -_INTEGER < threshold < _INTEGER:
            raise UserError(f"threshold {threshold} is no integer of VHDL (32 bits); give the score fewer bits in model.score_type")
    return {
        "name": provenance.project,
        "version": provenance.version,
        "digest": provenance.short_digest,
        "long_digest": provenance.digest,
        "tool_version": provenance.tool,
        "inputs": contract.hardware.size,
        "input_width": contract.hardware.format.width,
        "score_width": score.width,
        "score_signed": str(score.signed).lower(),
        "score_fraction": score.fraction,
        "score_lsb": score.lsb,
        "threshold": contract.threshold,
        "points": points,
        "latency": design.latency if design else None,
        "interval": design.interval if design else None,
        "clock_period": design.clock_period if design else None,
    }


def model_package(source: Source, values: dict[str, Any]) -> str:
    """Constants of the model."""
    return source.provenance.header("--", "constants") + render("ugt/model_pkg.vhd.j2", **values)


def _word(wire: Wire) -> str:
    return SUMS[wire.word] if wire.kind == "sums" else f"{_PORTS[wire.kind]}({wire.word})"


def _cut(source: Source) -> list[dict[str, str]]:
    """Where each network input comes from, as VHDL."""
    found = {wire.input: wire for wire in wires()}
    rows = []
    for k in range(source.contract.hardware.size):
        if k not in found:
            rows.append({"name": f"input {k}, which the hardware does not have", "source": "(others => '0')"})
            continue
        wire, kind = found[k], "signed" if found[k].field.signed else "unsigned"
        bits = f"{_word(wire)}({wire.field.high} downto {wire.field.low})"
        rows.append({"name": wire.name, "source": f"std_logic_vector(resize({kind}({bits}), INPUT_WIDTH))"})
    return rows


def _sources(source: Source, values: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """File name to text, in order of compilation: what both variants need, and the wrapper of the RTL if there is any."""
    header, name = source.provenance.header, values["name"]

    def made(template: str, what: str, **more: Any) -> str:
        return header("--", what) + render(f"ugt/{template}.vhd.j2", **values, **more)

    common = {
        "l1ae_ugt_pkg.vhd": made("l1ae_ugt_pkg", "types of the objects"),
        f"{name}_pkg.vhd": model_package(source, values),
        "l1ae_score_comparison.vhd": made("l1ae_score_comparison", "threshold on the score"),
        f"{name}_inputs.vhd": made("inputs", "inputs of the network", cut=_cut(source)),
    }
    if source.rtl is None:
        return common, {}
    more = {"entity": f"{name}_wrapper", "valid_meaning": f"1 after {values['latency']} edges and the one that takes the first objects"}
    return common, {f"{name}_wrapper.vhd": made("wrapper", "wrapper for the global trigger", **more)}


def _hls_wrapper(source: Source, values: dict[str, Any]) -> dict[str, str]:
    """The wrapper of the HLS core if there is any; none for a core with streams, which has other ports."""
    hls, name = source.config.hls, values["name"]
    if source.hls is None or hls.io_type == "io_stream":
        return {}
    vivado = hls.backend == "Vivado"
    more = {
        "entity": f"{name}_hls_wrapper",
        "valid_meaning": "the core's ap_vld of the score",
        "suffix": "_V" if vivado else "",
        "tool": "Vivado HLS" if vivado else "Vitis HLS",
    }
    text = source.provenance.header("--", "wrapper for the global trigger, HLS core") + render("ugt/hls_wrapper.vhd.j2", **values, **more)
    return {f"{name}_hls_wrapper.vhd": text}


def hdl_files(source: Source, points: Sequence[WorkingPoint]) -> dict[str, str]:
    """Sources and files for ipbb, by path in the delivery. Raises `UserError` when there is no network to wrap."""
    values = values_of(source, points)
    name, provenance = values["name"], source.provenance
    common, wrapper = _sources(source, values)
    hls = _hls_wrapper(source, values)
    if not wrapper and not hls:
        raise UserError("there is neither RTL nor an HLS project of io_parallel to wrap; run `l1ae rtl`, or `l1ae hls` without streams")
    rtl = rtl_sources(source.rtl, f"{name}/rtl") if source.rtl else {}
    own = {f"{name}/{path}": text for path, text in (common | wrapper | hls).items()}

    def listed(*parts: dict[str, str]) -> list[str]:
        return [f"{name}/{path}" for part in parts for path in part]

    deps = {}
    if wrapper:
        deps[f"{name}.dep"] = dep_file(provenance, [*listed(common), *rtl, *listed(wrapper)], "sources with the RTL")
    if hls:
        comments = ("Add the VHDL that the HLS tool wrote (syn/vhdl of its solution) below.",)
        deps[f"{name}_hls.dep"] = dep_file(provenance, listed(common, hls), "sources around the HLS core", comments)
    sources = {f"firmware/hdl/{path}": text for path, text in (rtl | own).items()}
    return sources | {f"firmware/cfg/{path}": text for path, text in deps.items()}
