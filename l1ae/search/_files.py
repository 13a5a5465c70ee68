"""The files of a search: what every trial found, in a file of its own, and the study that they belong to."""

from dataclasses import dataclass
from pathlib import Path

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
            write_json(place, {"study": study.config.name, "digest": study.digest})
            return
        if not resume:
            raise UserError(f"'{self.path}' holds a search; continue it with --resume, or begin another one with --run")
        again = "begin a new search with --run"
        if read_json(place, missing=again, damaged=again).get("digest") != study.digest:
            raise UserError(
                f"'{self.path}' was begun with another study than '{study.path}' is now; restore it, or begin a new search with --run "
                "(trials, verify and storage may change)"
            )

    def trial(self, number: int) -> Path:
        """Where a trial is written."""
        return self.path / "trials" / f"{number:06d}.json"

    def save(self, trial: Trial) -> None:
        """Write what a trial found."""
        save_result(self.trial(trial.number), trial)

    def find(self, number: int) -> Trial | None:
        """What a trial found; None where it has not finished. Raises `UserError` when its file is damaged."""
        path = self.trial(number)
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
