"""One model through hls4ml Latency, hls4ml distributed arithmetic and our RTL, side by side: docs/flows.md.

    python benchmarks/compare_flows.py CONFIG_OR_RUN [--set KEY=VALUE ...] [--cache FOLDER] [--output docs/flows.md]

A run folder gives its trained contract, and its C-synthesis report where there is one; a configuration the same network with
weights from a fixed seed. Speeds are events per second of processor time in one thread, so that other work on the machine
does not change them; median of five runs, slowest and fastest in brackets. Speeds and netlists are kept in the cache.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import command
import numpy as np
from layered_rtl import DaLayers, MakeDense, layered_project, multipliers
from rtl_calibration import SEED, total
from seeded import nonzero_weights, seeded_contract

from l1ae.config import Config, load_config
from l1ae.contract import Contract, import_description
from l1ae.data import open_dataset
from l1ae.delivery import CsynthReport, find_csynth
from l1ae.errors import UserError
from l1ae.hls import convert
from l1ae.hls._csim import compile_bench
from l1ae.pipeline import Run
from l1ae.rtl import Clock, Graph, RtlProject, trace_contract, unroll
from l1ae.rtl.simulation._stimulus import Events, Streams
from l1ae.rtl.simulation._verilator import VerilatorBench
from l1ae.synth import PathKind, analyse_timing, available_memory_gb, part_of, synthesise

EVENTS = 20_000
REPEATS = 5
UNKNOWN = "not known without Vitis HLS"


@dataclass(frozen=True)
class Rate:
    """Events per second of processor time: median, slowest, fastest."""

    median: float
    slowest: float
    fastest: float

    def __str__(self) -> str:
        return f"{self.median:,.0f} ({self.slowest:,.0f} to {self.fastest:,.0f})"


@dataclass(frozen=True)
class Flow:
    """One line of the table: numbers as text, since each may be unknown for a reason of its own."""

    name: str
    stage: str
    tool: str
    lut: str = UNKNOWN
    packed: str = "–"
    ff: str = UNKNOWN
    dsp: str = UNKNOWN
    bram36: str = "–"
    cycles: str = UNKNOWN
    path: str = "–"
    c_speed: str = "–"
    rtl_speed: str = "–"


@dataclass(frozen=True)
class Model:
    """What is compared: `run` is None for seeded weights; `hardware` (N, size) are the events of the simulations."""

    config: Config
    contract: Contract
    run: Run | None
    hardware: np.ndarray


@dataclass(frozen=True)
class Bench:
    """Where results are kept, and what a synthesis may use."""

    cache: Path
    seconds: float
    gigabytes: float

    def kept(self, key: str, make: Callable[[], Rate]) -> Rate:
        """A speed that was measured before, or measured now."""
        path = self.cache / "speeds.json"
        known = json.loads(path.read_text()) if path.is_file() else {}
        if key not in known:
            known[key] = asdict(make())
            path.write_text(json.dumps(known, indent=1) + "\n")
        return Rate(**known[key])


def open_model(path: Path, overrides: tuple[str, ...], cache: Path) -> Model:
    """A run folder, or a configuration with seeded weights."""
    run = Run.open(path) if path.is_dir() else None
    config = load_config(path / "config.yaml" if run else path, overrides)
    if run:
        contract = Contract.load(run.path("contract") / "contract.json")
    elif config.model.source is not None:
        contract = import_description(Path(config.model.source), config.project)
    else:
        contract = seeded_contract(config, SEED, cache)
    hardware = open_dataset(config.data.source, config.inputs.spec()).background.read().hw
    return Model(config, contract, run, hardware.reshape(len(hardware), -1)[:EVENTS])


# -- speed -------------------------------------------------------------------------------------------------------------


def rate(run: Callable[[], object], events: int) -> Rate:
    """Processor time of the child processes of `run`."""
    rates = []
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        rates.append(events / (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime))
    return Rate(statistics.median(rates), min(rates), max(rates))


def c_speed(model: Model, strategy: str) -> Rate:
    """The C simulation of hls4ml's project, in our bench, which writes every layer; every score is compared first."""
    hls = model.config.hls.model_copy(update={"strategy": strategy})
    with tempfile.TemporaryDirectory() as scratch:
        folder, build = Path(scratch) / "project", Path(scratch) / "build"
        build.mkdir()
        convert(model.contract, hls, model.hardware[:10]).write(folder)
        bench = compile_bench(model.contract, folder, build)
        model.hardware.astype(np.int32).tofile(build / "events.in")

        def run() -> np.ndarray:
            subprocess.run([bench.program, "run", build / "events.in", build / "events.out"], cwd=build, check=True, capture_output=True)
            return np.fromfile(build / "events.out").reshape(-1, bench.total)

        score = model.contract.score
        column = next(start for name, start, _ in bench.outputs if name == score.name)
        if not np.array_equal(run()[:, column], model.contract.evaluate(model.hardware)[score.name][:, 0] * score.format.lsb):
            raise SystemExit(f"{strategy}: the C simulation and the contract differ; nothing was timed")
        return rate(run, len(model.hardware))


