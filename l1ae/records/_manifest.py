"""What was made from what: manifest.json."""

from dataclasses import dataclass, field

from l1ae.results import Positive

__all__ = ["Manifest", "StageRecord"]


@dataclass(frozen=True)
class StageRecord:
    """When a stage finished (ISO 8601) and how long it took, sha256 by name of what it read and wrote, versions of tools and sources."""

    seconds: Positive
    finished: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    tools: dict[str, str]
    git: str


@dataclass(frozen=True)
class Manifest:
    """The stages of a run in the order in which they were first made."""

    project: str
    stages: dict[str, StageRecord] = field(default_factory=dict)
