"""What runs found, for the pages that state it: `python benchmarks/run_results.py RUN...` writes docs/results/NAME.json for each.

Efficiencies at a rate and working points, areas under the curve, what was compared bit by bit, and what synthesis says, of the stages
that the run has. Numbers are kept as measured; pages round them.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from results import StatedTable, keep

from l1ae.evaluation import Estimate, Metrics, format_estimate, load_metrics
from l1ae.report import sample
from l1ae.trigger import WorkingPoint, load_working_points

__all__ = ["found", "main"]


def found(run: Path) -> tuple[dict[str, Any], dict[str, StatedTable]]:
    """Values and tables of a run."""
    values: dict[str, Any] = {}
    tables: dict[str, StatedTable] = {}
    if (path := run / "evaluation" / "metrics.json").is_file():
        metrics = load_metrics(path)
        values |= {"crossings": metrics.events["background"], "at_rate": at_rate(metrics)}
        tables["auc"] = auc_table(metrics)
    if (path := run / "trigger" / "working_points.json").is_file():
        tables["working_points"] = points_table(load_working_points(path).working_points)
    for name, (place, keys) in FILES.items():
        if (path := run / place).is_file():
            values[name] = chosen(json.loads(path.read_text(encoding="utf-8")), keys)
    return values, tables


FILES = {
    "csim": ("csim/report.json", ("events", "corner_vectors", "mismatches", "types_compared")),
    "rtl": ("rtl/report.json", ("events", "corner_vectors", "mismatches", "clock_cycles", "latency", "interval")),
    "vhdl": ("rtl/report_vhdl.json", ("events", "corner_vectors", "mismatches")),
    "synth": ("synth/report.json", ("resources", "percent", "latency_cycles", "clock_period", "timing")),
    "verification": ("verification/report.json", ("rows", "passed")),
}


def chosen(content: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The keys that are stated somewhere. LUTs count those of memories and shift registers, as in every table."""
    values = {key: content[key] for key in keys if key in content}
    if "resources" in values:
        used = values["resources"]
        extra = used["memory_luts"] + used["shift_registers"]
        values["resources"] = {key: used[key] for key in ("flip_flops", "carry4", "dsp", "bram36")}
        values["resources"] |= {"luts": used["luts"] + extra, "luts_packed": used["luts_packed"] + extra}
        values["latency"] = f"{content['latency_cycles']} x {content['clock_period']:g} ns"
        values["timing"] = {key: values["timing"][key]["ns"] for key in ("optimistic", "typical", "pessimistic")}
    if "mismatches" in values:
        values["total"] = values["events"] + values["corner_vectors"]
    if "rows" in values:
        values["rows"] = {row["name"]: {"events": row["events"], "differing": row["differing"]} for row in values["rows"]}
    return values


def estimate(value: Estimate) -> dict[str, float]:
    """As JSON."""
    return {"value": value.value, "low": value.low, "high": value.high}


def at_rate(metrics: Metrics) -> dict[str, Any]:
    """Efficiencies of the fixed-point model, by kind and rate: the mean of the signals, the worst of them, and each."""
    points = metrics.at_rate["fixed"].points if "fixed" in metrics.at_rate else ()
    result: dict[str, Any] = {}
    for point in points:
        if point.mean is not None:
            worst = min(point.efficiency.values(), key=lambda one: one.value)
            each = {name: estimate(one) for name, one in point.efficiency.items()}
            result[f"{point.kind} {point.khz:g} kHz"] = {"mean": estimate(point.mean), "worst": estimate(worst), **each}
    return result


def auc_table(metrics: Metrics) -> StatedTable:
    """Float and fixed point by signal, with their difference and the share of signal at one background event of a thousand."""
    header = ("signal", "AUC float", "AUC fixed point", "fixed - float", "TPR at FPR 1e-3 (fixed)")
    return StatedTable(header, "lllll", tuple(auc_rows(metrics)))


def auc_rows(metrics: Metrics) -> Iterator[tuple[str, ...]]:
    """One for each signal."""
    changes = metrics.comparisons["fixed"].auc if "fixed" in metrics.comparisons else {}
    for name, value in metrics.auc["fixed"].items():
        point = next(one for one in metrics.working_points["fixed"][name] if abs(one.target_fpr - 1e-3) < 1e-9)
        cells = (metrics.auc["float"].get(name), value, changes.get(name))
        yield (sample(name), *("–" if cell is None else format_estimate(cell) for cell in cells), f"{format_estimate(point.tpr, 0.01)} %")


def points_table(points: Sequence[WorkingPoint]) -> StatedTable:
    """The ladder of working points."""
    signals = list(points[0].efficiency)
    header = (
        "asked for, pure", "threshold", "pure rate, kHz", "at the next integers, kHz", "raw rate, kHz", *map(sample, signals)
    )  # fmt: skip
    return StatedTable(header, "l" * len(header), tuple(point_row(point, signals) for point in points))


def point_row(point: WorkingPoint, signals: Sequence[str]) -> tuple[str, ...]:
    """Threshold, rates, and efficiencies pure and raw."""
    pure, raw, lower, higher = point.pure, point.raw, point.lower, point.higher
    if not (pure and raw and lower and higher):
        return (f"{point.requested_khz:g} kHz", *["–"] * (4 + len(signals)))
    rates = [format_estimate(Estimate(one.khz, one.low, one.high)) for one in (pure, raw)]
    each = [point.efficiency[name] for name in signals]
    cells = [f"{100 * one.pure.value:.1f} %, {100 * one.raw.value:.1f} %" for one in each if one.pure is not None]
    return (
        f"{point.requested_khz:g} kHz",
        str(point.threshold),
        rates[0],
        f"{lower.pure_khz:.4g} / {higher.pure_khz:.4g}",
        rates[1],
        *cells,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the runs and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--made-by", default="l1ae run configs/{}.yaml", help="the command of a run, {} for its name")
    parser.add_argument("--only", nargs="*", help="names of the values and tables that are wanted; default: all")
    parser.add_argument("--suffix", default="", help="of the names of the files, for runs of the same models with other data")
    options = parser.parse_args(arguments)
    for run in options.runs:
        values, tables = ({key: one for key, one in part.items() if not options.only or key in options.only} for part in found(run))
        made_by = f"{options.made_by.format(run.name)} && python benchmarks/run_results.py RUN"
        keep(f"{run.name}{options.suffix}", made_by, values=values, tables=tables)


if __name__ == "__main__":
    main()
