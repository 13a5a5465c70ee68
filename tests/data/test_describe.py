import math
from dataclasses import replace

import numpy as np
import pytest

from l1ae.data import ArrayDescription, EventStore, GroupDescription, describe
from l1ae.inputs import Feature, Group, Layout, layout_names, named_layout

SATURATED = {"met": 4095, "jet": 2047, "eg": 511, "mu": 511}


def test_against_numpy_on_the_whole_sample(make_events, write_store, layout):
    events = make_events(5000, processes=2)
    random = np.random.default_rng(1)
    for group in layout.groups:
        block = layout.block(events.hw, group.name)
        block[random.random(block.shape[:2]) < 0.6] = 0
    events.hw[:300, layout.positions("eg", "pt")[0]] = 511
    events.source_event[:] = np.arange(5000) // 3
    found = describe(EventStore.open(write_store(events)))
    assert (found.sample, found.events, found.provenance) == ("background", 5000, {"seed": 1})
    assert (found.layout, found.columns) == ("ugt", 57)
    assert found.per_process == {"w": int((events.process == 0).sum()), "qcd": int((events.process == 1).sum())}
    assert found.source_events == len(set(zip(events.process.tolist(), events.source_event.tolist(), strict=True)))
    assert found.pileup == pytest.approx(events.pileup[events.pileup >= 0].mean())
    assert list(found.groups) == ["met", "eg", "mu", "jet"]
    for name, group in found.groups.items():
        pt = events.hw[:, layout.positions(name, "pt")]
        number = (pt > 0).sum(axis=1)
        assert isinstance(group, GroupDescription)
        assert (group.feature, group.unit) == ("pt", "GeV")
        assert group.multiplicity == pytest.approx(number.mean())
        assert group.multiplicity_error == pytest.approx(number.std() / math.sqrt(5000))
        first = [row[row > 0][0] for row in pt if (row > 0).any()]
        codes = np.quantile(first, (0.1, 0.5, 0.9), method="inverted_cdf")
        assert group.leading == pytest.approx((codes + 0.5 - (name == "mu")) * 0.5)
        assert group.saturated == pytest.approx((pt == SATURATED[name]).sum() / (pt > 0).sum())


def test_text(make_events, write_store, layout):
    events = make_events(4)
    events.hw[:] = 0
    layout.block(events.hw, "met")[:, 0] = 50, 0, 3
    layout.block(events.hw, "jet")[:3, 0] = 60, -3, 3
    layout.block(events.hw, "jet")[0, 0, 0] = 2047
    events.pileup[:] = 20
    events.source_event[:] = [1, 1, 2, 3]
    path = write_store(events, processes=("w",))
    assert str(describe(EventStore.open(path))).splitlines() == [
        f"{path}: sample 'background', 4 events from 3 source events",
        "layout: ugt, 57 columns",
        "processes: w 4 (100.00 %)",
        "mean pileup: 20.0",
        "objects      per event       leading: 10 % / 50 % / 90 %        saturated",
        "met       1.0000 ± 0.0000       pt   25.2 /   25.2 /   25.2 GeV      0.0000 %",
        "eg        0.0000 ± 0.0000       pt    nan /    nan /    nan GeV         nan %",
        "mu        0.0000 ± 0.0000       pt    nan /    nan /    nan GeV         nan %",
        "jet       0.7500 ± 0.2165       pt   30.2 /   30.2 / 1023.8 GeV     33.3333 %",
        "seed: 1",
    ]


def test_an_image(make_events, write_store, joined):
    events = make_events(4, of=joined)
    image = joined.block(events.hw, "region")[..., 0].reshape(4, 18, 14)
    image[:] = 0
    image[1:, 3, 4] = 20
    image[3, 17, 13] = 1023
    text = str(describe(EventStore.open(write_store(events, of=joined))))
    assert "layout: ugt_calo_regions, 309 columns" in text
    assert "region: sum 0.0 / 10.0 / 521.5 GeV (10 % / 50 % / 90 %), 1.0 of 252 not 0, 0.0992 % saturated" in text
    alone = describe(EventStore.open(write_store(events, of=joined), named_layout("calo_regions")))
    assert list(alone.groups) == ["region"]
    assert "objects" not in str(alone)


