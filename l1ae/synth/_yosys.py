"""Synthesis of Verilog for AMD FPGAs with yosys, within a memory limit, remembered by the digest of what went in."""

import gzip
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from l1ae.errors import UserError
from l1ae.files import scratch, write_bytes
from l1ae.synth._netlist import Netlist, parse_netlist
from l1ae.synth._parts import Part
from l1ae.synth._resources import Resources, count_resources
from l1ae.tools import YosysRun, run_yosys, yosys_version

__all__ = ["DEFAULT_TIMEOUT", "Synthesis", "synthesise"]

DEFAULT_TIMEOUT = 3600.0
_LOG = logging.getLogger("l1ae")
# Part of the digest: counts are stored beside the netlist, so that a change of how they are made must not find old ones.
_FORMAT = 3
_NETLIST = "netlist.json"
# What a wire costs in abc9's model of a 7-series part, in ps. With the 300 that yosys sets, several small LUTs in a row count as faster
# than a large one; in UltraScale+ a wire takes five times as long as a LUT, and in the model a LUT takes up to 640.
_WIRE = 1500
# abc9's own script without the commands that rewrite logic; commas stand for blanks.
_AS_WRITTEN = "scratchpad -set abc9.script +&scorr;&sweep;&if,{W},{D},{R},-v;&mfs\n"


@dataclass(frozen=True)
class Synthesis:
    """A synthesised module: `netlist_json` is yosys' JSON of the flat netlist, compressed with gzip.

    `seconds` (wall time), `cpu_seconds` and `peak_gb` (1e9 bytes, of yosys or abc) are those of the run that made it, also when it was
    found in the cache (`cached`).
    """

    top: str
    part: str
    dsp_allowed: bool
    resources: Resources
    seconds: float
    cpu_seconds: float
    peak_gb: float
    yosys: str
    digest: str
    cached: bool
    netlist_json: bytes

    @cached_property
    def netlist(self) -> Netlist:
        """The netlist for packing and timing; parsed at the first use."""
        return parse_netlist(gzip.decompress(self.netlist_json), self.top)

    def write_netlist(self, path: Path) -> None:
        """Write the JSON, uncompressed, for yosys' `read_json`."""
        path.write_bytes(gzip.decompress(self.netlist_json))


def synthesise(
    sources: Mapping[str, str],
    top: str,
    part: Part,
    *,
    dsp: bool,
    memory_gb: float,
    cache: Path | None,
    timeout: float = DEFAULT_TIMEOUT,
    restructure: bool = True,
) -> Synthesis:
    """Synthesise module `top` of Verilog sources (file name to text), flat, without pads and clock buffers.

    `dsp` allows DSP blocks. Without `restructure` the mapper takes the logic as it is written: tables that are LUTs and multiplexers
    already are only taken apart by abc's rewriting (`&dc2`, `&dch`), and become half as large again and slower. Everything with more
    than `memory_gb` (1e9 bytes of address space) or `timeout` seconds is stopped. `cache` is a folder in which the result is kept,
    `None` keeps nothing. Raises `UserError` when yosys is missing or refuses the sources, when a limit is reached, and when the
    netlist has a combinational loop.
    """
    version = yosys_version()
    script = ("" if restructure else _AS_WRITTEN) + _script(sorted(sources), top, part, dsp)
    digest = hashlib.sha256(json.dumps([_FORMAT, version, script, sorted(sources.items())]).encode()).hexdigest()
    entry = cache / f"{digest}.synth" if cache else None
    if entry and (found := _load(entry, part)):
        return found
    with scratch("synth") as folder:
        for source, text in sources.items():
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            (folder / source).write_text(text)
        try:
            run = _run(script, folder, top, memory_gb=memory_gb, timeout=timeout)
        except UserError as error:
            raise UserError(f"{error}{_keep_log(folder, top, cache)}") from error
        netlist = (folder / _NETLIST).read_bytes()
    resources = count_resources(parse_netlist(netlist, top))
    packed = gzip.compress(netlist, 6, mtime=0)
    result = Synthesis(top, part.name, dsp, resources, run.seconds, run.cpu_seconds, run.peak_gb, version, digest, False, packed)
    _LOG.info("yosys: %s: %d LUTs, %d flip-flops in %.0f s, %.2f GB", top, resources.luts, resources.flip_flops, run.seconds, run.peak_gb)
    if entry:
        _save(entry, result)
    return result


def _script(names: list[str], top: str, part: Part, dsp: bool) -> str:
    files = " ".join(names)
    options = "" if dsp else " -nodsp"
    # Before the modules are merged, so that yosys does not join the adders of different modules into sums of many terms:
    # that hides what the RTL is made of and takes longer paths. Not with DSP blocks, which are found in what is still a product.
    adders = "" if dsp else "proc\nopt_clean\nalumacc\n"
    return (
        f"scratchpad -set synth_xilinx.abc9.W {_WIRE}\n"
        f"read_verilog -sv -I. {files}\n"
        f"hierarchy -check -top {top}\n"
        f"{adders}"
        f"synth_xilinx -top {top} -family {part.yosys_family} -flatten -noiopad -noclkbuf{options}\n"
        "check\n"
        "setattr -unset src\n"
        f"select {top}\n"
        f"write_json -selected {_NETLIST}\n"
    )


def _run(script: str, folder: Path, top: str, *, memory_gb: float, timeout: float) -> YosysRun:
    run = run_yosys(script, folder, memory_gb=memory_gb, timeout=timeout)
    if "found logic loop" in run.log:
        raise UserError(f"module '{top}' has a combinational loop; break it with a register")
    return run


def _keep_log(folder: Path, top: str, cache: Path | None) -> str:
    """Keep the log of a failed run beside the cache entries; what to add to the message."""
    if cache is None or not (folder / "yosys.log").exists():
        return ""
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"failed-{top}.log"
    shutil.copyfile(folder / "yosys.log", kept)
    return f"\nThe whole log is '{kept}'"


def _save(entry: Path, result: Synthesis) -> None:
    """One line of JSON, then the compressed netlist."""
    content = {name: value for name, value in asdict(result).items() if name not in ("netlist_json", "cached")}
    entry.parent.mkdir(parents=True, exist_ok=True)
    # another process may synthesise the same just now
    with suppress(UserError):
        write_bytes(entry, json.dumps(content).encode() + b"\n" + result.netlist_json)


def _load(entry: Path, part: Part) -> Synthesis | None:
    """An earlier result, perhaps made for another part of the family: the netlist is the same."""
    if not entry.is_file():
        return None
    header, _, netlist = entry.read_bytes().partition(b"\n")
    try:
        content: dict[str, Any] = json.loads(header)
        counts = content.pop("resources")
        counts["luts_by_size"] = tuple(counts["luts_by_size"])
        content |= {"part": part.name, "resources": Resources(**counts)}
        return Synthesis(**content, cached=True, netlist_json=netlist)
    except (KeyError, TypeError, ValueError) as error:
        _LOG.warning("'%s' is damaged (%s) and is made again", entry, error)
        return None
