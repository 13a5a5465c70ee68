"""Deliveries of a run (RUN/delivery/TARGET), and their check."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from l1ae.agreement import contract_answers
from l1ae.config import SLOTS, Config, Fit
from l1ae.contract import Contract
from l1ae.delivery import TARGETS, Source, StageFigures, VerifiedDelivery, verify_delivery, write_delivery
from l1ae.errors import CheckFailedError, UserError
from l1ae.manifest import digest_tree
from l1ae.pipeline._resources import open_synthesis
from l1ae.pipeline._run import Run, digest_json, exclusive
from l1ae.pipeline._samples import csim_sample
from l1ae.pipeline._shared import contract_digest, contract_of, data_digests
from l1ae.pipeline._zero_bias import zero_bias_events
from l1ae.progress import task, tracked
from l1ae.records import HLS
from l1ae.trigger import load_working_points

if TYPE_CHECKING:
    from l1ae.rtl import RtlProject

__all__ = ["check_targets", "cost_of", "deliver_stage", "delivery_inputs", "read_working_points", "slot_of", "verify_deliveries"]

_log = logging.getLogger("l1ae")

_HLS_CONTRACT = "l1ae_contract.json"


def check_targets(names: Sequence[str]) -> None:
    """Raises `UserError` for a target that there is not, before the first is made."""
    for name in names:
        if name not in TARGETS:
            raise UserError(f"unknown target '{name}'; targets are {', '.join(TARGETS)}")


@exclusive
def deliver_stage(run: Run, name: str) -> VerifiedDelivery:
    """Write RUN/delivery/NAME and check it as `l1ae verify` would.

    Raises `UserError` for an unknown target and for a stage that it needs and that was not run, `CheckFailedError` when what
    was made does not pass its checks; a previous delivery then stays as it was.
    """
    check_targets([name])
    target = TARGETS[name]
    for stage in target.needs:
        if not run.path(stage).is_dir():
            raise UserError(f"'{run.path(stage)}' does not exist, and target '{name}' needs it; run `l1ae {stage} {run.folder}` first")
    with task(f"{name}: reading the run"):
        source = source_of(run)

    def make(folder: Path) -> VerifiedDelivery:
        with task(f"{name}: writing and building"):
            write_delivery(target, source, folder)
        found = verify_delivery(folder, TARGETS)
        if found.failed:
            raise CheckFailedError("\n".join(f"{target.name}: {check.name}: {check.detail}" for check in found.failed))
        return found

    found = run.produce(f"delivery/{name}", delivery_inputs(run, source), make)
    return VerifiedDelivery(run.path(f"delivery/{name}"), found.target, found.provenance, found.checks)


def slot_of(run: Run, name: str) -> Fit | None:
    """Whether the run's RTL fits where the target runs it; None for a target without a clock of its own, and without RTL."""
    if name not in SLOTS or not run.path("rtl").is_dir():
        return None
    from l1ae.rtl import open_design

    design = open_design(run.path("rtl")).design
    return SLOTS[name].fit(latency=design.latency, interval=design.interval, period=design.clock_period, given=run.config.budget)


def source_of(run: Run) -> Source:
    """Everything that the run holds for a delivery."""
    contract = contract_of(run)
    return Source(
        contract=contract,
        config=run.config,
        events=_events(run.config, contract),
        hls=_hls_files(run, contract),
        rtl=_rtl_project(run, contract),
        working_points=read_working_points(run, contract),
        cost=cost_of(run),
    )


