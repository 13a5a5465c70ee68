r"""What a string may hold that reaches Tcl, VHDL, C++, make, a shell or a batch system: one table, for reader and writer.

Kinds have no quotes, brackets, `$`, `;`, `\` or line ends, so that none ends the word, string or comment in which it is written in any
of these languages; writers check and quote all the same, because a description may have been made without a schema. Those of batch
systems are for lines of a job description alone, which no shell reads.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from l1ae.errors import UserError

__all__ = [
    "KINDS",
    "CondorCommand",
    "CondorValue",
    "FolderName",
    "JobWord",
    "Kind",
    "ModelName",
    "PartName",
    "Size",
    "SlurmDirective",
    "Text",
    "Walltime",
    "checked",
    "comment",
    "tcl",
]


@dataclass(frozen=True)
class Kind:
    """One kind of string: all of it matches `pattern`, it has `longest` characters at most. `rule`: that, for people."""

    pattern: str
    longest: int
    rule: str

    def allows(self, value: str) -> bool:
        """Whether a string is of this kind."""
        return len(value) <= self.longest and re.fullmatch(self.pattern, value) is not None


_WORDS = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"

KINDS = {
    "model name": Kind(_WORDS, 64, "lower-case letters, digits and single underscores between them, a letter first, 64 at most"),
    "project": Kind(rf"{_WORDS}_v[0-9]+", 80, "the model's name, _v and its version"),
    "layer": Kind(r"[A-Za-z][A-Za-z0-9_]*", 128, "letters, digits and _, a letter first, 128 at most"),
    "part": Kind(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", 64, "letters and digits with - between, as in xcvu9p-flga2104-2L-e"),
    "path": Kind(
        r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", 256, "names of letters, digits, _, - and . with / between"
    ),
    "job word": Kind(r"[A-Za-z0-9][A-Za-z0-9_.-]*", 64, "letters, digits, _, . and -, 64 at most"),
    "walltime": Kind(r"([0-9]{1,3}-)?[0-9]{1,3}:[0-9]{2}(:[0-9]{2})?", 16, "hours:minutes:seconds, or days-hours:minutes:seconds"),
    "size": Kind(r"[0-9]+(\.[0-9]+)? ?[kMGT]i?B", 16, "a number with kB, MB, GB, TB, MiB or GiB, as in 4GiB"),
    "folder": Kind(
        r"(?!.*\.\.)/?[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)*",
        256,
        "names of letters, digits, _, - and . with / between",
    ),
    "Slurm directive": Kind(
        r"--[a-z]+(-[a-z]+)*(=[A-Za-z0-9_.,:@+*/-]+)?", 200, "one long option of sbatch with its value, as in --constraint=haswell"
    ),
    "HTCondor command": Kind(r"\+?[A-Za-z][A-Za-z0-9_]*", 64, "letters, digits and _, a letter or + first, 64 at most"),
    "HTCondor value": Kind(
        r"[A-Za-z0-9_ .,:\"=<>!&|?()+*/-]+",
        200,
        "a word, a number, a string in double quotes or an expression of them, 200 characters at most",
    ),
    "text": Kind(r"(?!.*\?\?/)[^\\]*", 500, "one line of printable characters without \\ and ??/, 500 at most"),
}
"""By name. `text` is for comments and, quoted, for strings: it is no word of any language."""


def _problem(kind: str, value: str) -> str | None:
    found = KINDS[kind]
    if found.allows(value) and value.isprintable():
        return None
    return f"{kind} {value[:80]!r} must be {found.rule}"


def checked(kind: str, value: str) -> str:
    """`value` as it is. Raises `UserError` when it is not of the kind, one of `KINDS`."""
    if problem := _problem(kind, value):
        raise UserError(problem)
    return value


def tcl(value: str, kind: str) -> str:
    """A string of a kind as one word of Tcl, in which nothing is substituted."""
    return f"{{{checked(kind, value)}}}"


def comment(value: str) -> str:
    """A text that ends with its line in C++ and VHDL."""
    return checked("text", value)


def _valid(kind: str) -> AfterValidator:
    def check(value: str) -> str:
        if problem := _problem(kind, value):
            raise ValueError(problem)
        return value

    return AfterValidator(check)


ModelName = Annotated[str, _valid("model name")]
PartName = Annotated[str, _valid("part")]
Text = Annotated[str, _valid("text")]
JobWord = Annotated[str, _valid("job word")]
Walltime = Annotated[str, _valid("walltime")]
Size = Annotated[str, _valid("size")]
FolderName = Annotated[str, _valid("folder")]
SlurmDirective = Annotated[str, _valid("Slurm directive")]
CondorCommand = Annotated[str, _valid("HTCondor command")]
CondorValue = Annotated[str, _valid("HTCondor value")]
