"""Train every configuration, take it to the C simulation, and write the table of docs/families.md.

    python benchmarks/families.py FOLDER [--runs RUNS] [--output docs/families.md] [--models NAME ...]

FOLDER holds background.h5 and one file per signal, either event stores or the physical values of the public ADC2021 layout
(which are imported first). Half of the source events train and validate, the other half tests. Finished runs in RUNS are
not made again. Models on the calorimeter image are measured on the data set that comes with l1ae, which has one.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import command
import h5py
from results import mark, publish

from l1ae.config import Config, load_config
from l1ae.data import import_adc2021
from l1ae.errors import UserError
from l1ae.evaluation import Estimate, format_estimate
from l1ae.inputs import named_layout

SPLIT = ("data.train=0.45", "data.validation=0.05")
SIGNALS = {"a4l": "A → 4l", "lq": "LQ → b tau", "h0": "h0 → tau tau", "hc": "h+ → tau nu"}
PROCESSES = {"background": ("W", "QCD", "Z", "ttbar")}


def stores(folder: Path, target: Path) -> Path:
    """FOLDER itself when it holds event stores, else a folder of stores made from its files."""
    if not (folder / "background.h5").is_file():
        raise UserError(f"'{folder}' holds no background.h5; give a folder with background.h5 and one store per signal")
    with h5py.File(folder / "background.h5") as file:
        if "Particles" not in file:
            return folder
    for name in ("background", *SIGNALS):
        store = target / f"{name}.h5"
        if not store.exists():
            target.mkdir(parents=True, exist_ok=True)
            import_adc2021([folder / f"{name}.h5"], store, named_layout("ugt"), sample=name, processes=PROCESSES.get(name, ()))
    return target


def announce(stage: str, current: bool) -> None:
    """Print the stage that begins."""
    print(f"  {stage}{' (kept)' if current else ''}", flush=True)


def run_family(path: Path, source: Path, runs: Path) -> dict[str, Any]:
    """Run all stages of one configuration and read its results."""
    from l1ae.pipeline import run_all

    config = load_config(path)
    if config.inputs.layout.name == "ugt":
        config = load_config(path, (f"data.source={source}", *SPLIT))
    run, _ = run_all(config, runs / config.name, announce=announce)
    files = {
        "metrics": run.path("evaluation") / "metrics.json",
        "contract": run.path("contract") / "summary.json",
        "csim": run.path("csim") / "report.json",
    }
    return {"config": config} | {name: json.loads(file.read_text()) for name, file in files.items()}


def estimate(metrics: dict[str, Any], variant: str, signal: str) -> str:
    """An AUC with its interval, or a dash where the variant or the signal does not exist."""
    values = metrics["auc"].get(variant, {}).get(signal)
    return "–" if values is None else format_estimate(Estimate(**values))


def row(result: dict[str, Any]) -> str:
    """One line of the table."""
    config: Config = result["config"]
    contract, csim, metrics = result["contract"], result["csim"], result["metrics"]
    aucs = [f"{estimate(metrics, 'float', name)} / {estimate(metrics, 'fixed', name)}" for name in SIGNALS]
    differing = f"{csim['mismatches']} of {csim['events'] + csim['corner_vectors']:,}"
    weights = f"{contract['nonzero_parameters']:,} of {contract['parameters']:,}"
    mark = "" if config.inputs.layout.name == "ugt" else " ¹"
    cells = [f"`{config.name}`{mark}", config.model.score, *aucs, weights, f"{contract['used_bits']:,}", differing]
    return f"| {' | '.join(cells)} |"


HEADER = """# Every family, float and fixed point

Made by `python benchmarks/families.py FOLDER`. AUC of the float network / of the fixed-point contract for four signals,
with the statistical interval (68.3 %, copies of a source event counted once) on the half of the events that was not
trained on; one training each, seed 1; another seed moves the AUC of a dense model by 0.002 to 0.009. The quantized network is
trained further than the float one, so that the two differ by more than by quantization (`ptq_ae` shows quantization alone).
"Weights" counts those that are not 0; "bits" sums, over them, the bits between the first and the last non-zero bit and one for
the sign. "Differing" counts events and corner vectors of which any value of any layer differs between the contract and the C
simulation of the HLS project.

Events: {events}.{note}

"""

COLUMNS = ("Model", "Score", *SIGNALS.values(), "Weights", "Bits", "Differing")
NOTE = "\n¹ on the calorimeter image of other events (the data set that comes with l1ae): not comparable with the rest.\n"


def table(results: list[dict[str, Any]], about: str = "") -> str:
    """The page; `about` says what the events are."""
    events = next(result["metrics"]["events"] for result in results if result["config"].inputs.layout.name == "ugt")
    text = ", ".join(f"{count:,} {name}" for name, count in events.items())
    lines = [mark("families", "auc"), f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}", *(row(result) for result in results)]
    footnote = NOTE if any(result["config"].inputs.layout.name != "ugt" for result in results) else ""
    note = f" {about}" if about else ""
    return HEADER.format(events=text, note=note) + "\n".join(lines) + "\n" + footnote


def main() -> None:
    """Run what is missing and write the page."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder = Path(__file__).parent.parent / "configs"
    trained = [path for path in sorted(folder.glob("*.yaml")) if load_config(path).model.architecture != "imported"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/families"))
    parser.add_argument("--output", type=Path, default=Path("docs/families.md"))
    parser.add_argument("--models", nargs="+", default=[path.stem for path in trained])
    parser.add_argument("--about", default="", help="a sentence on what the events in FOLDER are")
    arguments = parser.parse_args()
    source = stores(arguments.folder, arguments.runs / "data")
    results = []
    for name in arguments.models:
        print(name, flush=True)
        results.append(run_family(folder / f"{name}.yaml", source, arguments.runs))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    publish(arguments.output, table(results, arguments.about), "python benchmarks/families.py FOLDER")
    print(arguments.output)


if __name__ == "__main__":
    command.run(main)
