"""Latency, timing and resources of a run, of every design at every stage that says something: RUN/resources.json."""

import logging
import re
from dataclasses import dataclass
from datetime import datetime

from l1ae.contract import Contract
from l1ae.delivery import Amount, Budget, CosimReport, CsynthReport, Found, StageFigures, check_budget, figures_of, find_reports
from l1ae.errors import CheckFailedError, UserError
from l1ae.pipeline._run import Run
from l1ae.records import RESOURCES, RTL, SYNTHESIS, BudgetReport, ResourcesReport, SynthesisReport
from l1ae.synth import part_of

__all__ = ["Resources", "check_rtl_budget", "collect_resources", "open_synthesis", "read_resources"]

_log = logging.getLogger("l1ae")


@dataclass(frozen=True)
class Resources:
    """One row for each design and stage, from the least to the most certain, and what the budget says of them."""

    rows: tuple[StageFigures, ...]
    budget: Budget


def read_resources(run: Run) -> Resources:
    """Whatever the run holds of latency, timing and resources; nothing is written.

    Sources: the estimate of the RTL (until it is synthesised), RUN/synth, and vendor reports in RUN/hls and
    RUN/delivery/vivado. Raises `UserError` when a report is damaged or of an unknown version.
    """
    roots = [folder for folder in (run.path("hls"), run.folder / "delivery" / "vivado") if folder.is_dir()]
    found = find_reports(roots, run.config.project)
    vendor = figures_of([(item, _doubts(run, item)) for item in found], run.folder)
    own = [row for row in (open_synthesis(run) or _estimate(run),) if row is not None]
    rows = tuple(sorted((*own, *vendor), key=lambda row: row.design))
    return Resources(rows, check_budget(run.config.budget, rows))


def collect_resources(run: Run) -> Resources:
    """Write RUN/resources.json from `read_resources`; doubts, and a budget that does not hold, are logged as warnings."""
    resources = read_resources(run)
    RESOURCES.write(run.folder, _report(run, resources))
    for row in resources.rows:
        for doubt in row.doubts:
            _log.warning("%s, %s: %s; its figures are shown, but decide nothing", row.design.upper(), row.stage, doubt)
    for line in resources.budget.verdicts:
        if line.outcome != "passed":
            _log.warning("budget: %s", line)
    return resources


def check_rtl_budget(run: Run) -> None:
    """Collect the figures; raises `CheckFailedError` when the RTL is beyond its budget."""
    failed = collect_resources(run).budget.of("rtl", "failed")
    if failed:
        raise CheckFailedError("\n".join(["the RTL is beyond its budget", *(str(line) for line in failed)]))


def _report(run: Run, resources: Resources) -> ResourcesReport:
    budget = BudgetReport(resources.budget.lines, resources.budget.verdicts, run.config.budget.model_dump())
    return ResourcesReport(project=run.config.project, digest=_digest(run), rows=resources.rows, budget=budget)


def _digest(run: Run) -> str | None:
    path = run.path("contract") / "contract.json"
    return Contract.load(path).digest if path.is_file() else None


# -- doubts about a vendor's report ----------------------------------------------------------------------------------


def _doubts(run: Run, found: Found) -> tuple[str, ...]:
    """Why a report may not be of the design that the run holds now."""
    origin, path = found.report.origin, found.report.origin.path
    doubts = []
    digest = _digest(run)
    if found.digest is not None and digest is not None and found.digest != digest:
        doubts.append(f"'{path.name}' lies in a folder made from contract {found.digest[:12]}…, and this run's is {digest[:12]}…")
    made = run.manifest.stages.get(found.design)
    # times of files are kept to the second by some archives, times of stages too
    if made is not None and found.modified < datetime.fromisoformat(made.finished).timestamp() - 1:
        doubts.append(f"'{path.name}' is older than the project in '{found.design}'")
    part = run.config.hls.part if found.design == "hls" else run.config.rtl_part
    if origin.part is not None and not _same_part(origin.part, part):
        doubts.append(f"'{path.name}' is of part {origin.part}, and the configuration says {part}")
    if isinstance(found.report, CsynthReport) and origin.design not in {None, run.config.project}:
        doubts.append(f"'{path.name}' is of the function {origin.design}, not of {run.config.project}")
    if isinstance(found.report, CosimReport) and found.report.passed is False:
        doubts.append("the cosimulation failed")
    named = re.search(r"(?:^|_)(synth|route)_", path.name)
    if named is not None and origin.stage is not None and (named[1] == "synth") != (origin.stage == "synth"):
        doubts.append(f"'{path.name}' is named for stage {named[1]}, but its design state is that of stage {origin.stage}")
    return tuple(doubts)


