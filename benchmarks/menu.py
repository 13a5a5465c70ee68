"""How much of the real Level-1 menu the cuts on a layout's objects are, and what they accept: python benchmarks/menu.py [--check]

Prints, in Markdown, how many of the menu's seeds each layout expresses, and on zero-bias crossings (those that come with l1ae unless
--zero-bias STORE.h5) the rate of every seed and of all together, for each menu that comes with l1ae, also in crossings with more
pileup than the given one. --check decides every crossing a second time, event by event from the cuts in GeV, and compares the names.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from results import StatedTable, keep, stated

from l1ae.config import DataConfig, TriggerConfig, menu_names
from l1ae.data import EventStore, shipped_zero_bias
from l1ae.inputs import named_layout
from l1ae.trigger import JudgedEvents, Menu, Sample, count, expressed, fired_cuts, menu_of, possible_seeds, rate_interval, read_sample

LAYOUTS = ("ugt", "ugt_full", "cms_l1_record")
REAL_KHZ = (100.0, 110.0)
"""Level-1 accept rate of CMS in Run 3."""


def layouts_table() -> list[str]:
    """How many seeds of `run3` each layout has."""
    header = ("layout", "as their names say", "with a sum that stands in", "left out", "no such cuts")
    rows = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for name in LAYOUTS:
        found = expressed("run3", named_layout(name))
        parts = (found.as_named, found.stand_ins, found.left_out, found.not_expressed)
        rows.append(f"| `{name}` | {' | '.join(str(len(part)) for part in parts)} |")
    return rows


def rate(sample: Sample, positions: np.ndarray, khz: float) -> dict[str, float]:
    """Rate in kHz of these crossings, with its interval."""
    found = rate_interval(sample.exposure(khz), count(sample.weights[positions], sample.groups_of(positions)))
    return {"value": found.khz, "low": found.low, "high": found.high}


def pileup_rate(sample: Sample, low: int, khz: float) -> tuple[dict[str, float], float]:
    """Rate in kHz if all crossings had at least that many collisions of pileup, and how many they have on average."""
    chosen = sample.pileup >= low
    share = sample.weights[chosen].sum() / sample.weights.sum()
    fired = sample.fired[chosen[sample.fired]]
    found = rate_interval(sample.exposure(khz / share), count(sample.weights[fired], sample.groups_of(fired)))
    mean = float(np.average(sample.pileup[chosen], weights=sample.weights[chosen]))
    return {"value": found.khz, "low": found.low, "high": found.high}, mean


def check(crossings: JudgedEvents, menu: Menu, config: TriggerConfig) -> str:
    """Both computations on every crossing."""
    fired, names = fired_cuts(possible_seeds(config, crossings.layout)[0], crossings.layout), np.array([seed.name for seed in menu.seeds])
    seconds, different, total = {"arrays": 0.0, "events": 0.0}, 0, 0
    for events in crossings.blocks(menu):
        begin, total = perf_counter(), total + len(events)
        decisions = menu.decide(events)
        middle = perf_counter()
        again = [fired(events, i) for i in range(len(events))]
        seconds["arrays"] += middle - begin
        seconds["events"] += perf_counter() - middle
        different += sum(set(names[yes].tolist()) != other for yes, other in zip(decisions, again, strict=True))
    return f"{different} of {total:,} crossings differ; arrays {seconds['arrays']:.1f} s, event by event {seconds['events']:.1f} s"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zero-bias", type=Path, default=shipped_zero_bias())
    parser.add_argument("--pileup", type=int, default=26, help="rates are also given for crossings with at least that much pileup")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", action="store_true", help="write the numbers into docs/results, which pages are filled from")
    options = parser.parse_args()
    lines, rates = layouts_table(), {}
    print("\n".join(lines))
    store = EventStore.open(options.zero_bias)
    crossings = JudgedEvents.of(store, DataConfig())
    for name in menu_names():
        config = TriggerConfig(menu=name, menu_from="cuts")
        khz = config.revolution_khz * config.bunches
        menu = menu_of(config, store.layout, store)
        if menu is None:
            print(f"\n`{name}`: layout {store.layout.name} allows no seed")
            continue
        sample = read_sample(crossings, lambda hardware: np.zeros(len(hardware), np.int64), menu)
        total, (crowded, mean) = rate(sample, sample.fired, khz), pileup_rate(sample, options.pileup, khz)
        print(
            f"\n`{name}`, {len(menu.seeds)} seeds, {len(sample):,} crossings: {stated(total)} kHz at pileup {sample.pileup_mean:.1f}, ",
            end="",
        )
        print(f"{stated(crowded)} kHz at {options.pileup} or more ({mean:.1f} on average)")
        print(f"(the real menu: {REAL_KHZ[0]:g} to {REAL_KHZ[1]:g} kHz)\n")
        print("| seed | kHz |\n|---|---|")
        passed = [(seed.name, sample.passed_by(k)) for k, seed in enumerate(menu.seeds)]
        passed.sort(key=lambda item: -sample.weights[item[1]].sum())
        seeds = {seed: rate(sample, positions, khz) for seed, positions in passed}
        for seed, found in seeds.items():
            print(f"| `{seed}` | {stated(found)} |")
        rates[name] = {"crossings": len(sample), "all": total, "crowded": crowded, "seeds": seeds}
        if options.check:
            print(f"\n{check(crossings, menu, config)}")
    if options.keep:
        keep("menu", "python benchmarks/menu.py", tables={"seeds": StatedTable.of(lines)}, values=rates)


if __name__ == "__main__":
    main()
