"""What a campaign found."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from tests.robustness.commands import Ended

__all__ = ["Found"]


@dataclass
class Found:
    """How many trials of what kind, how they ended, and the faults by kind."""

    trials: int = 0
    refused: int = 0
    unharmed: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def fault(self, kind: str, text: str) -> None:
        """Note a fault."""
        self.faults.setdefault(kind, []).append(text)
        print(f"{kind}: {text}", file=sys.stderr, flush=True)  # noqa: T201

    def count(self, kind: str) -> None:
        """Note a trial."""
        self.trials += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def add(self, other: "Found") -> None:
        """Have what another one found, too."""
        self.trials += other.trials
        self.refused += other.refused
        self.unharmed += other.unharmed
        for kind, count in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        for kind, texts in other.faults.items():
            self.faults.setdefault(kind, []).extend(texts)

    @classmethod
    def kept(cls, place: Path | None, find: Callable[[], Self]) -> Self:
        """What an earlier process found and kept at `place`, else what is found now, which is kept there."""
        if place is not None and place.exists():
            return cls(**json.loads(place.read_text()))
        found = find()
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(asdict(found), indent=1))
        return found

    def ended(self, what: str, ended: Ended) -> bool:
        """Note how a command ended; whether that was without a fault."""
        if ended.fault:
            self.fault(ended.fault.split(":", maxsplit=1)[0], f"{what}: {ended.fault}\n{ended.said[-1500:]}")
        elif ended.status:
            self.refused += 1
        else:
            self.unharmed += 1
        return not ended.fault
