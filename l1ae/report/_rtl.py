"""Sections on the RTL that l1ae writes itself: simulation and proof, and what synthesis and timing with open tools say."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from l1ae.records import RTL, RTL_PROOF, RTL_VERILOG, RTL_VHDL, SYNTHESIS, SynthesisReport
from l1ae.report._blocks import Block, Facts, Notice, Paragraph, Section, Table
from l1ae.report._text import count, missing, number, seconds
from l1ae.rtl_results import RtlProof, RtlReport, RtlSummary, TableProof
from l1ae.synth import PathStep, Resources, clock_verdict

__all__ = ["rtl_sections", "synthesis_text"]

_LANGUAGES = {"verilog": "Verilog in Verilator", "vhdl": "VHDL in GHDL"}
_RESOURCES = (
    ("luts", "LUT"),
    ("luts_packed", "LUT, packed"),
    ("flip_flops", "FF"),
    ("carry4", "CARRY4"),
    ("dsp", "DSP"),
    ("bram36", "BRAM36"),
)


def rtl_sections(run: Path) -> tuple[Section, ...]:
    """What RUN/rtl and RUN/synth hold; one line where there is nothing."""
    summary, synthesis = RTL.find(run), SYNTHESIS.find(run)
    if summary is None:
        return (Section("rtl", "RTL", (Notice("missing", missing("The RTL", "l1ae rtl")),)),)
    sections = [_rtl(run, summary)]
    if synthesis is None:
        sections.append(Section("synthesis", "Open synthesis", (Notice("missing", missing("The synthesis", "l1ae synth")),)))
    else:
        sections.append(_synthesis(synthesis, summary))
    return tuple(sections)


def synthesis_text(report: SynthesisReport) -> str:
    """Resources, latency and timing in one sentence."""
    used, timing = report.resources, report.timing
    luts = used.luts_packed + used.memory_luts + used.shift_registers
    share = f"{report.percent.get('luts_packed', 0):.2f} % of {report.part}"
    return (
        f"{count(luts)} LUTs after packing ({share}), {count(used.flip_flops)} flip-flops and {count(used.dsp)} DSP blocks, and "
        f"answers after {report.latency_cycles} clock cycles of {report.clock_period:g} ns; its slowest path takes "
        f"{timing.typical.ns:.2f} ns under typical assumptions ({report.tool}, before placement)"
    )


def _rtl(run: Path, summary: RtlSummary) -> Section:
    reports = [report for file in (RTL_VERILOG, RTL_VHDL) if (report := file.find(run)) is not None]
    blocks: list[Block] = [_facts(summary)]
    blocks += [_verdict(report) for report in reports]
    if len(reports) < 2:
        blocks.append(Notice("missing", "The VHDL has not been simulated: GHDL was not installed."))
    proof = RTL_PROOF.find(run)
    if proof is not None:
        blocks += _proof(proof)
    if summary.folded_layers:
        rows = tuple((item.layer, item.kind, count(item.clocks), count(item.parts)) for item in summary.folded_layers)
        caption = "Folded layers: digits of the inputs (serial) or positions of the image (window) take turns in the same logic."
        blocks.append(Table(caption, ("Layer", "Kind", "Clocks", "Bits or positions per clock"), rows, 2))
    return Section("rtl", "RTL", tuple(blocks))


def _facts(summary: RtlSummary) -> Facts:
    mode = "folded: layers work on one event for several clocks" if summary.mode == "folded" else "unrolled"
    if summary.crossings:
        mode = f"logic alone between registers, {summary.crossings} bunch crossing(s) of 25 ns at most"
    rows = [
        ("Design", f"{summary.name}, contract {summary.digest[:12]}…"),
        ("Mode", mode),
        ("Part", summary.part),
        ("Clock", f"{summary.clock_period:g} ns, of which {summary.clock_uncertainty:g} % are left to uncertainty"),
        ("Latency", f"{summary.latency} clock cycles, {number(summary.latency_ns)} ns"),
        ("Initiation interval (II)", f"{summary.interval} clock cycles"),
    ]
    if summary.mode == "unrolled":
        rows.append(("Adders", f"{count(sum(layer.adders for layer in summary.layers))} ({summary.adders})"))
    return Facts(tuple(rows))


def _verdict(report: RtlReport) -> Notice:
    language = _LANGUAGES[report.language]
    text = f"RTL simulation, {language}: {report.mismatches} mismatches in {report.events} events"
    details = [
        f"and {count(report.corner_vectors)} corner vectors, gaps in valid and resets in mid-stream: "
        f"{count(report.clock_cycles)} clock cycles, {count(report.protocol_violations)} of them against the protocol",
        f"{report.compiler}; " + ", ".join(f"{seconds(value)} to {name}" for name, value in asdict(report.seconds).items()),
    ]
    found = {"first mismatch": report.first_mismatch, "first violation": report.first_violation}
    details += [f"{what}: {place}" for what, place in found.items() if place is not None]
    return Notice("good" if report.passed else "bad", text, tuple(details))


def _proof(proof: RtlProof) -> list[Block]:
    if proof.linear is None or proof.tables is None or proof.stages is None or proof.text is None:
        return [Notice("info", "Folded layers are not proven, only simulated.")]
    layers = proof.linear.layers
    proven = sum(layer.proven for layer in layers)
    text = (
        f"Proof for all inputs: the adder graphs of {proven} of {len(layers)} linear layers have the contract's weights and never overflow"
    )
    details = (
        f"the {proof.stages.stages} stages together are the {count(proof.stages.lines)} lines of the graph, and the "
        f"{proof.text.files} Verilog files, read back, are the stages",
    )
    rows = tuple(
        (
            layer.name,
            layer.kind,
            "yes" if layer.proven else f"no: {layer.reason}",
            count(layer.adders),
            count(layer.outputs),
        )
        for layer in layers
    )
    table = Table("Linear layers", ("Layer", "Kind", "Proven", "Adders", "Outputs"), rows, 3, folded=True)
    return [Notice("good" if proven == len(layers) else "info", text, details), table, *_proven_tables(proof.tables.layers)]


def _proven_tables(layers: Sequence[TableProof]) -> list[Block]:
    """Layers of bins and tables, of which every address was tried."""
    if not layers:
        return []
    proven = sum(layer.proven for layer in layers)
    tried = count(sum(layer.inputs for layer in layers))
    text = f"Proof for all inputs: {proven} of {len(layers)} layers of bins and tables have the contract's codes at all {tried} addresses"
    rows = tuple(
        (
            layer.name,
            layer.kind,
            "yes" if layer.proven else f"no: {layer.reason}",
            count(layer.inputs),
            count(layer.outputs),
        )
        for layer in layers
    )
    table = Table("Bins and tables", ("Layer", "Kind", "Proven", "Inputs", "Outputs"), rows, 3, folded=True)
    return [Notice("good" if proven == len(layers) else "info", text), table]


def _synthesis(report: SynthesisReport, summary: RtlSummary) -> Section:
    stage = f"{report.stage}, {report.tool}"
    text = (
        f"Made for {report.part} by open tools ({stage}): {_before_packing(report.resources)}; how many pairs of LUTs share one is "
        "an estimate. The figures of the whole design are in the table of latency and resources. Place and route by the vendor's tool has "
        "the last word."
    )
    blocks: list[Block] = [Paragraph(text), *_layers(report), *_timing(report, summary)]
    blocks += [Notice("bad", sentence) for sentence in _doubts(report, summary)]
    if report.proof is not None:
        rows = tuple((proof.module, proof.verdict, proof.reason, seconds(proof.seconds)) for proof in report.proof)
        blocks.append(Table("Netlist against RTL, stage by stage", ("Module", "Verdict", "Reason", "Time"), rows, 3, folded=True))
    return Section("synthesis", "Open synthesis", tuple(blocks))


def _before_packing(used: Resources) -> str:
    extra = used.memory_luts + used.shift_registers
    carry = f"{count(used.carry4)} blocks of carry (CARRY4)"
    return f"{count(used.luts + extra)} LUTs, {count(used.luts_packed + extra)} after packing, and {carry}"


def _doubts(report: SynthesisReport, summary: RtlSummary) -> list[str]:
    """Why the figures may not be those of the design above."""
    used, untimed = report.resources, report.timing.untimed
    doubts = []
    if used.other:
        doubts.append(f"Cells that no column counts: {', '.join(f'{n} {name}' for name, n in used.other.items())}.")
    if used.latches:
        doubts.append(f"{used.latches} latches: a generated design has none, look at the files that were changed.")
    if untimed:
        doubts.append(f"No path was followed through these cells, whose delays are not known: {', '.join(untimed)}.")
    if report.changed_files:
        doubts.append("Files of the RTL were not as they were written: " + ", ".join(report.changed_files) + ".")
    if report.rtl != summary:
        doubts.append("This is the synthesis of older RTL than the one above; run `l1ae synth` again.")
    return doubts


def _layers(report: SynthesisReport) -> list[Table]:
    """Nothing when the layers were not synthesised by themselves."""
    rows = tuple(_row(layer.name, layer) for layer in report.layers)
    caption = "Resources of every layer's logic by itself, without the registers between the stages"
    return [Table(caption, ("", *(name for _, name in _RESOURCES)), rows)] if rows else []


def _row(name: str, found: Resources) -> tuple[str, ...]:
    extra = {"luts": found.memory_luts + found.shift_registers, "luts_packed": found.memory_luts + found.shift_registers}
    return (name, *(f"{getattr(found, key) + extra.get(key, 0):,}" for key, _ in _RESOURCES))


def _timing(report: SynthesisReport, summary: RtlSummary) -> list[Block]:
    timing, period = report.timing, report.clock_period
    names = ("optimistic", "typical", "pessimistic")
    rows = tuple((name, f"{getattr(timing, name).ns:.2f}", f"{period:g}", _path(getattr(timing, name).steps)) for name in names)
    caption = f"Slowest path, {timing.stage}: three assumptions about the wiring. Logic delays: {timing.source}"
    verdict = clock_verdict(timing, period, summary.crossings)
    notice = Notice("good" if verdict.kept == "pessimistic" else "info" if verdict.kept == "typical" else "bad", _sentence(verdict.text))
    return [Table(caption, ("Assumption", "ns", "Clock [ns]", "Through"), rows), notice]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _path(steps: Sequence[PathStep]) -> str:
    return " → ".join(dict.fromkeys(step.layer for step in steps if step.layer)) or "the trigger shell"
