"""How far our figures can be trusted: RTL with known Vivado results, and the published trigger networks: docs/rtl_calibration.md.

    python benchmarks/rtl_calibration.py [--archive test_data.tar.xz] [--only NAME ...] [--cache FOLDER] [--adders ternary|binary]

`--archive` is `tests/test_data.tar.xz` of alkaid's source repository (LGPL-3, read and never copied); without it the
comparison that was made with it before is repeated as recorded. Networks are synthesised one after the other, which takes
up to an hour each for the largest; the cache keeps contracts, netlists and rows, so that an interrupted run continues and `--only`
makes the page from the kept rows of the others.
"""

import argparse
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import command
from published import CONFIGS, DEPLOYED, NOT_RUN, RECORDED, SYSTEMS, Recorded, System
from results import publish
from seeded import nonzero_weights, seeded_contract
from vivado_data import VivadoProject, read_archive

from l1ae.config import load_config
from l1ae.contract import Contract, import_description
from l1ae.errors import UserError
from l1ae.rtl import ADDERS, Adders, Clock, Graph, estimate, unroll
from l1ae.rtl._opcodes import Opcode
from l1ae.synth import PathKind, Resources, Synthesis, analyse_timing, available_memory_gb, part_of, synthesise

SEED = 1
# Additions of two terms, of three and of constants; what only negates is not counted.
_ADDITIONS = ADDERS - {Opcode.NEGATIVE}


@dataclass(frozen=True)
class Row:
    """Our design of one published network; resources are None where it was not synthesised, for the reason in `refused`."""

    name: str
    adders: str
    weights: tuple[int, int]
    additions: int
    addition_bits: int
    latency: int
    luts: int | None = None
    luts_packed: int | None = None
    flip_flops: int | None = None
    dsp: int | None = None
    bram36: float | None = None
    band: tuple[float, float, float] | None = None
    seconds: float | None = None
    gigabytes: float | None = None
    refused: str = ""
    estimated: bool = False


@dataclass(frozen=True)
class Limits:
    """What may be spent: `bits` of additions beyond which nothing is synthesised, seconds for each design, GB."""

    bits: int
    seconds: float
    gigabytes: float


def contract_of(system: System, cache: Path) -> Contract:
    """The description as it is, or the configuration's network with seeded weights."""
    config = load_config(CONFIGS / f"{system.config}.yaml", system.overrides)
    if config.model.source is not None:
        return import_description(Path(config.model.source), config.project)
    return seeded_contract(config, SEED, cache)


def total(resources: Resources, *, packed: bool) -> int:
    """LUTs for logic, memory and shift registers."""
    logic = resources.luts_packed if packed else resources.luts
    return logic + resources.memory_luts + resources.shift_registers


def run_system(system: System, adders: Adders, cache: Path, limits: Limits) -> Row:
    """Our flow on one published network."""
    contract = contract_of(system, cache)
    unrolled = unroll(contract, Clock(system.period), system.part, adders)
    design, files = unrolled.project.design, unrolled.project.files
    weights = nonzero_weights(contract, [part.name for part in unrolled.graph.parts])
    additions, bits = addition_count(unrolled.graph)
    row = Row(system.name, adders, weights, additions, bits, design.latency)
    if bits > limits.bits:
        return replace(row, refused=f"its additions alone have {bits:,} bits, more than --most-bits {limits.bits:,}")
    sources = {name: files[name] for name in unrolled.project.verilog}
    try:
        made = synthesise(
            sources, design.name, part_of(system.part), dsp=False, memory_gb=limits.gigabytes, cache=cache, timeout=limits.seconds
        )
    except UserError as error:
        return replace(row, refused=str(error).splitlines()[0])
    return replace(row, **figures(made))


