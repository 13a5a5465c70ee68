"""Targets: what can be delivered, how it is made, finished and checked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from l1ae.config import BudgetConfig, Fit
from l1ae.contract import Contract
from l1ae.delivery._source import Source

if TYPE_CHECKING:
    from l1ae.rtl_results import Design

__all__ = ["COPIED_HDL", "Check", "Target", "Timing"]

# alkaid's library and l1ae's hand-written hardware, of every design the same.
_LIBRARY = ("binop", "multiplier", "mux", "negative", "shift_adder", "ternary_adder", "l1ae_trigger", "l1ae_framer")
COPIED_HDL = tuple(f"*/{name}.{language}" for name in _LIBRARY for language in ("v", "vhd"))
"""Patterns of HDL sources that do not name a contract."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked. `passed` None: it could not be checked here, for the reason in `detail`."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Timing:
    """What a slot asks of a design that there may not be yet; names and meaning are those of `l1ae.rtl_results.Design`."""

    inputs: int
    input_bits: int
    latency: int
    interval: int
    clock_period: float


def _nothing(folder: Path) -> None:
    """No finishing."""


@dataclass(frozen=True)
class Target:
    """One kind of delivery.

    `files` is pure: relative path to content, the same source gives the same bytes. `finish` builds, in the folder that holds
    them, what only this machine can (a shared library); `built` names what it leaves. `checks` re-checks such a folder against
    a contract; `verify_delivery` gives them a copy that holds what was delivered and nothing else (what was built may be missing).
    `needs`: stages without which there is nothing to deliver; `takes`: those whose results `files` takes from the source where they are
    there (of `hls`, `rtl`; any other result is None). `slot`: whether a design fits where the target runs it. `copied`: patterns of
    paths whose files are of tools and libraries, or data without comments, so that they do not name the contract; all others that
    were not built do. `by_products`: patterns of paths that working with the folder leaves in it, which are nobody's business.
    """

    name: str
    summary: str
    needs: tuple[str, ...]
    files: Callable[[Source], dict[str, bytes]]
    checks: Callable[[Path, Contract], Iterable[Check]]
    finish: Callable[[Path], None] = _nothing
    built: Callable[[Contract], tuple[str, ...]] = lambda contract: ()
    takes: tuple[str, ...] = ("hls", "rtl")
    slot: "Callable[[Design | Timing, BudgetConfig], Fit] | None" = None
    copied: tuple[str, ...] = ()
    by_products: tuple[str, ...] = ()
