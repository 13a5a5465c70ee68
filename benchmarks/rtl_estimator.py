"""Measure the RTL estimator on networks of many sizes, fit its constants and write docs/rtl_estimator.md.

    python benchmarks/rtl_estimator.py [--folder runs/estimator] [--contracts RUN/contract/contract.json ...]

Every network is traced and scheduled; most are synthesised too, one after the other. What is measured stays in the folder,
so that an interrupted run goes on where it stopped. The constants go into l1ae/rtl/estimator/estimator.json, the measurements of three
small networks into a fixture of the tests. `--contracts` names trained models: they are compared, not fitted to.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import command
import numpy as np
from estimator_networks import Network, contract_of, dense_network, networks
from scipy.optimize import least_squares, nnls

from l1ae.contract import Contract
from l1ae.rtl import ADDERS, Clock, schedule, trace_contract, unroll
from l1ae.rtl._delay import _disjoint
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._schedule import _reachable
from l1ae.rtl.estimator._estimate import QUANTITIES, VERSION, Constants, Counted, Prepared, count, parse_constants, prepare, priced
from l1ae.rtl.estimator._shape import PRICED, Laws
from l1ae.synth import part_of, synthesise

ROOT = Path(__file__).parent.parent
PART = "xcvu13p"
FOLDS = 10
_LARGE = 4500
_TRAINED_PERIOD = 5.0
# Three that are well within the bands, so that another estimate of theirs means that the estimator has changed.
FIXTURE = ("d21_v1", "d28_v1", "c00_v1")
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
    if same and "resources" in found and found["trace"] == record["trace"]:
        record["resources"] = found["resources"]
    elif synthesis:
        record["resources"] = _synthesised(contract, period, folder)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record))
    temporary.rename(path)
    return record


@cache
def _code() -> str:
    """Digest of what makes adder graphs and pipelines of a contract."""
    names = ("_arithmetic", "_opcodes", "_operations", "_trace", "_delay", "_schedule")
    texts = [(ROOT / "l1ae" / "rtl" / f"{name}.py").read_text() for name in names]
    return hashlib.sha256("".join([version("alkaid"), version("pyosys"), *texts]).encode()).hexdigest()


def _synthesised(contract: Contract, period: float, folder: Path) -> dict[str, Any]:
    project = unroll(contract, Clock(period), PART, "binary").project
    sources = {name: project.files[name] for name in project.verilog}
    return asdict(synthesise(sources, contract.project, part_of(PART), dsp=False, memory_gb=8.0, cache=folder / "synth").resources)


@dataclass(frozen=True)
class Sample:
    """A network with what was measured of it. `values`: by quantity; LUTs and flip-flops only of a synthesised one."""

    name: str
    network: Network | None
    prepared: Prepared
    clock: Clock
    layers: Mapping[str, Sequence[int]]
    values: Mapping[str, float]


def sample(name: str, network: Network | None, contract: Contract, record: Mapping[str, Any]) -> Sample:
    """A record beside what the estimator counts."""
    trace, resources = record["trace"], record.get("resources", {})
    values = {"adders": trace["adders"], "cycles": trace["cycles"]}
    values |= {quantity: resources[quantity] for quantity in ("luts", "luts_packed", "flip_flops") if resources}
    values["register_bits"] = trace["register_bits"]
    return Sample(name, network, prepare(contract), Clock(record["period"]), trace["layers"], values)


# -- fit -------------------------------------------------------------------------------------------------------------


def fit(samples: Sequence[Sample]) -> Constants:
    """All constants. Cheap ones first: those of the matrix products by layer, then two by trial, then the prices."""
    sharing, width = _products(samples)
    laws = Laws(sharing, width, 0.0, _LIVES[2])
    laws = min((replace(laws, depth=depth) for depth in _DEPTHS), key=lambda trial: _spread(samples, trial, _cycles))
    laws = min((replace(laws, live=live) for live in _LIVES), key=lambda trial: _spread(samples, trial, _registers))
    counted = [(one, count(one.prepared, laws, one.clock)) for one in samples if "luts" in one.values]
    luts, packed = (_prices(counted, name) for name in ("luts", "luts_packed"))
    return Constants(laws, luts, packed, _register_prices(counted), {})


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
    return float(np.log(counted.total_bits / one.values["register_bits"]))


def _spread(samples: Sequence[Sample], laws: Laws, error: Callable[[Sample, Counted], float]) -> float:
    """Mean square of the logarithms."""
    return float(np.mean([error(one, count(one.prepared, laws, one.clock)) ** 2 for one in samples]))


def _prices(counted: Sequence[tuple[Sample, Counted]], quantity: str) -> tuple[float, ...]:
    """LUTs of each count and of the shell, none negative."""
    rows = [[*sum_counts(what), 1.0] for _, what in counted]
    return _logarithmic(rows, [one.values[quantity] for one, _ in counted])


def sum_counts(counted: Counted) -> list[float]:
    """Each of `PRICED` over all operations."""
    return [sum(getattr(shape, name) for shape in counted.shapes.values()) for name in PRICED]


def _register_prices(counted: Sequence[tuple[Sample, Counted]]) -> tuple[float, float]:
    rows = [[sum(what.bits.values()), 1.0] for _, what in counted]
    per_bit, shell = _logarithmic(rows, [one.values["flip_flops"] for one, _ in counted])
    return per_bit, shell


def _logarithmic(rows: Sequence[Sequence[float]], values: Sequence[float]) -> tuple[float, ...]:
    """Factors, none negative, with the least squares of ln(estimated / measured), outliers beyond 10 % counting less."""
    table, logarithms = np.array(rows), np.log(values)
    start = nnls(table / np.array(values)[:, None], np.ones(len(values)))[0] + 1e-3
    found = least_squares(lambda factors: np.log(table @ factors) - logarithms, start, bounds=(0, np.inf), loss="soft_l1", f_scale=0.1)
    return tuple(np.round(found.x, 6).tolist())


# -- cross-validation ------------------------------------------------------------------------------------------------


def predicted(one: Sample, constants: Constants) -> dict[str, float]:
    """What the estimator says, by quantity."""
    unit = replace(constants, bands=dict.fromkeys(QUANTITIES, (1.0, 1.0)))
    result = priced(count(one.prepared, constants.laws, one.clock), unit)
    return {name: getattr(result, name).value for name in QUANTITIES}


def cross_validated(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """For every network the estimate by constants that were fitted without its fold."""
    estimates = {}
    for fold in range(FOLDS):
        constants = fit([one for k, one in enumerate(samples) if k % FOLDS != fold])
        for one in samples[fold::FOLDS]:
            estimates[one.name] = predicted(one, constants)
        print(f"fold {fold + 1} of {FOLDS}", flush=True)
    return estimates


def ratios(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]], quantity: str) -> list[float]:
    """Measured / estimated, where it was measured."""
    return [one.values[quantity] / estimates[one.name][quantity] for one in samples if quantity in one.values]


def bands(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """5 % and 95 % quantile of measured / estimated."""
    quantiles = {name: np.quantile(ratios(samples, estimates, name), [0.05, 0.95]) for name in QUANTITIES}
    return {name: (float(low), float(high)) for name, (low, high) in quantiles.items()}


# -- the page --------------------------------------------------------------------------------------------------------

# Earlier measurements of this project's prototypes with the same tools (weights of another seed, no preprocessing, no trigger
# shell): score, bits of the weights, sparsity, additions, LUT, packed LUT, flip-flops, cycles at 5 ns of a strict schedule.
_EARLIER = (
    ("57-32-16-3", "mu2", (32, 16, 3), 8, 0.0, 2602, 32738, 27200, 12840, 13),
    ("57-32-16-3", "mu2", (32, 16, 3), 8, 0.5, 1792, 22267, 18400, 8644, 12),
    ("57-32-16-3", "mu2", (32, 16, 3), 6, 0.0, 1897, 23321, 18900, 8922, None),
    ("57-32-16-3", "mu2", (32, 16, 3), 6, 0.5, 1295, None, None, None, 12),
    ("57-32-16-3", "mu2", (32, 16, 3), 4, 0.0, 1197, None, None, None, None),
    ("57-32-16-3", "mu2", (32, 16, 3), 4, 0.5, 878, 10203, 8000, 3066, 10),
    ("57-32-16-3-16-32-57", "absolute_error", (32, 16, 3), 8, 0.0, 5368, 68038, 56600, 27706, None),
    ("57-32-16-3-16-32-57", "absolute_error", (32, 16, 3), 8, 0.5, 3573, None, None, None, None),
)
# LUT estimates of HLS for the networks of the CMS global trigger (public firmware repositories), with multipliers in LUTs.
_PUBLISHED = (
    ("CMS global trigger v1, 57-32-16-13", (32, 16, 13), 8, 33341),
    ("CMS global trigger v3, 57-32-16-8", (32, 16, 8), 6, 72340),
    ("CMS global trigger v4, 57-28-15-8", (28, 15, 8), 6, 70515),
)
_TITLES = {"adders": "Additions", "luts": "LUT", "luts_packed": "LUT packed", "flip_flops": "FF", "cycles": "Cycles"}


def page(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]], trained: Sequence[Sample], constants: Constants) -> str:
    """docs/rtl_estimator.md."""
    parts = [
        _introduction(samples),
        _summary(samples, estimates),
        _trained(trained, constants),
        _earlier(constants),
        _published(constants),
        _all(samples, estimates),
    ]
    return "\n".join(parts)


def _introduction(samples: Sequence[Sample]) -> str:
    synthesised = sum("luts" in one.values for one in samples)
    return f"""# The RTL estimator and its errors