def rtl_speed(model: Model, project: RtlProject) -> Rate:
    """Verilator on the events back to back; every score is compared first."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, build = Path(scratch) / "project", Path(scratch) / "build"
        build.mkdir()
        project.write(folder)
        bench = VerilatorBench(project, folder, build)
        events = Events.of(model.contract, model.hardware, model.hardware[:0].astype(np.int64))
        stimulus = next(iter(Streams(project.design, events, np.random.default_rng(0)).back_to_back(len(model.hardware))))
        trace = bench.run(stimulus, 1)
        # what shows before the first reset is of no event
        found = trace.score[trace.valid == 1][-len(model.hardware) :]
        if not np.array_equal(found, events.scores):
            raise SystemExit(f"{project.design.name}: the RTL simulation and the contract differ; nothing was timed")
        return rate(lambda: bench.run(stimulus, 1), len(model.hardware))


# -- flows -------------------------------------------------------------------------------------------------------------


def hls_flow(model: Model, bench: Bench, strategy: str, name: str) -> Flow:
    """hls4ml's project itself: its C simulation, and what a C synthesis said of it if there was one."""
    speed = bench.kept(f"csim {strategy} {model.contract.digest}", lambda: c_speed(model, strategy))
    flow = Flow(name, "C synthesis", "Vitis HLS", c_speed=str(speed))
    same = model.run is not None and model.config.hls.strategy == strategy
    report = find_csynth(model.run.path("hls")) if same and model.run else None
    return flow if report is None else replace(flow, **vendor_cells(report))


def vendor_cells(report: CsynthReport) -> dict[str, str]:
    """The figures of a C-synthesis report; what it does not say stays unknown."""
    used = {name: amount.used for name, amount in report.resources.items()}
    cells = {name: used.get(name) for name in ("lut", "ff", "dsp")} | {"cycles": report.latency_max, "bram36": used.get("bram")}
    known = {name: f"{value:,.10g}" for name, value in cells.items() if value is not None}
    period = {} if report.estimated_clock_ns is None else {"path": f"{report.estimated_clock_ns:g} ns"}
    return {"tool": report.origin.label} | known | period


def rtl_flow(model: Model, bench: Bench, project: RtlProject, flow: Flow, *, dsp: bool) -> Flow:
    """Synthesis, static timing and simulation of a design."""
    sources = {name: project.files[name] for name in project.verilog}
    part = part_of(project.design.part)
    speed = bench.kept(f"rtl {digest(sources)}", lambda: rtl_speed(model, project))
    flow = replace(flow, rtl_speed=str(speed))
    try:
        made = synthesise(sources, project.design.name, part, dsp=dsp, memory_gb=bench.gigabytes, cache=bench.cache, timeout=bench.seconds)
    except UserError as error:
        return replace(flow, lut=f"not synthesised: {str(error).splitlines()[0]}", ff="–", dsp="–")
    band = analyse_timing(made.netlist, part, kinds=(PathKind.REGISTER_TO_REGISTER,))
    return replace(
        flow,
        lut=f"{total(made.resources, packed=False):,}",
        packed=f"{total(made.resources, packed=True):,}",
        ff=f"{made.resources.flip_flops:,}",
        dsp=f"{made.resources.dsp:,}",
        bram36=f"{made.resources.bram36:g}",
        path=f"{band.optimistic.ns:.1f} / {band.typical.ns:.1f} / {band.pessimistic.ns:.1f} ns",
    )


def digest(sources: Mapping[str, str]) -> str:
    """sha256 of all sources."""
    from l1ae.pipeline._run import digest_json

    return digest_json(dict(sources))


def stand_in(model: Model, bench: Bench, graph: Graph, make: MakeDense, flow: Flow, *, dsp: bool = False) -> Flow:
    """A design with one register per layer; `flow` says what it stands for."""
    more = DaLayers.primitives() if isinstance(make, DaLayers) else {}
    settings = {"period": model.config.rtl_clock_period, "part": model.config.rtl_part, "more": more}
    try:
        project = layered_project(model.contract, graph, make, **settings)
    except UserError as error:
        return replace(flow, lut=f"no stand-in: {error}", ff="–", dsp="–", cycles="–")
    flow = replace(flow, cycles=f"{project.design.latency} (a register per layer)")
    return rtl_flow(model, bench, project, flow, dsp=dsp)


def da_estimate(da: DaLayers) -> Flow:
    """What da4ml says by itself while it makes the layers."""
    lut = f"{sum(da.costs.values()):,.0f} (dense layers alone)"
    depth = f"depth {sum(da.delays.values()):g} additions"
    return Flow(
        "hls4ml distributed arithmetic, estimate", "estimate of the adder graphs", tool("da4ml"), lut=lut, ff="–", dsp="0", cycles=depth
    )


