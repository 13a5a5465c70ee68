"""A group of commands that lists them in the order in which they are used, in sections."""

import click

__all__ = ["InOrder"]


class InOrder(click.Group):
    """As `click.Group`; commands are listed as they were added, below the titles of their sections."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._sections: dict[str, list[str]] = {}

    def add(self, section: str, command: click.Command) -> None:
        """Add a command to a section, after those that are there."""
        self.add_command(command)
        assert command.name is not None, "a command has a name"
        self._sections.setdefault(section, []).append(command.name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`."""
        longest = max(map(len, self.commands))
        room = formatter.width - longest - 6
        for section, names in (self._sections or {"Commands": list(self.commands)}).items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(longest), self.commands[name].get_short_help_str(room)) for name in names])
