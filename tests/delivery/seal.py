import hashlib
import json
from pathlib import Path


def seal(folder: Path) -> None:
    """Say of every file that it was delivered as it is, so that the checks of what is in them are made."""
    path = folder / "delivery.json"
    content = json.loads(path.read_text())
    for name, entry in content["files"].items():
        entry["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(content))
