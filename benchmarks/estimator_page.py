"""docs/rtl_estimator.md from what was measured and estimated."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np
from estimator_deployed import Deployed
from estimator_networks import contract_of, dense_network
from estimator_samples import PART, Sample, nominal, predicted, ratios
from estimator_tables import Tabled
from results import mark

from l1ae.evaluation import clopper_pearson
from l1ae.rtl import Clock
from l1ae.rtl.estimator._estimate import QUANTITIES, Constants, prepare

__all__ = ["page"]

# Earlier measurements of this project's prototypes (weights of another seed, no preprocessing, no trigger shell): score, bits of the
# weights, sparsity, additions, cycles at 5 ns.
_EARLIER = (
    ("57-32-16-3", "mu2", (32, 16, 3), 8, 0.0, 2602, 13),
    ("57-32-16-3", "mu2", (32, 16, 3), 8, 0.5, 1792, 12),
    ("57-32-16-3", "mu2", (32, 16, 3), 6, 0.0, 1897, None),
    ("57-32-16-3", "mu2", (32, 16, 3), 6, 0.5, 1295, 12),
    ("57-32-16-3", "mu2", (32, 16, 3), 4, 0.0, 1197, None),
    ("57-32-16-3", "mu2", (32, 16, 3), 4, 0.5, 878, 10),
    ("57-32-16-3-16-32-57", "absolute_error", (32, 16, 3), 8, 0.0, 5368, None),
    ("57-32-16-3-16-32-57", "absolute_error", (32, 16, 3), 8, 0.5, 3573, None),
)
_TITLES = {"adders": "Additions", "luts": "LUT", "luts_packed": "LUT packed", "flip_flops": "FF", "cycles": "Cycles"}
_KINDS = ("trained-like", "deployed formats", "tables")

Estimates = Mapping[str, Mapping[str, float]]


def page(samples: Sequence[Sample], estimates: Estimates, trained: Sequence[Sample], constants: Constants) -> str:
    """docs/rtl_estimator.md; `estimates` by name, of what was fitted without the network's fold, or the network."""
    parts = [
        _introduction(samples),
        _summary(samples, estimates),
        _coverage(samples, estimates, constants),
        _clocks(samples),
        _trained(trained, constants),
        _earlier(constants),
        _all(samples, estimates),
    ]
    return "\n".join(part for part in parts if part)


def _kind(one: Sample) -> str:
    return _KINDS[1 if isinstance(one.network, Deployed) else 2 if isinstance(one.network, Tabled) else 0]


def _introduction(samples: Sequence[Sample]) -> str:
    held = sum(one.held for one in samples)
    synthesised = sum("luts" in one.values for one in samples)
    return f"""# The RTL estimator and its errors

Made by `python benchmarks/rtl_estimator.py` (alkaid {version("alkaid")}, pyosys {version("pyosys")}, {PART}, binary adders, no DSP
blocks). {len(samples)} designs with weights from a fixed seed were traced and scheduled, {synthesised} of them synthesised. Three kinds:

- trained-like (d, c, t): networks as `l1ae train` makes them: 2 to 19 objects of three numbers, 3 to 10 bits, sparsity of 0 to 90 %, every
  score, some with a convolution, clocks of 2.78 to 6.25 ns;
- deployed formats (p): networks as descriptions of deployed triggers give them: inputs of 8 to 18 bits, kernels of 2 to 8 (mostly 2 to
  5) bits, accumulators that drop bits of every product and may wrap, result types that round or cut, clocks of 2.78 to 25 ns;
- tables (b): density trees and forests, table students, networks of tables, clocks of 5 to 25 ns.

{held} designs were **held back**: nothing was fitted to them, neither constants nor bands. Of the others "estimated" is what the
constants say that were fitted to nine tenths of them, without the one in question. LUT and FF are those of yosys before placement, not of
a placed design; "LUT packed" is the lower bound that `l1ae synth` reports. "Additions" are carry chains. Trigger shell included. Models
with bins or tables of several columns are mapped as they are written, and have prices and bands of their own.
"""


def _cells(values: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, values))} |"


