"""The delivered folder: what is in it, and that every change of it is found."""

import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from l1ae.config import Fit
from l1ae.delivery import TARGETS as REAL
from l1ae.delivery import Check, Target
from l1ae.delivery._manifest import MANIFEST, _origin, verify_delivery, write_delivery
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


TOY = Target("toy", "a list", (), _files, _checks, _finish, lambda contract: (BUILT,), copied=("*.h",), by_products=("build/*", "mine.tcl"))
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
    files = json.loads((delivered / MANIFEST).read_text())["files"]
    assert set(files) == {"list.txt", "deep/run.sh", "deep/foreign.h", BUILT, "contract.json"}
    assert all(set(entry) == {"sha256"} for entry in files.values())
    assert next(check.detail for check in found.checks if check.name == "generated files name the contract") == "2 files"
    assert (delivered / "deep/run.sh").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda f: (f / "list.txt").write_text("1\n2\n"), {"no file was changed", "generated files name the contract"}),
        (lambda f: (f / "list.txt").write_bytes((f / "list.txt").read_bytes().replace(b"2\n", b"3\n")), {"no file was changed"}),
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


@pytest.fixture
def watched(delivered, monkeypatch):
    """The target's own checks are given a folder to build and run: what each was given."""
    seen = []

    def checks(folder, contract):
        seen.append({path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()})
        yield Check("run", True, str(folder / "deep/run.sh"))

    monkeypatch.setitem(TARGETS, "toy", replace(TOY, checks=checks))
    return seen


@pytest.mark.parametrize("fits", [True, False])
def test_a_folder_says_again_whether_it_fits_its_slot(tmp_path, tiny_rtl_source, fits):
    slotted = replace(TOY, slot=lambda design, budget: Fit("toy", fits, f"after {design.latency} clocks"))
    write_delivery(slotted, tiny_rtl_source, tmp_path)
    found = verify_delivery(tmp_path, {"toy": slotted})
    assert found.failed == ()
    assert found.slot == Fit("toy", fits, f"after {tiny_rtl_source.rtl.design.latency} clocks")


def test_nothing_of_a_changed_folder_is_run(delivered, watched):
    right = verify_delivery(delivered, TARGETS).checks[-1]
    assert (right.name, right.detail) == ("run", str(delivered / "deep/run.sh"))
    assert len(watched) == 1
    (delivered / "deep/run.sh").write_bytes((delivered / "deep/run.sh").read_bytes() + b"touch /tmp/owned\n")
    found = verify_delivery(delivered, TARGETS)
    assert [check.name for check in found.failed] == ["no file was changed"]
    assert (found.checks[-1].passed, found.checks[-1].detail) == (None, "nothing of a changed folder is built or run; fetch it again")
    assert len(watched) == 1


def test_only_what_was_delivered_is_run(delivered, watched):
    """Neither a built file of other bytes nor what working with the folder left there: a script would read it."""
    (delivered / BUILT).write_bytes(b"\0\2")
    (delivered / "mine.tcl").write_text("exec touch owned\n")
    assert failed(delivered) == set()
    assert watched == [{"list.txt", "deep/run.sh", "deep/foreign.h", "contract.json"}]


@pytest.mark.parametrize("name", ["list.txt", "deep/foreign.h", "contract.json"])
@pytest.mark.parametrize("origin", ["built", "copied", "generated", "none"])
def test_a_stated_origin_switches_no_check_off(delivered, name, origin):
    content = json.loads((delivered / MANIFEST).read_text())
    content["files"][name]["origin"] = origin
    (delivered / MANIFEST).write_text(json.dumps(content))
    (delivered / name).write_bytes((delivered / name).read_bytes() + b"\n")
    assert failed(delivered) == {"no file was changed"}


def test_a_file_of_another_contract_is_found_though_its_checksum_is_stated(delivered, tiny):
    other = (delivered / "list.txt").read_bytes().replace(tiny.digest.encode(), tiny_contract(seed=6).digest.encode())
    (delivered / "list.txt").write_bytes(other)
    content = json.loads((delivered / MANIFEST).read_text())
    content["files"]["list.txt"]["sha256"] = hashlib.sha256(other).hexdigest()
    (delivered / MANIFEST).write_text(json.dumps(content))
    assert failed(delivered) == {"generated files name the contract"}


def test_what_was_built_again_is_told_and_not_condemned(delivered):
    (delivered / BUILT).write_bytes(b"\0\2")
    found = verify_delivery(delivered, TARGETS)
    assert found.failed == ()
    said = [check.detail for check in found.checks if check.passed is None]
    assert said == [
        "CHANGED, unless you built it: lib/answer.bin; run `make` again before you use it; not loaded; what is judged is built here"
    ]


def test_what_can_be_built_may_be_missing(delivered):
    (delivered / BUILT).unlink()
    found = verify_delivery(delivered, TARGETS)
    assert found.failed == ()
    said = [check.detail for check in found.checks if check.passed is None]
    assert said == ["not there: lib/answer.bin; `make` builds it; not loaded; what is judged is built here"]


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
        (lambda content: content | {"target": ["toy"]}, r"damaged \(target: of another type\)"),
        (lambda content: content | {"version": True}, r"damaged \(version: of another type\)"),
        (lambda content: content | {"files": ["list.txt"]}, "damaged"),
        (lambda content: content | {"files": {"list.txt": {"sha256": 7}}}, r"damaged \(list.txt: of another type\)"),
        (lambda content: [content], "damaged"),
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


@pytest.mark.parametrize("target", REAL.values(), ids=REAL)
def test_what_a_target_says_that_it_copies_are_the_files_that_name_no_contract(target, tiny_rtl_source):
    mark = tiny_rtl_source.provenance.short_digest.encode()
    files = target.files(replace(tiny_rtl_source, events=tiny_rtl_source.events[:10]))
    copied = {name for name in files if _origin(name, target, tiny_rtl_source.contract) == "copied"}
    # what hls4ml fills in names the project and lies among its libraries
    assert {name for name, content in files.items() if mark not in content} == {name for name in copied if mark not in files[name]}
    assert all("/nnet_utils/" in name for name in copied if mark in files[name])
