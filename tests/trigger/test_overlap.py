"""The pure rate, computed twice; a mistake planted in one of the two shows."""

from dataclasses import replace

import numpy as np
import pytest

from l1ae.config import named_menu
from l1ae.data import Events
from l1ae.trigger import Count, Menu, cut_seed, fired_cuts, fired_recorded, overlap, spectrum

MENU = named_menu("eight").seeds
THRESHOLDS = (180, 150, 60, 0)


def _score(hardware):
    """Something that has ties and does not know the menu."""
    return hardware[:, ::3].sum(axis=1).astype(np.int64) // 4  # every pT


@pytest.fixture(scope="module")
def events(crossings):
    count = len(crossings)
    weights = np.random.default_rng(3).choice([0.03, 0.4, 1.7], count)
    return Events(crossings, np.zeros(count, np.int16), np.arange(count), np.zeros(count, np.int16), {"weight": weights})


def _arrays(events, menu, thresholds=THRESHOLDS):
    """The first computation: (raw, pure) counts per threshold."""
    alone = ~menu.decide(events).any(axis=1)
    scores, weights = _score(events.hw), events.extra["weight"]
    raw, pure = spectrum(scores, weights), spectrum(scores[alone], weights[alone])
    return [(raw.at(t), pure.at(t)) for t in thresholds]


def _agree(counted: Count, events: int, weight: float) -> bool:
    return counted.events == events and counted.weight == pytest.approx(weight, rel=1e-12)


def _all_agree(first, second):
    pairs = list(zip(first, second, strict=True))
    raw = all(_agree(counted, again.events, again.weight) for (counted, _), again in pairs)
    return raw and all(_agree(counted, again.pure_events, again.pure_weight) for (_, counted), again in pairs)


@pytest.fixture(scope="module")
def second(events, layout):
    blocks = [events.select(slice(0, 1500)), events.select(slice(1500, None))]
    return overlap(blocks, _score, fired_cuts(MENU, layout), THRESHOLDS)


@pytest.fixture(scope="module")
def seeds(layout):
    return tuple(cut_seed(seed, layout) for seed in MENU)


def test_both_computations_give_the_same_counts(events, second, seeds):
    first = _arrays(events, Menu("cuts", seeds))
    assert _all_agree(first, second)
    # there is something to overlap with
    assert all(0 < o.pure_events < o.events for o in second)


@pytest.mark.parametrize("missing", range(len(MENU)))
def test_a_seed_that_is_left_out_is_noticed(events, second, seeds, missing):
    planted = Menu("cuts", tuple(seed for k, seed in enumerate(seeds) if k != missing))
    assert not _all_agree(_arrays(events, planted), second)


@pytest.mark.parametrize("name", ["SingleMu22", "SingleEG36er2p5", "SingleJet180", "MET90", "HTT360er2p5"])
def test_a_greater_instead_of_a_greater_or_equal_in_a_seed_is_noticed(events, second, seeds, name):
    def strict(seed):
        if seed.name != name:
            return seed
        (leg,) = seed.legs
        higher = {"pt": tuple(code + 1 for code in leg.pt)} if leg.total is None else {"total": leg.total + 1}
        return replace(seed, legs=(replace(leg, **higher),))

    assert not _all_agree(_arrays(events, Menu("cuts", tuple(map(strict, seeds)))), second)


def test_a_greater_instead_of_a_greater_or_equal_in_the_score_is_noticed(events, second, seeds):
    first = _arrays(events, Menu("cuts", seeds), [t + 1 for t in THRESHOLDS[:3]])
    assert not any(_agree(raw, o.events, o.weight) for (raw, _), o in zip(first, second, strict=False))


def test_a_wrong_eta_window_is_noticed(events, second, seeds):
    legs = [[replace(leg, choice=replace(leg.choice, eta=None)) for leg in seed.legs] for seed in seeds]
    planted = Menu("cuts", tuple(replace(seed, legs=tuple(some)) for seed, some in zip(seeds, legs, strict=True)))
    assert not _all_agree(_arrays(events, planted), second)


def test_recorded_bits_by_inclusion_and_exclusion(events):
    """Events without any seed = sum over all subsets of seeds of (-1)^size x events with all of them."""
    rng = np.random.default_rng(5)
    bits = {f"seed_{k}": rng.random(len(events)) < 0.2 for k in range(4)}
    with_bits = replace(events, extra={**events.extra, **bits})
    found = overlap([with_bits], _score, fired_recorded(list(bits)), [100])[0]
    passed = _score(events.hw) >= 100
    total = 0
    for subset in range(16):
        chosen = [bits[f"seed_{k}"] for k in range(4) if subset >> k & 1]
        total += (-1) ** len(chosen) * int((passed & np.all([np.ones(len(events), bool), *chosen], axis=0)).sum())
    assert found.pure_events == total


def test_without_a_menu_there_is_no_pure_count(events):
    found = overlap([events], _score, None, [100])[0]
    assert (found.pure_events, found.pure_weight) == (None, None)
    assert found.events == int((_score(events.hw) >= 100).sum())
