"""A delivered folder: its files, whose contract they are of, and the check of all that on any machine."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from l1ae.contract import Contract
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import Check, Target
from l1ae.errors import UserError

__all__ = ["CONTRACT", "MANIFEST", "VerifiedDelivery", "verify_delivery", "write_delivery"]

MANIFEST = "delivery.json"
CONTRACT = "contract.json"
FORMAT = "l1ae-delivery"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class VerifiedDelivery:
    """What `verify_delivery` found in a folder."""

    folder: Path
    target: str
    provenance: Provenance
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """What did not pass."""
        return tuple(check for check in self.checks if check.passed is False)


def write_delivery(target: Target, source: Source, folder: Path) -> None:
    """Write all files of a target below the empty `folder`, build what is to be built, and describe it in `delivery.json`.

    The description comes last: a folder without it is not finished.
    """
    for name, content in (target.files(source) | {CONTRACT: source.contract.to_json().encode()}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if content.startswith(b"#!"):
            path.chmod(0o755)
    target.finish(folder)
    built = set(target.built(source.contract))
    files = {
        name: {"sha256": _sha256(folder / name), "origin": _origin(folder / name, name in built, source)}
        for name in _present(folder, target)
    }
    manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, "target": target.name, **asdict(source.provenance), "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def _origin(path: Path, built: bool, source: Source) -> str:
    """`generated` files name the contract in their text; `copied` ones are of tools and libraries; `built` ones this machine's."""
    if built:
        return "built"
    return "generated" if source.provenance.short_digest.encode() in path.read_bytes() else "copied"


def _present(folder: Path, target: Target) -> list[str]:
    """Every file but those that working with the folder leaves behind."""
    patterns = ("*__pycache__/*", *target.by_products)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify_delivery(folder: Path, targets: Mapping[str, Target]) -> VerifiedDelivery:
    """Check a delivered folder, wherever it lies, against the contract in it.

    Raises `UserError` when it is no delivered folder, or of a target or format that this version of l1ae does not know.
    """
    content = _read_manifest(folder)
    if content["target"] not in targets:
        raise UserError(f"'{folder / MANIFEST}': unknown target '{content['target']}'; this version of l1ae knows {', '.join(targets)}")
    provenance = Provenance(content["name"], content["version"], content["digest"], content["tool"])
    checks = [*_check_contract(folder, provenance)]
    if checks[-1].passed:
        target = targets[content["target"]]
        checks += _check_files(folder, content["files"], provenance, target)
        checks += target.checks(folder, Contract.load(folder / CONTRACT))
    return VerifiedDelivery(folder, content["target"], provenance, tuple(checks))


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"there is no '{path}': '{folder}' is no delivered folder; make one with `l1ae deliver RUN --target TARGET`")
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise UserError(
                f"'{path}' has format {content['format']} {content['format_version']}, not {FORMAT} {FORMAT_VERSION}; deliver again"
            )
        _ = [content[key] for key in ("target", "name", "version", "digest", "tool")]
        _ = [content["files"][name][key] for name in content["files"] for key in ("sha256", "origin")]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged ({error}); deliver again, or fetch the folder again") from error
    return content


def _check_contract(folder: Path, provenance: Provenance) -> Iterator[Check]:
    name = "contract"
    try:
        contract = Contract.from_json((folder / CONTRACT).read_text(), str(folder / CONTRACT))
    except OSError as error:
        yield Check(name, False, f"{error}; fetch the folder again")
        return
    except UserError as error:
        yield Check(name, False, str(error))
        return
    same = (contract.project, contract.digest) == (provenance.project, provenance.digest)
    found = f"{contract.project}, digest {contract.digest}"
    yield Check(name, same, found if same else f"{found}; {MANIFEST} says {provenance.project}, digest {provenance.digest}")


def _check_files(folder: Path, files: Mapping[str, Mapping[str, str]], provenance: Provenance, target: Target) -> Iterator[Check]:
    present = set(_present(folder, target)) - {MANIFEST}
    absent, foreign = sorted(set(files) - present), sorted(present - set(files))
    missing = [name for name in absent if files[name]["origin"] != "built"]
    yield _listing("no file is missing", missing, f"{len(files)} files")
    yield _listing("no file was added", foreign, "none")

    def changed(origins: Sequence[str], wrong: Callable[[str], bool]) -> list[str]:
        return [name for name, entry in files.items() if name in present and entry["origin"] in origins and wrong(name)]

    def differs(name: str) -> bool:
        return _sha256(folder / name) != files[name]["sha256"]

    yield _listing("no file was changed", changed(("generated", "copied"), differs), "sha256 of every file that was not built")
    if other := [name for name in absent if name not in missing] + changed(("built",), differs):
        yield Check(
            "built files", None, f"{_named(other)}: not there, or other bytes than delivered; judged by what is built and answered here"
        )
    silent = changed(("generated",), lambda name: provenance.short_digest.encode() not in (folder / name).read_bytes())
    count = sum(entry["origin"] == "generated" for entry in files.values())
    yield _listing("generated files name the contract", silent, f"{count} files")


def _listing(name: str, wrong: Sequence[str], fine: str) -> Check:
    return Check(name, not wrong, _named(wrong) if wrong else fine)


def _named(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
