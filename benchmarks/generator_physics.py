"""Compare a generated background with published and independent facts: `python benchmarks/generator_physics.py [STORE.h5]`.

Without a store, the one that comes with the package. Exits 1 when a number is further off than its stated tolerance.
"""

import argparse
import sys
from pathlib import Path

from l1ae.data import EventStore, dataset_folder
from l1ae.data.generator import physics_checks


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, nargs="?")
    path = parser.parse_args().store or dataset_folder("shipped") / "background.h5"
    store = EventStore.open(path)
    checks = physics_checks(store)
    print(f"{path}: {store.n_events} events\n")
    print("| quantity | measured | expected | tolerance | | source of the expectation |\n|---|---|---|---|---|---|")
    for check in checks:
        measured = f"{check.measured:.3f} ± {check.error:.3f} {check.unit}"
        verdict = "ok" if check.passed else "OFF"
        print(f"| {check.name} | {measured} | {check.expected:.3f} | {check.tolerance:g} | {verdict} | {check.source} |")
    sys.exit(not all(check.passed for check in checks))


if __name__ == "__main__":
    main()
