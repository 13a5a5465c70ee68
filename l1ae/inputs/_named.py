"""Layouts by name, from YAML files that come with the package or lie anywhere else."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from l1ae.documents import load_yaml, validate
from l1ae.errors import UserError
from l1ae.inputs._layout import Layout

__all__ = ["find_layout", "layout_names", "layout_text", "named_layout"]


def layout_names() -> tuple[str, ...]:
    """The layouts that come with the package, in alphabetical order.

    >>> "ugt" in l1ae.layout_names()
    True
    """
    return tuple(
        sorted(item.name.removesuffix(".yaml") for item in (files("l1ae.inputs") / "layouts").iterdir() if item.name.endswith(".yaml"))
    )


def layout_text(name: str) -> str:
    """The YAML of a layout that comes with the package, or in a file. Raises `UserError` as `find_layout`."""
    if name.endswith((".yaml", ".yml")):
        find_layout(name)
        return Path(name).read_text()
    if name not in layout_names():
        raise UserError(f"unknown layout '{name}'; the layouts are {', '.join(layout_names())}, or give a YAML file")
    return (files("l1ae.inputs") / "layouts" / f"{name}.yaml").read_text()


@cache
def named_layout(name: str) -> Layout:
    """A layout that comes with the package. Raises `UserError` for an unknown name."""
    return validate(Layout, yaml.safe_load(layout_text(name)), f"layout {name}")


def find_layout(source: str, folder: Path | None = None) -> Layout:
    """The layout in a YAML file (a name that ends in .yaml or .yml, relative to `folder`), or one that comes with the package.

    Raises `UserError` for an unknown name, a missing file, and with file, group and feature for what no layout can be.
    """
    if source.endswith((".yaml", ".yml")):
        return load_yaml(Layout, (folder or Path()) / source, what="layout", remedy="`l1ae data layouts` lists those that come with l1ae")
    return named_layout(source)
