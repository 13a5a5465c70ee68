"""Exact evaluation of the contract against the C simulation by hls4ml, of the same trained model on the same events.

    python benchmarks/contract_speed.py RUN ...          (runs with an HLS project: `l1ae run CONFIG --run RUN --to hls`)
    python benchmarks/contract_speed.py --latent
    python benchmarks/contract_speed.py --record
    python benchmarks/contract_speed.py --tables

With `--tables` the density tree of configs/density_tree.yaml is trained and evaluated on the zero bias that comes with l1ae; its training
is timed on the same crossings, repeated, as 10 million. With `--latent` and `--record` no run is needed: networks with random weights,
fast against int64. `--latent` has the shape of a latent-space autoencoder (features 57-29-10, autoencoder 10-9-6-4-6-9-10, score = squared
distance of the features and their reconstruction); `--record` is the autoencoder 117-64-32-8-32-64-117 on all objects of the public Level-1
record with its squared error. Times of the processor per event are printed too: on a busy machine they say what a free one would do.

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
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import command
import numpy as np

from l1ae.config import Config
from l1ae.contract import Contract, Dense, Quantize, ReconstructionError, Relu, Threshold
from l1ae.contract._builder import Builder, add_inputs, difference_format
from l1ae.inputs import FixedFormat, InputSpec, named_layout
from l1ae.pipeline._models import untrained_contract

CSIM_EVENTS = 20_000
REPEATS = 5
TRAINED, BLOCK = 10_000_000, 65_536


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
    from l1ae.config import load_config
    from l1ae.data import open_dataset
    from l1ae.hls import simulate, to_model_graph

    config = load_config(folder / "config.yaml")
    contract = Contract.load(folder / "contract" / "contract.json")
    hardware = open_dataset(config.data.source, config.inputs.selected).background.read().hw
    many = np.concatenate([hardware] * max(1, 500_000 // len(hardware)))
    few = hardware[:CSIM_EVENTS]
    result: dict[str, object] = {"project": contract.project, "events": len(many), "csim_events": len(few)}
    with tempfile.TemporaryDirectory() as scratch:
        graph = to_model_graph(contract, config.hls, Path(scratch) / "project")
        with contextlib.redirect_stdout(io.StringIO()):
            graph.compile()
        inputs = np.ascontiguousarray(few, np.float64)
        score, trigger = graph.predict(inputs)
        answers = contract.evaluate(few)
        same = np.array_equal(score, answers["score"] * contract.score.format.lsb) and np.array_equal(trigger, answers["trigger"])
        if not same:
            raise SystemExit(f"{folder}: the C simulation and the contract differ; nothing was timed")
        result["hls4ml_predict"] = rates(lambda: graph.predict(inputs), len(few), 3)
    report = simulate(contract, folder / "hls", config.hls.backend, few)
    result["l1ae_csim_all_layers"] = ((len(few) + report.corner_vectors) / report.seconds.simulate,) * 2
    for workers in (1, os.cpu_count() or 1):
        result[f"contract_{workers}_threads"] = rates(lambda workers=workers: contract.evaluate(many, workers=workers), len(many))
    result["contract_int64"] = rates(lambda: contract.evaluate_reference(few), len(few), 3)
    fastest = result[f"contract_{os.cpu_count() or 1}_threads"][0]
    result["ratio_to_hls4ml"] = fastest / result["hls4ml_predict"][0]
    return result


def _add_dense(builder: Builder, rng: np.random.Generator, name: str, source: str, *, size: int, activation: str) -> str:
    """A layer with random weights of 4 or 5 bits, and its activation."""
    weight_format, bias_format = FixedFormat(True, int(rng.integers(4, 6)), 1), FixedFormat(True, 8, 3)
    weights = rng.integers(weight_format.low, weight_format.high + 1, (builder.size_of(source), size))
    bias = rng.integers(bias_format.low, bias_format.high + 1, size)

    def make(form: FixedFormat) -> Dense:
        return Dense(
            name=name,
            inputs=(source,),
            format=form,
            size=size,
            weights=weights,
            bias=bias,
            weight_format=weight_format,
            bias_format=bias_format,
        )

    exact = builder.add_exact(make, max(builder.format_of(source).fraction + weight_format.fraction, bias_format.fraction))
    form = FixedFormat.parse(activation)
    return builder.add((Quantize if form.signed else Relu)(name=f"{name}_q", inputs=(exact,), format=form, size=size))


def latent_network(seed: int = 1) -> Contract:
    """57-29-10 features and the autoencoder 10-9-6-4-6-9-10 on them, inputs of 14 bits, activations of 8 and 10."""
    builder, rng = Builder(), np.random.default_rng(seed)
    add_inputs(builder, InputSpec.of(named_layout("ugt"), FixedFormat.parse("fixed<14,6,RND_CONV,SAT>")))
    hidden, linear = "ufixed<8,4,RND_CONV,SAT>", "fixed<10,6,RND_CONV,SAT>"
    first = _add_dense(builder, rng, "hidden", "inputs", size=29, activation=hidden)
    features = _add_dense(builder, rng, "features", first, size=10, activation=linear)
    last = features
    for k, size in enumerate([9, 6, 4, 6, 9]):
        last = _add_dense(builder, rng, f"layer{k}", last, size=size, activation=hidden)
    last = _add_dense(builder, rng, "reconstruction", last, size=10, activation=linear)
    difference = difference_format(builder.format_of(features), builder.format_of(last))

    def make(form: FixedFormat) -> ReconstructionError:
        everything = {"present": np.ones(10, bool), "gate": np.full(10, -1)}
        return ReconstructionError(
            name="distance", inputs=(features, last), format=form, size=1, power=2, difference=difference, **everything
        )

    score_type = FixedFormat.parse("ufixed<18,14,TRN,SAT>")
    score = builder.add(Quantize(name="score", inputs=(builder.add_exact(make, 2 * difference.fraction),), format=score_type, size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat(False, 1, 1), size=1, threshold=100_000))
    return Contract("latent_v1", tuple(builder.operations))


def record_network() -> Contract:
    """117-64-32-8-32-64-117 with the squared error over filled slots, initial weights of 8 bits."""
    layout = named_layout("cms_l1_record")
    groups = {group.name: {"offset": 0, "shift": 5} for group in layout.groups}
    model = {"architecture": "dense_ae", "encoder": [64, 32], "latent": 8, "decoder": [32, 64], "score": "squared_error"}
    inputs = {"layout": layout.name, "groups": groups}
    return untrained_contract(Config.model_validate({"name": "record", "inputs": inputs, "model": model})).with_threshold(1000)


def random_events(contract: Contract, events: int, seed: int = 0) -> np.ndarray:
    """(events, size) codes over the whole range of the port; every second slot (of three columns) is empty."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, (events, contract.hardware.size), np.int16)
    codes.reshape(events, -1, 3)[rng.random((events, contract.hardware.size // 3)) < 0.5] = 0
    return codes


def density_tree() -> tuple[Contract, np.ndarray, dict[str, object]]:
    """The contract of the density tree, 4 million crossings, and how long the training on 10 million took, in how much memory."""
    from l1ae.config import load_config
    from l1ae.contract import tables_contract
    from l1ae.data import open_dataset
    from l1ae.tables import fit_forest

    config = load_config(Path(__file__).parents[1] / "configs" / "density_tree.yaml")
    events = open_dataset(config.data.source, config.inputs.selected).background.read(extra=("weight",))
    blocks = [(events.hw[k : k + BLOCK], events.extra["weight"][k : k + BLOCK]) for k in range(0, len(events), BLOCK)]
    times = -(-TRAINED // len(events))
    start = time.perf_counter()
    model = fit_forest(config.inputs.columns, config.model.density.trees, lambda: (block for _ in range(times) for block in blocks))
    training = {"trained_on": times * len(events), "seconds_of_training": time.perf_counter() - start}
    training["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    many = np.concatenate([events.hw] * -(-4_000_000 // len(events)))
    return tables_contract(config, model).with_threshold(1), many, training


def measure_network(contract: Contract, hardware: np.ndarray) -> dict[str, object]:
    """Time a contract that needs no run, after all bits have been compared with int64."""
    events = len(hardware)
    few = hardware[: 5 * CSIM_EVENTS]
    exact, fast = contract.evaluate_reference(few), contract.evaluate(few)
    if any(not np.array_equal(exact[name], fast[name]) for name in exact):
        raise SystemExit("the fast evaluation and int64 differ; nothing was timed")
    result: dict[str, object] = {"project": contract.project, "events": events, "compared_with_int64": len(few)}
    for workers in (1, os.cpu_count() or 1):
        start = time.process_time()
        result[f"contract_{workers}_threads"] = rates(lambda workers=workers: contract.evaluate(hardware, workers=workers), events)
        result[f"cpu_ns_per_event_{workers}_threads"] = (time.process_time() - start) / REPEATS / events * 1e9
    result["contract_int64"] = rates(lambda: contract.evaluate_reference(few), len(few), 3)
    return result


def show(result: dict[str, object]) -> None:
    """Print one result as a table."""
    print(f"\n{result['project']}")
    for name, value in result.items():
        if isinstance(value, tuple):
            print(f"  {name:<26} {value[0]:>12,.0f} events/s   (slowest repetition {value[1]:,.0f})")
        elif isinstance(value, int | float):
            print(f"  {name:<26} {value:>12,.0f}")


def main() -> None:
    """Measure every run given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="run folders with an HLS project")
    parser.add_argument("--latent", action="store_true", help="time the latent-space autoencoder with random weights instead")
    parser.add_argument("--record", action="store_true", help="time the autoencoder on the 117 inputs of the public record instead")
    parser.add_argument("--tables", action="store_true", help="time the density tree on the shipped zero bias, and its training, instead")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    for run in arguments.runs:
        if not (run / "hls").is_dir():
            parser.error(f"'{run}' holds no HLS project; make it first: l1ae run CONFIG --run {run} --to hls")
    if not (arguments.runs or arguments.latent or arguments.record or arguments.tables):
        parser.error("nothing to time; give run folders, --latent, --record or --tables")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}")
    networks = [(arguments.latent, latent_network, 2_000_000), (arguments.record, record_network, 1_000_000)]
    chosen = [(make(), events) for asked, make, events in networks if asked]
    alone = [measure_network(contract, random_events(contract, events)) for contract, events in chosen]
    if arguments.tables:
        tree, crossings, training = density_tree()
        alone.append(measure_network(tree, crossings) | training)
    results = alone or [measure(run) for run in arguments.runs]
    for result in results:
        show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    command.run(main)