def _table(name: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join([mark("rtl_estimator", name), _cells(header), f"|{'---|' * len(header)}", *map(_cells, rows)]) + "\n"


def _summary(samples: Sequence[Sample], estimates: Estimates) -> str:
    rows = []
    for kind in _KINDS:
        mine = [one for one in samples if _kind(one) == kind and not one.held]
        for name in QUANTITIES:
            if found := ratios(mine, estimates, name):
                low, middle, high = np.quantile(found, [0.05, 0.5, 0.95])
                spread = [f"{middle:.2f}", f"{low:.2f} to {high:.2f}", f"{min(found):.2f} to {max(found):.2f}"]
                rows.append([kind, _TITLES[name], len(found), *spread])
    header = ["Kind", "Quantity", "Designs", "Median of measured / estimated", "90 % of the designs", "All"]
    return "## Cross-validated\n\n" + _table("cross_validated", header, rows)


def _coverage(samples: Sequence[Sample], estimates: Estimates, constants: Constants) -> str:
    """How many of the designs that were held back lie within the bands."""
    rows = []
    for mapping, mapped in constants.mappings.items():
        mine = [one for one in samples if one.prepared.mapping == mapping]
        for name, (low, high) in mapped.bands.items():
            fitted = sum(name in one.values for one in mine if not one.held)
            held = ratios([one for one in mine if one.held], estimates, name)
            if held:
                inside = sum(low <= ratio <= high for ratio in held)
                band = [f"{low:.2f} to {high:.2f}", fitted, f"{nominal(fitted):.0%}"]
                rows.append([mapping.replace("_", " "), _TITLES[name], *band, *_share(inside, len(held))])
    text = """## The bands, judged on designs that were held back

A band goes from one of the smallest cross-validated ratios to one of the largest: those between which the next design of the same kind lies
with 90 %, whatever their distribution. With fewer than 19 designs it goes from the smallest to the largest, which holds less than 90 %:
"Holds" is what is to be expected. Inside: of the designs that were held back, with the interval of Clopper and Pearson (68.3 %).

"""
    return text + _table("bands", ["Mapped", "Quantity", "Band of measured / estimated", "From designs", "Holds", "Inside", "Share"], rows)


def _share(inside: int, count: int) -> tuple[str, str]:
    found = clopper_pearson(inside, count)
    return f"{inside} of {count}", f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%})"


def _clocks(samples: Sequence[Sample]) -> str:
    """Whether schedules keep their clock under typical assumptions about the wiring."""
    timed = [one for one in samples if one.slowest]
    groups = [(kind, [one for one in timed if _kind(one) == kind and not _table_score(one)]) for kind in _KINDS]
    groups.append(("score KL or R_z, by a table", [one for one in timed if _table_score(one)]))
    rows = []
    for name, mine in groups:
        if mine:
            relative = [one.slowest["typical"] / one.clock.period for one in mine]
            kept = sum(one.slowest["typical"] <= one.clock.period for one in mine)
            rows.append([name, *_share(kept, len(mine)), f"{np.median(relative):.2f}", f"{max(relative):.2f}"])
    late = [one for one in timed if one.slowest["typical"] > one.clock.period]
    beyond = "; ".join(f"{one.name[:-3]} {one.slowest['typical']:.2f} at {one.clock.period:g} ns" for one in late) or "none"
    text = """## Clocks

The slowest path of the synthesised design under typical assumptions about the wiring (static timing before placement), against the clock
for which the pipeline was cut. Kept: not longer than the clock, uncertainty not contained; place and route may be slower.

"""
    header = ["Designs", "Kept", "Share", "Slowest path / clock, median", "Largest"]
    return text + _table("clocks", header, rows) + f"\nBeyond their clock: {beyond}.\n"


def _table_score(one: Sample) -> bool:
    return one.network is not None and one.network.score in ("kl", "rz")


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
    return text + _table("trained", ["Model", "Clock (ns)", *_TITLES.values()], rows)


def _estimated(widths: tuple[int, ...], score: str, bits: int, sparsity: float, constants: Constants) -> dict[str, float]:
    network = dense_network("compared_v1", widths, score, bits, sparsity)
    contract = contract_of(network)
    return predicted(Sample("", network, prepare(contract), Clock(network.period), {}, {}, {}), constants)


def _earlier(constants: Constants) -> str:
    rows = []
    for layers, score, widths, bits, sparsity, *measured in _EARLIER:
        guess = _estimated(widths, score, bits, sparsity, constants)
        values = zip(("adders", "cycles"), measured, strict=True)
        cells = [f"{value:,} / {guess[name]:,.0f} ({value / guess[name]:.2f})" if value else "–" for name, value in values]
        rows.append([layers, score, bits, f"{sparsity:.0%}", *cells])
    text = """## Against earlier measurements of larger networks

Prototypes of this flow, 8-bit inputs and activations, weights of another seed and at 5 ns; neither preprocessing nor trigger shell.
Measured / estimated for a network of the same shape (ratio).

"""
    return text + _table("earlier", ["Layers", "Score", "Bits of weights", "Pruned", "Additions", "Cycles"], rows)


def _all(samples: Sequence[Sample], estimates: Estimates) -> str:
    rows = []
    for one in samples:
        network = one.network
        assert network is not None
        name = f"{one.name[:-3]}{'*' if one.held else ''}"
        slowest = f"{one.slowest['typical']:.2f}" if one.slowest else "–"
        described = [name, network.shape, network.score, network.bits, f"{network.period:g}", slowest]
        rows.append([*described, *_both(one, estimates[one.name], QUANTITIES)])
    text = """## All designs

Bits: inputs/activations/weights; −N: bits of every product that the accumulator drops; wraps N: bits that it lacks for every sum; of
tables: columns/bins/entries. Path: the slowest, typical, in ns. *: held back. Measured / estimated (ratio).

"""
    return text + _table("designs", ["Design", "Shape", "Score", "Bits", "Clock, ns", "Path", *_TITLES.values()], rows)
