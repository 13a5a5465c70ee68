"""g++ that does not compile what it compiled before: in front of the real one on PATH, with the cache of l1ae's own benches.

The key is the text behind the preprocessor, every option, the files that options name, and the compiler. What is no compilation of one
source, and what the compiler complains of, is left to the real one.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from l1ae.tools import compiled, compiler_identity

OWN = Path(__file__).parent / "bin"
SOURCES = (".cpp", ".cc")


def main(arguments: Sequence[str]) -> int:
    path = os.pathsep.join(item for item in os.environ["PATH"].split(os.pathsep) if Path(item) != OWN)
    os.environ["PATH"] = path
    real = shutil.which("g++", path=path)
    if real is None:
        return 127
    found = _one_source(arguments)
    if found is None:
        os.execv(real, [real, *arguments])
    source, target, others = found
    text = subprocess.run([real, *others, "-E", "-P", source], check=False, capture_output=True)
    if text.returncode or text.stderr:
        os.execv(real, [real, *arguments])
    # where headers are does not matter once they are in the text
    options = [item for item in others if not item.startswith("-I")]
    named = [Path(name).read_bytes() for item in others for name in re.split("[=,]", item) if Path(name).is_file()]
    compiled(Path(target), [*compiler_identity(real), *options, text.stdout, *named], lambda: _compile([real, *arguments]))
    return 0


def _one_source(arguments: Sequence[str]) -> tuple[str, str, list[str]] | None:
    """Source, target and the rest of the arguments of the compilation of one source to a file."""
    sources = [item for item in arguments if item.endswith(SOURCES) and not item.startswith("-")]
    if len(sources) != 1 or arguments.count("-o") != 1 or {"-E", "-M", "-MD", "-MMD", "-fsyntax-only"} & set(arguments):
        return None
    at = arguments.index("-o")
    target = arguments[at + 1]
    others = [item for k, item in enumerate(arguments) if k not in {at, at + 1} and item != sources[0]]
    if any(not item.startswith("-") and item.endswith((".o", ".a", ".so", ".ii")) for item in others):
        return None
    return sources[0], target, others


def _compile(command: list[str]) -> None:
    """A compilation that fails, or says something, is not kept."""
    result = subprocess.run(command, check=False, stderr=subprocess.PIPE)
    if result.returncode or result.stderr:
        sys.stderr.buffer.write(result.stderr)
        sys.exit(result.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
