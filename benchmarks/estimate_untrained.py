"""Forecasts of models before their training against the estimates and schedules of the same models after it; writes docs/estimate.md.

    python benchmarks/estimate_untrained.py [--folder runs/estimate] [--configs configs/*.yaml]

A run NAME in the folder, of the configuration of that name, is taken as it is; what is missing there is trained, one after the other.
Configurations that fold their layers are compared as if they did not.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import command

from l1ae.config import Config, load_config
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.pipeline import Forecast, forecast, forecast_of, train_stage
from l1ae.pipeline._estimate import training_kind
from l1ae.rtl import Clock, schedule, trace_contract
from l1ae.rtl_results import Estimated

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "estimate.md"

_INTRODUCTION = """# Estimates before training

`l1ae estimate CONFIG.yaml [--set KEY=VALUE]` says what the RTL of a configuration will cost before anything is trained, in less than a
second of work; `l1ae estimate RUN` the same of a trained contract. The library's functions are `l1ae.pipeline.forecast`, `forecast_of`,
`beyond` and `sentences`; `l1ae search` calls them to refuse candidates before it trains them.

Initial weights are not those that training leaves, so they are not taken. Instead:

- kernels have the quantiles of a Laplace distribution in random order: rms / maximum of trained kernels is as it says, 0.17 for
  1,800 weights and 0.3 for 40; pruning takes the smallest; linear autoencoders whose empty slots count have a basis of principal
  components;
- every layer is scaled and centred on 4,096 training events as BatchNormalization does it, and binary points are calibrated on them;
- density trees are counted, and offsets and tables of the inputs found, on 32,768 training events that are spread over the store;
- of tables that are learned by descent only shape and initial entries are known.

What training still changes was measured with trained models: each kind of training has a typical factor and a range, which are part
of every forecast, together with the errors of the estimator itself (docs/rtl_estimator.md). With `rtl.crossings` the estimator adds up
the delays of the longest path; gates of casts share LUTs there, and where the estimate leaves the number of crossings open, the drawn
design is traced.

## Trained models

Made by `python benchmarks/estimate_untrained.py`. Trained: the estimate of the trained contract (packed LUT, FF, cycles at the configured
clock); for `rtl.crossings` the cycles are those of its schedule. Seconds: of the forecast, one core.

| Model | Kind of training | LUT forecast | LUT trained | FF forecast | FF trained | Cycles forecast | Cycles trained | Seconds |
|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Compared:
    """One model before and after its training; `cycles`: those that its design has, or is estimated to have."""

    name: str
    kind: str
    before: Forecast
    after: Forecast
    cycles: float
    seconds: float

    @property
    def pairs(self) -> tuple[tuple[Estimated, float], ...]:
        """Forecast and trained value of LUT, FF and cycles."""
        values = (self.after.luts_packed.value, self.after.flip_flops.value, self.cycles)
        return tuple(zip((self.before.luts_packed, self.before.flip_flops, self.before.cycles), values, strict=True))


def compared(path: Path, folder: Path) -> Compared:
    """Train where the run is not there, and compare."""
    config = load_config(path)
    run = folder / config.name
    if not (run / "contract" / "contract.json").is_file():
        train_stage(config, run, resume=True)
    config = config.model_copy(update={"rtl": config.rtl.model_copy(update={"interval": 1})})
    contract = Contract.load(run / "contract" / "contract.json")
    forecast(config)  # what is loaded once does not count
    started = time.process_time()
    before = forecast(config)
    seconds = time.process_time() - started
    after = forecast_of(config, contract)
    return Compared(config.name, training_kind(config), before, after, _cycles(config, contract, after), seconds)


def _cycles(config: Config, contract: Contract, after: Forecast) -> float:
    if config.rtl.crossings is None:
        return after.cycles.value
    clock = Clock(config.rtl_clock_period, config.rtl.clock_uncertainty, 100)
    return float(len(schedule(trace_contract(contract, config.rtl.adders), clock).stages))


def page(rows: Sequence[Compared]) -> str:
    """docs/estimate.md."""
    lines = []
    for row in rows:
        cells = [cell for value, trained in row.pairs for cell in (_ranged(value), f"{trained:,.0f} ({trained / value.value:.2f})")]
        lines.append(f"| `{row.name}` | {row.kind} | {' | '.join(cells)} | {row.seconds:.2f} |")
    inside = sum(value.low <= trained <= value.high for row in rows for value, trained in row.pairs)
    total = sum(len(row.pairs) for row in rows)
    end = f"\n{inside} of the {total} trained values are in the range that was forecast; the ranges of the kinds were chosen from them.\n"
    return _INTRODUCTION + "\n".join(lines) + "\n" + end


def _ranged(value: Estimated) -> str:
    return f"{value.value:,.0f} ({value.low:,.0f} to {value.high:,.0f})"


def main() -> None:
    """Compare, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "estimate")
    parser.add_argument("--configs", type=Path, nargs="+", default=sorted((ROOT / "configs").glob("*.yaml")))
    options = parser.parse_args()
    rows = []
    for path in options.configs:
        try:
            rows.append(compared(path, options.folder))
        except UserError as error:
            print(f"{path.name}: {error}", flush=True)
            continue
        print(f"{path.name}: {rows[-1].kind}, {rows[-1].seconds:.2f} s", flush=True)
    PAGE.write_text(page(rows))


if __name__ == "__main__":
    command.run(main)
