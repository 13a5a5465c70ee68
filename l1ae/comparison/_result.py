"""A comparison of runs as a value, with its reader and writer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from l1ae.evaluation import AtRate, FractionEstimate, RateEstimate
from l1ae.results import Code, Count, Digest, FirstVersion, Real, load_result, save_result
from l1ae.trigger import PairedPoint, RateCurves

__all__ = ["ComparedRun", "Comparison", "Difference", "Quantity", "Setting", "Threshold", "load_comparison", "save_comparison"]


@dataclass(frozen=True)
class Setting:
    """A key of the configuration that not all runs have alike, and its value in each run as JSON, empty where it is not there."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Quantity:
    """A figure of a design, and the stage and tool that it is of."""

    value: Real
    stage: str
    tool: str


@dataclass(frozen=True)
class Threshold:
    """The firmware's threshold: score code, value in units of the score, and its rates in kHz; None without crossings or a menu."""

    code: Code
    value: Real
    raw: RateEstimate | None
    pure: RateEstimate | None


@dataclass(frozen=True)
class Difference:
    """A run minus the first one at one rate; `paired`: on the same events, so that what they share cancels."""

    paired: bool
    point: PairedPoint


@dataclass(frozen=True)
class ComparedRun:
    """One run.

    Attributes:
        name: unique among the compared runs.
        folder: as it was given.
        project, digest: of the contract.
        at_rate: its efficiencies with intervals of their own; None without zero-bias crossings.
        curves: its efficiencies at `Comparison.rates`.
        differences: to the first run, one for each rate of `at_rate` that both have; none for the first run.
        threshold: of the firmware.
        weight_bits: widths of the weights, as in contract/summary.json.
        used_bits: bits that all weights need together.
        parameters: weights and biases, zeros included.
        cost: figures by design ("hls", "rtl") and name, each of the latest stage that knows it.
        auc: AUC by signal of the fixed-point model; empty where `auc_note` says why.
    """

    name: str
    folder: str
    project: str
    digest: Digest
    at_rate: AtRate | None
    curves: tuple[RateCurves, ...]
    differences: tuple[Difference, ...]
    threshold: Threshold
    weight_bits: str
    used_bits: Count
    parameters: Count
    cost: dict[str, dict[str, Quantity]]
    auc: dict[str, FractionEstimate]
    auc_note: str


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, the first one is what the others are compared with.

    `settings` differ between the runs. `unlike` says in sentences in what the runs were not judged alike; empty when all were judged on the
    same crossings, signals and menu. `sample` is what the first run's rates were measured on. The intervals of paired differences are those
    of `replicas` replicas drawn from `seed`.
    """

    runs: tuple[ComparedRun, ...]
    settings: tuple[Setting, ...]
    unlike: tuple[str, ...]
    sample: str
    replicas: Count
    seed: Count
    format: Literal["l1ae-comparison"] = "l1ae-comparison"
    format_version: FirstVersion = 1
    tool: str = field(default="")


def save_comparison(path: Path, comparison: Comparison) -> None:
    """Write `comparison` as JSON, under a temporary name first."""
    save_result(path, comparison)


def load_comparison(path: Path) -> Comparison:
    """Read what `save_comparison` wrote. Raises `UserError` for a file that is something else."""
    return load_result(
        Comparison,
        path,
        what="comparison",
        remedy=f"make it with `l1ae compare RUN RUN -o {path.with_suffix('.html').name}`",
        again="run `l1ae compare` again",
    )
