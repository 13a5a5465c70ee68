"""Two commands at once on one run folder, output or folder of shards: one is told who holds it, and what remains is whole."""

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.robustness.commands import Ended, fresh, run, start
from tests.robustness.found import Found
from tests.robustness.jobs import JOBS, Job
from tests.robustness.things import content_of, words

__all__ = ["PAIRS", "Pair", "pairs"]


@dataclass(frozen=True)
class Pair:
    """Two commands, and the folder or file that they both write or read."""

    name: str
    first: Sequence[str]
    second: Sequence[str]
    place: str


def _train(seed: int) -> list[str]:
    return [*words("train", "tree"), "--set", f"seed={seed}", "--set", f"model.score_type=ufixed<{9 + seed},9,TRN,SAT>"]


_BY_NAME = {job.name: job for job in JOBS}


def _same(job: Job) -> Pair:
    return Pair(f"{job.name} twice", job.words, job.words, job.makes)


PAIRS: tuple[Pair, ...] = (
    Pair("two trainings", _train(1), _train(2), "tree"),
    Pair("a training and an HLS project", _train(2), words("hls", "tree"), "tree"),
    Pair("working points and report", words("trigger", "tree"), words("report", "tree"), "tree/trigger"),
    Pair("HLS project and delivery", words("hls", "tree"), words("delivery/ugt", "tree"), "tree/hls"),
    *(_same(_BY_NAME[name]) for name in ("data import", "data generate", "trigger of a tree", "hls of a tree", "delivery/ugt of a tree")),
)


def pairs(base: Path, work: Path, chosen: Sequence[Pair], *, each: int, seed: int = 1) -> Found:
    """Every chosen pair `each` times, the second command up to a second after the first."""
    rng, found = random.Random(seed), Found()
    for pair in chosen:
        allowed = [_alone(base, work, pair, order) for order in _orders(pair)]
        for _ in range(each):
            fresh(base, work)
            found.count(pair.name)
            first = start(pair.first, work)
            time.sleep(rng.choice((0.0, rng.random() * 0.2, rng.random())))
            second = start(pair.second, work)
            ends = first.wait(600), second.wait(600)
            _judge(pair, work, ends, allowed, found)
    shutil.rmtree(work, ignore_errors=True)
    return found


def _orders(pair: Pair) -> list[list[Sequence[str]]]:
    """What may have happened: one of the two alone, or both in either order."""
    return [[pair.first], [pair.second], [pair.first, pair.second], [pair.second, pair.first]]


def _alone(base: Path, work: Path, pair: Pair, order: Sequence[Sequence[str]]) -> dict[str, str]:
    fresh(base, work)
    for command in order:
        run(command, work, limit=600)
    return _content(work / pair.place)


def _content(place: Path) -> dict[str, str]:
    content = (
        content_of(place) if place.is_dir() else {name: digest for name, digest in content_of(place.parent).items() if name == place.name}
    )
    # which stages are there, and when, is in the manifest
    return {name: digest for name, digest in content.items() if name not in {"manifest.json", "resources.json"}}


def _judge(pair: Pair, work: Path, ends: tuple[Ended, Ended], allowed: Sequence[dict[str, str]], found: Found) -> None:
    good = [found.ended(pair.name, ended) for ended in ends]
    if not all(good):
        return
    refused = [ended for ended in ends if ended.status]
    if len(refused) == 2:
        found.fault("nobody came through", f"{pair.name}: {ends}")
    for ended in refused:
        if "is being written by process" not in ended.said and "was not made from" not in ended.said and "run `" not in ended.said:
            found.fault("not told who", f"{pair.name}: {ended.said[-500:]}")
    if _content(work / pair.place) not in allowed:
        found.fault("a mixture", pair.name)
    if left := [path.name for path in work.rglob(".*") if path.name != ".gitignore"]:
        found.fault("leftovers", f"{pair.name}: {left[:5]}")
