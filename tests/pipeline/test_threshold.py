"""The threshold that follows from a false-positive rate can always be reached."""

import logging

import numpy as np

from l1ae.evaluation import Ranked
from l1ae.pipeline import _stages
from l1ae.pipeline._samples import ValidationScores


def scored(codes):
    return ValidationScores(np.zeros((0, 1), np.int16), Ranked.of(codes.astype(float), None, None), {})


def test_a_saturated_score_gets_a_threshold_that_fires_and_a_warning(make_network, caplog):
    contract = make_network("mu2").contract
    reachable = int(max(contract.intervals["score"].high))
    scores = np.full(1000, reachable)
    with caplog.at_level(logging.WARNING):
        assert _stages._threshold(contract, scored(scores), 1e-3) == reachable
    assert "the score saturates: 1000 of 1000 background events have its largest value, more than the target of 0.001" in caplog.text


def test_a_score_with_room_keeps_the_rate_without_a_word(make_network, caplog):
    contract = make_network("mu2").contract
    with caplog.at_level(logging.WARNING):
        threshold = _stages._threshold(contract, scored(np.arange(1000)), 0.01)
    assert int(np.sum(np.arange(1000) >= threshold)) == 10
    assert not caplog.text


def test_a_rate_that_the_events_cannot_set_is_said(make_network, caplog):
    """534 events once set 1e-9 without a word; no event of n is seen with 31.7 % probability at 1 - 0.317^(1/n)."""
    contract = make_network("mu2").contract
    with caplog.at_level(logging.WARNING):
        threshold = _stages._threshold(contract, scored(np.arange(534)), 1e-9)
    assert threshold == 534
    assert "model.target_fpr of 1e-09 cannot be set with 534 background events" in caplog.text
    assert f"below {1 - 0.3173 ** (1 / 534):.2g} (68.3 % confidence)" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        _stages._threshold(contract, scored(np.arange(534)), 1 / 534)
    assert not caplog.records
