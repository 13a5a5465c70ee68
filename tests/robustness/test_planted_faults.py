"""Faults drawn at random in what a run makes: every one that changes an answer is found by the check that it belongs to.

Whether a survivor of a check is a fault at all is not guessed: the network has 4096 events, and all are tried. Seeds: 21 to 25.
"""

import shutil
from pathlib import Path

import pytest

from l1ae.config import HlsConfig
from l1ae.errors import CheckFailedError
from l1ae.hls import convert, simulate
from l1ae.rtl import Clock, simulate_rtl, unroll

from .planted import HLS_CONSTANTS, HLS_TYPES, RESETS, RTL, Fault, draw
from .small import every_event, small_contract, some_events

CONTRACT = small_contract()


@pytest.fixture(scope="module")
def hls(tmp_path_factory) -> Path:
    """The HLS project as it was made."""
    folder = tmp_path_factory.mktemp("hls") / "hls"
    convert(CONTRACT, HlsConfig(), some_events(20)).write(folder)
    return folder


@pytest.fixture(scope="module")
def rtl(tmp_path_factory) -> Path:
    """The RTL as it was made."""
    folder = tmp_path_factory.mktemp("rtl") / "rtl"
    unroll(CONTRACT, Clock(5.0, 12.5), part="xcvu9p-flga2104-2L-e").project.write(folder)
    return folder


def _survives_csim(folder: Path, events) -> bool:
    try:
        return simulate(CONTRACT, folder, "Vitis", events).passed
    except CheckFailedError:
        return False


def _survives_rtl(folder: Path, events) -> bool:
    try:
        return simulate_rtl(CONTRACT, folder, events, language="vhdl").passed
    except CheckFailedError:
        return False


def _outcome(fault: Fault, project: Path, scratch: Path, survives) -> str:
    """`found` with a sample of events, `equivalent` where no event shows it, else `missed`."""
    shutil.copytree(project, scratch)
    fault.plant(scratch)
    if not survives(scratch, some_events()):
        outcome = "found"
    elif survives(scratch, every_event()):
        outcome = "equivalent"
    else:
        outcome = "missed"
    shutil.rmtree(scratch)
    return outcome


def _campaign(faults, project, scratch, survives) -> dict[str, list[str]]:
    outcomes: dict[str, list[str]] = {"found": [], "equivalent": [], "missed": []}
    for fault in faults:
        outcomes[_outcome(fault, project, scratch / "mutant", survives)].append(str(fault))
    return outcomes


def test_the_projects_pass_as_they_are(hls, rtl):
    assert _survives_csim(hls, some_events())
    assert _survives_rtl(rtl, some_events())


@pytest.mark.slow
def test_a_few_faults_are_found(hls, rtl, tmp_path):
    """One of each rule that needs no compiler."""
    faults = _campaign(draw(hls, HLS_CONSTANTS, 1, seed=21), hls, tmp_path, _survives_csim)
    assert (len(faults["found"]), faults["missed"]) == (len(HLS_CONSTANTS) - len(faults["equivalent"]), [])
    assert len(faults["found"]) >= 4
    faults = _campaign(draw(rtl, (RTL[0], RTL[2], RESETS[1]), 1, seed=21), rtl, tmp_path, _survives_rtl)
    assert faults["missed"] == []


@pytest.mark.exhaustive
def test_faults_in_constants_of_the_hls_project_are_found(hls, tmp_path):
    faults = _campaign(draw(hls, HLS_CONSTANTS, 14, seed=22), hls, tmp_path, _survives_csim)
    assert faults["missed"] == []
    assert len(faults["found"]) >= 50


@pytest.mark.slow
def test_faults_in_types_of_the_hls_project_are_found(hls, tmp_path):
    """Types are compared as the compiler sees them, so each fault needs it."""
    faults = _campaign(draw(hls, HLS_TYPES, 4, seed=23), hls, tmp_path, _survives_csim)
    assert faults["missed"] == []
    assert len(faults["found"]) >= 12


@pytest.mark.exhaustive
@pytest.mark.slow
def test_faults_in_the_rtl_are_found(rtl, tmp_path):
    faults = _campaign(draw(rtl, RTL, 11, seed=24), rtl, tmp_path, _survives_rtl)
    assert faults["missed"] == []
    assert len(faults["found"]) >= 60


@pytest.mark.exhaustive
@pytest.mark.slow
def test_faults_in_resets_are_found(rtl, tmp_path):
    """No event shows them: every one changes what the ports do in some clock cycle."""
    faults = _campaign(draw(rtl, RESETS, 3, seed=25), rtl, tmp_path, _survives_rtl)
    assert faults["missed"] == faults["equivalent"] == []
    assert len(faults["found"]) >= 10