Made by `python benchmarks/rtl_estimator.py` (alkaid {version("alkaid")}, pyosys {version("pyosys")}, {PART}, binary adders, no DSP
blocks). {len(samples)} networks with weights from a fixed seed were traced and scheduled, {synthesised} of them synthesised; they
differ in inputs (2 to 19 objects of three numbers), layers, widths (3 to 10 bits), sparsity (0 to 90 %), rounding, score and
clock (2.78 to 6.25 ns); some begin with a convolution. "Estimated" is what `estimate` says with constants that were fitted to
nine tenths of the networks, without the one in question. LUT and FF are those of yosys before placement, not of a placed
design; "LUT packed" is the lower bound that `l1ae synth` reports. "Additions" are carry chains. Trigger shell included.
"""


def _cells(values: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, values))} |"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join([_cells(header), f"|{'---|' * len(header)}", *map(_cells, rows)]) + "\n"


def _summary(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]]) -> str:
    rows = []
    for name in QUANTITIES:
        found = ratios(samples, estimates, name)
        low, middle, high = np.quantile(found, [0.05, 0.5, 0.95])
        rows.append([_TITLES[name], len(found), f"{middle:.2f}", f"{low:.2f} to {high:.2f}", f"{min(found):.2f} to {max(found):.2f}"])
    header = ["Quantity", "Networks", "Median of measured / estimated", "90 % of the networks", "All"]
    return "## Summary\n\n" + _table(header, rows)


def _both(one: Sample, estimated: Mapping[str, float], quantities: Sequence[str]) -> list[str]:
    """Measured, estimated and their ratio of each quantity; a dash where it was not measured."""
    cells = []
    for name in quantities:
        if name in one.values:
            measured, guess = one.values[name], estimated[name]
            cells.append(f"{measured:,.0f} / {guess:,.0f} ({measured / guess:.2f})")
        else:
            cells.append("–")
    return cells


def _trained(trained: Sequence[Sample], constants: Constants) -> str:
    if not trained:
        return ""
    rows = [[f"`{one.name}`", f"{one.clock.period:g}", *_both(one, predicted(one, constants), QUANTITIES)] for one in trained]
    text = "## Trained models\n\nNot used in the fit; the larger ones not synthesised. Measured / estimated (ratio).\n\n"
    return text + _table(["Model", "Clock (ns)", *_TITLES.values()], rows)


def _estimated(widths: tuple[int, ...], score: str, bits: int, sparsity: float, constants: Constants) -> dict[str, float]:
    network = dense_network("compared_v1", widths, score, bits, sparsity)
    contract = contract_of(network)
    return predicted(Sample("", network, prepare(contract), Clock(network.period), {}, {}), constants)


def _earlier(constants: Constants) -> str:
    rows = []
    for layers, score, widths, bits, sparsity, *measured in _EARLIER:
        guess = _estimated(widths, score, bits, sparsity, constants)
        values = dict(zip(QUANTITIES, measured, strict=True))
        cells = [f"{value:,} / {guess[name]:,.0f} ({value / guess[name]:.2f})" if value else "–" for name, value in values.items()]
        rows.append([layers, score, bits, f"{sparsity:.0%}", *cells])
    text = """## Against earlier measurements of other networks

