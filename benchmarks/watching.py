"""How often `l1ae watch` is wrong, and how many events it needs: python benchmarks/watching.py [--quick] [--keep]

False alarms: pairs of samples of the lepton-selected background (`shipped`), drawn from different source events without any change, and how
many of them have a p-value up to 1, 5 and 20 %. Defects: planted into new events of the same background, in rising numbers of source
events, against 10,000 of reference, until at least nine of ten samples raise an alarm at 1 %. Some 10 minutes of one core.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from results import StatedTable, keep
from scipy.stats import binomtest

from l1ae.data import EventStore, open_dataset
from l1ae.evaluation import clopper_pearson, format_estimate
from l1ae.inputs import Layout
from l1ae.progress import tracked
from l1ae.watching import Sample, compare, sample_of

ALPHA = 0.01
ALPHAS = (0.01, 0.05, 0.2)
EVENTS = 1000
REFERENCE = 10_000
NUMBERS = (500, 1000, 2000, 4000, 8000, 16_000)
POWER = 0.9
COMMAND = "python benchmarks/watching.py"

Codes = npt.NDArray[np.integer]
Defect = Callable[[Codes, Layout], Codes]


def _objects(group: str, lost: Callable[[Codes, Layout], npt.NDArray[np.bool_]]) -> Defect:
    """Objects of a group that are not there any more; those behind them move up."""

    def plant(hw: Codes, layout: Layout) -> Codes:
        hw, columns = hw.copy(), [layout.positions(group, name) for name in ("pt", "eta", "phi")]
        gone = lost(hw, layout) & (hw[:, columns[0]] > 0)
        order = np.argsort(gone | (hw[:, columns[0]] == 0), axis=1, kind="stable")
        for column in columns:
            kept = np.where(gone, 0, hw[:, column])
            hw[:, column] = np.take_along_axis(kept, order, axis=1)
        return hw

    return plant


def _scaled(group: str, factor: float) -> Defect:
    def plant(hw: Codes, layout: Layout) -> Codes:
        hw, pt = hw.copy(), layout.positions(group, "pt")
        most = layout.code_range[1][pt]
        hw[:, pt] = np.where(hw[:, pt] > 0, np.clip(np.rint(hw[:, pt] * factor), 1, most), 0).astype(hw.dtype)
        return hw

    return plant


def _turned(group: str, codes: int) -> Defect:
    def plant(hw: Codes, layout: Layout) -> Codes:
        hw, pt, phi = hw.copy(), layout.positions(group, "pt"), layout.positions(group, "phi")
        period = int(layout.period[phi[0]])
        hw[:, phi] = np.where(hw[:, pt] > 0, (hw[:, phi] + codes) % period, hw[:, phi])
        return hw

    return plant


def _in_phi(group: str, low: int, high: int) -> Defect:
    def inside(hw: Codes, layout: Layout) -> npt.NDArray[np.bool_]:
        phi = hw[:, layout.positions(group, "phi")]
        return np.asarray((phi >= low) & (phi < high), np.bool_)

    return _objects(group, inside)


def _slot(group: str, slot: int) -> Defect:
    def there(hw: Codes, layout: Layout) -> npt.NDArray[np.bool_]:
        lost = np.zeros((len(hw), len(layout.positions(group, "pt"))), np.bool_)
        lost[:, slot] = True
        return lost

    return _objects(group, there)


DEFECTS: Mapping[str, Defect] = {
    "jets of a region of 0.26 rad (1/24 of phi) are lost": _in_phi("jet", 40, 46),
    "energy scale of jets 2 % up": _scaled("jet", 1.02),
    "energy scale of jets 5 % up": _scaled("jet", 1.05),
    "energy scale of MET 5 % down": _scaled("met", 0.95),
    "the fourth jet is lost": _slot("jet", 3),
    "phi of muons wrong by 0.11 rad": _turned("mu", 10),
    "phi of muons wrong by 0.44 rad": _turned("mu", 40),
    "no change": lambda hw, layout: hw,
}


class Pool:
    """Events of one store, whose source events are drawn without being used twice."""

    def __init__(self, store: EventStore) -> None:
        self.layout = store.layout
        self.events = store.read()
        self._sample = sample_of(self.events, self.layout)
        self.groups = np.unique(self._sample.groups, return_inverse=True)[1].ravel()

    def sample(self, positions: npt.NDArray[np.intp], defect: Defect | None = None) -> Sample:
        """What is watched of the events at some positions, with a defect planted into them."""
        if defect is not None:
            events = self.events.select(positions)
            return sample_of(replace(events, hw=defect(events.hw, self.layout)), self.layout)
        watched = tuple(replace(quantity, values=quantity.values[positions]) for quantity in self._sample.quantities)
        return Sample(watched, self._sample.weights[positions], self._sample.groups[positions])

    def drawn(self, rng: np.random.Generator, *numbers: int) -> Iterator[npt.NDArray[np.intp]]:
        """Positions of all events of so many source events each, none of which is drawn twice."""
        order, start = rng.permutation(int(self.groups.max()) + 1), 0
        for number in numbers:
            chosen = np.zeros(len(order), np.bool_)
            chosen[order[start : start + number]] = True
            yield np.flatnonzero(chosen[self.groups])
            start += number


def false_alarms(pool: Pool, pairs: int, permutations: int) -> StatedTable:
    """How many of `pairs` comparisons without any change have a p-value up to each level."""
    rng, found = np.random.default_rng(1), []
    for k in tracked(range(pairs), "false alarms", unit="pairs"):
        one, other = map(pool.sample, pool.drawn(rng, EVENTS, EVENTS))
        found.append(compare(one, other, permutations=permutations, seed=k).p_value)
    rows = []
    for alpha in ALPHAS:
        hits = sum(p <= alpha for p in found)
        rows.append(
            (f"{100 * alpha:g} %", f"{100 * hits / pairs:.2f}", _percent(hits, pairs), f"{binomtest(hits, pairs, alpha).pvalue:.2g}")
        )
    return StatedTable(("level", "alarms [%]", "with 68.3 % interval [%]", "p of the stated level"), "lrrr", tuple(rows))


def _percent(hits: int, trials: int) -> str:
    return format_estimate(clopper_pearson(hits, trials), 0.01)


def power(pool: Pool, samples: int, permutations: int) -> StatedTable:
    """For each defect the fraction of alarms at each number of new events; numbers beyond the first with power are not tried."""
    rows = []
    for name, defect in tracked(list(DEFECTS.items()), "defects", unit="defects"):
        cells, needed, named = [], "", ""
        for number in NUMBERS:
            if needed:
                cells.append("")
                continue
            hits, first = _alarms(pool, defect, number, samples, permutations)
            cells.append(f"{100 * hits / samples:.0f}")
            if hits >= POWER * samples:
                needed, named = f"{number:,}", first
        rows.append((name, *cells, needed or f"more than {NUMBERS[-1]:,}", named or "–"))
    header = ("defect", *(f"{number:,}" for number in NUMBERS), "events needed", "named first")
    return StatedTable(header, "l" + "r" * (len(NUMBERS) + 1) + "l", tuple(rows))


def _alarms(pool: Pool, defect: Defect, number: int, samples: int, permutations: int) -> tuple[int, str]:
    """Alarms, and the quantity that differs most in the last one."""
    hits, named = 0, ""
    for k in range(samples):
        reference, new = pool.drawn(np.random.default_rng((2, number, k)), REFERENCE, number)
        found = compare(pool.sample(reference), pool.sample(new, defect), permutations=permutations, seed=k)
        if found.p_value <= ALPHA:
            hits, named = hits + 1, found.moved[0].name
    return hits, named


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few pairs and samples: whether it runs")
    parser.add_argument("--keep", action="store_true", help="write the tables into docs/results, which pages are filled from")
    options = parser.parse_args(arguments)
    pool = Pool(open_dataset("shipped").background)
    pairs, samples, permutations = (20, 2, 99) if options.quick else (1000, 10, 199)
    tables = {"false_alarms": false_alarms(pool, pairs, permutations), "defects": power(pool, samples, permutations)}
    for table in tables.values():
        print(table.markdown())
    if options.keep:
        keep("watching", COMMAND, tables=tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
