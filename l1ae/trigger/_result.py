"""What `l1ae trigger` found, as it is written to working_points.json."""

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from l1ae.errors import UserError
from l1ae.evaluation import Estimate
from l1ae.files import DamagedError, json_content, write_text
from l1ae.html import html_table
from l1ae.inputs import FormatText
from l1ae.results import Code, Count, Digest, FirstVersion, Fraction, Positive, Real

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "Curve",
    "Efficiency",
    "Interval",
    "MenuRates",
    "Neighbour",
    "Period",
    "PileupBin",
    "Rate",
    "RateInterval",
    "RawPure",
    "Score",
    "SeedRate",
    "Stability",
    "TriggerResult",
    "WorkingPoint",
    "ZeroBias",
    "format_khz",
    "load_working_points",
    "save_working_points",
]

FORMAT: Literal["l1ae-working-points"] = "l1ae-working-points"
FORMAT_VERSION = 1


class _Part(BaseModel):
    """Immutable; a reader ignores names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RateInterval(_Part):
    """A rate in kHz and the ends of its interval at `TriggerResult.confidence`."""

    khz: Positive
    low: Positive
    high: Positive


class Rate(RateInterval):
    """A rate of a working point, with the interval at `wide_confidence` too.

    `prediction_*`: where, at `confidence`, the rate measured on another zero-bias sample of the same size will lie.
    """

    wide_low: Positive
    wide_high: Positive
    prediction_low: Positive
    prediction_high: Positive


class Interval(_Part):
    """A fraction with its interval at `TriggerResult.confidence`."""

    value: Fraction
    low: Fraction
    high: Fraction


class RawPure(_Part):
    """A signal's efficiency: accepted, and accepted by no other seed; None where there is no menu for the signal.

    `note` says where `pure` is against a part of the menu only.
    """

    raw: Interval
    pure: Interval | None
    note: str | None = None


Efficiency = dict[str, RawPure]


class Neighbour(_Part):
    """What the next threshold with other decisions gives, in kHz on this sample."""

    threshold: Code
    raw_khz: Positive
    pure_khz: Positive | None


class WorkingPoint(_Part):
    """A threshold for a requested rate. None: there is no such threshold, and `note` says why.

    The trigger fires when score code >= `threshold`; `score` is the threshold in the score's unit. All integers from
    `equivalent_from` to `threshold` decide alike on every crossing of this sample. `lower` and `higher` are the next
    integers on either side that do not.
    """

    name: str
    requested_khz: Positive
    threshold: Code | None
    score: Real | None
    equivalent_from: Code | None
    effective_events: Positive
    note: str | None
    raw: Rate | None
    pure: Rate | None
    lower: Neighbour | None
    higher: Neighbour | None
    efficiency: Efficiency

    @model_validator(mode="after")
    def _has_what_a_threshold_has(self) -> Self:
        missing = [name for name in ("score", "equivalent_from", "raw") if getattr(self, name) is None]
        if self.threshold is not None and missing:
            raise ValueError(f"has a threshold, but no {', '.join(missing)}")
        return self


class Score(_Part):
    """Type of the score in firmware, and what one unit of its integer is worth."""

    type: FormatText
    lsb: Positive


class ZeroBias(_Part):
    """The sample that rates were measured on. `effective_events`: independent crossings of equal weight that are worth as much."""

    source: str
    sha256: Digest
    events: Count
    effective_events: Positive
    pileup_mean: Positive | None


class SeedRate(RateInterval):
    """One seed of the menu by itself."""

    name: str
    definition: str


class MenuRates(_Part):
    """The seeds that a rate is pure against, their rates and the rate of all together.

    `name` is that of a menu that comes with l1ae. `origin` is none when there is no menu: then there are no pure rates, and `left_out`
    says why. `missing` are, by signal, the recorded seeds that its sample does not have: its pure efficiency is against the others.
    """

    origin: Literal["cuts", "recorded", "none"]
    name: str | None = None
    seeds: tuple[SeedRate, ...]
    left_out: tuple[str, ...]
    missing: dict[str, tuple[str, ...]] = {}
    khz: Positive | None
    low: Positive | None
    high: Positive | None


class Curve(_Part):
    """Rates at up to 400 thresholds, from the highest on."""

    threshold: tuple[Code, ...]
    raw_khz: tuple[Positive, ...]
    raw_low: tuple[Positive, ...]
    raw_high: tuple[Positive, ...]
    pure_khz: tuple[Positive, ...] | None


class PileupBin(_Part):
    """Rates that all crossings would have with `low` to `high` pileup collisions (both included)."""

    low: Count
    high: Count
    events: Count
    rates: dict[str, RateInterval]


class Period(_Part):
    """Rates in a range of luminosity blocks (both ends included) of a run."""

    label: str
    run: Count
    lumi_low: Count
    lumi_high: Count
    events: Count
    rates: dict[str, RateInterval]


class Stability(_Part):
    """Raw rates in bins of pileup and in run periods; `periods_p_value`: probability of differences as large by chance."""

    pileup: tuple[PileupBin, ...]
    periods: tuple[Period, ...] | None
    periods_p_value: dict[str, Fraction] | None


class TriggerResult(_Part):
    """All of it. `efficiency_curve` has `raw_khz` and one list per signal."""

    format: Literal["l1ae-working-points"] = FORMAT
    format_version: FirstVersion = FORMAT_VERSION
    project: str
    digest: Digest
    score: Score
    zero_bias: ZeroBias
    revolution_khz: Positive
    bunches: Count
    crossing_rate_khz: Positive
    confidence: Fraction
    wide_confidence: Fraction
    ladder: Literal["raw", "pure"]
    menu: MenuRates
    working_points: tuple[WorkingPoint, ...]
    curve: Curve
    efficiency_curve: dict[str, tuple[Positive, ...]]
    stability: Stability

    def _repr_html_(self) -> str:
        rows = (
            (point.name, point.threshold, *map(_rate_text, (point.raw, point.pure)), f"{point.effective_events:,.0f}", point.note)
            for point in self.working_points
        )
        caption = f"{self.project}: {self.zero_bias.events:,} zero-bias crossings"
        return html_table(("working point", "threshold", "raw [kHz]", "pure [kHz]", "effective crossings", ""), rows, caption=caption)

    def point(self, name: str) -> WorkingPoint:
        """The working point of that name, such as `1kHz`, which has a threshold.

        Raises `UserError` with the names that there are, or with the reason why there is no threshold.
        """
        found = {point.name: point for point in self.working_points}
        if name not in found:
            raise UserError(f"no working point '{name}'; there are {', '.join(found)}")
        if found[name].threshold is None:
            raise UserError(f"working point '{name}' has no threshold: {found[name].note}")
        return found[name]


def format_khz(rate: float) -> str:
    """A rate in kHz that is written without its interval: four digits, wherever it is shown."""
    return f"{rate:.4g}" if rate < 1e4 else f"{rate:,.0f}"


def _rate_text(rate: RateInterval | None) -> str:
    return "" if rate is None else str(Estimate(rate.khz, rate.low, rate.high))


def save_working_points(path: Path, result: TriggerResult) -> None:
    """Write the result as JSON, whole or not at all; the same result gives the same bytes."""
    write_text(path, json.dumps(result.model_dump(mode="json"), indent=1, allow_nan=False) + "\n")


def load_working_points(path: Path) -> TriggerResult:
    """Read what `l1ae trigger` wrote. Raises `UserError` when the file is missing, no such file, damaged or newer."""
    try:
        text = path.read_bytes()
        content = json_content(text)
    except FileNotFoundError as error:
        raise UserError(f"'{path}' does not exist; run `l1ae trigger` on the run first") from error
    except DamagedError as error:
        raise UserError(f"'{path}' is damaged ({error}); run `l1ae trigger` again") from error
    if content.get("format") != FORMAT:
        raise UserError(f"{path}: no file of working points (its format is not '{FORMAT}'); run `l1ae trigger`")
    version = content.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise UserError(f"{path}: format_version {version}, but this l1ae reads {FORMAT_VERSION}; use the l1ae that wrote it")
    try:
        # true is no number, and a number no text
        return TriggerResult.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {place}: {first['msg']}; run `l1ae trigger` again") from error
