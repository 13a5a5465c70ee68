"""How often the stated intervals of working points hold: python benchmarks/trigger_coverage.py [--experiments N]

A sample is drawn from a population that is known, thresholds are chosen on it as `l1ae trigger` does, and their intervals are
compared with the true rate and with the rate measured on an independent sample. Prints a table in Markdown.
"""

import argparse

from results import StatedTable, keep

from l1ae.evaluation import format_estimate
from l1ae.trigger import StratifiedPopulation, coverage

POPULATIONS = (
    StratifiedPopulation("continuous", (1.0,), (1.0,), (1e6,)),
    StratifiedPopulation("discrete, 40 % more per code", (1.0,), (1.0,), (3.0,)),
    StratifiedPopulation("continuous, weights 0.02 to 1.9", (0.95, 0.045, 0.005), (0.5, 0.25, 0.25), (0.7e6, 1.4e6, 3e6)),
    StratifiedPopulation("discrete, weights 0.02 to 1.9", (0.95, 0.045, 0.005), (0.5, 0.25, 0.25), (2.0, 4.0, 9.0)),
    StratifiedPopulation("continuous, 4 copies, half alike", (1.0,), (1.0,), (1e6,), copies=4, alike=0.5),
    StratifiedPopulation("weights and copies", (0.95, 0.05), (0.5, 0.5), (0.7e6, 2e6), copies=4, alike=0.5),
)
EVENTS = 20_000
COUNTS = (5, 20, 100, 500)


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write the table into docs/results, which pages are filled from")
    options = parser.parse_args()
    lines = ["| population | crossings asked for | effective | experiments | true rate in 68.3 % | in 95.4 % | new sample in 68.3 % |"]
    lines.append("|---|---|---|---|---|---|---|")
    print("\n".join(lines))
    for population in POPULATIONS:
        fractions = [count / EVENTS for count in COUNTS]
        for row in coverage(population, events=EVENTS, fractions=fractions, experiments=options.experiments, seed=options.seed):
            cells = (format_estimate(item, 0.01) + " %" for item in (row.confidence, row.wide, row.prediction))
            asked = round(row.requested * EVENTS)
            lines.append(f"| {population.name} | {asked} | {row.effective_events:.1f} | {row.experiments} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    if options.keep:
        made_by = f"python benchmarks/trigger_coverage.py --experiments {options.experiments} --seed {options.seed}"
        keep("trigger_coverage", made_by, tables={"coverage": StatedTable.of(lines)})


if __name__ == "__main__":
    main()
