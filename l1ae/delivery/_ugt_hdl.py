"""VHDL around the network as the global trigger instantiates it, for the RTL and for an HLS core."""

from collections.abc import Sequence
from typing import Any

from l1ae.delivery._ipbb import dep_file, rtl_sources
from l1ae.delivery._source import Source
from l1ae.delivery._templates import render
from l1ae.delivery._ugt_objects import SUMS, Wire, layout_of, wires
from l1ae.delivery._ugt_vectors import WorkingPoint
from l1ae.errors import UserError

__all__ = ["hdl_files", "model_package", "place_of", "values_of"]

_PORTS = {"muons": "mu", "egammas": "eg", "jets": "jet", "taus": "tau"}
_TYPES = {"mu": "l1ae_muons", "eg": "l1ae_calos", "jet": "l1ae_calos", "tau": "l1ae_calos"} | dict.fromkeys(SUMS, "l1ae_sum")
_CALOS = {"eg": "e/gamma", "jet": "jets", "tau": "taus"}
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
        "input_signed": contract.hardware.format.signed,
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


def _port(wire: Wire) -> str:
    return SUMS[wire.word] if wire.kind == "sums" else _PORTS[wire.kind]


def place_of(wire: Wire) -> dict[str, str]:
    """Port, word and bits of an input, for READMEs."""
    word = _port(wire) if wire.kind == "sums" else f"{_port(wire)}({wire.word})"
    return {"port": word, "bits": f"{wire.field.high}..{wire.field.low}", "sign": "two's complement" if wire.field.signed else ""}


def _bits(wire: Wire) -> str:
    """The number that a wire carries, as VHDL."""
    word = _port(wire) if wire.kind == "sums" else f"{_port(wire)}({wire.word})"
    if wire.field.charge:
        negative, known = f"{word}({wire.field.low})", f"{word}({wire.field.high})"
        return f"resize(signed(std_logic_vector'(({negative} and {known}) & {known})), INPUT_WIDTH)"
    return f"resize({'signed' if wire.field.signed else 'unsigned'}({word}({wire.field.high} downto {wire.field.low})), INPUT_WIDTH)"


def _cut(source: Source) -> list[dict[str, str]]:
    """Where each network input comes from, as VHDL."""
    found = {wire.input: wire for wire in wires(layout_of(source.contract.layout))}
    rows = []
    for k in range(source.contract.hardware.size):
        if k in found:
            rows.append({"name": found[k].name, "source": f"std_logic_vector({_bits(found[k])})"})
        else:
            rows.append({"name": f"input {k}, which the hardware does not have", "source": "(others => '0')"})
    return rows


def _objects(source: Source) -> dict[str, Any]:
    """Ports of the objects that the network reads, with their types, and what the comments say of the others."""
    read = {_port(wire) for wire in wires(layout_of(source.contract.layout))}
    unread = [name for port, name in _CALOS.items() if port not in read]
    return {
        "read": {port: kind for port, kind in _TYPES.items() if port in read},
        "muons": "muons" if "mu" in read else "muons (not read)",
        "calos": "e/gamma, jets, taus" + (f" ({', '.join(unread)} are not read)" if unread else ""),
        "sums": f"energy sums; the network reads {', '.join(port for port in SUMS if port in read) or 'none'}",
    }


def _sources(source: Source, values: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """File name to text, in order of compilation: what both variants need, and the wrapper of the RTL if there is any."""
    header, name, objects = source.provenance.header, values["name"], _objects(source)

    def made(template: str, what: str, **more: Any) -> str:
        return header("--", what) + render(f"ugt/{template}.vhd.j2", **values, **objects, **more)

    common = {
        "l1ae_ugt_pkg.vhd": made("l1ae_ugt_pkg", "types of the objects"),
        f"{name}_pkg.vhd": model_package(source, values),
        "l1ae_score_comparison.vhd": made("l1ae_score_comparison", "threshold on the score"),
        f"{name}_inputs.vhd": made("inputs", "inputs of the network", cut=_cut(source)),
    }
    if source.rtl is None:
        return common, {}
    more = {"entity": f"{name}_wrapper", "valid_meaning": "0 until the answer to the first objects that were sampled, then 1"}
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
    header = source.provenance.header("--", "wrapper for the global trigger, HLS core")
    text = header + render("ugt/hls_wrapper.vhd.j2", **values, **_objects(source), **more)
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
