"""Check a zero-bias store: `python benchmarks/zero_bias.py [STORE.h5] [--brute-force OTHER.h5] [--count COLLISIONS]`.

Without a store, the one that comes with the package. Prints the strata, fractions of crossings and rates with statistical
errors (crossings of one source taken together; the error of a small library of soft collisions apart, as if single ones were the
cause), and what is known of them independently. Exits 1 when a check fails.

* `--brute-force` compares with a store without strata, made with l1ae data generate --sample zerobias and a --config with a
  single class of all inelastic collisions:
  zero_bias:
    classes:
      soft: {settings: ["SoftQCD:inelastic=on"], cross_section: 7.805e7, share: 1.0, shard_events: 5000, library_shards: 24}
* `--count` counts hard interactions in so many collisions of Pythia's SoftQCD:inelastic (1.7 ms each) and computes leading-order
  cross sections, where the constants of the configuration come from.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.data import EventStore, shipped_zero_bias
from l1ae.data.generator import GeneratorConfig
from l1ae.data.generator._pythia import cross_section, make_pythia
from l1ae.inputs import named_layout

CROSSINGS_KHZ = 11.2456 * 2544
"""Colliding bunches of an LHC fill per millisecond."""

CUTS = {
    "leading jet pT": (15.0, 20.0, 30.0, 40.0, 60.0, 100.0, 150.0, 200.0, 300.0),
    "sum of jet pT above 30 GeV": (50.0, 100.0, 200.0, 300.0, 400.0),
    "MET": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0),
    "leading muon pT": (3.0, 5.0, 10.0, 15.0, 20.0, 25.0),
    "leading electron pT": (3.0, 5.0, 10.0, 15.0, 20.0, 25.0),
}
COMPARED = {"leading jet pT": (15.0, 20.0, 30.0, 40.0, 60.0), "MET": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0), "leading muon pT": (3.0, 5.0)}


@dataclass(frozen=True)
class Crossings:
    """Quantities (n,) of the crossings of a store, their weights, strata, and one number for all that share a source."""

    store: EventStore
    values: dict[str, npt.NDArray[np.float64]]
    weight: npt.NDArray[np.float64]
    stratum: npt.NDArray[np.int16]
    source: npt.NDArray[np.int64]
    pileup: npt.NDArray[np.int16]

    def library_error(self, chosen: npt.NDArray[np.bool_]) -> float:
        """Error of a fraction from the number of soft collisions, if single ones cause what is chosen; see `_zero_bias`."""
        facts, name = self.store.provenance, self.store.processes[0]
        config, stratum = facts["processes"][name]["config"], facts["zero_bias"]["strata"][name]
        caused = self.fraction(chosen & (self.stratum == 0))[0] / stratum["probability"]
        collisions = config["library_shards"] * config["shard_events"]
        return float((caused * stratum["expected_collisions"] / collisions) ** 0.5)

    def fraction(self, chosen: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Weighted fraction of crossings, and its error."""
        weight = np.where(chosen, self.weight, 0.0) / len(self.weight)
        return float(weight.sum()), float((np.bincount(self.source, weights=weight) ** 2).sum() ** 0.5)


def read(path: Path) -> Crossings:
    """All crossings of a store."""
    layout = named_layout("ugt")
    store = EventStore.open(path, layout)
    events = store.read(extra=["weight"])
    physical = layout.to_physical(events.hw)
    pt = {group.name: physical[:, layout.positions(group.name, "pt")] for group in layout.groups}
    jets = pt["jet"]
    values = {
        "leading jet pT": jets[:, 0],
        "sum of jet pT above 30 GeV": np.where(jets > 30, jets, 0).sum(axis=1),
        "MET": pt["met"][:, 0],
        "leading muon pT": pt["mu"][:, 0],
        "leading electron pT": pt["eg"][:, 0],
    }
    keys = np.stack([events.process.astype(np.int64), events.source_event])
    source = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
    return Crossings(store, values, events.extra["weight"], events.process, source, events.pileup)


