"""Is what a configuration is forecast to cost what it costs after training? python benchmarks/estimate_untrained.py RUN... [-o TABLE.md]

Takes run folders with a contract, or folders of them. Each configuration is forecast without its training, and compared with the estimate
of the trained contract, and in designs of whole crossings with the scheduled design itself. Prints a table in Markdown: of LUTs (packed),
flip-flops and cycles the trained figure / the forecast one, whether the forecast's range holds the trained figure, and the seconds that
the forecast took (the fastest of three), without imports and without reading the data, which each process does once.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from results import StatedTable, keep

from l1ae.config import Config, load_config
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.pipeline import forecast, forecast_of
from l1ae.pipeline._estimate import scheduled, training_kind
from l1ae.rtl_results import Estimated, Forecast

QUANTITIES = {"LUT packed": "luts_packed", "FF": "flip_flops", "Cycles": "cycles"}


@dataclass(frozen=True)
class Row:
    """One run. `trained`: of its contract; cycles are exact where `exact`."""

    name: str
    kind: str
    forecast: Forecast
    trained: Forecast
    exact: bool
    seconds: float

    def held(self, key: str) -> bool:
        """Whether the forecast's range holds the trained figure."""
        band: Estimated = getattr(self.forecast, key)
        return bool(band.low <= getattr(self.trained, key).value <= band.high)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure, print. Exits 2 without a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("-o", "--output", type=Path, help="file for the table; default: none")
    parser.add_argument("--keep", action="store_true", help="write the table into docs/results, which pages are filled from")
    options = parser.parse_args(arguments)
    rows = []
    for run in folders(options.runs):
        try:
            rows.append(measured(run))
        except UserError as error:
            print(f"left out: {run.name}: {error}", file=sys.stderr)
    if not rows:
        print("no run with a contract that can be estimated", file=sys.stderr)
        return 2
    text = "\n".join(table(rows))
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.keep:
        keep("estimate", "python benchmarks/estimate_untrained.py RUN...", tables={"trained": StatedTable.of(table(rows)[:-2])})
    return 0


def folders(given: Sequence[Path]) -> Iterator[Path]:
    """The runs among the folders and in them."""
    for path in given:
        yield from [path] if (path / "config.yaml").is_file() else sorted(found.parent for found in path.glob("*/config.yaml"))


def measured(run: Path) -> Row:
    """Forecast and trained figures of a run; one that is folded is taken unfolded."""
    config = unfolded(load_config(run / "config.yaml"))
    untrained = config.model_copy(update={"inputs": config.inputs.model_copy(update={"derived": None})})
    contract = Contract.load(run / "contract" / "contract.json")
    # reads the data
    forecast(untrained)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        found = forecast(untrained)
        seconds.append(time.perf_counter() - started)
    exact = config.rtl.crossings is not None
    trained = scheduled(config, contract) if exact else forecast_of(config, contract)
    return Row(run.name, training_kind(config), found, trained, exact, min(seconds))


def unfolded(config: Config) -> Config:
    """With an event per clock."""
    return config.model_copy(update={"rtl": config.rtl.model_copy(update={"interval": 1})})


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown: a line per run, and how many figures the ranges held."""
    lines = ["| Model | Kind | " + " | ".join(QUANTITIES) + " | Bits of weights | Seconds |", "|" + "---|" * (len(QUANTITIES) + 4)]
    for row in sorted(rows, key=lambda row: (row.kind, row.name)):
        cells = [cell(row, key) for key in QUANTITIES.values()]
        bits = f"{row.trained.weight_bits:,} / {row.forecast.weight_bits:,}"
        lines.append(f"| `{row.name}` | {row.kind} | {' | '.join(cells)} | {bits} | {row.seconds:.2f} |")
    held = [f"{name} {sum(row.held(key) for row in rows)} of {len(rows)}" for name, key in QUANTITIES.items()]
    return [*lines, "", f"The forecast's ranges hold: {', '.join(held)}. Longest forecast: {max(row.seconds for row in rows):.2f} s."]


def cell(row: Row, key: str) -> str:
    """Trained / forecast, the forecast's range, and where that does not hold the trained figure a mark."""
    band, value = getattr(row.forecast, key), getattr(row.trained, key).value
    note = " exact" if key == "cycles" and row.exact else ""
    mark = "" if row.held(key) else " **outside**"
    return f"{value:,.0f}{note} / {band.value:,.0f} ({value / band.value:.2f}; {band.low:,.0f} to {band.high:,.0f}){mark}"


if __name__ == "__main__":
    sys.exit(main())