def estimated_row(system: System, cache: Path) -> Row:
    """What `l1ae estimate` says, for a network that was not synthesised."""
    contract = contract_of(system, cache)
    found = estimate(contract, Clock(system.period))
    adders = round(found.adders.value)
    weights = nonzero_weights(contract, [operation.name for operation in contract.weighted])
    row = Row(system.name, "binary", weights, adders, 0, round(found.cycles.value), dsp=0, estimated=True)
    shifts = round(found.shift_registers)
    return replace(
        row,
        luts=round(found.luts.value) + shifts,
        luts_packed=round(found.luts_packed.value) + shifts,
        flip_flops=round(found.flip_flops.value),
    )


def figures(made: Synthesis) -> dict[str, Any]:
    """The fields of a row that synthesis and static timing give."""
    band = analyse_timing(made.netlist, part_of(made.part), kinds=(PathKind.REGISTER_TO_REGISTER,))
    return {
        "luts": total(made.resources, packed=False),
        "luts_packed": total(made.resources, packed=True),
        "flip_flops": made.resources.flip_flops,
        "dsp": made.resources.dsp,
        "bram36": made.resources.bram36,
        "band": (band.optimistic.ns, band.typical.ns, band.pessimistic.ns),
        "seconds": made.seconds,
        "gigabytes": made.peak_gb,
    }


def addition_count(graph: Graph) -> tuple[int, int]:
    """Additions of the graph and the sum of their widths."""
    widths = [int(sum(op.qint.kif)) for op in graph.logic.ops if op.opcode in _ADDITIONS]
    return len(widths), sum(widths)


# -- RTL with results of Vivado ----------------------------------------------------------------------------------------


def compare_project(project: VivadoProject, cache: Path, limits: Limits) -> list[Recorded]:
    """Our synthesis of one project of the archive beside Vivado's, at every stage that was reported."""
    made = synthesise(
        project.sources, project.top, part_of("xcvu13p"), dsp=True, memory_gb=limits.gigabytes, cache=cache, timeout=limits.seconds
    )
    found, rows = made.resources, []
    for stage, report in sorted(project.utilization.items(), reverse=True):
        name = {"synth": "synthesised", "route": "routed"}[stage]
        pairs = (
            ("LUT, raw", (report.lut_logic or 0) + (report.lut_memory or 0), total(found, packed=False)),
            ("LUT, packed", (report.lut_logic or 0) + (report.lut_memory or 0), total(found, packed=True)),
            ("FF", report.flip_flops, found.flip_flops),
            ("CARRY8", report.carry8, found.carry8),
            ("DSP", report.dsp, found.dsp),
        )
        rows += [Recorded(project.name, quantity, vivado, name, ours) for quantity, vivado, ours in pairs if vivado is not None]
    if project.period is not None:
        band = analyse_timing(made.netlist, part_of("xcvu13p"), kinds=(PathKind.REGISTER_TO_REGISTER,))
        for name in ("optimistic", "typical", "pessimistic"):
            rows.append(Recorded(project.name, f"slowest path, {name}", project.period, "routed", getattr(band, name).ns, "ns"))
    return rows


def archive_rows(path: Path | None, cache: Path, limits: Limits) -> tuple[list[Recorded], str]:
    """Rows, and where they come from."""
    if path is None:
        return list(RECORDED), "recorded earlier with the archive, yosys 0.70; repeat with --archive"
    return [row for project in read_archive(path) for row in compare_project(project, cache, limits)], f"{path.name}, this run"


# -- the page ----------------------------------------------------------------------------------------------------------

HEADER = """# Calibration of the RTL flow

Made by `python benchmarks/rtl_calibration.py`. Every comparison that we know of is listed, and none was left out because of
its result. Ratios are ours divided by theirs: below 1 we report less.

## RTL with results of Vivado

The same Verilog through Vivado and through our synthesis (VU13P; the test data of alkaid, `tests/test_data.tar.xz` of its source
repository, is not part of this repository). Source of the column "ours": {source}.

<!-- results: rtl_calibration#vivado -->
| Design | Quantity | Vivado | its stage | Ours (synthesised, not placed) | Ratio |
|---|---|---|---|---|---|
{rows}

"""

