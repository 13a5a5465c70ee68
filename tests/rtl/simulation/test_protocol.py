"""The model of the protocol agrees with an account clock by clock, and the stimuli reach its corners."""

import numpy as np
import pytest

from l1ae.rtl.simulation._bench import pack
from l1ae.rtl.simulation._protocol import UNKNOWN, Stimulus, Trace, accept, compare, due, expect
from l1ae.rtl.simulation._stimulus import Events, Streams

from ..toy import toy_contract, toy_project

DEFAULT = 7
PORTS = ("ready", "valid", "trigger", "score", "threshold")


def _stimulus(rng, cycles=600):
    flags = {name: rng.random(cycles) < share for name, share in {"reset": 0.05, "valid": 0.6, "write": 0.2}.items()}
    flags["reset"][0] = True
    numbers = {"row": np.arange(cycles), "threshold": rng.integers(0, 15, cycles)}
    return Stimulus(name="random", codes=np.zeros((cycles, 1), int), event=np.arange(cycles), **flags, **numbers)


def _clock_by_clock(stimulus, scores, latency, interval):
    """(5, cycles) in the order of PORTS, with a diary of what will show when."""
    diary, last, threshold, lines = {}, None, DEFAULT, []
    for cycle, row in enumerate(stimulus.row):
        ready = last is None or cycle - last >= interval
        before, score, valid, trigger = threshold, 0, False, False
        if stimulus.reset[cycle]:
            diary, last, threshold = {}, None, DEFAULT
        else:
            if stimulus.valid[cycle] and ready:
                diary[cycle + latency], last = row, cycle
            if stimulus.write[cycle]:
                threshold = stimulus.threshold[cycle]
            if cycle in diary:
                score, valid = scores[diary[cycle]], True
                trigger = score >= before
        lines.append((ready, valid, trigger, score, threshold))
    return np.array(lines, np.int64).T


@pytest.mark.parametrize("interval", [1, 2, 5])
@pytest.mark.parametrize("latency", [1, 2, 9])
def test_the_expected_trace_is_the_one_kept_clock_by_clock(latency, interval):
    rng = np.random.default_rng(10 * latency + interval)
    stimulus = _stimulus(rng)
    scores = rng.integers(0, 15, len(stimulus.row))
    trace, shown = expect(stimulus, scores, latency, interval, DEFAULT)
    wanted = _clock_by_clock(stimulus, scores, latency, interval)
    for name, values in zip(PORTS, wanted, strict=True):
        np.testing.assert_array_equal(getattr(trace, name), values, err_msg=name)
    assert np.array_equal(shown >= 0, wanted[1] == 1)
    assert (wanted[1] == 1).sum() > 20  # of which the resets left enough


def test_every_difference_is_found_in_the_class_where_it_belongs():
    rng = np.random.default_rng(4)
    stimulus = _stimulus(rng, 100)
    trace, shown = expect(stimulus, rng.integers(1, 15, 100), 3, 1, DEFAULT)
    for name in PORTS:
        for cycle in range(1, 100):
            values = getattr(trace, name).copy()
            values[cycle] = UNKNOWN if cycle % 2 else 1 - values[cycle]
            found = Trace(**{**vars(trace), name: values})
            wrong, violation = compare(stimulus, trace, found, shown)
            counted = not (name == "ready" and stimulus.reset[cycle])
            result = name in ("valid", "trigger", "score") and bool(shown[cycle] >= 0)
            assert np.flatnonzero(wrong).tolist() == [cycle] * (counted and result)
            assert np.flatnonzero(violation).tolist() == [cycle] * (counted and not result)


@pytest.fixture
def streams():
    contract = toy_contract()
    rng = np.random.default_rng(2)
    hardware = rng.integers(contract.hardware.low, contract.hardware.high + 1, (500, 3))
    events = Events.of(contract, hardware, np.stack([contract.hardware.low, contract.hardware.high]))

    def make(interval):
        return Streams(toy_project(interval).design, events, np.random.default_rng(5))

    return make


@pytest.mark.parametrize("interval", [1, 4])
def test_back_to_back_shows_every_event_once_in_order(streams, interval):
    streams = streams(interval)
    shown = []
    for stimulus in streams.back_to_back(200):
        accepted = accept(stimulus.reset, stimulus.valid, interval)
        assert np.all(np.diff(np.flatnonzero(accepted)[-50:]) == interval)
        rows = due(stimulus.reset, accepted, stimulus.row, streams.design.latency)[stimulus.first :]
        shown.append(stimulus.event[rows[rows >= 0]])
        np.testing.assert_array_equal(stimulus.codes[rows[rows >= 0]], streams.events.codes[shown[-1]])
    np.testing.assert_array_equal(np.concatenate(shown), np.arange(502))


@pytest.mark.parametrize("interval", [1, 4])
def test_invalid_cycles_carry_random_bits(streams, interval):
    stimulus = streams(interval).gaps(300)
    assert np.all((stimulus.event[stimulus.row] >= 0) == stimulus.valid)
    assert 0.2 < stimulus.valid.mean() < 0.8
    refused = stimulus.valid & ~accept(stimulus.reset, stimulus.valid, interval)
    assert (refused.sum() > 50) == (interval > 1)


@pytest.mark.parametrize("interval", [1, 4])
def test_interruptions_reach_the_corners_of_the_protocol(streams, interval):
    streams = streams(interval)
    stimulus = streams.interruptions(200)
    accepted = accept(stimulus.reset, stimulus.valid, interval)
    kept = due(stimulus.reset, accepted, stimulus.row, streams.design.latency)
    assert (kept >= 0).sum() < accepted.sum() - 50  # lost in resets
    scores = np.append(streams.events.scores, 0)[stimulus.event]
    trace, _ = expect(stimulus, scores, streams.design.latency, interval, streams.design.threshold)
    before = np.concatenate([[0], trace.threshold[:-1]])
    distance = (trace.score - before)[trace.valid == 1]
    for margin in (-1, 0, 1):
        assert (distance == margin).sum() > 10
    assert np.any(stimulus.reset & stimulus.write)
    assert np.any(stimulus.reset & stimulus.valid)
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], stimulus.reset, [0]]))))[::2]
    assert {1, 2, 3} <= set(lengths)


def test_packing_is_that_of_python_integers():
    rng = np.random.default_rng(1)
    for bits, inputs in ((1, 3), (11, 3), (16, 57), (32, 5), (7, 100)):
        codes = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (20, inputs))
        for row, words in zip(codes, pack(codes, bits), strict=True):
            wanted = sum((int(code) % (1 << bits)) << (k * bits) for k, code in enumerate(row))
            assert sum(int(word) << (32 * k) for k, word in enumerate(words)) == wanted