Prototypes of this flow, the same tools, 8-bit inputs and activations, weights of another seed and at 5 ns; neither
preprocessing nor trigger shell. LUT and FF are of pipelines that were cut by other rules (9 cycles where a strict schedule
takes 13). Measured / estimated for a network of the same shape (ratio).

"""
    return text + _table(["Layers", "Score", "Bits of weights", "Pruned", *_TITLES.values()], rows)


def _published(constants: Constants) -> str:
    rows = []
    for label, widths, bits, luts in _PUBLISHED:
        guess = _estimated(widths, "mu2", bits, 0.0, constants)
        rows.append([label, bits, f"{luts:,}", f"{guess['luts']:,.0f}", f"{guess['luts_packed']:,.0f}"])
    text = """## Against published figures

HLS estimates for a Virtex-7 at 40 MHz, with multipliers instead of shared additions; ours is for a network of the same shape
with weights from a seed, inputs and activations of 8 bits, so that this shows the order of magnitude and no more: sparsity
and widths of the published ones are not known to us.

"""
    return text + _table(["Network", "Bits of weights here", "LUT, published HLS estimate", "LUT estimated", "LUT packed estimated"], rows)


def _all(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]]) -> str:
    rows = []
    for one in samples:
        network = one.network
        assert network is not None
        shape = f"{3 * network.objects}-{'-'.join(map(str, network.widths))}" + (f", conv {network.filters}" if network.filters else "")
        widths = f"{network.input_bits}/{network.activation_bits}/{network.weight_bits}"
        described = [one.name[:-3], shape, network.score, widths, f"{network.sparsity:.0%}", f"{network.period:g}"]
        rows.append([*described, *_both(one, estimates[one.name], QUANTITIES)])
    text = """## All networks

