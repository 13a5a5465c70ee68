"""Measure the RTL estimator on networks of many sizes, fit its constants and write docs/rtl_estimator.md.

    python benchmarks/rtl_estimator.py [--folder runs/estimator] [--contracts RUN/contract/contract.json[@NS] ...]

Every network is traced and scheduled; most are synthesised too, one after the other. What is measured stays in the folder,
so that an interrupted run goes on where it stopped. The constants go into l1ae/rtl/estimator/estimator.json, the measurements of three
small networks into a fixture of the tests. `--contracts` names trained models, with a clock in ns: they are compared, not fitted to.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import command
import numpy as np
import numpy.typing as npt
from estimator_deployed import deployed_contract, deployed_networks
from estimator_networks import contract_of, networks
from estimator_page import page
from estimator_samples import PART, Drawn, Sample, left_out, predicted, ratios, sample
from estimator_tables import table_contract, table_networks
from results import publish
from scipy.optimize import least_squares

from l1ae.contract import Contract
from l1ae.rtl import ADDERS, Clock, restructured, schedule, trace_contract, unroll
from l1ae.rtl._delay import _disjoint
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._schedule import _reachable
from l1ae.rtl.estimator._estimate import QUANTITIES, VERSION, Constants, Counted, Mapped, count, parse_constants, prepare, priced
from l1ae.rtl.estimator._shape import PRICED, Laws
from l1ae.synth import analyse_timing, part_of, synthesise
from l1ae.synth._delays import SCENARIOS

ROOT = Path(__file__).parent.parent
FOLDS = 10
FloatArray = npt.NDArray[np.float64]
_TRAINED_PERIOD = 5.0
# Three that are well within the bands, so that another estimate of theirs means that the estimator has changed.
FIXTURE = ("d12_v1", "p14_v1", "b05_v1")
_DEPTHS, _LIVES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75), (0.36, 0.45, 0.54, 0.63, 0.72)


# -- measurement -----------------------------------------------------------------------------------------------------


def traced(contract: Contract, period: float) -> dict[str, Any]:
    """Additions of every layer as [of matrix products, their bits, of constants, their bits], cycles and bits of registers."""
    graph = trace_contract(contract, "binary")
    logic, names = _reachable(graph)
    layers: dict[str, list[int]] = {}
    for op, layer in zip(logic.ops, names, strict=True):
        width = int(sum(op.qint.kif))
        chain = op.opcode in ADDERS and not _disjoint(logic, op) and not (op.opcode == Opcode.NEGATIVE and width == 1)
        mine = layers.setdefault(layer, [0, 0, 0, 0])
        if chain:
            at = 2 if op.opcode == Opcode.ADD_CONSTANT else 0
            mine[at] += 1
            mine[at + 1] += width
    pipeline = schedule(graph, Clock(period))
    return {
        "layers": layers,
        "adders": sum(mine[0] + mine[2] for mine in layers.values()),
        "cycles": len(pipeline.stages),
        "register_bits": pipeline.register_bits,
    }


def measure(name: str, contract: Contract, period: float, folder: Path, *, synthesis: bool) -> dict[str, Any]:
    """The record of one design, from the folder where it is there. Code that traces or schedules otherwise measures again."""
    path = folder / f"{name}.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    same = found.get("digest") == contract.digest and found.get("period") == period
    if same and found["code"] == _code() and ("resources" in found or not synthesis):
        return found
    record = {"digest": contract.digest, "period": period, "code": _code(), "trace": traced(contract, period)}
    if synthesis:
        record |= _synthesised(contract, period, folder)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record))
    temporary.rename(path)
    return record


@cache
def _code() -> str:
    """Digest of what makes adder graphs, pipelines, Verilog and netlists of a contract."""
    rtl = ("_arithmetic", "_opcodes", "_operations", "_tables", "_trace", "_delay", "_schedule")
    names = [*(f"rtl/{name}.py" for name in rtl), "rtl/templates/shift_adder.v", "synth/_yosys.py"]
    texts = [(ROOT / "l1ae" / name).read_text() for name in names]
    return hashlib.sha256("".join([version("alkaid"), version("pyosys"), *texts]).encode()).hexdigest()


def _synthesised(contract: Contract, period: float, folder: Path) -> dict[str, Any]:
    """Resources, and the slowest path under each assumption about the wiring in ns; the cache makes a repetition cheap."""
    project, part = unroll(contract, Clock(period), PART, "binary").project, part_of(PART)
    sources = {name: project.files[name] for name in project.verilog}
    found = synthesise(
        sources, contract.project, part, dsp=False, memory_gb=8.0, cache=folder / "synth", restructure=restructured(contract)
    )
    band = analyse_timing(found.netlist, part)
    return {"resources": asdict(found.resources), "slowest": {name: getattr(band, name).ns for name in SCENARIOS}}


# -- fit -------------------------------------------------------------------------------------------------------------


def fit(samples: Sequence[Sample]) -> Constants:
    """All constants but the bands. Cheap ones first: those of the matrix products by layer, then two by trial, then the prices."""
    sharing, width = _products(samples)
    laws = Laws(sharing, width, 0.0, _LIVES[2])
    laws = min((replace(laws, depth=depth) for depth in _DEPTHS), key=lambda trial: _spread(samples, trial, _cycles))
    laws = min((replace(laws, live=live) for live in _LIVES), key=lambda trial: _spread(samples, trial, _registers))
    counted = [(one, count(one.prepared, laws, one.clock)) for one in samples if "luts" in one.values]
    mappings = {}
    for mapping in sorted({what.mapping for _, what in counted}):
        mine = [(one, what) for one, what in counted if what.mapping == mapping]
        luts, packed = (_prices(mine, name) for name in ("luts", "luts_packed"))
        mappings[mapping] = Mapped(luts, packed, dict.fromkeys(QUANTITIES, (1.0, 1.0)))
    return Constants(laws, _register_prices(counted), mappings)


def _products(samples: Sequence[Sample]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Least squares over all matrix products, those with many additions counting more: the shares, and the mean widths."""
    shares, widths, weights = [], [], []
    for one in samples:
        for name, products in one.prepared.products.items():
            plain = sum(product.plain * product.copies for product in products)
            additions, bits = one.layers.get(name, (0, 0))[:2]
            left = additions - sum(product.negations * product.copies for product in products)
            if plain < 3 or left <= 0:
                continue
            largest = max(products, key=lambda product: product.plain * product.copies)
            shares.append([*largest.predictors, np.log(left / plain)])
            widths.append([*largest.width_predictors, bits / additions])
            weights.append(plain**0.25)
    return _least_squares(shares, weights), _least_squares(widths, weights)


