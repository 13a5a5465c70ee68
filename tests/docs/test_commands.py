"""Every command that README, a page or a notebook shows is one that there is: its options exist, its arguments count."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import suppress

import click
import pytest

from l1ae.cli._configs import ConfigFile
from l1ae.cli._main import _cli

from .shown import ROOT, Shown, pages, shown, spans

SHOWN = [command for page in pages() for command in shown(page)]
SPANS = [command for page in pages() if page.suffix != ".ipynb" for command in spans(page) if command.line != "l1ae -v COMMAND"]
MAKEFILES = [ROOT / "Makefile", ROOT / "firmware" / "Makefile", *(ROOT / "l1ae" / "delivery" / "templates").rglob("Makefile*")]
PLACEHOLDERS = {"N": "3", "NAME|FILE": "ugt", "RUN...": "OTHER", "SIZE": "2GiB", "ADDRESS": "tcp://host:8786"}
"""Words that stand for what a reader gives; all others are as good as what they stand for."""


def argument_words(command: Shown) -> list[str]:
    """Words behind the program's name, up to a pipe, with something in place of what a reader gives."""
    words = command.words[1:]
    end = next((k for k, word in enumerate(words) if word in {"|", "||", "&&", ">", "2>&1"}), len(words))
    return [PLACEHOLDERS.get(word, word) for word in words[:end] if not word.startswith("$")]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and those that are left for it. Raises `KeyError` for one that there is not."""
    found: click.Command = _cli
    while isinstance(found, click.Group):
        while words and words[0] in {"-v", "--verbose"}:
            words = words[1:]
        if not words or words[0].startswith("-"):
            break
        found, words = found.commands[words[0]], words[1:]
    return found, words


def parse(command: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """As click parses it, with any path taken for one that is there."""
    for kind in (click.Path, ConfigFile):
        monkeypatch.setattr(kind, "convert", lambda self, value, param, ctx: value)
    found, words = command_of(argument_words(command))
    with suppress(click.exceptions.Exit):
        found.make_context(found.name, words)


def of_program(name: str) -> list[Shown]:
    return [command for command in SHOWN if command.words[0] == name]


def test_every_command_is_taken_by_its_parser(monkeypatch):
    refused = {}
    for command in of_program("l1ae"):
        try:
            parse(command, monkeypatch)
        except (click.ClickException, KeyError) as error:
            refused[str(command)] = f"{type(error).__name__}: {error}"
    assert refused == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("l1ae run CONFIG.yaml --fast", "No such option"),
        ("l1ae run", "Missing parameter: config"),
        ("l1ae trigger RUN OTHER", "unexpected extra argument"),
        ("l1ae hls RUN --backend Quartus", "is not one of"),
        ("l1ae data generate --sample a4l --events many -o FILE.h5", "is not a valid integer"),
    ],
)
def test_a_wrong_one_is_not(line, message, monkeypatch):
    with pytest.raises(click.UsageError, match=message):
        parse(Shown(ROOT, line), monkeypatch)


def test_a_command_that_is_none_is_not():
    with pytest.raises(KeyError):
        command_of(["trian", "CONFIG.yaml"])


def test_commands_in_running_text_have_their_options():
    """They may be outlines: `l1ae data import SOURCE... [--map MAP.yaml]`."""
    unknown = {}
    for command in SPANS:
        words = [word for word in re.split(r"[\[\]|\s]+", command.line) if word and word != "..."][1:]
        if words[0].isupper() or not re.fullmatch(r"-v|--help|[a-z]+", words[0]):
            continue
        found, rest = command_of(words)
        known = {name for item in found.params for name in (*item.opts, *item.secondary_opts)} | {"-h", "--help", "--version"}
        if others := {word.partition("=")[0] for word in rest if word.startswith("-")} - known:
            unknown[str(command)] = others
    assert unknown == {}


def targets() -> Iterator[str]:
    """Targets of all Makefiles here, those of deliveries included."""
    for makefile in MAKEFILES:
        text = makefile.read_text()
        for rule in re.finditer(r"^(?:\.PHONY:)?([\w ./-]+):(?!=)", text, re.MULTILINE):
            yield from rule[1].split()
        for phony in re.finditer(r"^\.PHONY: (.*(?:\\\n.*)*)", text, re.MULTILINE):
            yield from phony[1].replace("\\\n", " ").split()


def test_every_target_of_make_is_there():
    known, everything = set(targets()), "".join(makefile.read_text() for makefile in MAKEFILES)
    for command in of_program("make"):
        words = command.words[1:]
        if words[:1] == ["-C"]:
            del words[:2]
        assert {word for word in words if "=" not in word} <= known, command
        for name in (word.partition("=")[0] for word in words if "=" in word):
            assert re.search(rf"\$\({name}\)|^{name}\s*\??=", everything, re.MULTILINE), command


def test_every_script_is_there():
    assert [str(command) for command in of_program("python") if not (ROOT / command.words[1]).is_file()] == []


def test_every_extra_is_there():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {
        name for command in of_program("pip") for found in re.findall(r"(?:l1ae|\.)\[([\w,]+)\]", command.line) for name in found.split(",")
    }
    assert asked
    assert asked <= set(extras)


def test_commands_are_found_in_pages_and_notebooks():
    suffixes = {command.page.suffix for command in SHOWN}
    assert {".md", ".ipynb", ".j2"} <= suffixes
    assert len(SHOWN) > 100
    assert all(shlex.split(command.line, comments=True) for command in SHOWN)
