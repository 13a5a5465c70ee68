"""Target `vivado`: scripts that take the HLS project to an IP and both designs through Vivado, and judge what comes out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from l1ae.contract import Contract
from l1ae.delivery._inputs import cost_values, input_rows
from l1ae.delivery._sim import Bench, sim_files
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import Check
from l1ae.delivery._templates import render, template_text
from l1ae.delivery._vivado_dry_run import TOOLS, dry_run, tclsh
from l1ae.errors import UserError
from l1ae.tools import VENDOR_TOOLS

__all__ = ["checks", "files"]

_SCRIPTS = {
    "scripts/checks.tcl": "judgement of figures against limits",
    "scripts/hls.tcl": "C simulation, C synthesis, cosimulation, export",
    "scripts/implement.tcl": "synthesis, placement and routing out of context",
}


def files(source: Source) -> dict[str, bytes]:
    """The delivery by relative path: `hls/` and `rtl/` as they were made, and what runs the vendor tools on them.

    The same source gives the same bytes. `run.sh` and `scripts/vendor_tools.sh` are run by `sh` and need no file mode. Raises
    `UserError` when there is neither an HLS project nor RTL.
    """
    if source.hls is None and source.rtl is None:
        raise UserError("there is neither an HLS project nor RTL to deliver; run `l1ae hls` or `l1ae rtl` first")
    result = {f"hls/{path}": content for path, content in (source.hls or {}).items()}
    if source.rtl is not None:
        sources = dict.fromkeys((*source.rtl.verilog, *source.rtl.vhdl))
        result |= {f"rtl/{path}": source.rtl.files[path].encode() for path in sources}
    texts = _static(source.provenance) | _rendered(source) | _sim_files(source)
    return result | {path: text.encode() for path, text in texts.items()}


def _static(provenance: Provenance) -> dict[str, str]:
    header = provenance.header
    script, finder = _text("run.sh"), VENDOR_TOOLS.read_text().removeprefix("#!/bin/sh\n")
    content = {"project": provenance.project, "digest": provenance.digest, "tool": provenance.tool}
    texts = {path: header("#", what) + _text(path.removeprefix("scripts/")) for path, what in _SCRIPTS.items()}
    return texts | {
        "Makefile": header("#", "steps of run.sh") + _text("Makefile"),
        "run.sh": "#!/bin/sh\n" + header("#", "runs the vendor tools") + script,
        "scripts/vendor_tools.sh": "#!/bin/sh\n" + header("#", "finds the vendor tools") + finder,
        "provenance.json": json.dumps(content, indent=1) + "\n",
    }


def _rendered(source: Source) -> dict[str, str]:
    provenance, config = source.provenance, source.config
    hls = config.hls if source.hls is not None else None
    rtl = source.rtl
    values = {
        "project": provenance.project,
        "digest": provenance.digest,
        "version": provenance.version,
        "hls": hls,
        "rtl": rtl,
        **_port_values(source),
        **cost_values(source.cost),
        "rtl_part": config.rtl_part,
        "rtl_clock_period": None if rtl is None else rtl.design.clock_period,
        "budget": {name: limit for name, limit in config.budget.model_dump().items() if limit is not None},
    }
    texts = {
        "settings.tcl": provenance.header("#", "settings of the scripts") + render("vivado/settings.tcl.j2", **values),
        "README.md": f"<!--\n{provenance.header('', 'scripts for Vivado')}-->\n" + render("vivado/README.md.j2", **values),
    }
    clocks = {}
    if hls is not None:
        clocks["hls"] = ("the exported HLS design", "ap_clk", hls.clock_period, hls.clock_uncertainty)
    if rtl is not None:
        clocks["rtl"] = ("the RTL", "clk", rtl.design.clock_period, config.rtl.clock_uncertainty)
    for design, (what, clock, period, uncertainty) in clocks.items():
        constraints = {"what": what, "clock": clock, "period": period, "uncertainty": uncertainty}
        texts[f"constraints/{design}.xdc"] = provenance.header("#", "constraints") + render("vivado/constraints.xdc.j2", **constraints)
    return texts


def _port_values(source: Source) -> dict[str, Any]:
    """What README and bench say of the RTL's ports."""
    contract, design = source.contract, source.rtl.design if source.rtl else None
    score = contract.score.format
    return {
        "inputs": input_rows(contract),
        "input_width": contract.hardware.format.width,
        "score_width": score.width,
        "score_signed": score.signed,
        "score_lsb": score.lsb,
        "threshold": contract.threshold,
        "latency": design.latency if design else None,
        "interval": design.interval if design else None,
    }


def _sim_files(source: Source) -> dict[str, str]:
    """The bench of the RTL in VHDL, and its events; nothing where there is no RTL."""
    if source.rtl is None:
        return {}
    provenance = source.provenance
    header, values = provenance.header, vars(provenance) | {"project": provenance.project} | _port_values(source)
    text = header("--", "test bench") + render("vivado/bench.vhd.j2", **values)
    bench = Bench(
        sources=[f"rtl/{path}" for path in source.rtl.vhdl],
        own={f"{provenance.project}_bench.vhd": text},
        vectors="sim/events.txt",
        generics="-gEVENTS=../../$$file",
    )
    return sim_files(provenance, bench) | {"sim/events.txt": header("#", "event, score, trigger bit") + _events_text(source)}


def _events_text(source: Source) -> str:
    """One line per event: the words side by side, word 0 lowest, and the score's code, both hexadecimal; the trigger bit."""
    width, score_width = source.contract.hardware.format.width, source.contract.score.format.width
    digits, score_digits = -(-source.contract.hardware.size * width // 4), -(-score_width // 4)
    rows = []
    for event, score, trigger in zip(
        source.events.reshape(len(source.events), -1).tolist(), *(part.tolist() for part in source.answers), strict=True
    ):
        word = sum((code & (1 << width) - 1) << width * place for place, code in enumerate(event))
        rows.append(f"{word:0{digits}x} {score & (1 << score_width) - 1:0{score_digits}x} {int(trigger)}\n")
    return "".join(rows)


def _text(name: str) -> str:
    return template_text(f"vivado/{name}")


def checks(folder: Path, contract: Contract) -> Iterable[Check]:
    """Run every step of a delivered folder against recorded definitions of the vendor tools' commands, in every supported version.

    What is wrong in a script (an unknown command, option, value, variable or file) shows; what the tools would make of the
    design does not. Not possible where there is no `tclsh`.
    """
    if tclsh() is None:
        yield Check("scripts for Vivado", None, "there is no tclsh here; Debian/Ubuntu: apt-get install tcl")
        return
    settings = folder / "settings.tcl"
    if not settings.is_file():
        yield Check("settings.tcl", False, f"there is no '{settings}'")
        return
    text = settings.read_text()
    stated = f"contract sha256 {contract.digest}" in text
    yield Check("settings.tcl", stated, "names the contract" if stated else "names another contract")
    backend = "Vivado" if "\nset backend {Vivado}\n" in text else "Vitis"
    for tools in (tools for tools in TOOLS if tools.backend == backend):
        for language in ("verilog", "vhdl"):
            result = dry_run(folder, ["all"], tools, environment={"LANGUAGE": language})
            detail = "every step runs" if result.status == 0 else result.output[-1000:]
            yield Check(f"scripts with {tools.name}, {language}", result.status == 0, detail)
