import math
from dataclasses import replace

import numpy as np
import pytest

from l1ae.data import EventStore, describe
from l1ae.inputs import calo_layer1_spec


def test_against_numpy_on_the_whole_sample(make_events, write_store, spec):
    events = make_events(5000, processes=2)
    events.hw[np.random.default_rng(1).random((5000, 19)) < 0.6] = 0
    events.hw[:300, 1, 0] = 511
    events.source_event[:] = np.arange(5000) // 3
    found = describe(EventStore.open(write_store(events), spec))
    assert (found.sample, found.events, found.provenance) == ("background", 5000, {"seed": 1})
    assert found.per_process == {"w": int((events.process == 0).sum()), "qcd": int((events.process == 1).sum())}
    assert found.source_events == len(set(zip(events.process.tolist(), events.source_event.tolist(), strict=True)))
    assert found.pileup == pytest.approx(events.pileup[events.pileup >= 0].mean())
    for name, where in spec.slices().items():
        pt = events.hw[:, where, 0]
        number = (pt > 0).sum(axis=1)
        group = found.groups[name]
        assert group.multiplicity == pytest.approx(number.mean())
        assert group.multiplicity_error == pytest.approx(number.std() / math.sqrt(5000))
        first = [row[row > 0][0] for row in pt if (row > 0).any()]
        codes = np.quantile(first, (0.1, 0.5, 0.9), method="inverted_cdf")
        assert group.leading_pt == pytest.approx((codes + 0.5 - (name == "mu")) * 0.5)
        assert group.saturated == pytest.approx((pt == {"met": 4095, "jet": 2047}.get(name, 511)).sum() / (pt > 0).sum())


def test_text(make_events, write_store, spec):
    events = make_events(4)
    events.hw[:] = 0
    events.hw[:, 0] = 50, 0, 3
    events.hw[:3, 9] = 60, -3, 3
    events.hw[0, 9, 0] = 2047
    events.pileup[:] = 20
    events.source_event[:] = [1, 1, 2, 3]
    path = write_store(events, processes=("w",))
    assert str(describe(EventStore.open(path, spec))).splitlines() == [
        f"{path}: sample 'background', 4 events from 3 source events",
        "processes: w 4 (100.00 %)",
        "mean pileup: 20.0",
        "objects      per event       leading pT: 10 % / 50 % / 90 %   saturated",
        "met       1.0000 ± 0.0000         25.2 /   25.2 /   25.2 GeV          0.0000 %",
        "eg        0.0000 ± 0.0000          nan /    nan /    nan GeV             nan %",
        "mu        0.0000 ± 0.0000          nan /    nan /    nan GeV             nan %",
        "jet       0.7500 ± 0.2165         30.2 /   30.2 / 1023.8 GeV         33.3333 %",
        "regions: none, objects only",
        "provenance: {",
        '  "seed": 1',
        "}",
    ]


def test_regions(make_events, with_regions, write_store, spec):
    events = with_regions(make_events(4))
    events.regions[:] = 0
    events.regions[1:, 3, 4] = 20
    events.regions[3, 17, 13] = 1023
    text = str(describe(EventStore.open(write_store(events, regions=calo_layer1_spec()), spec)))
    assert "regions: sum of ET 0.0 / 10.0 / 521.5 GeV (10 % / 50 % / 90 %), 1.0 with energy per event, 0.0992 % saturated" in text


def test_weights(make_events, write_store, spec):
    events = make_events(6000, processes=2)
    weight = np.random.default_rng(2).exponential(3.0, 6000)
    found = describe(EventStore.open(write_store(replace(events, extra={"weight": weight})), spec))
    assert found.weights is not None
    assert found.weights.total == pytest.approx(weight.sum())
    # Kish's number is N / (1 + squared coefficient of variation), and that of exponential weights is N / 2.
    assert found.weights.effective == pytest.approx(6000 / (1 + weight.var() / weight.mean() ** 2))
    assert found.weights.effective == pytest.approx(3000, rel=0.1)
    assert found.weights.per_process == pytest.approx(
        {name: weight[events.process == code].sum() / weight.sum() for code, name in enumerate(("w", "qcd"))}
    )


def test_the_text_says_what_weights_amount_to(make_events, write_store, spec):
    weighted = replace(make_events(4), process=np.array([0, 0, 1, 1], np.int16), extra={"weight": np.array([0.5, 0.5, 2.0, 1.0])})
    text = str(describe(EventStore.open(write_store(weighted), spec)))
    assert "weights (not used above): sum 4, effective number of events 3; weighted shares: w 25 %, qcd 75 %" in text
    empty = replace(make_events(0), extra={"weight": np.zeros(0)})
    found = describe(EventStore.open(write_store(empty, name="empty.h5"), spec)).weights
    assert found is not None
    assert (found.total, found.effective, found.per_process) == (0, 0, {"w": 0, "qcd": 0})


def test_regions_of_an_empty_store(write_store, spec):
    found = describe(EventStore.open(write_store(regions=calo_layer1_spec()), spec)).regions
    assert found is not None
    assert math.isnan(found.occupied)


def test_empty_store(write_store, spec):
    found = describe(EventStore.open(write_store(), spec), spec)
    assert (found.events, found.source_events, found.pileup, found.per_process) == (0, 0, None, {"w": 0, "qcd": 0})
    assert "mean pileup: unknown" in str(found)
    assert found.groups["jet"].multiplicity == 0
    assert all(math.isnan(value) for value in found.groups["jet"].leading_pt)