def _least_squares(rows: Sequence[Sequence[float]], weights: Sequence[float]) -> tuple[float, ...]:
    table = np.array(rows) * np.array(weights)[:, None]
    return tuple(np.linalg.lstsq(table[:, :-1], table[:, -1], rcond=None)[0].tolist())


def _cycles(one: Sample, counted: Counted) -> float:
    return float(np.log(counted.cycles / one.values["cycles"]))


def _registers(one: Sample, counted: Counted) -> float:
    return float(np.log((counted.total_bits + 1) / (one.values["register_bits"] + 1)))


def _spread(samples: Sequence[Sample], laws: Laws, error: Callable[[Sample, Counted], float]) -> float:
    """Mean square of the logarithms."""
    return float(np.mean([error(one, count(one.prepared, laws, one.clock)) ** 2 for one in samples]))


def _prices(counted: Sequence[tuple[Sample, Counted]], quantity: str) -> tuple[float, ...]:
    """LUTs of each count and of the shell."""
    rows = [[*sum_counts(what), 1.0] for _, what in counted]
    return _logarithmic(rows, [one.values[quantity] for one, _ in counted], (*[1.0] * len(PRICED), 20.0))


def sum_counts(counted: Counted) -> list[float]:
    """Each of `PRICED` over all operations."""
    return [sum(getattr(shape, name) for shape in counted.shapes.values()) for name in PRICED]


def _register_prices(counted: Sequence[tuple[Sample, Counted]]) -> tuple[float, float, float]:
    rows = [[sum(what.bits.values()), what.score_bits, 1.0] for _, what in counted]
    expected = (1.0, 2.0, 10.0)
    per_bit, per_score_bit, others = _logarithmic(rows, [one.values["flip_flops"] for one, _ in counted], expected)
    return per_bit, per_score_bit, others


def _logarithmic(rows: Sequence[Sequence[float]], values: Sequence[float], expected: Sequence[float]) -> tuple[float, ...]:
    """Factors with the least squares of ln(estimated / measured), outliers beyond 10 % counting less.

    What the designs say nothing of stays as `expected`, a LUT for a bit: a factor of two from it counts as much as 10 % in one design.
    """
    table, logarithms, start = np.array(rows), np.log(values), np.log(expected)
    stiffness = 0.1 / np.log(2)

    def errors(factors: FloatArray) -> FloatArray:
        return np.concatenate([np.log(table @ np.exp(factors)) - logarithms, stiffness * (factors - start)])

    found = least_squares(errors, start, loss="soft_l1", f_scale=0.1)
    return tuple(np.round(np.exp(found.x), 6).tolist())


# -- cross-validation ------------------------------------------------------------------------------------------------