def test_other_units_origins_and_gates(make_events, write_store):
    """A valid bit says which hits there are, a time in ns has no energy beside it, and a waveform has a pedestal."""
    hits = Group(
        name="hit", slots=3, gate="valid", features=(Feature(name="time", bits=6, lsb=0.5, unit="ns"), Feature(name="valid", bits=1))
    )
    samples = Group(name="adc", kind="waveform", slots=4, features=(Feature(name="charge", bits=12, lsb=2.0, unit="fC", origin=100),))
    layout = Layout(name="mine", groups=(hits, samples))
    events = make_events(3, of=layout)
    layout.block(events.hw, "hit")[:] = [[[9, 1], [1, 1], [0, 0]], [[5, 0], [0, 1], [0, 0]], [[0, 0]] * 3]
    layout.block(events.hw, "adc")[..., 0] = [[100, 100, 100, 100], [100, 103, 102, 100], [100, 99, 100, 120]]
    found = describe(EventStore.open(write_store(events, of=layout)))
    hit, adc = found.groups["hit"], found.groups["adc"]
    assert isinstance(hit, GroupDescription)
    assert isinstance(adc, ArrayDescription)
    # There is no energy, so that the gate is shown.
    assert (hit.feature, hit.unit, hit.multiplicity, hit.saturated) == ("valid", "", 1.0, None)
    assert hit.leading == (1.0, 1.0, 1.0)
    assert (adc.unit, adc.total, adc.occupied, adc.saturated) == ("fC", (0.0, 10.0, 38.0), pytest.approx(4 / 3), None)


@pytest.mark.parametrize("name", layout_names())
def test_every_named_layout_is_described(name, make_events, write_store):
    layout = named_layout(name)
    found = describe(EventStore.open(write_store(make_events(50, of=layout), of=layout)))
    assert list(found.groups) == [group.name for group in layout.groups]
    assert f"layout: {name}, {layout.size} columns" in str(found)


def test_weights(make_events, write_store):
    events = make_events(6000, processes=2)
    weight = np.random.default_rng(2).exponential(3.0, 6000)
    found = describe(EventStore.open(write_store(replace(events, extra={"weight": weight}))))
    assert found.weights is not None
    assert found.weights.total == pytest.approx(weight.sum())
    # Kish's number is N / (1 + squared coefficient of variation), and that of exponential weights is N / 2.
    assert found.weights.effective == pytest.approx(6000 / (1 + weight.var() / weight.mean() ** 2))
    assert found.weights.effective == pytest.approx(3000, rel=0.1)
    assert found.weights.per_process == pytest.approx(
        {name: weight[events.process == code].sum() / weight.sum() for code, name in enumerate(("w", "qcd"))}
    )


def test_the_text_says_what_weights_amount_to(make_events, write_store):
    weighted = replace(make_events(4), process=np.array([0, 0, 1, 1], np.int16), extra={"weight": np.array([0.5, 0.5, 2.0, 1.0])})
    text = str(describe(EventStore.open(write_store(weighted))))
    assert "weights (not used above): sum 4, effective number of events 3; weighted shares: w 25 %, qcd 75 %" in text
    assert "extra columns: weight" in text
    empty = replace(make_events(0), extra={"weight": np.zeros(0)})
    found = describe(EventStore.open(write_store(empty, name="empty.h5"))).weights
    assert found is not None
    assert (found.total, found.effective, found.per_process) == (0, 0, {"w": 0, "qcd": 0})


def test_empty_store(write_store, joined):
    found = describe(EventStore.open(write_store(of=joined)))
    assert (found.events, found.source_events, found.pileup, found.per_process) == (0, 0, None, {"w": 0, "qcd": 0})
    assert "mean pileup: unknown" in str(found)
    jets, image = found.groups["jet"], found.groups["region"]
    assert isinstance(jets, GroupDescription)
    assert isinstance(image, ArrayDescription)
    assert jets.multiplicity == 0
    assert all(math.isnan(value) for value in (*jets.leading, *image.total, image.occupied))
