"""What to do after a command was interrupted: one sentence for each."""

import shlex
from collections.abc import Callable, Mapping, Sequence

__all__ = ["CONTINUED", "command_of", "continuing"]

Arguments = Sequence[str]


def _again(arguments: Arguments, *options: str) -> str:
    return f"`l1ae {shlex.join([*arguments, *(option for option in options if option not in arguments)])}`"


def _resumed(what: str) -> Callable[[Arguments], str]:
    return lambda arguments: f"{_again(arguments, '--resume')} continues the {what}"


def _stage(folder: str) -> Callable[[Arguments], str]:
    return lambda arguments: f"{folder} is as it was before; {_again(arguments)} makes it from the beginning"


def _nothing(arguments: Arguments) -> str:
    return f"nothing was written; {_again(arguments)} begins anew"


def _output(arguments: Arguments) -> str:
    return f"the output is as it was before; {_again(arguments)} begins anew"


CONTINUED: Mapping[str, Callable[[Arguments], str]] = {
    "data generate": lambda arguments: f"finished parts are kept; {_again(arguments)} continues",
    "data import": _output,
    "data layouts": _nothing,
    "configs": _nothing,
    "data info": _nothing,
    "train": _resumed("training"),
    "evaluate": _stage("RUN/evaluation"),
    "baselines": _stage("RUN/baselines"),
    "trigger": _stage("RUN/trigger"),
    "hls": _stage("RUN/hls"),
    "csim": _stage("RUN/csim"),
    "rtl": _stage("RUN/rtl"),
    "synth": lambda arguments: f"RUN/synth is as it was before; {_again(arguments)} makes it, with what was synthesised from the cache",
    "deliver": lambda arguments: f"targets that were finished are kept, the others as they were; {_again(arguments)} makes all of them",
    "verify": lambda arguments: f"no verdict was reached; {_again(arguments)} begins anew",
    "latent": _stage("RUN/latent"),
    "report": lambda arguments: f"RUN/report.html is as it was before; {_again(arguments)} begins anew",
    "run": lambda arguments: f"finished stages and epochs are kept; {_again(arguments)} continues",
    "estimate": _nothing,
    "compare": _output,
    "watch": _output,
    "search": _resumed("search"),
    "doctor": _nothing,
}
"""By command, as it is written."""


def command_of(arguments: Arguments) -> str:
    """`data generate`, `rtl` and the like; as far as it is one."""
    words = [word for word in arguments if not word.startswith("-")]
    return next((name for name in (" ".join(words[:2]), *words[:1]) if name in CONTINUED), "")


def continuing(arguments: Arguments) -> str:
    """How the command with these arguments is continued."""
    return CONTINUED.get(command_of(arguments), _nothing)(arguments)
