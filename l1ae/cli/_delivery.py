"""Commands of the deliveries: deliver and verify."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from l1ae.cli._run import load_pipeline
from l1ae.cli._tables import show
from l1ae.errors import CheckFailedError, UserError

__all__ = ["deliver", "verify"]

_run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
_TARGETS = "[cmssw|ugt|emp|vivado|...]"


@click.command()
@_run_argument
@click.option("--target", "targets", metavar=_TARGETS, multiple=True, required=True, help="Can be given more than once.")
@click.option("--strict", is_flag=True, help="Exit status 1 when the RTL does not fit into its slot.")
def deliver(run: Path, targets: tuple[str, ...], strict: bool) -> None:
    """Folders for CMSSW, uGT, EMP and Vivado.

    Reads RUN/contract, RUN/hls, RUN/rtl and RUN/trigger, as the target needs them; writes RUN/delivery/TARGET, and checks it against
    the contract.

    cmssw: emulator library with its sources. ugt: test vectors and VHDL wrapper for the global trigger. emp: buffers and
    payload for EMP boards. vivado: scripts for Vivado and Vitis HLS, from C synthesis to a routed design. Other distributions may
    bring more (docs/extending.md).

    A last line says whether the RTL fits into its slot, at the clock there and in the time that budget: or its default leaves.
    MISSED is no error, unless --strict: what was delivered is right, and too slow.
    """
    pipeline = load_pipeline()
    opened = pipeline.Run.open(run)
    pipeline.check_targets(opened, targets)
    missed = []
    for target in targets:
        found = pipeline.deliver_stage(opened, target)
        click.echo(f"{target}: {found.folder}")
        _print_checks(found)
        missed += [target] if found.slot is not None and not found.slot.fits else []
    if strict and missed:
        raise CheckFailedError(f"delivered, but not fast enough: {', '.join(missed)}")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--events", type=click.IntRange(1), help="Of a run: zero-bias crossings to compare; default: all.")
@click.option(
    "--zero-bias", type=click.Path(path_type=Path, dir_okay=False), help="Of a run: store of crossings; default: the configuration's."
)
def verify(path: Path, events: int | None, zero_bias: Path | None) -> None:
    """Compare everything with the contract.

    Of a run it writes RUN/verification; of a delivered folder it writes nothing. Exit status 1 when a bit differs.

    PATH is a delivered folder (or one that holds several), wherever it was copied to: its files, constants, vectors and library
    are checked against the contract in it; MISSED says that its RTL does not fit into its slot, which is no error. Or PATH is a
    run: C simulation, RTL simulation, emulator and test vectors are compared with the contract on zero-bias crossings, and one table
    says what differs.
    """
    pipeline = load_pipeline()
    if (path / "config.yaml").is_file():
        _verify_run(pipeline, path, events, zero_bias)
        return
    for option, value in (("--events", events), ("--zero-bias", zero_bias)):
        if value is not None:
            raise UserError(f"{option} belongs to a run folder, and '{path}' is none; leave it out")
    found = pipeline.verify_deliveries(path)
    for delivery in found:
        click.echo(f"{delivery.target}: {delivery.folder}: {delivery.provenance.project}, contract {delivery.provenance.digest}")
        _print_checks(delivery)
    wrong = [str(delivery.folder) for delivery in found if delivery.failed]
    if wrong:
        raise CheckFailedError(f"not as it was delivered: {', '.join(wrong)}")


def _print_checks(delivery: Any) -> None:
    words = {True: "ok", False: "FAILED", None: "not checked"}
    for check in delivery.checks:
        click.echo(f"  {words[check.passed]:<11} {check.name}: {check.detail}")
    if (slot := delivery.slot) is not None:
        click.echo(f"  {'ok' if slot.fits else 'MISSED':<11} slot: {slot.text}")


def _verify_run(pipeline: Any, run: Path, events: int | None, zero_bias: Path | None) -> None:
    opened = pipeline.Run.open(run)
    verification = pipeline.verify_stage(opened, events, zero_bias)
    table = Table(title=f"{opened.config.project} against its contract")
    table.add_column("implementation")
    for name in ("crossings", "differing"):
        table.add_column(name, justify="right")
    for name in ("compared", ""):
        table.add_column(name)
    for row in verification.rows:
        table.add_row(row.name, f"{row.events:,}", f"{row.differing:,}", row.compared, row.detail)
    show(table)
    if text := verification.wrapped_text:
        click.echo(f"of the crossings {text}, as in the contract")
    for line in verification.missing:
        click.echo(f"not compared: {line}")
    click.echo(f"report: {opened.path('verification') / 'report.json'}")
