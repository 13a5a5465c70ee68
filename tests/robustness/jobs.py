"""Commands that make something, each with what it makes, for campaigns that disturb them."""

from dataclasses import dataclass
from pathlib import Path

from tests.robustness.commands import fresh
from tests.robustness.things import STAGES, content_of, words

__all__ = ["JOBS", "Job"]


@dataclass(frozen=True)
class Job:
    """A command in a folder that holds what `things.make_things` made: its `words`, and the folder or file that it makes."""

    name: str
    words: tuple[str, ...]
    makes: str
    run: str = ""

    def prepare(self, base: Path, work: Path) -> None:
        """The folder as it is before the command."""
        fresh(base, work)

    def result(self, work: Path) -> dict[str, str]:
        """sha256 of what it made."""
        place = work / self.makes
        if place.suffix == ".html":
            return {"": str(place.read_text().rstrip().endswith("</html>"))}
        found = content_of(place) if place.is_dir() else {name: digest for name, digest in content_of(work).items() if name == self.makes}
        return {name: digest for name, digest in found.items() if name != ".lock" and not name.startswith(".")}

    def half(self, work: Path, expected: dict[str, str]) -> str:
        """What looks whole and is not, or ""."""
        place = work / self.makes
        if not self.run:
            return "another file" if place.exists() and self.result(work) != expected else ""
        return _half_stage(work / self.run, str(Path(self.makes).relative_to(self.run)))

    def left(self, work: Path) -> list[Path]:
        """Files that are no result."""
        return [path for path in work.rglob(".*") if path.name not in {".gitignore"}]


def _half_stage(run: Path, stage: str) -> str:
    """What the manifest believes of a stage and is not so."""
    from l1ae.manifest import Manifest

    manifest = Manifest.load(run)
    if stage in manifest.stages and not manifest.changed(run, stage) and not (run / stage).is_dir():
        return "in the manifest and not there"
    if stage.endswith(".html") and (run / stage).exists() and not (run / stage).read_text().rstrip().endswith("</html>"):
        return "half a page"
    return ""


def _stage(name: str, run: str) -> Job:
    makes = f"{run}/{name}" if name != "report" else f"{run}/report.html"
    return Job(f"{name} of a {run}", tuple(words(name, run)), makes, run)


_IMPORT = Job("data import", ("data", "import", "tables/t.csv", "--map", "tables/map.yaml", "-o", "new/out.h5", "--force"), "new/out.h5")
_GENERATE = Job(
    "data generate",
    (
        "data",
        "generate",
        "--sample",
        "mine",
        "--config",
        "configs/generator.yaml",
        "--events",
        "300",
        "--workers",
        "2",
        "-o",
        "new/made.h5",
    ),
    "new/made.h5",
)

JOBS: tuple[Job, ...] = (
    _IMPORT,
    _GENERATE,
    *(_stage(name, "tree") for name in STAGES if name != "latent"),
    _stage("train", "tiny"),
    _stage("evaluation", "tiny"),
    _stage("latent", "tiny"),
)
