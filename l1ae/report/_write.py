"""The report: one HTML file that needs nothing else."""

from dataclasses import replace
from pathlib import Path

from l1ae.evaluation import Metrics, format_estimate
from l1ae.records import SYNTHESIS, SynthesisReport
from l1ae.report._at_rate import at_rate_blocks, headline, other_crossings, shown_variant
from l1ae.report._baselines import baselines_section, lost_text
from l1ae.report._blocks import Block, Notice, Paragraph, Section, Table
from l1ae.report._files import RunFiles, read_run
from l1ae.report._firmware import contract_section, csim_notice, hls_section
from l1ae.report._key_figures import background_text, key_figures
from l1ae.report._latent import latent_sections
from l1ae.report._page import write_page
from l1ae.report._physics import data_section, model_section, physics_section
from l1ae.report._provenance import provenance_section, stale_stages
from l1ae.report._resources import budget_notice, resources_section
from l1ae.report._rtl import rtl_sections, synthesis_text
from l1ae.report._text import architecture, count, sample, score_text
from l1ae.report._trigger import trigger_section
from l1ae.report._verification import verification_section

__all__ = ["GLOSSARY", "write_report"]

GLOSSARY = (
    ("Accumulator", "The register in which a sum of products grows. Too narrow, it wraps around and the result is wrong."),
    ("Anomaly score", "One number per event; large means unlike what the network was trained on."),
    (
        "AUC",
        "Area under the ROC curve: the probability that a signal event scores higher than a background one; 0.5 is guessing.",
    ),
    ("C simulation", "The HLS project compiled as ordinary C++ and run with the exact arithmetic of the hardware."),
    ("Contract", "The trained network as integers and fixed-point types; the reference for everything that is built."),
    ("Corner vector", "An artificial event that drives inputs to the ends of their range."),
    ("FPR", "False-positive rate: the fraction of background events that is accepted."),
    ("HLS", "High-level synthesis: C++ is translated into a digital circuit."),
    ("II", "Initiation interval: clock cycles between two events that enter the circuit. 1 means a new event in every cycle."),
    ("Latency", "Clock cycles, or nanoseconds, from an event's arrival to its trigger decision."),
    ("LSB", "Least significant bit: the step of a fixed-point number."),
    ("LUT, FF, DSP, BRAM, URAM", "What an FPGA is made of: logic tables, flip-flops, multipliers, and two kinds of memory."),
    ("Pure rate", "Rate of crossings that this trigger accepts and no other seed of the trigger's menu does."),
    ("Quantized", "Trained with weights and activations rounded to few bits."),
    ("Raw rate", "Rate of all crossings that this trigger accepts, whoever else accepts them."),
    ("ROC curve", "TPR against FPR for all thresholds."),
    (
        "Slack, WNS, WHS",
        "What the slowest path leaves of the clock period, worst of all paths, for setup and for hold. Below zero it fails.",
    ),
    ("Source event", "A generated collision; several detector responses may have been simulated for it."),
    ("TPR", "True-positive rate: the fraction of signal events that is accepted."),
    ("Working point", "A threshold, chosen for a rate that the trigger can afford."),
    ("Zero bias", "Bunch crossings taken whatever happened in them: what every rate is measured on."),
    (
        "fixed<W,I>, ufixed<W,I>",
        "Fixed-point number of W bits, I of them before the binary point, with or without sign; then rounding and overflow.",
    ),
)


def write_report(run: Path) -> Path:
    """Write `run`/report.html from what the run folder holds and return its path.

    Stages that have not been run are said to be missing; latency and resources without a vendor's report are said to be
    unknown. The page is written under a temporary name and then renamed.
    Raises `UserError` when `run` is no run folder or a file in it is damaged.
    """
    files = read_run(run)
    sections = (
        data_section(files),
        model_section(files),
        physics_section(files),
        baselines_section(run, files),
        trigger_section(run, files),
        contract_section(files),
        hls_section(files),
        *rtl_sections(run),
        resources_section(files),
        verification_section(run, files),
        *latent_sections(run),
        provenance_section(files),
    )
    target = run / "report.html"
    write_page(
        target,
        title=f"{files.config.project}: l1ae report",
        heading=files.config.project,
        subtitle=f"Anomaly trigger: {architecture(files.config)}",
        finished=max((stage.finished for stage in files.manifest.stages.values()), default=""),
        summary=_summary(run, files, None if "synth" in files.outdated else SYNTHESIS.find(run)),
        sections=[_unless_outdated(files, section) for section in sections],
        glossary=GLOSSARY,
    )
    return target


