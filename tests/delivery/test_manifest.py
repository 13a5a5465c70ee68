"""The delivered folder: what is in it, and that every change of it is found."""

import json
import shutil

import pytest

from l1ae.delivery import Check, Target
from l1ae.delivery._manifest import MANIFEST, verify_delivery, write_delivery
from l1ae.errors import UserError

from .tiny import tiny_contract

BUILT = "lib/answer.bin"


def _files(source):
    header = source.provenance.header("#", "a list").encode()
    return {"list.txt": header + b"1\n2\n", "deep/run.sh": b"#!/bin/sh\n" + header, "deep/foreign.h": b"// of somebody else\n"}


def _finish(folder):
    (folder / "lib").mkdir()
    (folder / BUILT).write_bytes(b"\0\1")


def _checks(folder, contract):
    yield Check("list", (folder / "list.txt").read_bytes().endswith(b"1\n2\n"), contract.project)


TOY = Target("toy", "a list", (), _files, _checks, _finish, lambda contract: (BUILT,), by_products=("build/*", "mine.tcl"))
TARGETS = {"toy": TOY}


@pytest.fixture
def delivered(tmp_path, tiny_source):
    folder = tmp_path / "here"
    folder.mkdir()
    write_delivery(TOY, tiny_source, folder)
    return folder


def failed(folder):
    return {check.name for check in verify_delivery(folder, TARGETS).failed}


def test_a_delivery_is_right_wherever_it_lies(delivered, tmp_path, tiny):
    elsewhere = tmp_path / "there"
    shutil.copytree(delivered, elsewhere)
    found = verify_delivery(elsewhere, TARGETS)
    assert found.failed == ()
    assert (found.target, found.provenance.project, found.provenance.digest) == ("toy", "tiny_v3", tiny.digest)
    assert {check.name: check.passed for check in found.checks}["list"] is True
    origins = {name: entry["origin"] for name, entry in json.loads((delivered / MANIFEST).read_text())["files"].items()}
    wanted = {"list.txt": "generated", "deep/run.sh": "generated", "deep/foreign.h": "copied", BUILT: "built", "contract.json": "copied"}
    assert origins == wanted
    assert (delivered / "deep/run.sh").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda f: (f / "list.txt").write_text("1\n2\n"), {"no file was changed", "generated files name the contract"}),
        (lambda f: (f / "list.txt").write_bytes((f / "list.txt").read_bytes().replace(b"2\n", b"3\n")), {"no file was changed", "list"}),
        (lambda f: (f / "deep/foreign.h").write_text("// mine\n"), {"no file was changed"}),
        (lambda f: (f / "deep/foreign.h").unlink(), {"no file is missing"}),
        (lambda f: (f / "more.txt").write_text(""), {"no file was added"}),
        (lambda f: (f / "contract.json").write_text(tiny_contract(seed=6).to_json()), {"contract"}),
        (lambda f: (f / "contract.json").write_text("{"), {"contract"}),
        (lambda f: (f / "contract.json").unlink(), {"contract"}),
    ],
)
def test_changes_are_found(delivered, change, names):
    change(delivered)
    assert failed(delivered) == names


def test_what_was_built_again_is_told_and_not_condemned(delivered):
    (delivered / BUILT).write_bytes(b"\0\2")
    found = verify_delivery(delivered, TARGETS)
    assert found.failed == ()
    assert [check.name for check in found.checks if check.passed is None] == ["built files"]


def test_what_can_be_built_may_be_missing(delivered):
    (delivered / BUILT).unlink()
    found = verify_delivery(delivered, TARGETS)
    assert found.failed == ()
    assert [check.name for check in found.checks if check.passed is None] == ["built files"]


def test_working_with_the_folder_does_not_spoil_it(delivered):
    for name in ("build/deep/log.txt", "mine.tcl", "deep/__pycache__/a.pyc"):
        (delivered / name).parent.mkdir(parents=True, exist_ok=True)
        (delivered / name).write_text("")
    assert failed(delivered) == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content | {"target": "toi"}, "unknown target 'toi'"),
        (lambda content: content | {"format_version": 9}, "has format l1ae-delivery 9"),
        (lambda content: {key: value for key, value in content.items() if key != "files"}, "damaged"),
    ],
)
def test_other_manifests_are_refused(delivered, change, message):
    path = delivered / MANIFEST
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(UserError, match=message):
        verify_delivery(delivered, TARGETS)


def test_a_folder_without_manifest_is_no_delivery(tmp_path):
    with pytest.raises(UserError, match="no delivered folder"):
        verify_delivery(tmp_path, TARGETS)
