"""Configurations by name: what commands take in place of a file, and `l1ae configs`, which lists them."""

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from l1ae.config import ConfigKind, config_names, config_text, config_title, find_config

__all__ = ["ConfigFile", "configs"]

_TITLES: dict[str, ConfigKind] = {
    "models (l1ae train, l1ae run, l1ae estimate)": "configuration",
    "studies (l1ae search)": "study",
    "collisions (l1ae data generate --config)": "generator configuration",
}


class ConfigFile(click.ParamType):  # type: ignore[type-arg]  # click 8.1 takes no argument
    """A YAML file, or the name of one that comes with l1ae; its path is passed on."""

    name = "config"

    def __init__(self, kind: ConfigKind = "configuration") -> None:
        self.kind: ConfigKind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Raises `UserError` for what is neither."""
        return find_config(value, self.kind)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names, and files."""
        names = [CompletionItem(name) for name in config_names(self.kind) if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


@click.command()
@click.argument("name", required=False)
def configs(name: str | None) -> None:
    """List the configurations that come along, or print one.

    Commands take a NAME in place of a file. To change one, print it into a file of your own, and give that; or use --set.
    """
    if name is not None:
        click.echo(config_text(name), nl=False)
        return
    longest = max(len(found) for kind in _TITLES.values() for found in config_names(kind))
    for title, kind in _TITLES.items():
        click.echo(title)
        for found in config_names(kind):
            click.echo(f"  {found:<{longest}}  {config_title(found)}")
