"""The files of a search: what every trial found, in a file of its own, and the study that they belong to."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l1ae.errors import UserError
from l1ae.files import read_json, write_json
from l1ae.results import load_result, save_result
from l1ae.search._results import Front, Trial
from l1ae.search._study import Study

__all__ = ["SearchFolder"]


@dataclass(frozen=True)
class SearchFolder:
    """RUN/search. A trial that finished is a file, which is whole or not there; the database is told after it."""

    path: Path

    def begin(self, study: Study, *, resume: bool) -> None:
        """Make the folder, or take it up again.

        Raises `UserError` when it holds a search that is not to be resumed, or one of another study.
        """
        place = self.path / "study.json"
        if not place.is_file():
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "trials").mkdir(exist_ok=True)
            write_json(place, {"study": study.config.name, "digest": study.digest, "folder": uuid.uuid4().hex})
            return
        if not resume:
            raise UserError(f"'{self.path}' holds a search; continue it with --resume, or begin another one with --run")
        if self._content().get("digest") != study.digest:
            raise UserError(
                f"'{self.path}' was begun with another study than '{study.path}' is now; restore it, or begin a new search with --run "
                "(trials, verify and storage may change)"
            )

    def _content(self) -> dict[str, Any]:
        again = "begin a new search with --run"
        return read_json(self.path / "study.json", missing=again, damaged=again)

    def identity(self) -> str:
        """What tells this folder from others with the same study."""
        return str(self._content().get("folder"))

    def trial(self, number: int) -> Path:
        """Where a trial is written."""
        return self.path / "trials" / f"{number:06d}.json"

    def save(self, trial: Trial) -> None:
        """Write what a trial found."""
        save_result(self.trial(trial.number), trial)
        self._part(trial.number).unlink(missing_ok=True)

    def _part(self, number: int) -> Path:
        return self.path / "parts" / f"{number:06d}.json"

    def save_part(self, trial: Trial) -> None:
        """Write what a trial found that goes on with more epochs."""
        self._part(trial.number).parent.mkdir(exist_ok=True)
        save_result(self._part(trial.number), trial)

    def find_part(self, number: int) -> Trial | None:
        """What a trial that went on had found; None where it had not come so far. Raises `UserError` when its file is damaged."""
        path = self._part(number)
        return self._load(path) if path.is_file() else None

    def trials(self) -> list[Trial]:
        """All that finished, by number."""
        return [self._load(path) for path in sorted((self.path / "trials").glob("[0-9]*.json"))]

    def _load(self, path: Path) -> Trial:
        again = "remove it, and --resume trains this candidate again"
        return load_result(Trial, path, what="trial of a search", remedy="run `l1ae search STUDY.yaml --resume`", again=again)

    @property
    def front(self) -> Path:
        """front.json."""
        return self.path / "front.json"

    def load_front(self) -> Front:
        """Raises `UserError` when there is none, or it is damaged."""
        remedy = "run `l1ae search STUDY.yaml --resume`"
        return load_result(Front, self.front, what="front of a search", remedy=remedy, again="run `l1ae search STUDY.yaml --resume`")
