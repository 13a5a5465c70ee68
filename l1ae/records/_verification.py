"""One comparison of everything that a run made with its contract: verification/report.json."""

from dataclasses import dataclass
from typing import Literal

from l1ae.results import Count, Digest, FirstVersion, Positive

__all__ = ["VerificationReport", "VerificationRow", "VerifiedCrossings"]


@dataclass(frozen=True)
class VerificationRow:
    """One implementation against the contract: events in which anything of what was `compared` differs."""

    name: str
    events: Count
    compared: str
    differing: Count
    detail: str
    seconds: Positive


@dataclass(frozen=True)
class VerifiedCrossings:
    """The first `events` of the zero-bias sample `source`."""

    source: str
    events: Count


@dataclass(frozen=True)
class VerificationReport:
    """The table: every row that has an implementation, and why others have none. `passed`: something was compared, and nothing differs."""

    project: str
    digest: Digest
    zero_bias: VerifiedCrossings
    seconds: Positive
    rows: tuple[VerificationRow, ...]
    missing: tuple[str, ...]
    wrapped: dict[str, Count]
    passed: bool
    format: Literal["l1ae-verification"] = "l1ae-verification"
    format_version: FirstVersion = 1
