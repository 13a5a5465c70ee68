"""The numbers that a report begins with: which sample, how much it finds, at which rate, how fast, how large, whether all bits agree."""

from collections.abc import Iterator

from l1ae.baselines import at_rate_of, same_crossings
from l1ae.config import CROSSING
from l1ae.data import is_unselected, selection_of
from l1ae.delivery import StageFigures
from l1ae.evaluation import Estimate, Metrics, format_estimate, worst_words
from l1ae.records import BASELINES, SYNTHESIS, VERIFICATION
from l1ae.report._at_rate import point_title, shown_variant
from l1ae.report._blocks import Tile, Tiles
from l1ae.report._files import RunFiles
from l1ae.report._text import count, number, percent
from l1ae.synth import clock_verdict
from l1ae.trigger import RateInterval, TriggerResult, load_working_points

__all__ = ["background_text", "key_figures", "selection_text"]

_ROUNDING = 1e-6


def selection_text(run: RunFiles) -> str:
    """Which events the background holds."""
    if run.background is None:
        return "not known: the data are not where the configuration says"
    found = selection_of(run.background)
    if is_unselected(run.background):
        return f"zero bias: {found}, whatever happened in them"
    return f"{found}; these are not crossings as a trigger meets them"


def background_text(run: RunFiles) -> str:
    """The background in a sentence."""
    if run.background is None:
        return "what the configuration names"
    return "zero bias, crossings as they come" if is_unselected(run.background) else selection_of(run.background)


def key_figures(run: RunFiles) -> Tiles:
    """What is known of each; what is not is left out, and said elsewhere."""
    return Tiles((*_efficiency(run.metrics), *_simpler(run), *_threshold(run), *_sample(run), *_speed(run), *_size(run), *_bits(run)))


# -- physics ------------------------------------------------------------------------------------------------------------


def _efficiency(metrics: Metrics | None) -> Iterator[Tile]:
    found = None if metrics is None else metrics.at_rate.get(shown_variant(metrics))
    point = None if found is None else found.headline
    if point is None or point.mean is None or point.cvar25 is None:
        return
    n = len(point.efficiency)
    note = f"mean of {n} signals; of {worst_words(n)} {percent(point.cvar25)}" if n > 1 else "of the signal"
    yield Tile(f"Efficiency at {point_title(point)}", percent(point.mean), note)


def _simpler(run: RunFiles) -> Iterator[Tile]:
    """The best of the triggers that need no network, at the same rate on the same crossings."""
    path = run.folder / "baselines" / "baselines.json"
    if run.metrics is None or "baselines" in run.outdated or not path.is_file():
        return
    result, found = BASELINES.read(run.folder), at_rate_of(run.metrics)
    point = None if found is None else found.headline
    if point is None or not same_crossings(run.metrics, result):
        return
    rated = [(item.title, other.mean) for item in result.results if (other := item.at_rate.point(point.kind, point.khz)) is not None]
    known = [(mean, title) for title, mean in rated if mean is not None]
    if known:
        mean, title = max(known, key=lambda pair: pair[0].value)
        clearly = point.mean is not None and mean.low > point.mean.high
        yield Tile("Best simpler trigger, same rate", percent(mean), title, "bad" if clearly else "plain")


def _threshold(run: RunFiles) -> Iterator[Tile]:
    """The rate of the threshold that the firmware has."""
    contract = run.contract
    if contract is None:
        return
    code = f"score code ≥ {count(contract.threshold)}, score ≥ {number(contract.threshold_value)}"
    measured = _raw_rate(run, contract.threshold, contract.digest)
    if (rate := contract.threshold_rate) is not None:
        raw = f"; raw {measured}" if measured and rate.kind == "pure" else ""
        yield Tile(
            f"{rate.kind.capitalize()} rate of the threshold",
            f"{format_estimate(rate.reached)} kHz",
            f"set for {rate.khz:g} kHz{raw}; {code}",
        )
    elif measured:
        yield Tile("Raw rate of the threshold", measured, code)
    else:
        yield Tile("Rate of the threshold", "not known", f"{code}; “l1ae trigger” measures rates on zero bias")


def _raw_rate(run: RunFiles, threshold: int, digest: str) -> str:
    """From the working points of this contract: the rate at the threshold, or what the nearest thresholds on both sides have."""
    path = run.folder / "trigger" / "working_points.json"
    if not path.is_file() or "trigger" in run.outdated:
        return ""
    result = load_working_points(path)
    if result.digest != digest:
        return ""
    rates = dict(_measured(result))
    if threshold in rates:
        found = rates[threshold]
        return f"{format_estimate(Estimate(found.khz, found.low, found.high))} kHz"
    above = [rates[other].khz for other in rates if other > threshold]
    below = [rates[other].khz for other in rates if other < threshold]
    return f"{number(max(above), digits=3)} to {number(min(below), digits=3)} kHz" if above and below else ""