def our_flow(model: Model, bench: Bench, adders: str) -> Flow:
    """`l1ae rtl`."""
    clock = Clock(model.config.rtl_clock_period, model.config.rtl.clock_uncertainty)
    unrolled = unroll(model.contract, clock, model.config.rtl_part, adders)
    flow = Flow(f"l1ae rtl, {adders} additions", "synthesised", SYNTHESIS, cycles=f"{unrolled.project.design.latency}")
    return rtl_flow(model, bench, unrolled.project, flow, dsp=False)


def tool(package: str) -> str:
    """Name and version of an installed package."""
    from importlib.metadata import version

    return f"{package} {version(package)}"


SYNTHESIS = f"yosys ({tool('pyosys')}), l1ae packing and timing"
LATENCY, DA = "hls4ml Latency", "hls4ml distributed arithmetic"


def flows(model: Model, bench: Bench) -> list[Callable[[], list[Flow]]]:
    """Everything that is compared, in the order of the table; each is computed when it is called."""
    graph = trace_contract(model.contract, "ternary")
    da = DaLayers()

    def naive(dsp: bool) -> Flow:
        title = f"stand-in for {LATENCY}: one constant multiplier per weight, {'DSP allowed' if dsp else 'no DSP'}"
        return stand_in(model, bench, graph, multipliers, Flow(title, "synthesised", SYNTHESIS), dsp=dsp)

    def layers() -> list[Flow]:
        flow = Flow(f"stand-in for {DA}: da4ml's RTL of the dense layers", "synthesised", f"{tool('da4ml')}, {SYNTHESIS}")
        made = stand_in(model, bench, graph, da, flow)
        return [da_estimate(da), made] if da.costs else [made]

    return [
        lambda: [hls_flow(model, bench, "Latency", LATENCY)],
        lambda: [naive(dsp=False)],
        lambda: [naive(dsp=True)],
        lambda: [hls_flow(model, bench, "distributed_arithmetic", DA)],
        layers,
        lambda: [our_flow(model, bench, "binary")],
        lambda: [our_flow(model, bench, "ternary")],
    ]


# -- the page ----------------------------------------------------------------------------------------------------------

HEADER = """# One model, three flows

Made by `python benchmarks/compare_flows.py {path}`: `{name}` with {weights}, {nonzero:,} of {all:,} weights not 0;
{part}, clock {period:g} ns. All flows compute the contract to the last bit: the scores of every design were compared with it on
{events:,} events before it was timed.

LUTs are those of logic, memories and shift registers, raw and after pairing two into one LUT6_2 (`packed`); cycles are clock
edges from the one that takes an event to the outputs; the slowest path is register to register before placement, optimistic /
typical / pessimistic; speeds are events per second of processor time, one thread, median of {repeats} runs (slowest to fastest).
The C simulation runs in the bench of l1ae, which writes every layer; the RTL simulation is Verilator's.

No open tool synthesises hls4ml's C++, so that its resources are known only from a C-synthesis report. The stand-ins make
the dense layers in another way and leave everything else (preprocessing, activations, score, threshold) as `l1ae rtl` has it,
with one register per layer and no regard to the clock: LUT and DSP can be compared, FF and cycles can not. Vivado maps
constant multipliers better than yosys does, and HLS takes a DSP block where it expects a gain, yosys for every product of 9 bits or
more: the stand-ins for Latency show what multipliers would cost in the same tool, not what Vitis HLS would report.

| Flow | Stage | Tool | LUT raw | LUT packed | FF | DSP | BRAM36 | Cycles | Slowest path | C simulation | RTL simulation |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def page(model: Model, path: Path, rows: list[Flow]) -> str:
    """The whole page."""
    names = [operation.name for operation in model.contract.operations]
    nonzero, every = nonzero_weights(model.contract, names)
    weights = "the trained weights of the run" if model.run else f"He-normal weights from seed {SEED} (no training)"
    header = HEADER.format(
        path=path.name if model.run else f"configs/{path.name}",
        name=model.config.name,
        weights=weights,
        nonzero=nonzero,
        all=every,
        part=model.config.rtl_part,
        period=model.config.rtl_clock_period,
        events=len(model.hardware),
        repeats=REPEATS,
    )
    return header + "".join(f"| {' | '.join(asdict(row).values())} |\n" for row in rows)


def main() -> None:
    """Run the flows one after the other; the page grows with them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="CONFIG_OR_RUN")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="overrides of the configuration")
    parser.add_argument("--cache", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--output", type=Path, default=Path("docs/flows.md"))
    parser.add_argument("--timeout", type=float, default=7200.0, help="seconds for the synthesis of one design")
    parser.add_argument("--memory", type=float, default=min(available_memory_gb(), 8.0), help="GB for the synthesis of one design")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    model = open_model(arguments.model, tuple(arguments.set), arguments.cache)
    bench = Bench(arguments.cache, arguments.timeout, arguments.memory)
    rows: list[Flow] = []
    for flow in flows(model, bench):
        rows += flow()
        print(rows[-1].name, flush=True)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(page(model, arguments.model, rows))
    print(arguments.output)


if __name__ == "__main__":
    command.run(main)