def print_strata(crossings: Crossings) -> list[tuple[str, bool]]:
    """Table of the strata; checks that weights and probabilities add up and that constants agree with Pythia."""
    facts, made = (crossings.store.provenance[name] for name in ("zero_bias", "processes"))
    print("| stratum | mean collisions | probability | share | weight | crossings | cross section, nb | Pythia in this run, nb |")
    print("|---|---|---|---|---|---|---|---|")
    checks = []
    for index, name in enumerate(crossings.store.processes):
        row, found = facts["strata"][name], made[name]
        numbers = f"{row['expected_collisions']:.4g} | {row['probability']:.4g} | {row['share']:g} | {row['weight']:.4g}"
        sigma = f"{row['cross_section']:.4g} | {found['cross_section']:.4g} ± {found['cross_section_error']:.2g}"
        print(f"| {name} | {numbers} | {int((crossings.stratum == index).sum())} | {sigma} |")
        if name not in {"qcd12", "qcd15", "qcd20"}:
            distance = abs(row["cross_section"] - found["cross_section"])
            checks.append((f"cross section of {name}", distance < 0.01 * row["cross_section"] + 3 * found["cross_section_error"]))
    total = sum(row["probability"] for row in facts["strata"].values())
    mean = float(np.average(crossings.pileup, weights=crossings.weight))
    average, effective = float(crossings.weight.mean()), crossings.weight.sum() ** 2 / (crossings.weight**2).sum()
    print(f"\nprobabilities add up to {total:.9f}; mean weight {average:.6f}; effective number of crossings {effective:.0f} of "
          f"{len(crossings.weight)}; mean number of collisions {mean:.3f}\n")  # fmt: skip
    expected = crossings.store.provenance["detector"]["pileup_mean"]
    checks += [("probabilities", abs(total - 1) < 1e-9), ("mean weight", abs(average - 1) < 0.01)]
    return [*checks, ("mean number of collisions", abs(mean - expected) < 0.01 * expected)]


def print_rates(crossings: Crossings) -> None:
    """Table of fractions and rates."""
    print(
        "| quantity | above, GeV | fraction | rate, kHz | soft library, kHz | crossings | largest strata |\n|---|---|---|---|---|---|---|"
    )
    for name, cuts in CUTS.items():
        for cut in cuts:
            chosen = crossings.values[name] > cut
            value, error = crossings.fraction(chosen)
            parts = np.bincount(crossings.stratum[chosen], crossings.weight[chosen], len(crossings.store.processes))
            largest = np.argsort(-parts)[:2]
            where = ", ".join(f"{crossings.store.processes[i]} {100 * parts[i] / max(parts.sum(), 1e-30):.0f} %" for i in largest)
            rate = f"{value * CROSSINGS_KHZ:.4g} ± {error * CROSSINGS_KHZ:.2g} | {crossings.library_error(chosen) * CROSSINGS_KHZ:.2g}"
            print(f"| {name} | {cut:g} | {value:.4g} ± {error:.2g} | {rate} | {int(chosen.sum())} | {where} |")


def check_w(crossings: Crossings) -> list[tuple[str, bool]]:
    """Muons of W: mean pileup x sigma(W -> l nu) / sigma(inelastic) x 1/3 x 0.5 within |eta| < 2.1 and above 20 GeV x efficiency."""
    sigma = GeneratorConfig().zero_bias.classes
    mean = crossings.store.provenance["detector"]["pileup_mean"]
    expected = mean * sigma["w_lnu"].cross_section / sigma["soft"].cross_section / 3 * 0.5 * 0.93
    w = crossings.stratum == crossings.store.processes.index("w_lnu")
    value, error = crossings.fraction(w & (crossings.values["leading muon pT"] > 20))
    rate, wanted = value * CROSSINGS_KHZ, expected * CROSSINGS_KHZ
    print(f"\nmuons above 20 GeV in the W stratum: {rate:.4f} ± {error * CROSSINGS_KHZ:.4f} kHz, expected about {wanted:.4f} kHz")
    return [("muons of W", abs(value - expected) < 0.15 * expected + 3 * error)]


