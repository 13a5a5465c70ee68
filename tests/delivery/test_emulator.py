import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from shutil import copy

import numpy as np
import pytest

from l1ae.delivery._emulator import Emulator, EmulatorError

from .emulators import delivered
from .tiny import tiny_events


def expected(contract, hardware):
    score, trigger = contract.outputs
    found = contract.evaluate(hardware)
    return found[score][:, 0], found[trigger][:, 0] != 0


def assert_answers(emulator, contract, hardware):
    scores, triggers = emulator.evaluate(hardware)
    wanted = expected(contract, hardware)
    np.testing.assert_array_equal(scores, wanted[0])
    np.testing.assert_array_equal(triggers, wanted[1])


@pytest.mark.slow
@pytest.mark.parametrize("mode", [ctypes.RTLD_LOCAL, ctypes.RTLD_GLOBAL], ids=["local", "global"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["v3 first", "v4 first"])
def test_two_versions_keep_their_own_answers(tmp_path, mode, order):
    both = [delivered(3, 5), delivered(4, 6)]
    events = tiny_events(2000, seed=1)
    assert not np.array_equal(*(expected(one.contract, events)[0] for one in both))
    loaded = [(Emulator(copy(both[k].library, tmp_path), mode=mode), both[k].contract) for k in order]
    for start in range(0, len(events), 500):
        for emulator, contract in loaded:
            assert_answers(emulator, contract, events[start : start + 500])
    assert [(emulator.version, emulator.digest) for emulator, _ in loaded] == [
        (int(contract.project[-1]), contract.digest) for _, contract in loaded
    ]


def test_another_version_or_contract_is_refused():
    one, other = delivered(3, 5), delivered(4, 6)
    emulator = Emulator(one.library, version=3, digest=one.contract.digest)
    assert (emulator.project, emulator.version, emulator.digest, emulator.inputs) == ("tiny_v3", 3, one.contract.digest, 57)
    with pytest.raises(EmulatorError, match="is of version 3, and version 4 was asked for"):
        Emulator(one.library, version=4)
    with pytest.raises(EmulatorError, match=f"is of contract {one.contract.digest}, and contract {other.contract.digest} was asked for"):
        Emulator(one.library, digest=other.contract.digest)


def test_a_renamed_library_is_refused(tmp_path):
    renamed = copy(delivered(3, 5).library, tmp_path / "tiny_v4.so")
    with pytest.raises(EmulatorError, match="no function tiny_v4_version: it is no emulator of 'tiny_v4'"):
        Emulator(renamed)


def test_what_is_no_library_is_refused(tmp_path):
    (tmp_path / "tiny_v3.so").write_text("no library")
    with pytest.raises(EmulatorError, match="cannot be loaded"):
        Emulator(tmp_path / "tiny_v3.so")


def test_the_threshold_can_be_chosen():
    one = delivered(3, 5)
    scores, _ = expected(one.contract, tiny_events())
    limit = int(np.median(scores))
    found, triggers = Emulator(one.library).evaluate(tiny_events(), threshold=limit)
    np.testing.assert_array_equal(found, scores)
    np.testing.assert_array_equal(triggers, scores >= limit)
    for wrong in (2**70, -(2**63) - 1, 1.5):
        with pytest.raises(EmulatorError, match="a threshold that is an integer of 64 bits"):
            Emulator(one.library).evaluate(tiny_events(), threshold=wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda events: events.astype(float), "tiny_v3 takes hardware integers, not float64"),
        (lambda events: events[:, :56], "tiny_v3 takes 57 hardware codes per event, not an array of shape"),
        (lambda events: events + (1 << 40), "tiny_v3 takes 32-bit hardware codes"),
        (lambda events: np.where(np.arange(57) == 4, 4096, events), r"event 0: tiny_v3: input 4 \(eg0_eta\) is 4096, outside"),
    ],
)
def test_wrong_inputs_are_refused(change, message):
    with pytest.raises(EmulatorError, match=message):
        Emulator(delivered(3, 5).library).evaluate(change(tiny_events()))


def test_the_ends_of_the_range_and_slots_are_taken():
    one = delivered(3, 5)
    low, high = one.contract.hardware.low, one.contract.hardware.high
    ends = np.stack([low, high, np.zeros_like(low)]).reshape(3, 19, 3)
    assert_answers(Emulator(one.library), one.contract, ends)
    empty, _ = Emulator(one.library).evaluate(ends[:0])
    assert empty.shape == (0,)


def test_threads_do_not_disturb_each_other():
    one = delivered(3, 5)
    emulator, events = Emulator(one.library), tiny_events(4000, seed=2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: emulator.evaluate(part)[0], np.split(events, 8)))
    np.testing.assert_array_equal(np.concatenate(found), expected(one.contract, events)[0])


def test_the_delivered_module_needs_no_l1ae(tmp_path):
    one, other = delivered(3, 5), delivered(4, 6)
    program = """
import sys
sys.path[:0] = sys.argv[1:3]
import numpy as np, tiny_v3_emulator, tiny_v4_emulator
rows = [np.loadtxt(f"{folder}/test/events.txt", dtype=np.int64) for folder in sys.argv[1:3]]
for emulator, table in zip((tiny_v3_emulator.load(), tiny_v4_emulator.load()), rows):
    scores, triggers = emulator.evaluate(table[:, :-2])
    assert (scores == table[:, -2]).all() and (triggers == table[:, -1]).all()
assert "l1ae" not in sys.modules
print(len(rows[0]), tiny_v4_emulator.load().digest)
"""
    run = subprocess.run(
        [sys.executable, "-B", "-c", program, one.project, other.project], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["200", other.contract.digest], run.stderr