def _measured(result: TriggerResult) -> Iterator[tuple[int, RateInterval]]:
    curve = result.curve
    for threshold, khz, low, high in zip(curve.threshold, curve.raw_khz, curve.raw_low, curve.raw_high, strict=True):
        yield threshold, RateInterval(khz=khz, low=low, high=high)
    for point in result.working_points:
        if point.threshold is not None and point.raw is not None:
            yield point.threshold, point.raw


def _sample(run: RunFiles) -> Iterator[Tile]:
    if run.background is None:
        return
    if is_unselected(run.background):
        what, note = "Zero bias", selection_of(run.background)
    else:
        what, note = "Selected events", f"{selection_of(run.background)}, not all crossings"
    yield Tile("Background", what, note if run.metrics is None else f"{note}; {count(run.metrics.events['background'])} to test on")


# -- firmware -----------------------------------------------------------------------------------------------------------


def _speed(run: RunFiles) -> Iterator[Tile]:
    """Latency and II, in crossings."""
    row = _row(run, "latency_ns")
    if row is not None and row.latency_ns is not None:
        crossings = row.latency_ns / CROSSING
        cycles = "" if row.clock_ns is None or row.latency_cycles is None else f"{row.latency_cycles} × {row.clock_ns:g} ns, "
        fits = _fits(run) if row.stage == "open synthesis" else None
        path = {None: "", True: "; the slowest path fits the clock", False: "; the slowest path is longer than the clock"}[fits]
        alone = " of the network alone; links add theirs" if row.design == "rtl" else ""
        note = f"{cycles}{number(crossings, digits=3)} crossings of {CROSSING:g} ns{alone}{path} ({_source(row)})"
        yield Tile("Latency", f"{number(row.latency_ns, digits=4)} ns", note, "bad" if fits is False else "plain")
    row = _row(run, "interval")
    if row is not None and row.interval is not None and row.clock_ns is not None:
        time = row.interval * row.clock_ns
        keeps = time <= CROSSING + _ROUNDING
        verdict = "keeps up with a crossing every 25 ns" if keeps else "too slow for a crossing every 25 ns"
        yield Tile("A new event every", f"{number(time, digits=4)} ns", f"II {row.interval}: {verdict}", "good" if keeps else "bad")


def _size(run: RunFiles) -> Iterator[Tile]:
    row = _row(run, "lut")
    if row is None:
        return
    amount = row.resources["lut"]
    share = "" if amount.share is None else f"{100 * amount.share:.2g} % of {row.part}, "
    yield Tile("LUTs", number(amount.used, digits=10) if amount.used is None else count(amount.used), f"{share}{_source(row)}")


def _source(row: StageFigures) -> str:
    return f"{row.design.upper()}, {row.stage}"


def _row(run: RunFiles, quantity: str) -> StageFigures | None:
    """The latest stage that knows a quantity, of the RTL before HLS."""
    rows = () if run.resources is None else run.resources.rows
    known = [row for row in rows if not row.doubts and _known(row, quantity)]
    return next((row for design in ("rtl", "hls") for row in reversed(known) if row.design == design), None)


def _known(row: StageFigures, quantity: str) -> bool:
    if quantity == "lut":
        return "lut" in row.resources and row.resources["lut"].used is not None
    return getattr(row, quantity) is not None


def _fits(run: RunFiles) -> bool | None:
    """Whether the slowest path keeps the clock under typical assumptions; None where it was not analysed."""
    report = None if "synth" in run.outdated else SYNTHESIS.find(run.folder)
    if report is None:
        return None
    return clock_verdict(report.timing, report.clock_period, report.rtl.crossings).kept in {"typical", "pessimistic"}


def _bits(run: RunFiles) -> Iterator[Tile]:
    """The comparison with the contract that saw most."""
    name = "Compared bit by bit"
    report = None if "verification" in run.outdated else VERIFICATION.find(run.folder)
    if report is not None and report.rows:
        wrong = sum(row.differing for row in report.rows)
        note = f"differ, in {len(report.rows)} comparisons with the contract of up to {count(max(row.events for row in report.rows))} each"
        yield Tile(name, f"{count(wrong)} crossings", note, "bad" if wrong or not report.passed else "good")
    elif run.csim is not None:
        note = f"differ between C simulation and contract, of {count(run.csim.events)}"
        yield Tile(name, f"{count(run.csim.mismatches)} events", note, "good" if run.csim.passed else "bad")
