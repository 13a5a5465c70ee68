"""Deliveries of a run (RUN/delivery/TARGET), and their check."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from l1ae.agreement import contract_answers
from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.delivery import TARGETS, Source, StageFigures, Target, VerifiedDelivery, verify_delivery, write_delivery
from l1ae.errors import CheckFailedError, UserError
from l1ae.pipeline._resources import open_synthesis
from l1ae.pipeline._run import Run, digest_json, exclusive
from l1ae.pipeline._samples import csim_sample
from l1ae.pipeline._shared import contract_digest, contract_of, data_digests, delivered_digest, section_digest
from l1ae.pipeline._zero_bias import zero_bias_events
from l1ae.progress import task, tracked
from l1ae.records import HLS, RTL, ResultFile, other_settings
from l1ae.trigger import load_working_points

if TYPE_CHECKING:
    from l1ae.rtl import RtlProject

__all__ = ["check_targets", "cost_of", "deliver_stage", "delivery_inputs", "read_working_points", "verify_deliveries"]

_log = logging.getLogger("l1ae")

_HLS_CONTRACT = "l1ae_contract.json"


def check_targets(run: Run, names: Sequence[str]) -> None:
    """Raises `UserError` for a target that there is not, and for a stage that one needs and that was not run, before the first is made."""
    for name in names:
        if name not in TARGETS:
            raise UserError(f"unknown target '{name}'; targets are {', '.join(TARGETS)}")
    for name in names:
        for stage in TARGETS[name].needs:
            if not run.path(stage).is_dir():
                raise UserError(
                    f"'{run.path(stage)}' does not exist, and target '{name}' needs it; run `l1ae {stage} {run.folder}` first"
                    + (f", and `l1ae csim {run.folder}`" if stage == "hls" else "")
                )
        for stage in TARGETS[name].takes:
            if run.path(stage).is_dir():
                _CHECKS[stage](run)


@exclusive
def deliver_stage(run: Run, name: str) -> VerifiedDelivery:
    """Write RUN/delivery/NAME and check it as `l1ae verify` would.

    Raises `UserError` for an unknown target, for a stage that it needs and that was not run, and for one of other settings than the
    configuration now has; `CheckFailedError` when what was made does not pass its checks; a previous delivery then stays as it was.
    """
    contract_of(run)
    check_targets(run, [name])
    target = TARGETS[name]
    with task(f"{name}: reading the run"):
        source = source_of(run, target)

    def make(folder: Path) -> VerifiedDelivery:
        with task(f"{name}: writing and building"):
            write_delivery(target, source, folder)
        found = verify_delivery(folder, TARGETS)
        if found.failed:
            raise CheckFailedError("\n".join(f"{target.name}: {check.name}: {check.detail}" for check in found.failed))
        return found

    found = run.produce(f"delivery/{name}", delivery_inputs(run, name, source), make)
    return replace(found, folder=run.path(f"delivery/{name}"))


def source_of(run: Run, target: Target) -> Source:
    """Everything that the run holds for a delivery."""
    contract = contract_of(run)
    config, hls = run.config, _hls_files(run, contract) if "hls" in target.takes else None
    if hls is not None:
        # what `l1ae hls --backend` asked for
        made = config.hls.model_copy(update={"backend": HLS.read(run.folder).backend})
        config = config.model_copy(update={"hls": made})
    return Source(
        contract=contract,
        config=config,
        events=_events(config, contract),
        hls=hls,
        rtl=_rtl_project(run, contract) if "rtl" in target.takes else None,
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
    _check_hls(run)
    summary = HLS.read(run.folder)
    written = run.manifest.outputs("hls")
    files = {name: (folder / name).read_bytes() for name in sorted(written) if (folder / name).is_file() and name != "summary.json"}
    if _HLS_CONTRACT not in files:
        raise UserError(f"'{folder}' is not what `l1ae hls` left: '{_HLS_CONTRACT}' is missing, there or in the run's manifest; run it")
    if Contract.from_json(files[_HLS_CONTRACT].decode(), str(folder)).digest != contract.digest:
        raise UserError(f"the HLS project '{summary.project}' in '{folder}' is of another contract; run `l1ae hls {run.folder}` again")
    return files


def _check_hls(run: Run) -> None:
    """Raise `UserError` unless the HLS project is that of the configuration, and passed its C simulation as it lies there now."""
    run.check("hls", f"l1ae hls {run.folder}")
    _check_settings(run, HLS, f"the HLS project in '{run.path('hls')}'")
    if "csim" not in run.manifest.stages:
        raise UserError(
            f"the HLS project in '{run.path('hls')}' has not passed its C simulation, without which it is not delivered; "
            f"run `l1ae csim {run.folder}` first"
        )
    run.check("csim", f"l1ae csim {run.folder}")
    simulated = {name.removeprefix("hls/"): digest for name, digest in run.manifest.inputs("csim").items() if name.startswith("hls/")}
    if any(simulated.get(name) != digest for name, digest in run.manifest.outputs("hls").items()):
        raise UserError(f"the C simulation was of another HLS project than that in '{run.path('hls')}'; run `l1ae csim {run.folder}` again")


def _check_rtl(run: Run) -> None:
    """Raise `UserError` unless the RTL is that of the configuration, and passed its simulation as it lies there now."""
    # it is recorded when its simulation has passed, and not before
    run.check("rtl", f"l1ae rtl {run.folder}")
    _check_settings(run, RTL, f"the RTL in '{run.path('rtl')}'")


_CHECKS = {"hls": _check_hls, "rtl": _check_rtl}


def _check_settings(run: Run, file: ResultFile[Any], what: str) -> None:
    if others := other_settings(run.config, file.read(run.folder)):
        raise UserError(
            f"{what} was made with other settings than '{run.folder / 'config.yaml'}' has ({others}); "
            f"run `{file.command.format(run=run.folder)}` again, or set the keys back"
        )


def _rtl_project(run: Run, contract: Contract) -> "RtlProject | None":
    folder = run.path("rtl")
    if not folder.is_dir():
        return None
    from l1ae.rtl import open_design

    _check_rtl(run)
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


def delivery_inputs(run: Run, name: str, source: Source | None = None) -> dict[str, str]:
    """What a target's delivery depends on; `source` where it is known already."""
    target = TARGETS[name]
    source = source or source_of(run, target)
    stages = {stage: delivered_digest(run, stage) for stage in (*target.takes, "trigger")}
    events = {"events": digest_json(source.events.tolist())}
    return contract_digest(run) | data_digests(run.config) | stages | section_digest(run.config, "budget") | events


def verify_deliveries(folder: Path) -> tuple[VerifiedDelivery, ...]:
    """Check the delivered folder, or all those directly below `folder`. Raises `UserError` when there is none."""
    found = sorted(path.parent for path in folder.glob("*/delivery.json"))
    return tuple(verify_delivery(each, TARGETS) for each in tracked(found or [folder], "deliveries", unit="folders"))