SYSTEMS_HEADER = """## Published trigger networks

Networks of the same shape and widths with weights of ours. The weights of the deployed CMS triggers are public, but without a licence
file, so that they are no part of this repository; those of the others are not in the sources that we have. Kernels are
He-normal and biases normal with a standard deviation of 0.1, both from seed {seed}, quantized with the ranges that
`l1ae train` would choose; `cms_like` is the description in `configs/imported`, whose weights are random too. Trained weights
have more zeros: expect fewer LUTs. "Weights" counts those that are not 0, without biases.

Ours: `{adders}` additions, one event per clock (II = 1), stages that keep 87.5 % of the clock by our own delays; preprocessing, score and
the comparison with a threshold are contained. yosys `synth_xilinx` without DSP blocks, LUTs with those of memories and shift
registers, raw and after pairing two into one LUT6_2 (`packed`). "≈": not synthesised here; the estimator's figures, whose error
[docs/rtl_estimator.md](rtl_estimator.md) measures (on smaller networks, so that the largest are extrapolated; and for
UltraScale+, also where the part is of Series 7). Latency: clock edges from the one that takes an event to the outputs. Slowest path:
static timing before placement, optimistic / typical / pessimistic, register to register. A trained network of the shape of v5
(`cms_latent_ae`) is in [docs/rtl_matrix.md](rtl_matrix.md).

Theirs: as published; `?` marks figures that are approximate or known at second hand. Most are estimates of high-level
synthesis, which are larger than what is implemented (v5: 37,580 LUT estimated, 21,660 implemented), and what their designs
contain beside the network is not always said: a ratio far from 1 says more about the two estimates than about the designs.

<!-- results: rtl_calibration#published -->
| System | Network | Weights | Clock | LUT raw | LUT packed | FF | DSP | BRAM36 | Latency | Slowest path | Published LUT | Published DSP | \
Published latency | Stage | LUT ratio (packed) | Latency ratio |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}

{notes}

With the deployed weights: measured once with this flow, before its adder took fewer LUTs than alkaid's, on networks that are not part of
the repository. LUTs packed, to the nearest hundred; the published figures are estimates of HLS.

<!-- results: rtl_calibration#deployed -->
| Network | LUT packed | Published HLS estimate | Ratio |
|---|---|---|---|
{deployed}

Not run, with the reason:

<!-- results: rtl_calibration#not_run -->
| System | Published | Reason |
|---|---|---|
{left}
"""


def recorded_line(row: Recorded) -> str:
    """One line of the first table."""
    unit = f" {row.unit}" if row.unit else ""
    ratio = f"{row.ours / row.vivado:.2f}" if row.vivado else "–"
    return f"| {row.design} | {row.quantity} | {row.vivado:,g}{unit} | {row.stage} | {row.ours:,g}{unit} | {ratio} |"


def published_lut(system: System) -> float | None:
    """In LUTs, also where a percentage was published."""
    published = system.published
    if published.lut_percent is not None:
        return published.lut_percent / 100 * part_of(system.part).luts
    return published.lut


def system_line(system: System, row: Row | None) -> str:
    """One line of the second table; `row` is None where it was not run yet."""
    published, lut = system.published, published_lut(system)
    mark = " ?" if published.uncertain else ""
    percent = f"{published.lut_percent:g} % = " if published.lut_percent is not None else ""
    theirs = [
        "–" if lut is None else f"{percent}{lut:,.0f}{mark}",
        published.dsp or "–",
        "–" if published.nanoseconds is None else f"{published.nanoseconds:g} ns{mark}",
        published.stage,
    ]
    if row is None:
        return f"| {' | '.join([system.title, system.shape, *['not run yet'] * 9, *theirs, '–', '–'])} |"
    ours = row.latency * system.period
    about = "≈ " if row.estimated else ""
    cells = [
        f"{row.weights[0]:,} of {row.weights[1]:,}",
        f"{system.period:g} ns",
        *(f"{about}{_count(value)}" for value in (row.luts, row.luts_packed, row.flip_flops)),
        *(_count(value) for value in (row.dsp, row.bram36)),
        f"{about}{row.latency} clocks, {ours:g} ns",
        "–" if row.band is None else " / ".join(f"{ns:.1f}" for ns in row.band) + " ns",
    ]
    ratios = [
        f"{row.luts_packed / lut:.2f}" if row.luts_packed is not None and lut else "–",
        f"{ours / published.nanoseconds:.2f}" if published.nanoseconds else "–",
    ]
    return f"| {' | '.join([system.title, system.shape, *cells, *theirs, *ratios])} |"