def _same_part(first: str, second: str) -> bool:
    """Reports leave out hyphens, speed grade or temperature range."""
    short, long = sorted((re.sub(r"[^a-z0-9]", "", name.lower()) for name in (first, second)), key=len)
    return long.startswith(short)


# -- what l1ae says itself -------------------------------------------------------------------------------------------


def open_synthesis(run: Run) -> StageFigures | None:
    """RUN/synth/report.json; LUTs are those after packing, and slack is that of the typical path."""
    report = SYNTHESIS.find(run.folder)
    if report is None:
        return None
    clock = report.clock_period
    margin = clock * report.rtl.clock_uncertainty / 100
    doubts = [] if not report.changed_files else ["files of the RTL were not as they were written"]
    if (summary := RTL.find(run.folder)) is not None and summary != report.rtl:
        doubts.append("it is of older RTL than that in 'rtl'; run `l1ae synth` again")
    return StageFigures(
        design="rtl",
        stage="open synthesis",
        tool=report.tool,
        part=report.part,
        clock_ns=clock,
        uncertainty_ns=margin,
        slack_ns=round(clock - margin - report.timing.typical.ns, 3),
        latency_cycles_min=report.latency_cycles,
        latency_cycles=report.latency_cycles,
        latency_ns=report.latency_cycles * clock,
        interval=report.interval,
        resources=_counted(report),
        files=(SYNTHESIS.place,),
        notes=("LUTs after packing, slack of the typical path: both before placement",),
        doubts=tuple(doubts),
    )


def _counted(report: SynthesisReport) -> dict[str, Amount]:
    used, part = report.resources, part_of(report.part)
    luts = used.luts_packed + used.memory_luts + used.shift_registers
    return {
        "lut": Amount(luts, part.luts),
        "ff": Amount(used.flip_flops, part.flip_flops),
        "dsp": Amount(used.dsp, part.dsp),
        "bram": Amount(used.bram36, part.bram36),
        "uram": Amount(None, part.uram),
    }


def _estimate(run: Run) -> StageFigures | None:
    """The estimate of unrolled RTL; folded RTL is not estimated."""
    config, path = run.config, run.path("contract") / "contract.json"
    if not path.is_file() or config.rtl.interval > 1:
        return None
    from l1ae import rtl

    clock = rtl.Clock(config.rtl_clock_period, config.rtl.clock_uncertainty, config.rtl.crossings)
    try:
        contract = Contract.load(path)
        part, found = part_of(config.rtl_part), rtl.estimate(contract, clock, config.rtl.adders)
    except UserError as error:
        _log.info("the RTL is not estimated: %s", error)
        return None
    made = rtl.open_design(run.path("rtl")).design if run.path("rtl").is_dir() else None
    known = made.latency if made is not None and made.digest == contract.digest else None
    cycles = round(found.cycles.value) if known is None else known
    return StageFigures(
        design="rtl",
        stage="estimate",
        tool="l1ae estimate" if known is None else "l1ae estimate; latency: the RTL",
        part=config.rtl_part,
        clock_ns=clock.period,
        uncertainty_ns=clock.period * config.rtl.clock_uncertainty / 100,
        latency_cycles=cycles,
        latency_ns=cycles * clock.period,
        interval=1,
        resources={"lut": Amount(round(found.luts_packed.value), part.luts), "ff": Amount(round(found.flip_flops.value), part.flip_flops)},
    )
