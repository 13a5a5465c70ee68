"""Train the published models and compare their AUCs with reference values: `python benchmarks/reference_physics.py FOLDER`.

FOLDER holds background.h5 and one store per signal (a4l.h5, lq.h5, h0.h5, hc.h5). Half of the source events train and
validate, the other half tests, as for the reference: float networks 57-32-16-3 with LeakyReLU and standardised inputs on
300,000 background events. Statistical errors are those of the test sample (copies of a source event are not counted as
independent); the spread is the standard deviation over the seeds.

Exits 1 when, for any model, signal and seed, an AUC lies below its reference by more than the larger of 0.003 and two
statistical errors, or the quantized AUC lies more than 0.01 away from that of the float network.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from l1ae.config import Config, load_config
from l1ae.data import TEST, Dataset, Events, open_dataset, split_columns, split_parts
from l1ae.evaluation import Estimate, auc, group_ids
from l1ae.families import score
from l1ae.training import load_trained, train

REFERENCE = {
    "dnn_ae": {"a4l": 0.874, "lq": 0.852, "h0": 0.719, "hc": 0.924},
    "dnn_vae": {"a4l": 0.854, "lq": 0.783, "h0": 0.675, "hc": 0.851},
}
QUANTIZATION_LOSS = 0.01
MARGIN = 0.003
BATCH = 65536

# per variant (float, quantized) and signal
Table = dict[str, dict[str, Estimate]]


def scores_of(config: Config, model: Any, events: Events) -> np.ndarray:
    """The configured score of each event."""
    spec = config.inputs.spec()
    parts = []
    for start in range(0, len(events), BATCH):
        hardware = events.hw[start : start + BATCH]
        inputs = spec.to_network_float(hardware)
        parts.append(score(config.model.score, inputs, model(inputs), spec.mask(hardware)))
    return np.concatenate(parts)


def measure(config: Config, dataset: Dataset, folder: Path) -> Table:
    """Train one model and return its AUCs on the events that it never saw."""
    start = time.perf_counter()
    result = train(config, folder)
    seconds = time.perf_counter() - start
    print(
        f"{config.name}, seed {config.seed}: {result.float_epochs} + {result.quantized_epochs} epochs, validation loss "
        f"{result.float_loss:.4f} float, {result.quantized_loss:.4f} quantized, {seconds:.0f} s",
        flush=True,
    )
    background = dataset.background.read(extra=split_columns(config.data, dataset.background))
    background = background.select(split_parts(config.data, background) == TEST)
    groups = group_ids(background.process, background.source_event)
    models = load_trained(config, folder)
    table: Table = {}
    for variant, model in (("float", models.float_model), ("quantized", models.quantized_model)):
        reference = scores_of(config, model, background)
        signals = {name: scores_of(config, model, store.read()) for name, store in dataset.signals.items()}
        table[variant] = {name: auc(reference, scores, background_groups=groups) for name, scores in signals.items()}
    return table


def report(name: str, tables: list[Table], references: dict[str, float]) -> bool:
    """Print the means over the seeds; true when every seed passes."""
    passed = True
    print(f"\n| {name} | reference | float: mean, spread, stat. error | quantized: mean, spread | largest difference | lowest | |")
    print("|---|---|---|---|---|---|---|")
    for signal, reference in references.items():
        values = {variant: np.array([table[variant][signal].value for table in tables]) for variant in ("float", "quantized")}
        error = max((table[v][signal].high - table[v][signal].low) / 2 for table in tables for v in values)
        lowest = min(column.min() for column in values.values())
        difference = np.abs(values["float"] - values["quantized"]).max()
        good = lowest >= reference - max(MARGIN, 2 * error) and difference <= QUANTIZATION_LOSS
        passed &= good
        spread = {variant: column.std(ddof=1) if len(column) > 1 else float("nan") for variant, column in values.items()}
        print(
            f"| {signal} | {reference:.3f} | {values['float'].mean():.4f}, {spread['float']:.4f}, {error:.4f} "
            f"| {values['quantized'].mean():.4f}, {spread['quantized']:.4f} | {difference:.4f} | {lowest:.4f} | {'ok' if good else 'LOW'} |"
        )
    print(flush=True)
    return passed


def main() -> None:
    """Train every configuration with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=list(REFERENCE), choices=list(REFERENCE))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--set", nargs="*", default=[], help="overrides of the configuration, key=value")
    arguments = parser.parse_args()
    passed = True
    for name in arguments.models:
        overrides = (f"data.source={arguments.folder}", "data.train=0.45", "data.validation=0.05", *arguments.set)
        base = load_config(Path(__file__).parent.parent / "configs" / f"{name}.yaml", overrides)
        dataset = open_dataset(base.data.source, base.inputs.spec())
        tables = []
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as folder:
                tables.append(measure(base.model_copy(update={"seed": seed}), dataset, Path(folder)))
        passed &= report(name, tables, REFERENCE[name])
    sys.exit(not passed)


if __name__ == "__main__":
    main()
