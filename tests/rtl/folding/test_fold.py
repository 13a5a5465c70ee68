"""The HDL of folded designs is exact, back to back at the II, with gaps, and with resets in the middle of events."""

import re
from dataclasses import replace

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.rtl._schedule import Clock
from l1ae.rtl.folding._fold import fold
from l1ae.rtl.simulation._simulate import simulate_rtl

from ...levels import exhaustive
from .networks import Image, dense_contract, image_contract

PART = "xcvu13p-flga2577-2-e"
CLOCK = Clock(2.78)


def _simulated(contract, interval, folder, language="verilog", events=1000):
    fold(contract, interval, CLOCK, PART).project.write(folder)
    return _again(contract, folder, language, events)


def _again(contract, folder, language="verilog", events=1000):
    rng = np.random.default_rng(4)
    drawn = rng.integers(contract.hardware.low, contract.hardware.high + 1, (events, contract.hardware.size))
    return simulate_rtl(contract, folder, drawn, language=language)


def _assert_passed(report, interval):
    assert report.passed, (report.first_mismatch, report.first_violation)
    assert report.interval == interval
    assert [output.mismatches for output in report.outputs] == [0, 0]


@pytest.mark.slow
def test_windows_that_shift_then_windows_that_are_selected_then_digits(tmp_path):
    contract = image_contract(Image(rows=8, padded=False, doubled=True))
    project = fold(contract, 6, CLOCK, PART).project
    core = project.files["verilog/net_v1_core.v"]
    assert re.findall(r"l1ae_(select|unload) #\(.*\) u_(conv|again)_", core) == [("unload", "conv"), ("select", "again")]
    _assert_passed(_simulated(contract, 6, tmp_path / "rtl"), 6)


@pytest.mark.slow
@pytest.mark.parametrize("interval", exhaustive([2, 3, 4, 8], (3, 8)))
def test_dense_layers(interval, tmp_path):
    _assert_passed(_simulated(dense_contract(), interval, tmp_path / "rtl"), interval)


IMAGES = {"rows": (Image(), 6), "pooled": (Image(pooled=True), 4), "strided": (Image(rows=7, columns=5, stride=(2, 2)), 7)}


@pytest.mark.slow
@pytest.mark.parametrize(("image", "interval"), IMAGES.values(), ids=IMAGES.keys())
def test_convolutions(image, interval, tmp_path):
    _assert_passed(_simulated(image_contract(image), interval, tmp_path / "rtl"), interval)


@pytest.mark.slow
def test_vhdl(tmp_path):
    contract = image_contract(Image(rows=8, padded=False, doubled=True))
    _assert_passed(_simulated(contract, 6, tmp_path / "rtl", "vhdl", 50), 6)


FAULTS = {
    "weight": ("net_v1_core_latent_net.v", r"(l1ae_digit_adder #\(.*\.SUBTRACT\()0\)", r"\g<1>1)"),
    "shift": ("net_v1_core_latent_net.v", r"\.SHIFT_B\(2\)", ".SHIFT_B(1)"),
    "late digit": ("net_v1_core_latent_net.v", r"first\[0\]", "first[1]"),
    "late load": ("net_v1_core.v", r"(u_conv_d0_q .*load\(pulses\[)(\d+)", r"\g<1>3"),
    "carry": ("l1ae_fold.v", r"carry <= total\[DIGIT\]", "carry <= 1'b0"),
    "stale image": ("l1ae_fold.v", r"q <= load \? d : extended", "q <= load \\& ~\\|q ? d : extended"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", exhaustive(FAULTS, list(FAULTS)[:2]))
def test_planted_faults_are_found(fault, tmp_path):
    contract = image_contract(Image(padded=False))
    folder = tmp_path / "rtl"
    fold(contract, 6, CLOCK, PART).project.write(folder)
    name, old, new = FAULTS[fault]
    path = folder / "verilog" / name
    text = path.read_text()
    changed = re.sub(old, new.replace("\\&", "&").replace("\\|", "|"), text, count=1)
    assert changed != text
    path.write_text(changed)
    assert not _again(contract, folder).passed


def test_the_project_is_reproducible_and_complete():
    contract = dense_contract(hidden=(3,))
    first, second = (fold(contract, 5, CLOCK, PART).project for _ in range(2))
    assert first.files == second.files
    assert first.design.interval == 5
    assert set(first.verilog) | set(first.vhdl) <= set(first.files)
    assert [name.removeprefix("verilog/").removesuffix(".v") for name in first.verilog if "net_v1" in name] == [
        name.removeprefix("vhdl/").removesuffix(".vhd") for name in first.vhdl if "net_v1" in name
    ]


def test_a_longer_interval_takes_fewer_bits_per_clock_and_more_clocks():
    contract = dense_contract(hidden=(3,))
    designs = {interval: fold(contract, interval, CLOCK, PART) for interval in (3, 6)}
    latencies = [designs[interval].project.design.latency for interval in (3, 6)]
    # Two folded layers, each three clocks longer.
    assert latencies[1] - latencies[0] == 6
    parts = [[folding.parts for folding in designs[interval].plan.foldings] for interval in (3, 6)]
    assert all(wide > narrow for wide, narrow in zip(*parts, strict=True))


@pytest.mark.parametrize("name", ["layer0__1", "layer0_", "OUT"])
def test_a_name_that_vhdl_does_not_allow_is_refused(name):
    contract = dense_contract()

    def renamed(names):
        return tuple(name if n == "layer0" else n for n in names)

    operations = tuple(replace(o, name=renamed([o.name])[0], inputs=renamed(o.inputs)) for o in contract.operations)
    with pytest.raises(UserError, match=rf"layer '({name}|out)': folded designs use this name in VHDL, .*; rename the layer"):
        fold(replace(contract, operations=operations), 4, CLOCK, PART)