# Sections that show nothing but what one stage found.
_OF_STAGE = {
    "physics": "evaluation",
    "baselines": "baselines",
    "trigger": "trigger",
    "rtl": "rtl",
    "synthesis": "synth",
    "verification": "verification",
    "latent": "latent",
}


def _unless_outdated(files: RunFiles, section: Section) -> Section:
    """What a stage found of another model is not shown."""
    sentence = files.outdated.get(_OF_STAGE.get(section.anchor, ""))
    return section if sentence is None else replace(section, blocks=(Notice("bad", f"Not shown: {sentence}."),))


def _summary(folder: Path, run: RunFiles, synthesis: SynthesisReport | None) -> tuple[Block, ...]:
    trained, imported = run.training is not None, run.config.model.source is not None
    verb = ("imported" if trained else "is set up to import") if imported else ("trained" if trained else "is set up to train")
    origin = " How the model was trained is not known here." if imported else " It is trained on these alone."
    kind = "" if run.config.model.family.tabular else "a neural network, "
    what = (
        f"This run {verb} {kind}{_with_article(architecture(run.config))}, to recognise events that do not look like those of the "
        "background, and turns it into firmware for the first level of a particle-physics trigger. The background is "
        f"{background_text(run)}.{origin} The model's answer is an anomaly score, {score_text(run.config)}. An event is kept when its "
        "score reaches a threshold."
    )
    lost = lost_text(folder, run.metrics)
    stale = tuple(Notice("bad", sentence) for sentence in stale_stages(run))
    return (
        *other_crossings(run.metrics),
        *([tiles] if (tiles := key_figures(run)).tiles else []),
        Paragraph(what),
        *([Paragraph(lost)] if lost else []),
        *_outcome(run),
        csim_notice(run),
        *stale,
        *_resource_lines(run, synthesis),
        *budget_notice(run),
    )


def _outcome(run: RunFiles) -> tuple[Block, ...]:
    metrics = run.metrics
    if metrics is None:
        return (Notice("missing", "How well it separates signals from background has not been measured. Run “l1ae evaluate”."),)
    variant = shown_variant(metrics)
    name = {"fixed": "The fixed-point model, as it will run in firmware,", "quantized": "The quantized model"}.get(
        variant, "The float model"
    )
    n = count(metrics.events["background"])
    unseen = "" if run.config.model.source is not None else " that it was not trained on"
    said = headline(metrics, variant)
    blocks: tuple[Block, ...] = (Paragraph(f"{name} was tested on {n} background events{unseen}. {said}".strip()),)
    if not metrics.auc[variant]:
        return (*blocks, Notice("info", "There is no signal, and none is needed: thresholds and rates come from the background alone."))
    return (*blocks, *at_rate_blocks(metrics, variant), _auc_table(metrics, variant))


def _auc_table(metrics: Metrics, variant: str) -> Table:
    """A second view: how well samples are told apart as wholes, whatever the rate."""
    changes = metrics.comparisons[variant].auc if variant in metrics.comparisons else {}
    header = ("Signal", "AUC", *(["Change by quantization"] if changes else []))
    rows = tuple(
        (sample(signal), format_estimate(value), *([format_estimate(changes[signal])] if changes else []))
        for signal, value in metrics.auc[variant].items()
    )
    caption = (
        "A second view: area under the ROC curve, the probability that a signal event scores higher than a background event "
        "(0.5 is guessing, 1 is perfect)"
    )
    return Table(caption, header, rows, folded=True)


def _resource_lines(run: RunFiles, synthesis: SynthesisReport | None) -> tuple[Notice, ...]:
    """What is known of latency and resources, and by whom."""
    lines = []
    if synthesis is not None:
        lines.append(Notice("info", f"The RTL needs {synthesis_text(synthesis)}."))
    rows = [row for row in (() if run.resources is None else run.resources.rows) if row.design == "hls"]
    if rows:
        stages = ", ".join(f"{row.stage} ({row.tool})" for row in rows)
        text = f"Latency and resources of the HLS project are known from {stages}; see below."
        lines.append(Notice("info", text))
    elif synthesis is None:
        text = (
            "Latency and resources are not known yet beyond an estimate: they need the RTL (“l1ae rtl”) and its synthesis (“l1ae synth”), "
            "or the C synthesis of the FPGA vendor's tool."
        )
        lines.append(Notice("missing", text))
    return tuple(lines)


def _with_article(text: str) -> str:
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"
