"""Configurations and layouts by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l1ae.config import Config, config_names, find_config, overridden
from l1ae.inputs import Layout, find_layout, layout_names

__all__ = ["config_names", "layout", "layout_names", "load_config"]


def load_config(config: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """A configuration: one of `config_names()`, or a YAML file. `overrides` are values by dotted key.

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.

    >>> config = l1ae.load_config("dnn_ae", {"training.batch_size": 512})
    >>> config.training.batch_size
    512
    """
    return overridden(find_config(str(config)), overrides or {})


def layout(name: str) -> Layout:
    """A layout: one of `layout_names()`, or a YAML file. Raises `UserError` for an unknown name or a damaged file.

    >>> l1ae.layout("ugt").size
    57
    """
    return find_layout(name)