def _events(config: Config, contract: Contract) -> npt.NDArray[np.int64]:
    """An orbit's worth of events: two thirds zero bias where there is some, the rest signals and background, in a fixed random order."""
    count = config.trigger.bunches
    sample = csim_sample(config, 4 * count).hardware
    other = sample.reshape(len(sample), -1).astype(np.int64)
    scores, _ = contract_answers(contract, other)
    crossings = zero_bias_events(config, 2 * count // 3)
    # the highest scores among the rest, so that triggers of every working point occur
    chosen = other[np.argsort(-scores, kind="stable")[: count - len(crossings)]]
    events = np.concatenate([crossings, chosen])
    return events[np.random.default_rng(0).permutation(len(events))]


def _hls_files(run: Run, contract: Contract) -> dict[str, bytes] | None:
    folder = run.path("hls")
    if not folder.is_dir():
        return None
    run.check("hls", f"l1ae hls {run.folder}")
    _check_simulated(run)
    summary = HLS.read(run.folder)
    written = run.manifest.outputs("hls")
    files = {name: (folder / name).read_bytes() for name in sorted(written) if (folder / name).is_file() and name != "summary.json"}
    if _HLS_CONTRACT not in files:
        raise UserError(f"'{folder}' is not what `l1ae hls` left: '{_HLS_CONTRACT}' is missing, there or in the run's manifest; run it")
    if Contract.from_json(files[_HLS_CONTRACT].decode(), str(folder)).digest != contract.digest:
        raise UserError(f"the HLS project '{summary.project}' in '{folder}' is of another contract; run `l1ae hls {run.folder}` again")
    return files


def _check_simulated(run: Run) -> None:
    """Raise `UserError` unless the C simulation passed on the project as it lies there now."""
    run.check("csim", f"l1ae csim {run.folder}")
    simulated = {name.removeprefix("hls/"): digest for name, digest in run.manifest.inputs("csim").items() if name.startswith("hls/")}
    if any(simulated.get(name) != digest for name, digest in run.manifest.outputs("hls").items()):
        raise UserError(f"the C simulation was of another HLS project than that in '{run.path('hls')}'; run `l1ae csim {run.folder}` again")


def _rtl_project(run: Run, contract: Contract) -> "RtlProject | None":
    folder = run.path("rtl")
    if not folder.is_dir():
        return None
    from l1ae.rtl import open_design

    # it is recorded when its simulation has passed, and not before
    run.check("rtl", f"l1ae rtl {run.folder}")
    project = open_design(folder)
    if project.design.digest != contract.digest:
        raise UserError(f"the RTL in '{folder}' is of another contract; run `l1ae rtl {run.folder}` again")
    return project


def cost_of(run: Run) -> StageFigures | None:
    """The open synthesis of the RTL that the run holds now; None where there is none."""
    found = open_synthesis(run)
    return None if found is None or found.doubts else found


def read_working_points(run: Run, contract: Contract) -> dict[str, Any] | None:
    """The content of RUN/trigger/working_points.json, None (with a warning) when there is none.

    Raises `UserError` when it is damaged or of another contract.
    """
    path = run.path("trigger") / "working_points.json"
    if not path.is_file():
        _log.warning("no working points: deliveries know the contract's threshold only; `l1ae trigger %s` makes them", run.folder)
        return None
    run.check("trigger", f"l1ae trigger {run.folder}")
    result = load_working_points(path)
    if result.digest != contract.digest:
        raise UserError(f"the working points in '{path}' are of another contract; run `l1ae trigger {run.folder}` again")
    return result.model_dump(mode="json")


def delivery_inputs(run: Run, source: Source | None = None) -> dict[str, str]:
    """What a delivery depends on; `source` where it is known already."""
    source = source or source_of(run)
    stages = {stage: digest_json(digest_tree(run.path(stage))) for stage in ("hls", "rtl", "trigger")}
    return contract_digest(run) | data_digests(run.config) | stages | {"events": digest_json(source.events.tolist())}


def verify_deliveries(folder: Path) -> tuple[VerifiedDelivery, ...]:
    """Check the delivered folder, or all those directly below `folder`. Raises `UserError` when there is none."""
    found = sorted(path.parent for path in folder.glob("*/delivery.json"))
    return tuple(verify_delivery(each, TARGETS) for each in tracked(found or [folder], "deliveries", unit="folders"))
