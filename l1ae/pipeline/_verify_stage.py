"""One comparison of everything that a run made with its contract, on zero-bias crossings: RUN/verification."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from l1ae.agreement import contract_answers
from l1ae.contract import Contract, wrapped_text, wrapped_total
from l1ae.delivery import Emulator, EmulatorError, Filling, compare_orbit, orbits, working_points
from l1ae.errors import CheckFailedError, UserError
from l1ae.hls import simulate
from l1ae.manifest import digest_file, digest_tree
from l1ae.pipeline._delivery_stage import read_working_points
from l1ae.pipeline._run import Run, digest_json, exclusive
from l1ae.pipeline._shared import contract_digest, contract_of
from l1ae.pipeline._zero_bias import CrossingSource, crossing_source, open_zero_bias
from l1ae.progress import task
from l1ae.records import HLS, RTL, RTL_VHDL, VERIFICATION, VerificationReport, VerificationRow, VerifiedCrossings, other_settings
from l1ae.rtl_results import RtlReport
from l1ae.tools import ghdl

__all__ = ["Verification", "verification_inputs", "verify_stage"]

_log = logging.getLogger("l1ae")

_ORBITS = 16
"""Orbits whose crossings are read together."""

_VHDL_CROSSINGS = 500


@dataclass(frozen=True)
class Verification:
    """The table: every row that has an implementation, and why others have none; `wrapped` as `Contract.wrapped` counts it."""

    rows: tuple[VerificationRow, ...]
    missing: tuple[str, ...]
    wrapped: Mapping[str, int]

    @property
    def wrapped_text(self) -> str:
        """What wraps in how many crossings, in words; empty where nothing does."""
        return wrapped_text(self.wrapped, max((row.events for row in self.rows), default=0))

    @property
    def passed(self) -> bool:
        """Nothing differs, and something was compared."""
        return bool(self.rows) and all(row.differing == 0 for row in self.rows)


@exclusive
def verify_stage(run: Run, events: int | None = None, zero_bias: Path | None = None) -> Verification:
    """Compare HLS project, RTL, emulator and test vectors with the contract on the first `events` zero-bias crossings, or on all.

    What the run does not hold is left out and listed as missing. Raises `CheckFailedError` when a bit differs (the report is
    written all the same), `UserError` when the store holds fewer crossings.
    """
    contract = contract_of(run)
    crossings = crossing_source(run.config, events, zero_bias)
    store, events = crossings.store, crossings.events
    for what, file in (("HLS project", HLS), ("RTL", RTL)):
        made = file.find(run.folder)
        if made is not None and (others := other_settings(run.config, made)):
            _log.warning("the %s was made with other settings than the configuration has: %s", what, others)

    def make(target: Path) -> Verification:
        started = time.perf_counter()
        found: list[VerificationRow] = []
        missing: list[str] = []
        for name, stage, compare in _COMPARISONS:
            if run.path(stage).is_dir():
                with task(name):
                    row = _row(name, partial(compare, run, contract, crossings))
                if isinstance(row, str):
                    missing.append(row)
                else:
                    found.append(row)
            else:
                missing.append(f"{name}: there is no '{run.path(stage)}'")
        verification = Verification(tuple(found), tuple(missing), _wrapped(contract, crossings))
        source = VerifiedCrossings(run.config.trigger.zero_bias if zero_bias is None else store.path.name, events)
        VERIFICATION.write(target, _report(contract, verification, source, time.perf_counter() - started))
        return verification

    verification = run.produce("verification", _inputs(run, store.path, events), make)
    if not verification.passed:
        run.forget("verification")
        wrong = [
            f"{row.name}: {row.differing} of {row.events} crossings differ; {row.detail}" for row in verification.rows if row.differing
        ]
        raise CheckFailedError("\n".join(wrong or ["there was nothing to compare with the contract", *verification.missing]))
    return verification


@dataclass(frozen=True)
class _Found:
    compared: str
    events: int
    differing: int
    detail: str


def _row(name: str, compare: Callable[[], _Found | str]) -> VerificationRow | str:
    """A row, or a sentence on why there is none."""
    started = time.perf_counter()
    found = compare()
    if isinstance(found, str):
        return f"{name}: {found}"
    return VerificationRow(name, found.events, found.compared, found.differing, found.detail, round(time.perf_counter() - started, 1))


def _wrapped(contract: Contract, crossings: CrossingSource) -> dict[str, int]:
    """`Contract.wrapped` of all crossings."""
    return wrapped_total(contract.wrapped(hardware) for hardware in (crossings.pieces() if contract.wrapping else ()))


def _report(contract: Contract, verification: Verification, source: VerifiedCrossings, seconds: float) -> VerificationReport:
    return VerificationReport(
        project=contract.project,
        digest=contract.digest,
        zero_bias=source,
        seconds=round(seconds, 1),
        rows=verification.rows,
        missing=verification.missing,
        wrapped=dict(verification.wrapped),
        passed=verification.passed,
    )


def _csim(run: Run, contract: Contract, crossings: CrossingSource) -> _Found:
    report = simulate(contract, run.path("hls"), HLS.read(run.folder).backend, crossings.pieces())
    detail = f"{report.compiler}; {report.corner_vectors} corner vectors, {report.types_compared} types"
    if report.first_mismatch is not None:
        detail = str(report.first_mismatch)
    elif report.type_mismatches:
        detail = str(report.type_mismatches[0])
    return _Found("every tensor, score, trigger bit", report.events, report.mismatches + len(report.type_mismatches), detail)


def _rtl(run: Run, contract: Contract, crossings: CrossingSource) -> _Found:
    from l1ae.rtl import simulate_rtl

    report = simulate_rtl(contract, run.path("rtl"), crossings.pieces())
    first, wrong = _first_and_all(report)
    return _Found("score, trigger bit, every clock cycle", report.events, wrong, _stimulus(report) if first is None else str(first))


def _vhdl(run: Run, contract: Contract, crossings: CrossingSource) -> _Found | str:
    """On as many crossings as `l1ae rtl` had events: few addresses of a table are met by them, so that its sha256 counts too."""
    from l1ae.rtl import simulate_rtl

    changed = [name for name in run.changed_files("rtl") if name.startswith("vhdl/")]
    left = f"not as `l1ae rtl` left it: {', '.join(changed)}" if changed else ""
    made = RTL_VHDL.find(run.folder)
    try:
        ghdl()
    except UserError as error:
        if changed:
            return _Found("sha256 of the files", 0, len(changed), left)
        return f"{error}; its files are as `l1ae rtl` left them"
    events = min(crossings.events, _VHDL_CROSSINGS if made is None else made.events)
    report = simulate_rtl(contract, run.path("rtl"), replace(crossings, events=events).pieces(), language="vhdl")
    first, wrong = _first_and_all(report)
    detail = "; ".join(str(said) for said in (first, left) if said) or _stimulus(report)
    return _Found("score, trigger bit, every clock cycle, sha256", report.events, wrong or len(changed), detail)


def _first_and_all(report: RtlReport) -> tuple[object, int]:
    """What differs first, None where nothing does, and how many differences there are: of results and of the protocol."""
    return report.first_mismatch or report.first_violation, report.mismatches + report.protocol_violations


def _stimulus(report: RtlReport) -> str:
    return f"{report.compiler}; {report.corner_vectors} corner vectors, {report.clock_cycles} clock cycles with gaps and resets"


def _emulator(run: Run, contract: Contract, crossings: CrossingSource) -> _Found:
    # what is loaded is executed
    run.check("delivery/cmssw", f"l1ae deliver {run.folder} --target cmssw")
    library = run.path("delivery/cmssw") / contract.project / f"{contract.project}.so"
    try:
        emulator = Emulator(library, digest=contract.digest)
    except EmulatorError as error:
        raise UserError(f"{error}; run `l1ae deliver {run.folder} --target cmssw` again") from error
    differing, first, done = 0, None, 0
    for hardware in crossings.pieces():
        scores, triggers = emulator.evaluate(hardware)
        expected, bits = contract_answers(contract, hardware)
        wrong = np.flatnonzero((scores != expected) | (np.asarray(triggers, np.bool_) != bits))
        first = done + int(wrong[0]) if len(wrong) and first is None else first
        differing, done = differing + len(wrong), done + len(hardware)
    detail = f"{library.name}, version {emulator.version}" if first is None else f"{library.name} differs, first in crossing {first}"
    return _Found("score, trigger bit", done, differing, detail)


def _vectors(run: Run, contract: Contract, crossings: CrossingSource) -> _Found:
    """Written as orbits for the global trigger and read again: objects against the events, answers against the contract's."""
    points = working_points(contract, read_working_points(run, contract))
    filling = Filling(colliding=run.config.trigger.bunches)
    places = np.flatnonzero(filling.pattern)
    number, done, compared, differing, detail = 0, 0, 0, 0, ""
    for hardware in crossings.pieces(_ORBITS * len(places)):
        for start, orbit in zip(range(0, len(hardware), len(places)), orbits(contract, hardware, points, filling), strict=True):
            where = f"orbit {number}"
            found = compare_orbit(contract, points, orbit.vectors, orbit.scores, where)
            lost = np.zeros(found.crossings, np.bool_)
            filled = places[: orbit.events]
            lost[filled] = (found.events[filled] != hardware[start : start + orbit.events]).any(axis=1)
            if (found.differing or lost.any()) and not detail:
                detail = f"{where}: {found.differing} answers and {int(lost.sum())} events differ"
            number, done, compared = number + 1, done + orbit.events, compared + found.crossings
            differing += int((found.wrong | lost).sum())
    fine = f"{number} orbits, {compared} crossings with the empty ones, {len(points)} algorithm bits"
    return _Found("inputs, score, algorithm bits", done, differing, detail or fine)


_COMPARISONS: tuple[tuple[str, str, Callable[[Run, Contract, CrossingSource], _Found | str]], ...] = (
    ("C simulation of the HLS project", "hls", _csim),
    ("RTL simulation (Verilog)", "rtl", _rtl),
    ("RTL simulation (VHDL)", "rtl", _vhdl),
    ("CMSSW emulator", "delivery/cmssw", _emulator),
    ("test vectors of the global trigger", "delivery/ugt", _vectors),
)


def verification_inputs(run: Run) -> dict[str, str]:
    """What the comparison on all crossings of the configuration depends on."""
    store = open_zero_bias(run.config, None)
    return _inputs(run, store.path, store.n_events)


def _inputs(run: Run, store: Path, events: int) -> dict[str, str]:
    stages = {stage: digest_json(digest_tree(run.path(stage))) for _, stage, _ in _COMPARISONS}
    return contract_digest(run) | stages | {"zero_bias": digest_file(store), "events": str(events)}