def compare(crossings: Crossings, brute: Crossings) -> list[tuple[str, bool]]:
    """Fractions with and without strata. The error without counts that every collision of the library is used many times."""
    facts = brute.store.provenance
    (single,) = facts["processes"].values()
    library = single["config"]["library_shards"] * single["config"]["shard_events"]
    uses = len(brute.weight) * facts["detector"]["pileup_mean"] / library
    print(f"\nWithout strata: {len(brute.weight)} crossings of {library} collisions, each used {uses:.0f} times.")
    print("| quantity | above, GeV | with strata | without | ratio | pull |\n|---|---|---|---|---|---|")
    checks = []
    for name, cuts in COMPARED.items():
        for cut in cuts:
            chosen = crossings.values[name] > cut
            one, one_error = crossings.fraction(chosen)
            # MET adds up many collisions, so that no single one is its cause.
            one_error = one_error if name == "MET" else float(np.hypot(one_error, crossings.library_error(chosen)))
            other, other_error = brute.fraction(brute.values[name] > cut)
            other_error *= (1 + uses) ** 0.5
            ratio, relative = one / other, float(np.hypot(one_error / one, other_error / other))
            pull = (one - other) / float(np.hypot(one_error, other_error))
            print(f"| {name} | {cut:g} | {one:.4g} ± {one_error:.2g} | {other:.4g} ± {other_error:.2g} | "
                  f"{ratio:.3f} ± {ratio * relative:.3f} | {pull:+.1f} |")  # fmt: skip
            checks.append((f"{name} > {cut:g} GeV without strata", abs(ratio - 1) < 0.03 + 3 * ratio * relative))
    return checks


def print_counts(collisions: int) -> None:
    """Cross sections of the slices: counted among inelastic collisions, and to leading order."""
    classes = GeneratorConfig().zero_bias.classes
    pythia = make_pythia(classes["soft"], 1, ("HadronLevel:all=off",))
    hardness = np.concatenate([np.sqrt(np.asarray(pythia.nextBatch(500).info.pT2Hat)) for _ in range(collisions // 500)])
    total = cross_section(pythia).value
    print(f"\ninelastic: {total:.5g} nb\n\n| class | counted, nb | leading order, nb | configuration, nb |\n|---|---|---|---|")
    for name, item in list(classes.items())[1:]:
        leading = make_pythia(item, 1, ("PartonLevel:all=off", "HadronLevel:all=off"))
        leading.nextBatch(50_000)
        limits = [float(setting.split("=")[1]) for setting in item.settings if setting.startswith("PhaseSpace:pTHat")]
        counted = "" if not limits else slice_text(hardness, (*limits, np.inf)[:2], total)
        sigma = cross_section(leading)
        print(f"| {name} | {counted} | {sigma.value:.4g} ± {sigma.error:.2g} | {item.cross_section:.4g} |")


def slice_text(hardness: npt.NDArray[np.float64], limits: tuple[float, ...], total: float) -> str:
    """Cross section of the collisions within the limits, with the error of their number."""
    number = int(((hardness >= limits[0]) & (hardness < limits[1])).sum())
    return f"{total * number / len(hardness):.4g} ± {total * number**0.5 / len(hardness):.2g}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, nargs="?")
    parser.add_argument("--brute-force", type=Path)
    parser.add_argument("--count", type=int, default=0)
    arguments = parser.parse_args()
    crossings = read(arguments.store or shipped_zero_bias())
    print(f"{crossings.store.path}: {len(crossings.weight)} crossings\n")
    checks = print_strata(crossings)
    print_rates(crossings)
    checks += check_w(crossings)
    if arguments.brute_force:
        checks += compare(crossings, read(arguments.brute_force))
    if arguments.count:
        print_counts(arguments.count)
    failed = [name for name, passed in checks if not passed]
    print(f"\n{len(checks) - len(failed)} of {len(checks)} checks passed" + "".join(f"\nFAILED: {name}" for name in failed))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
