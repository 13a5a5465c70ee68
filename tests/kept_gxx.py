"""g++ that does not compile what it compiled before: in front of the real one on PATH, with the cache of l1ae's own benches.

The key is the text of every source behind the preprocessor, every option, the files that options name, and the compiler. What is no
compilation of sources to a file, and what the compiler complains of, is left to the real one.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from l1ae.tools import compiled, compiler_identity

OWN = Path(__file__).parent / "bin"
SOURCES = (".cpp", ".cc")
COMPILED = (".o", ".a", ".so", ".ii")


@dataclass(frozen=True)
class Compilation:
    sources: list[str]
    target: str
    others: list[str]

    @classmethod
    def of(cls, arguments: Sequence[str]) -> "Compilation | None":
        """What a command line compiles, if it compiles sources to a file and nothing else."""
        if arguments.count("-o") != 1 or {"-E", "-M", "-MD", "-MMD", "-fsyntax-only"} & set(arguments):
            return None
        at = arguments.index("-o")
        rest = [item for k, item in enumerate(arguments) if k not in {at, at + 1}]
        sources = [item for item in rest if item.endswith(SOURCES) and not item.startswith("-")]
        others = [item for item in rest if item not in sources]
        if not sources or any(item.endswith(COMPILED) and not item.startswith("-") for item in others):
            return None
        return cls(sources, arguments[at + 1], others)


def main(arguments: Sequence[str]) -> None:
    os.environ["PATH"] = os.pathsep.join(item for item in os.environ["PATH"].split(os.pathsep) if Path(item) != OWN)
    real = shutil.which("g++")
    if real is None:
        sys.exit(127)
    command = [real, *arguments]
    found = Compilation.of(arguments)
    if found is None:
        os.execv(real, command)
    texts = []
    for source in found.sources:
        seen = subprocess.run([real, *found.others, "-E", "-P", source], check=False, capture_output=True)
        if seen.returncode or seen.stderr:
            os.execv(real, command)
        texts.append(seen.stdout)
    # where headers are does not matter once they are in the text
    options = [item for item in found.others if not item.startswith("-I")]
    named = [Path(name).read_bytes() for item in options for name in re.split("[=,]", item) if Path(name).is_file()]
    compiled(Path(found.target), [*compiler_identity(real), *options, *texts, *named], lambda: _compile(command))


def _compile(command: list[str]) -> None:
    """A compilation that fails, or says something, is not kept."""
    result = subprocess.run(command, check=False, stderr=subprocess.PIPE)
    if result.returncode or result.stderr:
        sys.stderr.buffer.write(result.stderr)
        sys.exit(result.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
