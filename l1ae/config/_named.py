"""Configurations by name: those of the repository, or of the wheel that carries a copy."""

import difflib
import logging
import re
from pathlib import Path
from typing import Literal

from l1ae.errors import UserError

__all__ = ["ConfigKind", "comes_with_l1ae", "config_names", "config_text", "config_title", "find_config"]

_log = logging.getLogger("l1ae")

# The build of the wheel puts configs/ beside this file. In a checkout there is nothing, and nothing can be out of date.
_FOLDERS = (Path(__file__).parent / "configs", Path(__file__).parents[2] / "configs")

ConfigKind = Literal["configuration", "study", "generator configuration", "description"]
"""Of a run, of a search, of the generator; of an imported network."""

_PLACES: dict[ConfigKind, tuple[str, ...]] = {
    "configuration": ("", "inputs"),
    "study": ("studies",),
    "generator configuration": ("generator",),
    "description": ("imported",),
}

# Of a file that a configuration names beside itself.
_RELATIVE = re.compile(r"^(?P<key> *(?:base|source|layout): *)(?P<file>[\w./-]+\.(?:yaml|yml|keras|h5))", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[a-z0-9)\]])\. ")
_CLAUSE = re.compile(r"[:;] ")
_LONGEST = 120


def config_names(kind: ConfigKind = "configuration") -> tuple[str, ...]:
    """The configurations of a kind that come with l1ae, in alphabetical order.

    >>> "dnn_ae" in l1ae.config_names()
    True
    """
    return tuple(sorted(_known(kind)))


def find_config(source: str | Path, kind: ConfigKind = "configuration", folder: Path | None = None) -> Path:
    """The YAML file that `source` names: a file, in `folder` or the working directory, or else one of `config_names(kind)`.

    A name alone means the file NAME.yaml too, where there is one; it is said which one is taken.
    Raises `UserError` for what is neither, with the names that come near.
    """
    here, known = (folder or Path()) / source, _known(kind)
    name = _stem(str(source))
    for path in (here, here.with_name(f"{here.name}.yaml")):
        if path.is_file():
            if str(source) in known and path.resolve() != known[name].resolve():
                _log.info("'%s' is taken, and not the %s '%s' that comes with l1ae", path, kind, name)
            return path
    place, _, stem = str(source).rpartition("/")
    if place in {"", *_PLACES[kind]} and stem in known:
        return known[stem]
    raise _unknown(str(source if folder is None else here), kind, known)


def config_text(name: str) -> str:
    """The YAML of a configuration of any kind that comes with l1ae; the files that it names are given by absolute paths, so that a copy
    works anywhere. Raises `UserError` as `find_config`."""
    path = _path(name)

    def absolute(found: re.Match[str]) -> str:
        file = path.parent / found["file"]
        return f"{found['key']}{file.resolve()}" if file.is_file() else found[0]

    return _RELATIVE.sub(absolute, path.read_text())


def config_title(name: str) -> str:
    """What a configuration is: the beginning of the comment at its head, as far as it can stand alone."""
    lines = [line for line in _path(name).read_text().splitlines() if line.startswith("#")]
    comment = " ".join(line.lstrip("# ") for line in lines)
    sentence = _SENTENCE.split(comment, maxsplit=1)[0].rstrip(".")
    return sentence if len(sentence) <= _LONGEST else _CLAUSE.split(sentence, maxsplit=1)[0]


def comes_with_l1ae(folder: Path) -> bool:
    """Whether a folder is one of those of the configurations that come with l1ae."""
    return folder.resolve() == _folder().resolve() or _folder().resolve() in folder.resolve().parents


def _path(name: str) -> Path:
    """Of a name of any kind, `imported/cms_like` where two kinds have it."""
    place, _, stem = name.rpartition("/")
    for kind, places in _PLACES.items():
        if (not place or place in places) and stem in _known(kind):
            return _known(kind)[stem]
    every = {found: path for kind in _PLACES for found, path in _known(kind).items()}
    raise _unknown(name, "configuration", every)


def _known(kind: ConfigKind) -> dict[str, Path]:
    return {path.stem: path for place in _PLACES[kind] for path in (_folder() / place).glob("*.yaml")}


def _folder() -> Path:
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])


def _stem(source: str) -> str:
    return Path(source).name.removesuffix(".yaml").removesuffix(".yml")


def _unknown(source: str, kind: ConfigKind, known: dict[str, Path]) -> UserError:
    """The error about a source that is neither a file nor a name."""
    stem = _stem(source)
    if stem != source and stem in known:
        return UserError(f"{kind} '{source}' does not exist; the one that comes with l1ae is called {stem}")
    close = difflib.get_close_matches(stem, known, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "`l1ae configs` lists those that come with l1ae"
    if stem != source:
        return UserError(f"{kind} '{source}' does not exist; {hint}")
    return UserError(f"{kind} '{source}': there is no such file, and none of that name comes with l1ae; {hint}")
