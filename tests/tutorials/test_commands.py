"""Commands are found in a script, and a wrong one is seen."""

import click
import pytest

from tests.tutorials.commands import commands, parse


def test_commands_of_a_script():
    script = """\
short="--set a=1 --set b=2"  # why
l1ae run x $short \\
  --run r
for i in a b; do l1ae data info $i.h5; done
ls | head || true
"""
    assert commands(script) == [
        ["l1ae", "run", "x", "--set", "a=1", "--set", "b=2", "--run", "r"],
        ["l1ae", "data", "info", "$i.h5"],
        ["ls"],
        ["head"],
        ["true"],
    ]


@pytest.mark.parametrize(
    "text",
    ["l1ae run", "l1ae run x --no-such-option", "l1ae data no-such-command", "l1ae no-such-command", "l1ae rtl r --events none"],
)
def test_a_wrong_command_is_refused(text):
    with pytest.raises(click.ClickException):
        parse(text.split())


def test_a_right_one_is_taken():
    parse(["l1ae", "data", "import", "a.parquet", "--map", "map.yaml", "-o", "b.h5"])
