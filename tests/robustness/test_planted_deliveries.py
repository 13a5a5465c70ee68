"""Faults drawn at random in what was delivered, and in the rates of a run: each is found, by content or by its checksum.

Seeds: 31 (what is drawn); 8 (events). Nothing is compiled here: how the library is held against the contract is tested with emulators.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from l1ae.config import Config
from l1ae.delivery import TARGETS, Source, verify_delivery, write_delivery
from l1ae.delivery._cmssw_library import _check_events, _check_model_header, _check_scales_header
from l1ae.delivery._ugt import files as ugt_files
from l1ae.delivery._ugt_vectors import Filling
from l1ae.errors import UserError
from l1ae.hls import convert
from l1ae.pipeline import Run
from l1ae.pipeline._delivery_stage import read_working_points
from l1ae.rtl import Clock, unroll

from ..delivery.tiny import tiny_contract, tiny_events
from .planted import BOARD, EMULATOR, GLOBAL_TRIGGER, RATES, SUMMED, draw

CONTRACT = tiny_contract()
RATE = {"khz": 0.49887, "low": 0.35799, "high": 0.68652}
POINTS = {
    "working_points": [
        {"name": f"{khz}kHz", "requested_khz": khz, "threshold": threshold, "raw": RATE, "pure": RATE | {"khz": khz / 3}}
        for khz, threshold in ((0.5, 1200), (1.5, 900), (10.0, 700))
    ]
}


@pytest.fixture(scope="module")
def source() -> Source:
    """The tiny network with HLS project, RTL and working points."""
    config = Config.model_validate({"name": "tiny", "version": 3, "model": {"architecture": "dense_ae", "score": "squared_error"}})
    events = tiny_events(40, seed=8)
    made = unroll(CONTRACT, Clock(5.0, 12.5), part=config.rtl_part)
    return Source(CONTRACT, config, events, convert(CONTRACT, config.hls, events[:20]).files, made.project, POINTS)


def _write(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _emulator_checks(folder: Path, contract):
    """Those of the target `cmssw` that build nothing."""
    interface = folder / "tiny_v3" / "interface"
    yield _check_events(folder / "tiny_v3/test/events.txt", contract)[0]
    yield _check_model_header(interface / "tiny_v3_model.h", contract)
    yield _check_scales_header(interface / "tiny_v3_scales.h", contract)


def _small_orbit(source):
    return ugt_files(source, Filling(crossings=60, colliding=40, train=10, abort_gap=4))


CONTENT = {
    "cmssw": (EMULATOR, TARGETS["cmssw"].files, _emulator_checks, 8),
    "ugt": (GLOBAL_TRIGGER, _small_orbit, TARGETS["ugt"].checks, 8),
    "emp": (BOARD, TARGETS["emp"].files, TARGETS["emp"].checks, 8),
}


def _found_by_content(source, tmp_path, target, most) -> int:
    rules, files, checks, per_rule = CONTENT[target]
    folder = _write(files(source), tmp_path / "whole")
    assert all(check.passed for check in checks(folder, CONTRACT))
    count = 0
    for fault in draw(folder, rules, min(per_rule, most), seed=31):
        path = folder / fault.file
        kept = path.read_bytes()
        fault.plant(folder)
        assert any(check.passed is False for check in checks(folder, CONTRACT)), str(fault)
        path.write_bytes(kept)
        count += 1
    return count


@pytest.mark.parametrize("target", CONTENT)
def test_a_fault_in_what_a_delivery_says_is_found(source, tmp_path, target):
    assert _found_by_content(source, tmp_path, target, 1) == len(CONTENT[target][0])


@pytest.mark.exhaustive
@pytest.mark.slow
def test_faults_in_what_deliveries_say_are_found_whatever_the_checksums(source, tmp_path):
    assert sum(_found_by_content(source, tmp_path / target, target, 8) for target in CONTENT) >= 60


def test_faults_that_only_a_checksum_knows_are_found(source, tmp_path):
    target = replace(TARGETS["cmssw"], finish=lambda folder: None, built=lambda contract: (), checks=lambda folder, contract: ())
    folder = tmp_path / "delivered"
    folder.mkdir()
    write_delivery(target, source, folder)
    assert verify_delivery(folder, {"cmssw": target}).failed == ()
    kinds = []
    for fault in draw(folder, SUMMED, 6, seed=31):
        path = folder / fault.file
        kept = path.read_bytes()
        fault.plant(folder)
        assert [check.name for check in verify_delivery(folder, {"cmssw": target}).failed] == ["no file was changed"], str(fault)
        path.write_bytes(kept)
        kinds.append(fault.kind)
    assert len(kinds) >= 20
    assert {"weight", "threshold", "rounding", "pure rate"} <= set(kinds)


def test_another_pure_rate_in_a_run_is_found(source, tmp_path):
    """Before anything is read from it: no other file of a run says what the pure rate is."""
    run = Run.create(source.config, tmp_path / "run")
    text = json.dumps({"points": [{"pure_khz": 0.25 * k, "raw_khz": 0.3 * k} for k in range(1, 9)]})
    run.produce("trigger", {}, lambda folder: (folder / "working_points.json").write_text(text))
    count = 0
    for fault in draw(run.folder, RATES, 8, seed=31):
        copy = Path(shutil.copytree(run.folder, tmp_path / f"copy{count}"))
        fault.plant(copy)
        with pytest.raises(UserError, match=r"working_points\.json.*l1ae trigger"):
            read_working_points(Run(copy, source.config), CONTRACT)
        count += 1
    assert count == 8