Bits: inputs/activations/weights. Measured / estimated (ratio).

"""
    return text + _table(["Network", "Encoder", "Score", "Bits", "Pruned", "ns", *_TITLES.values()], rows)


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


def _order() -> list[Network]:
    """Small ones first, now and then a large one, so that what there is after an interruption covers all sizes."""
    ordered = sorted(networks(), key=lambda one: (not one.synthesised, one.luts))
    small = [one for one in ordered if one.synthesised and one.luts < _LARGE]
    large = [one for one in ordered if one.synthesised and one.luts >= _LARGE]
    step = len(small) // (len(large) + 1)
    mixed = []
    for k, one in enumerate(small):
        mixed.append(one)
        if k % step == step - 1 and large:
            mixed.append(large.pop(0))
    return [*mixed, *large, *(one for one in ordered if not one.synthesised)]


def _trained_sample(path: Path, constants: Constants, arguments: argparse.Namespace) -> Sample:
    """A trained model, synthesised if the estimator expects that it takes minutes only."""
    contract, clock = Contract.load(path), Clock(_TRAINED_PERIOD)
    expected = priced(count(prepare(contract), constants.laws, clock), constants).luts.value
    synthesis = expected < arguments.largest and not arguments.available
    record = measure(f"{contract.project}-trained", contract, clock.period, arguments.folder, synthesis=synthesis)
    return sample(contract.project, None, contract, record)


def main() -> None:
    """Measure what is missing, fit, cross-validate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/estimator"))
    parser.add_argument("--contracts", type=Path, nargs="*", default=[])
    parser.add_argument("--largest", type=float, default=15000, help="synthesise trained models up to so many LUTs")
    parser.add_argument("--available", action="store_true", help="leave out the synthesis of networks that have none yet")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    samples, records = [], {}
    for network in _order():
        contract = contract_of(network)
        record = measure(
            network.name, contract, network.period, arguments.folder, synthesis=network.synthesised and not arguments.available
        )
        records[network.name] = record
        samples.append(sample(network.name, network, contract, record))
        print(network.name, record["trace"]["adders"], record.get("resources", {}).get("luts"), flush=True)
    samples.sort(key=lambda one: one.name)
    estimates = cross_validated(samples)
    constants = replace(fit(samples), bands=bands(samples, estimates))
    trained = [_trained_sample(path, constants, arguments) for path in arguments.contracts]
    written = constants_file(constants, samples)
    (ROOT / "docs" / "rtl_estimator.md").write_text(page(samples, estimates, trained, parse_constants(json.loads(written))))
    (ROOT / "l1ae" / "rtl" / "estimator" / "estimator.json").write_text(written)
    (ROOT / "tests" / "rtl" / "estimator" / "measured.json").write_text(fixture(samples, records))


if __name__ == "__main__":
    command.run(main)
