"""Damaged files: every file that l1ae reads, damaged at random, and the commands that read it."""

import random
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.robustness.commands import fresh, run
from tests.robustness.damage import damaged
from tests.robustness.found import Found
from tests.robustness.things import content_of, words

__all__ = ["damaged_files"]

Command = Sequence[str] | Callable[[], object]


@dataclass(frozen=True)
class Target:
    """A file and the commands that read it; `answer` is the folder whose content may not change without a word."""

    kind: str
    path: Path
    commands: tuple[Command, ...]
    answer: str = ""


def damaged_files(base: Path, work: Path, *, trials: int, seed: int = 1) -> Found:
    """Damage files of what `things.make_things` made; `base` stays as it is."""
    rng, found = random.Random(seed), Found()
    fresh(base, work)
    targets = list(_targets(work))
    kinds = sorted({target.kind for target in targets})
    answers: dict[tuple[str, ...], dict[str, str]] = {}
    for _ in range(trials):
        kind = rng.choice(kinds)
        target = rng.choice([item for item in targets if item.kind == kind])
        command = rng.choice(target.commands)
        if target.answer and not callable(command) and tuple(command) not in answers:
            answers[tuple(command)] = _answer(command, work, target.answer)
        _try(target, command, rng, found, base, work, answers)
    shutil.rmtree(work)
    return found


def _answer(command: Sequence[str], work: Path, folder: str) -> dict[str, str]:
    ended = run(command, work, limit=300)
    if ended.status != 0:
        raise RuntimeError(f"{command} fails on sound files: {ended.said}")
    return _result(work / folder)


def _result(path: Path) -> dict[str, str]:
    if path.is_dir():
        return content_of(path)
    return {path.name: re.sub(r"\d{4}-\d\d-\d\dT[\d:+]+|\d+(\.\d+)? s\b", "", path.read_text())} if path.exists() else {}


def _try(
    target: Target,
    command: Command,
    rng: random.Random,
    found: Found,
    base: Path,
    work: Path,
    answers: dict[tuple[str, ...], dict[str, str]],
) -> None:
    relative = target.path.relative_to(work)
    before = target.path.read_bytes()
    what = damaged(target.path, rng)
    if target.path.read_bytes() == before:
        return
    found.count(target.kind)
    begin = time.time()
    ended = run(command, work, limit=60)
    name = command.__name__ if callable(command) else " ".join(command)
    said = f"{relative}: {what}: {name}"
    good = found.ended(said, ended)
    if good and ended.status and "is the path right" in ended.said:
        found.fault("blamed the path", f"{said}: {ended.said[-600:]}")
    if ended.status == 0 and target.answer and not callable(command):
        now, expected = _result(work / target.answer), answers[tuple(command)]
        if now != expected and target.path.name not in ended.said and target.path.name not in "".join(now.values()):
            different = [key for key in expected if now.get(key) != expected[key]]
            found.fault("changed an answer", f"{said}: {different[:4]}")
    target.path.write_bytes(before)
    if (ended.status == 0 and not callable(command)) or _touched(work, begin):
        _restore(base, work, relative)


def _touched(work: Path, since: float) -> bool:
    return any(path.stat().st_mtime > since for path in work.rglob("*") if path.is_file()) if since else False


def _restore(base: Path, work: Path, relative: Path) -> None:
    top = relative.parts[0]
    if (base / top).is_dir():
        fresh(base / top, work / top)


def _targets(work: Path) -> Iterator[Target]:
    yield from _data_targets(work)
    for name in ("tiny", "tree"):
        if (work / name).is_dir():
            yield from _run_targets(work, name)


def _data_targets(work: Path) -> Iterator[Target]:
    from l1ae.config import load_config
    from l1ae.inputs import find_layout

    for path in (work / "data").glob("*.h5"):
        yield Target("event store", path, (_named("read_store", _store_reader(path)), ("data", "info", f"data/{path.name}")))
    for path in (work / "configs").glob("*.yaml"):
        yield Target("configuration", path, (_named("load_config", lambda path=path: load_config(path)),))
    tables = work / "tables"
    for path in tables.glob("t.*"):
        command = ("data", "import", f"tables/{path.name}", "--map", "tables/map.yaml", "-o", "out.h5", "--force")
        describe = ("data", "import", f"tables/{path.name}", "--map", "tables/map.yaml", "--describe")
        yield Target(f"table{path.suffix}", path, (command, describe))
    imported = ("data", "import", "tables/t.csv", "--map", "tables/map.yaml", "-o", "out.h5", "--force")
    yield Target("mapping", tables / "map.yaml", (imported,))
    yield Target("layout", tables / "layout.yaml", (imported, _named("find_layout", lambda: find_layout(str(tables / "layout.yaml")))))


def _named(name: str, function: Callable[[], object]) -> Callable[[], object]:
    function.__name__ = name
    return function


def _store_reader(path: Path) -> Callable[[], object]:
    from l1ae.data import EventStore

    def read() -> None:
        store = EventStore.open(path)
        for _ in store.chunks(extra=store.extra):
            pass

    return read


def _run_targets(work: Path, name: str) -> Iterator[Target]:
    from l1ae.contract import Contract
    from l1ae.latent import read_codes
    from l1ae.pipeline import Run
    from l1ae.pipeline._models import load_models
    from l1ae.records import RESULT_FILES

    folder = work / name
    report = words("report", name)
    for path in sorted(folder.rglob("*.json")):
        kind = str(path.relative_to(folder)) if len(path.relative_to(folder).parts) < 3 else "json of a delivery"
        found = [item for item in RESULT_FILES if folder / item.place == path]
        readers: list[Command] = [report]
        readers += [_named("read_result", lambda item=item: item.read(folder)) for item in found]
        # nothing says what the manifest should be; the report shows it
        yield Target(kind, path, tuple(readers), "" if path.name == "manifest.json" else f"{name}/report.html")
    contract = folder / "contract" / "contract.json"
    yield Target("contract alone", contract, (_named("Contract.load", lambda: Contract.load(contract)),))
    yield Target("contract", contract, (words("hls", name),), f"{name}/hls")
    yield Target("run's configuration", folder / "config.yaml", (words("hls", name), report))
    for path in (folder / "train").glob("*.*"):
        yield Target(
            "training", path, (_named("load_models", lambda: load_models(Run.open(folder).config, folder / "train")), words("hls", name))
        )
    for path in (folder / "train").glob("*.csv"):
        yield Target("history", path, (report,))
    for path in (folder / "latent").glob("*.h5"):
        yield Target("latent codes", path, (_named("read_codes", lambda path=path: read_codes(path)),))
    for path in (folder / "hls").rglob("*"):
        if path.is_file() and path.suffix in {".h", ".cpp", ".tcl", ".dat"}:
            yield Target("HLS project", path, (words("delivery/vivado", name), report))
    for path in (folder / "delivery").rglob("*"):
        if path.is_file() and "cmssw" not in path.parts:
            target = path.relative_to(folder).parts[1]
            yield Target("delivery", path, (("verify", f"{name}/delivery/{target}"),))
