"""An HLS project as a value: all files in memory under relative paths, digested, written last."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from l1ae.names import checked

__all__ = ["PORTS", "TYPES_FILE", "Project", "namespace"]

# C++ names of the project's types by layer and role; `l1ae csim` looks them up here.
TYPES_FILE = "l1ae_types.json"

# Output ports of the top function.
PORTS = ("score", "trigger")


def namespace(project: str) -> str:
    """C++ namespace of a project: versioned as the project is, and another name than that of the top function.

    hls4ml's bridge opens the namespace, where equal names would be ambiguous. Raises `UserError` for what is no name of a project.
    """
    return f"l1ae_{checked('project', project)}"


@dataclass(frozen=True)
class Project:
    """Files of a project. `name` is also the top function's."""

    name: str
    backend: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """sha256 over names and contents of all files."""
        total = hashlib.sha256()
        for path in sorted(self.files):
            total.update(f"{path}\0{hashlib.sha256(self.files[path]).hexdigest()}\n".encode())
        return total.hexdigest()

    def write(self, folder: Path) -> None:
        """Write all files below `folder`."""
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            if path.endswith(".sh"):
                target.chmod(0o755)
