"""Hostile names and strings, and numbers beyond every range, wherever a user may give one: nothing of them is executed."""

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tests.robustness.commands import fresh, run
from tests.robustness.found import Found
from tests.robustness.things import words

__all__ = ["names"]

_TOUCH = "touch PWNED"
_STRINGS = (
    f"x; {_TOUCH}",
    f"x;exec {_TOUCH}",
    f"$({_TOUCH})",
    f"`{_TOUCH}`",
    f"[exec {_TOUCH}]",
    f'x"; exec {_TOUCH}; #',
    f"x' && {_TOUCH} && '",
    f"x\n{_TOUCH}\n",
    f"$(shell {_TOUCH})",
    f"| {_TOUCH}",
    f'x"); system("{_TOUCH}"); //',
    f"!!python/object/apply:os.system ['{_TOUCH}']",
    "../../PWNED",
    "/tmp/../PWNED",
    "{{ 7*7 }}{% for x in y %}",
    "<script>alert(1)</script>",
    "%s%n%d{0}{x.__class__}",
    "-rf",
    "--help",
    "a b  c",
    "[brackets] {braces} (x)",
    "ünïcödé 名前",
    "\u202egnp.exe",
    "nul\u0000byte",
    "tab\tand\\backslash",
    "x" * 300,
    "",
    ".",
    "..",
    "CON",
    "*/-- comment",
    "#define x",
)
_NUMBERS = ("9223372036854775807", "9223372036854775808", "-1", "1e300", ".nan", ".inf", "1" + "0" * 400, "0", "true", "null", "[1]", "{}")
_STRING_KEYS = (
    *("name", "hls.part", "hls.backend", "data.source", "model.score_type", "model.architecture"),
    *("trigger.zero_bias", "inputs.layout"),
)
_NUMBER_KEYS = ("seed", "version", "training.batch_size", "model.latent", "hls.clock_period_ns", "csim.events", "model.target_fpr")


def names(base: Path, work: Path, *, trials: int, seed: int = 1) -> Found:
    """Try strings and numbers where names and numbers are expected."""
    rng, found = random.Random(seed), Found()
    fresh(base, work)
    cases = list(_cases(work, rng))
    rng.shuffle(cases)
    for kind, commands in cases[:trials]:
        found.count(kind)
        for command in commands:
            ended = run(command, work, limit=120)
            what = f"{kind}: {command!r}"
            found.ended(what, ended)
            if "is the path right" in ended.said and "null byte" in ended.said:
                found.fault("blamed the path", what)
            if ended.status:
                break
        if pwned := [*work.rglob("PWNED"), *work.parent.glob("PWNED"), *Path("/tmp").glob("PWNED")]:
            found.fault("executed", f"{kind}: {commands[0]!r}: {pwned}")
        _restore(base, work)
    shutil.rmtree(work)
    return found


def _restore(base: Path, work: Path) -> None:
    for path in work.iterdir():
        if not (base / path.name).exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _cases(work: Path, rng: random.Random) -> Iterator[tuple[str, list[Sequence[str]]]]:
    for text in _STRINGS:
        for key in _STRING_KEYS:
            yield f"--set {key}", [_trained("new", f"{key}={yaml.safe_dump(text, default_style=chr(34)).strip()}"), *_firmware("new")]
        if "\0" in text:
            continue  # no argument of a program can hold it
        yield "run folder", [_trained(text), words("hls", text), words("report", text)]
        yield "output store", [_imported(text)]
        yield "sample", [_imported("new.h5", "--sample", text), ("data", "info", "new.h5")]
        yield "path", [("data", "info", text), ("verify", text), ("report", text)]
        yield "injection", [("latent", "tiny", "--inject", f"{text}=5"), ("latent", "tiny", "--mass", text)]
        yield "seeds", [_imported("new.h5", "--split", text)]
    for number in _NUMBERS:
        for key in _NUMBER_KEYS:
            yield f"--set {key}", [_trained("new", f"{key}={number}")]
        yield "seed of the generator", [("data", "generate", "--sample", "background", "--events", "1", "--seed", number, "-o", "new.h5")]
        yield "seed of a study", [("latent", "tiny", "--events", "200", "--seed", number)]
        yield "events", [("csim", "tree", "--events", number) if rng.random() < 0.1 else ("trigger", "tree", "--events", number)]


def _trained(folder: str, *overrides: str) -> list[str]:
    """A model of tables, which is trained in a second."""
    return ["train", "configs/tree.yaml", "--run", folder, *(word for item in overrides for word in ("--set", item))]


def _firmware(folder: str) -> list[Sequence[str]]:
    """What puts the strings of a configuration into sources and scripts, and runs these."""
    return [words("hls", folder), words("report", folder), ("deliver", folder, "--target", "ugt")]


def _imported(output: str, *more: str) -> list[str]:
    return ["data", "import", "tables/t.csv", "--map", "tables/map.yaml", "-o", output, "--force", *more]