def _count(value: float | None) -> str:
    return "not synthesised" if value is None else f"{value:,g}" if value != int(value) else f"{int(value):,}"


def page(recorded: Sequence[Recorded], source: str, rows: dict[str, Row], adders: str) -> str:
    """The whole page from what is known."""
    notes = [f"- {system.title}: {system.unknown}." for system in SYSTEMS if system.unknown]
    notes += [
        f"- {system.title} was not synthesised: {rows[system.name].refused} ({rows[system.name].additions:,} additions)."
        for system in SYSTEMS
        if system.name in rows and rows[system.name].refused
    ]
    header = HEADER.format(source=source, rows="\n".join(recorded_line(row) for row in recorded))
    return header + SYSTEMS_HEADER.format(
        seed=SEED,
        adders=adders,
        rows="\n".join(system_line(system, rows.get(system.name)) for system in SYSTEMS),
        notes="\n".join(notes),
        deployed="\n".join(f"| {name} | {ours:,} | {theirs:,} | {ours / theirs:.2f} |" for name, ours, theirs in DEPLOYED),
        left="\n".join(f"| {' | '.join(line)} |" for line in NOT_RUN),
    )


def load_rows(path: Path) -> dict[str, Row]:
    """Rows of earlier runs."""
    if not path.is_file():
        return {}
    return {name: Row(**content) for name, content in json.loads(path.read_text()).items()}


def save_rows(path: Path, rows: dict[str, Row]) -> None:
    """Under a temporary name first."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({name: asdict(row) for name, row in rows.items()}, indent=1) + "\n")
    temporary.rename(path)


def main() -> None:
    """Run what is asked for; the page is written after every network."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--only", nargs="*", default=[system.name for system in SYSTEMS], choices=[system.name for system in SYSTEMS])
    parser.add_argument("--cache", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--output", type=Path, default=Path("docs/rtl_calibration.md"))
    parser.add_argument("--adders", choices=("ternary", "binary"), default="binary")
    parser.add_argument("--most-bits", type=int, default=100_000, help="additions of more bits are not synthesised")
    parser.add_argument("--timeout", type=float, default=7200.0, help="seconds for the synthesis of one design")
    parser.add_argument("--memory", type=float, default=min(available_memory_gb(), 8.0), help="GB for the synthesis of one design")
    arguments = parser.parse_args()
    cache, limits = arguments.cache, Limits(arguments.most_bits, arguments.timeout, arguments.memory)
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"rows-{arguments.adders}.json"
    rows = load_rows(kept)
    recorded, source = archive_rows(arguments.archive, cache, limits)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    estimates = {} if arguments.adders == "ternary" else {system.name: estimated_row(system, cache) for system in SYSTEMS}
    publish(arguments.output, page(recorded, source, estimates | rows, arguments.adders), "python benchmarks/rtl_calibration.py")
    for system in SYSTEMS:
        if system.name in arguments.only:
            print(system.title, flush=True)
            rows[system.name] = run_system(system, arguments.adders, cache, limits)
            save_rows(kept, rows)
            publish(arguments.output, page(recorded, source, estimates | rows, arguments.adders), "python benchmarks/rtl_calibration.py")
    print(arguments.output)


if __name__ == "__main__":
    command.run(main)
