"""Configurations by name: those of the repository, or of the wheel that carries a copy."""

from pathlib import Path

from l1ae.errors import UserError

__all__ = ["config_names", "find_config"]

# The build of the wheel puts configs/ beside this file. In a checkout there is nothing, and nothing can be out of date.
_FOLDERS = (Path(__file__).parent / "configs", Path(__file__).parents[2] / "configs")


def config_names() -> tuple[str, ...]:
    """The configurations that come with l1ae, in alphabetical order; a folder in a name is written with `/`.

    >>> "dnn_ae" in l1ae.config_names()
    True
    """
    folder = _folder()
    found = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
    return tuple(sorted(name for name in found if name.partition("/")[0] not in ("studies", "generator", "imported")))


def find_config(source: str) -> Path:
    """The YAML file that `source` names: a path, or one of `config_names()`. Raises `UserError` for an unknown name."""
    if source.endswith((".yaml", ".yml")) or Path(source).is_file():
        return Path(source)
    if source in config_names():
        return _folder() / f"{source}.yaml"
    raise UserError(f"unknown configuration '{source}'; give a YAML file, or one of {', '.join(config_names())}")


def _folder() -> Path:
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
