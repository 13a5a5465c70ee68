"""A delivered folder: its files, whose contract they are of, and the check of all that on any machine."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from l1ae.config import Fit
from l1ae.contract import Contract
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import Check, Target
from l1ae.errors import UserError
from l1ae.files import json_content, scratch
from l1ae.progress import task

__all__ = ["CONTRACT", "MANIFEST", "VerifiedDelivery", "verify_delivery", "write_delivery"]

MANIFEST = "delivery.json"
CONTRACT = "contract.json"
FORMAT = "l1ae-delivery"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class VerifiedDelivery:
    """What `verify_delivery` found in a folder. `slot`: whether its RTL fits where the target runs it, by its `delivery.json`; None where
    there is no slot or no RTL.
    """

    folder: Path
    target: str
    provenance: Provenance
    checks: tuple[Check, ...]
    slot: Fit | None = None

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
    files = {name: {"sha256": _sha256(folder / name)} for name in _present(folder, target)}
    slot = slot_of(target, source)
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "target": target.name,
        **asdict(source.provenance),
        "slot": None if slot is None else {"fits": slot.fits, "text": slot.text},
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def slot_of(target: Target, source: Source) -> Fit | None:
    """Whether the RTL fits where the target runs it; None for a target without a clock of its own, and without RTL."""
    if target.slot is None or source.rtl is None or "rtl" not in target.takes:
        return None
    return target.slot(source.rtl.design, source.config.budget)


def _origin(name: str, target: Target, contract: Contract) -> Literal["generated", "copied", "built"]:
    """What the target says of a path: a folder cannot make checks of a file lighter by calling it something else."""
    if name in target.built(contract):
        return "built"
    copied = any(fnmatchcase(name, pattern) for pattern in (CONTRACT, *target.copied))
    return "copied" if copied else "generated"


def _present(folder: Path, target: Target) -> list[str]:
    """Every file but those that working with the folder leaves behind."""
    patterns = ("__pycache__/*", "*/__pycache__/*", *target.by_products)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify_delivery(folder: Path, targets: Mapping[str, Target]) -> VerifiedDelivery:
    """Check a delivered folder, wherever it lies, against the contract in it.

    The target's own checks, which build and run what was delivered, see a copy that holds the files whose sha256 is the stated
    one and nothing else, and only where no file that was not built is missing, added or changed.
    Raises `UserError` when it is no delivered folder, or of a target or format that this version of l1ae does not know.
    """
    content = _read_manifest(folder)
    if content["target"] not in targets:
        raise UserError(f"'{folder / MANIFEST}': unknown target '{content['target']}'; this version of l1ae knows {', '.join(targets)}")
    provenance = Provenance(content["name"], content["version"], content["digest"], content["tool"])
    check, contract = _check_contract(folder, provenance)
    checks = [check]
    if contract is not None:
        stated = {name: entry["sha256"] for name, entry in content["files"].items()}
        checks += _check_delivered(folder, stated, targets[content["target"]], contract)
    slot = content.get("slot")
    fit = None if slot is None else Fit(content["target"], slot["fits"], slot["text"])
    return VerifiedDelivery(folder, content["target"], provenance, tuple(checks), fit)


def _check_delivered(folder: Path, stated: Mapping[str, str], target: Target, contract: Contract) -> Iterator[Check]:
    """`stated`: sha256 by path."""
    with scratch("verify") as here:
        copy = here.resolve() / target.name
        right = {path for path in _present(folder, target) if path in stated and _copy(folder / path, copy / path, stated[path])}
        changes = [*_check_files(folder, stated, right, target, contract)]
        yield from changes
        if any(check.passed is False for check in changes):
            yield Check("answers", None, "nothing of a changed folder is built or run; fetch it again")
            return
        with task(f"{target.name}: checking") as checked:
            for check in target.checks(copy, contract):
                checked.note = f"{check.name} checked"
                yield replace(check, detail=check.detail.replace(str(copy), str(folder)))


def _copy(path: Path, target: Path, sha256: str) -> bool:
    """Copy a file if its content has this sha256; what was hashed is what is written."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"there is no '{path}': '{folder}' is no delivered folder; make one with `l1ae deliver RUN --target TARGET`")
    try:
        content = json_content(path.read_bytes())
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise UserError(
                f"'{path}' has format {content['format']} {content['format_version']}, not {FORMAT} {FORMAT_VERSION}; deliver again"
            )
        kinds = {"target": str, "name": str, "version": int, "digest": str, "tool": str, "files": dict}
        wrong = [key for key, kind in kinds.items() if type(content[key]) is not kind]
        if (slot := content.get("slot")) is not None and (type(slot["fits"]), type(slot["text"])) != (bool, str):
            wrong.append("slot")
        wrong += [name for name, entry in content["files"].items() if not isinstance(entry["sha256"], str)]
        if wrong:
            raise ValueError(f"{_named(wrong)}: of another type")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged ({error}); deliver again, or fetch the folder again") from error
    return content


def _check_contract(folder: Path, provenance: Provenance) -> tuple[Check, Contract | None]:
    """The contract in the folder; None where it is not the one that the folder states."""
    name = "contract"
    try:
        contract = Contract.from_json((folder / CONTRACT).read_text(), str(folder / CONTRACT))
    except (OSError, UnicodeDecodeError) as error:
        return Check(name, False, f"{error}; fetch the folder again"), None
    except UserError as error:
        return Check(name, False, str(error)), None
    found = f"{contract.project}, digest {contract.digest}"
    if (contract.project, contract.digest) != (provenance.project, provenance.digest):
        return Check(name, False, f"{found}; {MANIFEST} says {provenance.project}, digest {provenance.digest}"), None
    return Check(name, True, found), contract


def _check_files(folder: Path, stated: Mapping[str, str], right: set[str], target: Target, contract: Contract) -> Iterator[Check]:
    """`right`: those of the `stated` files whose content has the stated sha256."""
    present = set(_present(folder, target)) - {MANIFEST}
    built = set(target.built(contract))
    absent, foreign = sorted(set(stated) - present), sorted(present - set(stated))
    yield _listing("no file is missing", [name for name in absent if name not in built], f"{len(stated)} files")
    yield _listing("no file was added", foreign, "none")
    changed = sorted((set(stated) & present) - right)
    yield _listing("no file was changed", [name for name in changed if name not in built], "sha256 of every file that was not built")
    judged = "not loaded; what is judged is built here"
    if other := sorted(name for name in built if name in changed or (name in present and name not in stated)):
        yield Check("built files", None, f"CHANGED, unless you built it: {_named(other)}; run `make` again before you use it; {judged}")
    if gone := sorted(name for name in built if name not in present):
        yield Check("built files", None, f"not there: {_named(gone)}; `make` builds it; {judged}")
    generated = [name for name in stated if _origin(name, target, contract) == "generated"]
    mark = Provenance.of(contract).short_digest.encode()
    silent = [name for name in generated if name in present and mark not in (folder / name).read_bytes()]
    yield _listing("generated files name the contract", silent, f"{len(generated)} files")


def _listing(name: str, wrong: Sequence[str], fine: str) -> Check:
    return Check(name, not wrong, _named(wrong) if wrong else fine)


def _named(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
