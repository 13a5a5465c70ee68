"""Exact evaluation of the contract against the C simulation by hls4ml, of the same trained model on the same events.

    python benchmarks/contract_speed.py [RUN ...]        (default: those of `make csim-matrix`)

Both give the same bits; the benchmark checks that before it times them. The C simulation is hls4ml's own: the project
that `l1ae hls` writes, compiled by hls4ml's script and called through `ModelGraph.predict`. The bench that `l1ae csim`
uses is timed as well. Every figure is the best of several repetitions; the spread is printed.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from l1ae.config import load_config
from l1ae.contract import Contract
from l1ae.data import open_dataset
from l1ae.hls import simulate, to_model_graph

CSIM_EVENTS = 20_000
REPEATS = 5


def rates(run: Callable[[], object], events: int, repeats: int = REPEATS) -> tuple[float, float]:
    """Best and worst events/s of `repeats` calls."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return events / min(seconds), events / max(seconds)


def measure(folder: Path) -> dict[str, object]:
    """Time one run folder."""
    config = load_config(folder / "config.yaml")
    contract = Contract.load(folder / "contract" / "contract.json")
    hardware = open_dataset(config.data.source, config.inputs.spec()).background.read().hw
    many = np.concatenate([hardware] * max(1, 500_000 // len(hardware)))
    few = hardware[:CSIM_EVENTS]
    result: dict[str, object] = {"project": contract.project, "events": len(many), "csim_events": len(few)}
    with tempfile.TemporaryDirectory() as scratch:
        graph = to_model_graph(contract, config.hls, Path(scratch) / "project")
        with contextlib.redirect_stdout(io.StringIO()):
            graph.compile()
        inputs = np.ascontiguousarray(few.reshape(len(few), -1), np.float64)
        score, trigger = graph.predict(inputs)
        answers = contract.evaluate(few)
        same = np.array_equal(score, answers["score"] * contract.score.format.lsb) and np.array_equal(trigger, answers["trigger"])
        if not same:
            raise SystemExit(f"{folder}: the C simulation and the contract differ; nothing was timed")
        result["hls4ml_predict"] = rates(lambda: graph.predict(inputs), len(few), 3)
    report = simulate(contract, folder / "hls", config.hls.backend, few)
    result["l1ae_csim_all_layers"] = ((len(few) + report.corner_vectors) / report.simulate_seconds,) * 2
    for workers in (1, os.cpu_count() or 1):
        result[f"contract_{workers}_threads"] = rates(lambda workers=workers: contract.evaluate(many, workers=workers), len(many))
    result["contract_int64"] = rates(lambda: contract.evaluate_reference(few), len(few), 3)
    fastest = result[f"contract_{os.cpu_count() or 1}_threads"][0]
    result["ratio_to_hls4ml"] = fastest / result["hls4ml_predict"][0]
    return result


def show(result: dict[str, object]) -> None:
    """Print one result as a table."""
    print(f"\n{result['project']}: {result['events']} events (C simulation: {result['csim_events']})")
    for name, value in result.items():
        if isinstance(value, tuple):
            print(f"  {name:<26} {value[0]:>12,.0f} events/s   (slowest repetition {value[1]:,.0f})")
    print(f"  contract / hls4ml predict  {result['ratio_to_hls4ml']:.0f} x")


def main() -> None:
    """Measure every run given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, default=[Path("runs/csim/dnn_ae"), Path("runs/csim/dnn_vae")])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}")
    results = [measure(run) for run in arguments.runs]
    for result in results:
        show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
