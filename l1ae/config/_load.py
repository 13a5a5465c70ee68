"""Reading a configuration file, with messages that print the offending key and what would have been right."""

from pathlib import Path
from typing import Any

import yaml

from l1ae.config._schema import Config
from l1ae.documents import read_yaml, validate
from l1ae.errors import UserError

__all__ = ["dump_config", "load_config"]


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a run's YAML file and apply `key.subkey=value` overrides (values are YAML too).

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
    content = read_yaml(path)
    for override in overrides:
        _apply(content, override)
    _resolve_files(content, Path(path))
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
        section[leaf] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"--set '{override}': '{text}' is no valid YAML: {error}") from error


def _resolve_files(content: dict[str, Any], path: Path) -> None:
    """An imported model, the teachers of a student and the file of a layout are named relative to the configuration file."""
    files = (("model", "source", ("",)), ("model", "teacher_run", ("",)), ("inputs", "layout", (".yaml", ".yml")))
    for section, key, endings in files:
        part = content.get(section)
        if not isinstance(part, dict):
            continue
        if isinstance(part.get(key), str) and part[key].endswith(endings):
            part[key] = str(path.parent.resolve() / part[key])
        elif isinstance(part.get(key), list | tuple) and key == "teacher_run":
            part[key] = [str(path.parent.resolve() / name) if isinstance(name, str) else name for name in part[key]]
