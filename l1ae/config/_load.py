"""Reading a configuration file, with messages that print the offending key and what would have been right."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from l1ae.config._named import comes_with_l1ae
from l1ae.config._schema import SOURCES, Config
from l1ae.config._trigger import ZERO_BIAS
from l1ae.documents import Overrides, read_yaml, validate, yaml_value
from l1ae.errors import UserError

__all__ = ["dump_config", "load_config", "overridden", "read_config", "set_key"]


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a run's YAML file and apply `key.subkey=value` overrides (values are YAML too).

    Files that it names are relative to the YAML file, those in overrides to the working directory.

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
    content = read_config(path)
    keys = tuple(_apply(content, override) for override in overrides)
    return validate(Config, content, str(path), Overrides("--set", keys))


def read_config(path: Path) -> dict[str, Any]:
    """What a run's YAML file says, not yet checked, with the files that it names relative to it. Raises `UserError` as `read_yaml`."""
    content = read_yaml(path)
    _resolve_files(content, Path(path).parent)
    return content


def dump_config(config: Config) -> str:
    """YAML of every field, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def overridden(config: Config | Path, overrides: Mapping[str, Any]) -> Config:
    """A configuration, or the one in a YAML file, with other values at dotted keys. Files that these name are relative to the working
    directory.

    Raises `UserError` as `load_config`.
    """
    if isinstance(config, Config):
        content, where = config.model_dump(mode="json"), config.name
    else:
        content, where = read_config(config), str(config)
    for key, value in overrides.items():
        try:
            set_key(content, key, value, Path())
        except ValueError as error:
            raise UserError(f"overrides: {error}") from error
    return validate(Config, content, where, Overrides("overrides:", tuple(overrides)))


def set_key(content: dict[str, Any], key: str, value: Any, folder: Path) -> None:
    """Change `content` at a dotted key; a number in it is a place in a list. Files that `value` names are relative to `folder`.

    Raises `ValueError` when the key goes through a value, or beyond the end of a list.
    """
    *parents, leaf = key.split(".")
    section: Any = content
    for depth, parent in enumerate(parents):
        section = _place(section, parent, key, {})
        if not isinstance(section, dict | list):
            raise ValueError(f"'{'.'.join(parents[: depth + 1])}' is a value, not a section")
    value = _resolved(".".join(parents), leaf, value, folder)
    if isinstance(section, list):
        _place(section, leaf, key, None)
        section[int(leaf)] = value
    else:
        section[leaf] = value


def _place(section: dict[str, Any] | list[Any], part: str, key: str, missing: Any) -> Any:
    """What a section or list holds at one part of a key; a section gets what is `missing`."""
    if isinstance(section, dict):
        return section.setdefault(part, missing)
    if not part.isdecimal() or int(part) >= len(section):
        raise ValueError(f"'{key}': '{part}' is no place in a list of {len(section)}; places are counted from 0")
    return section[int(part)]


def _apply(content: dict[str, Any], override: str) -> str:
    """Override a key in `content`; the key."""
    key, sign, text = override.partition("=")
    if not sign:
        raise UserError(f"--set '{override}' has no '='; write for example --set training.batch_size=512")
    try:
        value = yaml_value(text)
    except ValueError as error:
        raise UserError(f"--set '{override}': '{text}' is no valid YAML: {error}") from error
    try:
        set_key(content, key, value, Path())
    except ValueError as error:
        raise UserError(f"--set '{override}': {error}") from error
    return key


# Keys that may name a file, and the words that are none.
_FILES: dict[tuple[str, str], Callable[[str], bool]] = {
    ("model", "source"): lambda text: True,
    ("model", "teacher_run"): lambda text: True,
    ("inputs", "layout"): lambda text: text.endswith((".yaml", ".yml")),
    ("data", "source"): lambda text: text not in SOURCES,
    ("trigger", "zero_bias"): lambda text: text not in ZERO_BIAS,
}


def _resolve_files(content: dict[str, Any], folder: Path) -> None:
    """What a configuration names is relative to the configuration, so that it means the same wherever a command runs.

    One that comes with l1ae may name data that do not: these are relative to the working directory.
    """
    for section, key in _FILES:
        part = content.get(section)
        if isinstance(part, dict) and key in part:
            elsewhere = (section, key) == ("data", "source") and comes_with_l1ae(folder)
            part[key] = _resolved(section, key, part[key], Path() if elsewhere else folder)


def _resolved(section: str, key: str, value: Any, folder: Path) -> Any:
    """A value with files taken relative to `folder`; any other value as it is."""
    names = _FILES.get((section, key))
    if names is None:
        return value
    if isinstance(value, list | tuple):
        return [_resolved(section, key, item, folder) for item in value]
    return str(folder.resolve() / value) if isinstance(value, str) and names(value) else value
