"""Reading a configuration file, with messages that print the offending key and what would have been right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from l1ae.config._schema import SOURCES, Config
from l1ae.config._trigger import ZERO_BIAS
from l1ae.documents import read_yaml, validate, yaml_value
from l1ae.errors import UserError

__all__ = ["dump_config", "load_config"]


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a run's YAML file and apply `key.subkey=value` overrides (values are YAML too).

    Files that it names are relative to the YAML file, those in overrides to the working directory.

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
    content = read_yaml(path)
    _resolve_files(content, Path(path).parent)
    for override in overrides:
        _apply(content, override)
    return validate(Config, content, str(path))


def dump_config(config: Config) -> str:
    """YAML of every field, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _apply(content: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign:
        raise UserError(f"--set '{override}' has no '='; write for example --set training.batch_size=512")
    *parents, leaf = key.split(".")
    section = content
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise UserError(f"--set '{override}': '{parent}' is a value, not a section")
    try:
        value = yaml_value(text)
    except ValueError as error:
        raise UserError(f"--set '{override}': '{text}' is no valid YAML: {error}") from error
    section[leaf] = _resolved(".".join(parents), leaf, value, Path())


# Keys that may name a file, and the words that are none.
_FILES: dict[tuple[str, str], Callable[[str], bool]] = {
    ("model", "source"): lambda text: True,
    ("model", "teacher_run"): lambda text: True,
    ("inputs", "layout"): lambda text: text.endswith((".yaml", ".yml")),
    ("data", "source"): lambda text: text not in SOURCES,
    ("trigger", "zero_bias"): lambda text: text not in ZERO_BIAS,
}


def _resolve_files(content: dict[str, Any], folder: Path) -> None:
    """What a configuration names is relative to the configuration, so that it means the same wherever a command runs."""
    for section, key in _FILES:
        part = content.get(section)
        if isinstance(part, dict) and key in part:
            part[key] = _resolved(section, key, part[key], folder)


def _resolved(section: str, key: str, value: Any, folder: Path) -> Any:
    """A value with files taken relative to `folder`; any other value as it is."""
    names = _FILES.get((section, key))
    if names is None:
        return value
    if isinstance(value, list | tuple):
        return [_resolved(section, key, item, folder) for item in value]
    return str(folder.resolve() / value) if isinstance(value, str) and names(value) else value
