"""The commands of a shell script, and whether the command line takes them."""

import re
import shlex

import click

from l1ae.cli._main import _cli

__all__ = ["commands", "parse"]

_SEPARATORS = {";", "|", "||", "&&", "&"}
_KEYWORDS = ("for", "do", "done", "if", "then", "fi", "while")


def commands(script):
    """Words of each command of a script of bash, in order. Variables that the script sets are put in, others stay."""
    known, found = {}, []
    for line in script.replace("\\\n", " ").splitlines():
        for words in _split(_with(known, line)):
            if assigned := re.fullmatch(r"(\w+)=(.*)", words[0]):
                known[assigned[1]] = assigned[2]
            else:
                found.append(words)
    return found


def _with(known, line):
    return re.sub(r"\$(\w+)", lambda match: known.get(match[1], match[0]), line)


def _split(line):
    words = shlex.shlex(line, posix=True, punctuation_chars=";|&")
    words.whitespace_split = True
    part = []
    for word in [*words, ";"]:
        if word not in _SEPARATORS:
            part.append(word)
            continue
        while part and part[0] in _KEYWORDS:
            part = [] if part[0] == "for" else part[1:]
        if part:
            yield part
        part = []


def parse(words):
    """Parse the words of an `l1ae` command, as the command line would, and run nothing.

    Raises what click raises, but not for files that the commands before make.
    """
    try:
        _parse(words)
    except click.BadParameter as error:
        if not (isinstance(getattr(error.param, "type", None), click.Path) and error.message.endswith("does not exist.")):
            raise


def _parse(words):
    command, rest, parent = _cli, words[1:], None
    while True:
        context = command.make_context(words[0], list(rest), parent=parent)
        if not hasattr(command, "commands"):
            return
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        words, parent = [name, *rest], context