def cross_validated(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """For every network the estimate by constants that were fitted without its fold."""
    estimates = {}
    for fold in range(FOLDS):
        constants = fit([one for k, one in enumerate(samples) if k % FOLDS != fold])
        for one in samples[fold::FOLDS]:
            estimates[one.name] = predicted(one, constants)
        print(f"fold {fold + 1} of {FOLDS}", flush=True)
    return estimates


def ends(found: Sequence[float]) -> tuple[float, float]:
    """A range that holds the next ratio with a probability of 90 %, whatever their distribution, or all where they are too few.

    One more than the number of ratios counts, because the next one belongs to them (split conformal prediction: Vovk, Gammerman,
    Shafer, Algorithmic Learning in a Random World, 2005).
    """
    ordered = sorted(found)
    beyond = left_out(len(ordered))
    return ordered[beyond - 1], ordered[-beyond]


def bands(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]], mapping: str) -> dict[str, tuple[float, float]]:
    """The band of each quantity, of designs that are mapped alike."""
    mine = [one for one in samples if one.prepared.mapping == mapping]
    return {name: ends(ratios(mine, estimates, name)) for name in QUANTITIES}


def with_bands(constants: Constants, samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]]) -> Constants:
    """The constants with the bands of `samples`."""
    mappings = {name: replace(found, bands=bands(samples, estimates, name)) for name, found in constants.mappings.items()}
    return replace(constants, mappings=mappings)


# -- files -----------------------------------------------------------------------------------------------------------


def constants_file(constants: Constants, samples: Sequence[Sample]) -> str:
    """estimator.json."""
    content = {
        "version": VERSION,
        "tools": {"alkaid": version("alkaid"), "pyosys": version("pyosys"), "part": PART},
        "networks": {"traced": len(samples), "synthesised": sum("luts" in one.values for one in samples)},
        "priced": list(PRICED),
        **asdict(constants),
    }
    return json.dumps(content, indent=1) + "\n"


def fixture(samples: Sequence[Sample], records: Mapping[str, Mapping[str, Any]]) -> str:
    """Measurements of a few small networks."""
    chosen = {one.name: {"digest": records[one.name]["digest"], "values": dict(one.values)} for one in samples if one.name in FIXTURE}
    return json.dumps(chosen, indent=1) + "\n"


def designs() -> list[tuple[Drawn, Contract]]:
    """Every network with its contract: kinds side by side, small ones first, so that an interruption leaves all sizes of all kinds."""
    kinds = ((networks(), contract_of), (deployed_networks(), deployed_contract), (table_networks(), table_contract))
    ordered = []
    for drawn, make in kinds:
        for synthesised in (True, False):
            mine = [network for network in drawn if network.synthesised == synthesised]
            ordered += [((not synthesised, (k + 0.5) / len(mine)), network, make) for k, network in enumerate(mine)]
    ordered.sort(key=lambda item: item[0])
    return [(network, make(network)) for _, network, make in ordered]


def _trained_sample(text: str, constants: Constants, arguments: argparse.Namespace) -> Sample:
    """A trained model, FILE or FILE@PERIOD, synthesised if the estimator expects that it takes minutes only."""
    path, _, period = text.partition("@")
    contract, clock = Contract.load(Path(path)), Clock(float(period or _TRAINED_PERIOD))
    expected = priced(count(prepare(contract), constants.laws, clock), constants).luts.value
    synthesis = expected < arguments.largest and not arguments.available
    record = measure(f"{contract.project}-trained", contract, clock.period, arguments.folder, synthesis=synthesis)
    return sample(contract.project, None, contract, record)


def main() -> None:
    """Measure what is missing, fit, cross-validate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/estimator"))
    parser.add_argument("--contracts", nargs="*", default=[], metavar="FILE[@NS]")
    parser.add_argument("--largest", type=float, default=15000, help="synthesise trained models up to so many LUTs")
    parser.add_argument("--available", action="store_true", help="leave out the synthesis of networks that have none yet")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    samples, records = [], {}
    for network, contract in designs():
        synthesis = network.synthesised and not arguments.available
        records[network.name] = record = measure(network.name, contract, network.period, arguments.folder, synthesis=synthesis)
        samples.append(sample(network.name, network, contract, record))
        print(network.name, record["trace"]["adders"], record.get("resources", {}).get("luts"), flush=True)
    samples.sort(key=lambda one: one.name)
    fitted = [one for one in samples if not one.held]
    estimates = cross_validated(fitted)
    constants = with_bands(fit(fitted), fitted, estimates)
    trained = [_trained_sample(path, constants, arguments) for path in arguments.contracts]
    written = constants_file(constants, fitted)
    rounded = parse_constants(json.loads(written))
    estimates |= {one.name: predicted(one, rounded) for one in samples if one.held}
    publish(ROOT / "docs" / "rtl_estimator.md", page(samples, estimates, trained, rounded), "python benchmarks/rtl_estimator.py")
    (ROOT / "l1ae" / "rtl" / "estimator" / "estimator.json").write_text(written)
    (ROOT / "tests" / "rtl" / "estimator" / "measured.json").write_text(fixture(samples, records))


if __name__ == "__main__":
    command.run(main)
