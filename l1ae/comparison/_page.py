"""A comparison as one HTML file, and beside it as JSON."""

from pathlib import Path

from l1ae.comparison._figures import mean_figure, signals_figure
from l1ae.comparison._result import Comparison, save_comparison
from l1ae.comparison._tables import auc_table, cost_table, efficiency_tables, settings_table
from l1ae.evaluation import RateKind
from l1ae.report import GLOSSARY, Block, Facts, Notice, Paragraph, Section, drawn, json_path, write_page

__all__ = ["write_comparison"]

_TERMS = ("AUC", "Contract", "II", "LUT, FF, DSP, BRAM, URAM", "Latency", "Pure rate", "Raw rate", "Zero bias")
_MORE = (
    (
        "CVaR25",
        "Conditional value at risk: the mean efficiency of the worst quarter of the signals, which is that of the worst one of up to four.",
    ),
    (
        "Paired",
        "Both runs decide on the same events, so that what these events have in common cancels in the difference; its interval is then "
        "smaller than those of the two efficiencies would make it.",
    ),
)


def write_comparison(path: Path, comparison: Comparison) -> Path:
    """Write the page to `path` and its numbers beside it; returns the path of the latter. Raises `UserError` as `json_path`."""
    numbers = json_path(path)
    names = [run.name for run in comparison.runs]
    write_page(
        path,
        title=f"{' against '.join(names[:2])}{' and others' if len(names) > 2 else ''}: l1ae comparison",
        heading="Comparison of runs",
        subtitle=f"{', '.join(names[1:])} against {names[0]}",
        figures=f"{path.stem}_figures",
        summary=_summary(comparison),
        sections=_sections(comparison),
        glossary=sorted((*((term, text) for term, text in GLOSSARY if term in _TERMS), *_MORE)),
    )
    save_comparison(numbers, comparison)
    return numbers


def _summary(comparison: Comparison) -> tuple[Block, ...]:
    first, n = comparison.runs[0], len(comparison.runs)
    text = (
        f"{n} runs, each with the fixed-point model as it will run in firmware. Differences are to {first.name}. "
        f"{_measured(comparison)}Intervals hold with 68.3 % confidence; those of efficiencies include the threshold's."
    )
    tables = efficiency_tables(comparison)
    return (
        *(Notice("bad", f"{sentence}.") for sentence in comparison.unlike),
        Paragraph(text),
        Facts(tuple((run.name, f"{run.project}, contract {run.digest[:12]}…, {run.folder}") for run in comparison.runs)),
        *tables[:1],
    )


def _measured(comparison: Comparison) -> str:
    return f"Rates are measured on {comparison.sample}. " if comparison.sample else ""


def _sections(comparison: Comparison) -> tuple[Section, ...]:
    auc, settings = auc_table(comparison), settings_table(comparison)
    same = Notice("info", "All keys of the configurations are the same.")
    return (
        Section("efficiency", "Efficiency at a rate", _efficiency(comparison)),
        Section("curves", "Efficiency against rate", _pictures(comparison)),
        Section("firmware", "Firmware", (cost_table(comparison),)),
        Section("auc", "AUC", (auc,) if auc.rows else (Notice("missing", "There is no signal, so no AUC."),)),
        Section("configuration", "Configuration", (settings,) if settings.rows else (same,)),
    )


def _efficiency(comparison: Comparison) -> tuple[Block, ...]:
    tables = efficiency_tables(comparison)
    if not tables:
        return (Notice("missing", "No run has zero-bias crossings in the columns of its inputs, so there is no efficiency at a rate."),)
    text = (
        "Each run has its own threshold for the rate. Paired differences are of the same crossings and events: their intervals come from "
        f"{comparison.replicas} replicas of the crossings, in which every source event weighs alike for all runs (seed {comparison.seed}), "
        "and from the events that one run accepts and the other does not. Differences that are not paired are taken as those of "
        "independent events."
    )
    return (Paragraph(text), *tables)


def _pictures(comparison: Comparison) -> tuple[Block, ...]:
    kinds: tuple[RateKind, ...] = ("pure", "raw")
    pictures: list[Block] = []
    for kind in kinds:
        mean, signals = mean_figure(comparison, kind), signals_figure(comparison, kind)
        if mean is not None:
            caption = (
                f"Mean efficiency of the signals (dashed: of the worst ones, CVaR25) against the {kind} rate; points with their intervals."
            )
            pictures.append(drawn(mean, f"mean_{kind}", caption))
        if signals is not None:
            caption = f"Efficiency of each signal against the {kind} rate: a ROC curve in which the unit of a score plays no part."
            pictures.append(drawn(signals, f"signals_{kind}", caption, wide=True))
    return tuple(pictures) or (Notice("missing", "There are no signals, or no crossings, to draw curves of."),)
