"""Does background alone tell the better model? python benchmarks/label_free.py FOLDER... [-o TABLE.md]

Takes run folders, or folders of them, that hold an evaluation. For each metric of background alone (fixed point) its Spearman rank
correlation, over the runs, with the mean and the CVaR25 of the signals' efficiencies at 1 kHz is printed as a table in Markdown: signed
so that 1 means that the metric puts the models into the right order. Intervals are the central 68.3 % of a bootstrap over runs.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from results import StatedTable, keep
from scipy.stats import rankdata

from l1ae.errors import UserError
from l1ae.evaluation import LEVEL, AtRate, Estimate, LabelFree, format_estimate, load_metrics

VARIANT = "fixed"
KHZ = 1.0
METRICS: dict[str, Callable[[LabelFree], float | None]] = {
    "approximation capacity": lambda found: found.capacity.value,
    "approximation capacity, adaptive energies": lambda found: found.adaptive.value,
    "threshold drift (lower is better)": lambda found: None if found.drift is None else -found.drift.value,
    "Wasserstein distance (lower is better)": lambda found: -found.wasserstein,
    "Wasserstein distance of log(1 + score) (lower is better)": lambda found: -found.wasserstein_log,
}
FEWEST = 4


@dataclass(frozen=True)
class Row:
    """A run: its metrics, better ones larger, and what they should predict."""

    name: str
    metrics: dict[str, float | None]
    targets: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, read, print. Exits 2 for fewer than four runs with all that is needed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, help="file for the table; default: none")
    parser.add_argument("--replicas", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write the correlations into docs/results, which pages are filled from")
    options = parser.parse_args(arguments)
    rows, left_out = read(options.folders)
    for name, reason in left_out.items():
        print(f"left out: {name}, {reason}", file=sys.stderr)
    if len(rows) < FEWEST:
        print(f"a rank correlation needs at least {FEWEST} runs with an evaluation, not {len(rows)}", file=sys.stderr)
        return 2
    lines = table(rows, options.replicas, options.seed)
    text = "\n".join(lines)
    print(text)
    if options.keep:
        keep("label_free", "python benchmarks/label_free.py RUN...", tables={"correlation": StatedTable.of(lines[2 : 4 + len(METRICS)])})
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0


def read(folders: Sequence[Path]) -> tuple[list[Row], dict[str, str]]:
    """The runs in the folders, and why others are left out."""
    runs = [run for folder in folders for run in ([folder] if (folder / "config.yaml").is_file() else sorted(folder.iterdir()))]
    rows, left_out = [], {}
    for run in runs:
        if not (run / "config.yaml").is_file():
            continue
        try:
            metrics = load_metrics(run / "evaluation" / "metrics.json")
        except UserError as error:
            left_out[run.name] = str(error)
            continue
        found, targets = metrics.label_free.get(VARIANT), _targets(metrics.at_rate.get(VARIANT))
        if found is None or not targets:
            left_out[run.name] = "no metrics of background alone" if found is None else f"no efficiency at {KHZ:g} kHz"
        else:
            rows.append(Row(run.name, {name: pick(found) for name, pick in METRICS.items()}, targets))
    return rows, left_out


def _targets(found: AtRate | None) -> dict[str, float]:
    result = {}
    for kind in ("pure", "raw"):
        point = None if found is None else found.point(kind, KHZ)  # type: ignore[arg-type]
        if point is not None and point.mean is not None and point.cvar25 is not None:
            result |= {f"mean, {kind}": point.mean.value, f"CVaR25, {kind}": point.cvar25.value}
    return result


def table(rows: Sequence[Row], replicas: int, seed: int) -> list[str]:
    """Lines of Markdown: correlations, then the runs that they are of."""
    targets = [name for name in rows[0].targets if all(name in row.targets for row in rows)]
    lines = [f"Spearman rank correlation over {len(rows)} runs with the efficiency at {KHZ:g} kHz, {replicas} replicas, seed {seed}.", ""]
    lines += [f"| metric | {' | '.join(targets)} | runs |", f"|---{'|---' * len(targets)}|---|"]
    for metric in METRICS:
        known = [row for row in rows if row.metrics[metric] is not None]
        x = np.array([row.metrics[metric] for row in known], np.float64)
        cells = [_cell(x, np.array([row.targets[target] for row in known]), replicas, seed) for target in targets]
        lines.append(f"| {metric} | {' | '.join(cells)} | {len(known)} |")
    lines += ["", f"| run | {' | '.join(METRICS)} | {' | '.join(f'{name}, %' for name in targets)} |"]
    lines.append("|---" * (1 + len(METRICS) + len(targets)) + "|")
    for row in sorted(rows, key=lambda row: -row.targets[targets[0]] if targets else 0):
        numbers = ["–" if value is None else f"{abs(value):.4g}" for value in row.metrics.values()]
        lines.append(f"| {row.name} | {' | '.join(numbers)} | {' | '.join(f'{100 * row.targets[name]:.2f}' for name in targets)} |")
    return lines


def _cell(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], replicas: int, seed: int) -> str:
    if len(x) < FEWEST:
        return "too few runs"
    found = correlation(x, y, replicas, seed)
    return "not defined" if found is None else format_estimate(found)


def correlation(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], replicas: int, seed: int) -> Estimate | None:
    """Spearman's rank correlation with the central 68.3 % of a bootstrap over runs; None where one of the two is constant."""
    value = _spearman(x, y)
    if value is None:
        return None
    rng = np.random.default_rng(seed)
    drawn = [found for chosen in rng.integers(len(x), size=(replicas, len(x))) if (found := _spearman(x[chosen], y[chosen])) is not None]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _spearman(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float | None:
    """Pearson's correlation of the ranks."""
    a, b = (rankdata(values) - (len(values) + 1) / 2 for values in (x, y))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else None


if __name__ == "__main__":
    sys.exit(main())
