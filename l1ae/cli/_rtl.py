"""Commands of the RTL: rtl, synth and estimate."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click
from rich.table import Table

from l1ae.cli._run import load_pipeline
from l1ae.cli._tables import show
from l1ae.config import Config, config_names, find_config, load_config
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.manifest import Manifest

if TYPE_CHECKING:
    from l1ae.records import SynthesisedDesign, SynthesisReport
    from l1ae.rtl import LayerEstimate
    from l1ae.rtl_results import Estimated, Forecast

__all__ = ["estimate", "rtl", "synth"]

_run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))


def _load_stages() -> ModuleType:
    """Imported late, as by `load_pipeline`."""
    return _load("l1ae.pipeline.rtl")


def _load(module: str) -> ModuleType:
    return importlib.import_module(module)


@click.command()
@_run_argument
@click.option("--events", type=click.IntRange(1), help="Real events to simulate; default: the configuration's.")
def rtl(run: Path, events: int | None) -> None:
    """Write, prove and simulate Verilog and VHDL.

    Reads RUN/contract and the data; writes RUN/rtl. Both are compared with the contract bit by bit and clock by clock, Verilog with
    Verilator and VHDL, on fewer events, with GHDL if that is there. Exit status 1 when a bit differs.
    """
    stages = _load_stages()
    opened = stages.Run.open(run)
    result = stages.rtl_stage(opened, events=events)
    click.echo(f"RTL: {opened.path('rtl')}")
    for line in stages.proof_lines(result.proof):
        click.echo(line)
    for report in (result.verilog, result.vhdl):
        if report is not None:
            click.echo(f"{report.verdict}, {report.corner_vectors} corner vectors, gaps and resets ({report.clock_cycles} clock cycles)")
    verilog = result.verilog
    click.echo(f"latency {verilog.latency} clock cycles, one event every {verilog.interval} (II)")


@click.command()
@_run_argument
@click.option("--per-layer/--no-per-layer", default=True, help="Synthesise every layer by itself too (takes about as long again).")
@click.option("--prove", is_flag=True, help="Prove the netlist of every stage equivalent to its RTL, where abc finishes.")
def synth(run: Path, per_layer: bool, prove: bool) -> None:
    """Synthesise the RTL, estimate its timing.

    Reads RUN/contract and RUN/rtl; writes RUN/synth. With yosys, before placement: what the vendor's tools find may differ.
    """
    stages = _load_stages()
    opened = stages.Run.open(run)
    report = stages.synth_stage(opened, per_layer=per_layer, prove=prove)
    show(_resources(report))
    for line in _timing(report):
        click.echo(line)
    for line in stages.netlist_lines(report.proof):
        click.echo(line)
    click.echo(f"report: {opened.path('synth') / 'report.json'}")


def _resources(report: "SynthesisReport") -> Table:
    title = f"{report.project} on {report.part}: {report.stage} ({report.tool})"
    table = Table(title=title)
    table.add_column("")
    for name in ("LUT", "LUT packed", "FF", "CARRY", "DSP", "BRAM36"):
        table.add_column(name, justify="right")

    def row(name: str, found: "SynthesisedDesign") -> None:
        extra = found.memory_luts + found.shift_registers
        counts = (found.luts + extra, found.luts_packed + extra, found.flip_flops, found.carry4, found.dsp, found.bram36)
        table.add_row(name, *(f"{count:,}" for count in counts))

    for layer in report.layers:
        row(layer.name, layer)
    row("whole design", report.resources)
    names = ("luts", "luts_packed", "flip_flops", "carry", "dsp", "bram36")
    table.add_row("per cent of the part", *(f"{report.percent.get(name, 0):.2f}" for name in names))
    return table


def _timing(report: "SynthesisReport") -> list[str]:
    timing = report.timing
    band = ", ".join(f"{name} {getattr(timing, name).ns:.2f} ns" for name in ("optimistic", "typical", "pessimistic"))
    layers = list(dict.fromkeys(step.layer for step in timing.typical.steps if step.layer))
    verdict = _load("l1ae.synth").clock_verdict(timing, report.clock_period, report.rtl.crossings)
    return [
        f"slowest path ({timing.stage}; clock {report.clock_period:g} ns): {band}",
        verdict.text,
        f"it goes through: {' -> '.join(layers) or 'the trigger shell'}",
        f"latency {report.latency_cycles} clock cycles, one event every {report.interval} (II)",
    ]


@click.command()
@click.argument("path", metavar="RUN|CONFIG", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the configuration. More than once.")
def estimate(path: Path, overrides: tuple[str, ...]) -> None:
    """LUTs and latency, before anything is made.

    Reads CONFIG, before any training, or the contract of RUN; writes nothing. What is beyond `budget` is said.
    """
    pipeline = load_pipeline()
    if not path.is_dir() or str(path) in config_names():
        path = find_config(path)
        config = load_config(path, overrides)
        _show(f"{path.name}, estimated before training", pipeline.forecast(config), config)
        return
    if overrides:
        raise UserError(f"--set belongs to a configuration, and '{path}' is a run folder; leave it out, or give '{path / 'config.yaml'}'")
    config = load_config(path / "config.yaml")
    Manifest.load(path).check(path, "contract", f"l1ae train {path / 'config.yaml'} --run {path} --resume")
    contract = Contract.load(path / "contract" / "contract.json")
    found = pipeline.forecast_of(config, contract)
    estimator = _load("l1ae.rtl")
    clock = estimator.Clock(config.rtl_clock_period, config.rtl.clock_uncertainty, config.rtl.crossings)
    counted = estimator.estimate(contract, clock, config.rtl.adders)
    show(_layers(counted.layers))
    more = {"adders": counted.adders, "LUT": counted.luts}
    _show(f"{path.resolve().name}, unrolled, estimated before synthesis", found, config, more)


def _layers(found: Sequence["LayerEstimate"]) -> Table:
    layers = Table(title="by layer")
    for name in ("", "adders", "LUT", "LUT, packed", "FF"):
        layers.add_column(name, justify="right" if name else "left")
    for layer in found:
        counts = (layer.adders, layer.luts, layer.luts_packed, layer.flip_flops)
        layers.add_row(layer.name, *(f"{count:,.0f}" for count in counts))
    return layers


_NAMES = {
    "luts_packed": "LUT, packed",
    "flip_flops": "FF",
    "cycles": "latency, clock cycles",
    "latency_ns": "latency, ns",
    "crossings": "bunch crossings",
}


def _show(title: str, found: "Forecast", config: Config, more: "Mapping[str, Estimated] | None" = None) -> None:
    """Quantities, of the logic before packing too where they are known, what tools refuse, what is beyond the budget, and the slots."""
    table = Table(title=title)
    for name in ("", "estimate", "90 % lie in"):
        table.add_column(name, justify="right" if name else "left")
    for name, value in (dict(more or {}) | {name: getattr(found, key) for key, name in _NAMES.items()}).items():
        table.add_row(name, f"{value.value:,.0f}", f"{value.low:,.0f} to {value.high:,.0f}")
    table.add_row("bits of weights and tables", f"{found.weight_bits:,}", "")
    show(table)
    for problem in found.problems:
        click.echo(f"{'REFUSED':<7} {problem}")
    for doubt in _load("l1ae.pipeline").doubts(found, config):
        click.echo(f"{'MAYBE':<7} {doubt}")
    for sentence in _load("l1ae.rtl_results").sentences(found, config.budget):
        click.echo(f"{'MISSED':<7} {sentence}")
    delivery = _load("l1ae.delivery")
    timing = delivery.Timing(found.inputs, found.input_bits, round(found.cycles.value), 1, config.rtl_clock_period)
    for target in delivery.TARGETS.values():
        if target.slot is not None:
            fit = target.slot(timing, config.budget)
            # what is refused fits nowhere
            if fit.fits and found.problems:
                continue
            click.echo(f"{'ok' if fit.fits else 'MISSED':<7} {fit.text}")
