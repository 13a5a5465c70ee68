"""Pages whose code blocks are files, and what a wheel makes of them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(python|toml|yaml|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    """Code blocks of one language in a page of the repository."""
    return [text for kind, text in _BLOCK.findall((ROOT / page).read_text()) if kind == language]


def files_of(page):
    """The files that the blocks of a page are: each begins with a comment that is its path."""
    found = {}
    for _, text in _BLOCK.findall((ROOT / page).read_text()):
        first, _, rest = text.partition("\n")
        if first.startswith("# ") and re.fullmatch(r"[\w/.]+\.(py|toml|yaml)", first[2:]):
            found[first[2:]] = rest
    return found


def installed(files, folder):
    """Build the wheel of a distribution, and unpack it as `pip install --target` does. Returns the folder for `sys.path`."""
    source, wheels, site = (folder / name for name in ("source", "wheels", "site"))
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    program = f"import hatchling.build as build; build.build_wheel({str(wheels)!r})"
    wheels.mkdir()
    subprocess.run([sys.executable, "-c", program], cwd=source, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return Path(site)
