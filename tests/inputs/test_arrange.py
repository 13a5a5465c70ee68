"""Objects into slots, against the same done for one event after the other with lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l1ae.inputs import Group, arrange

FEATURES = [{"name": "pt", "role": "energy", "bits": 4, "saturation": 15}, {"name": "eta", "role": "eta", "bits": 4, "signed": True}]
ACTIONS = ("drop", "zero", "veto")


def one_event(group, objects):
    """Codes, whether the event is kept, for objects of one event: None where there is none."""
    cuts = [(cut.feature, cut.min, cut.max, cut.action) for cut in group.cuts]
    if group.saturated != "keep":
        cuts.append(("pt", None, 14, group.saturated))
    kept, rest = True, []
    for item in objects:
        actions = set()
        for feature, low, high, action in cuts:
            value = None if item is None else item[("pt", "eta").index(feature)]
            if value is not None and ((low is not None and value < low) or (high is not None and value > high)):
                actions.add(action)
        kept &= "veto" not in actions
        if "drop" not in actions:
            rest.append((item, "zero" in actions))
    if group.sort is not None or len(rest) < len(objects):
        rest = [pair for pair in rest if pair[0] is not None]
    if group.sort is not None:
        rest.sort(key=lambda pair: -pair[0][0])
    codes = [(0, 0) if item is None or zeroed else tuple(item) for item, zeroed in rest[: group.slots]]
    return codes + [(0, 0)] * (group.slots - len(codes)), kept


cut = st.fixed_dictionaries(
    {"feature": st.sampled_from(["pt", "eta"]), "action": st.sampled_from(ACTIONS)},
    optional={"min": st.integers(-4, 6), "max": st.integers(2, 14)},
)


@given(
    slots=st.integers(1, 6),
    places=st.integers(1, 7),
    sort=st.sampled_from([None, "pt"]),
    cuts=st.lists(cut, max_size=2),
    saturated=st.sampled_from(["keep", *ACTIONS]),
    seed=st.integers(0, 10**6),
)
def test_arrange_against_lists(slots, places, sort, cuts, saturated, seed):
    group = Group.model_validate({"name": "jet", "slots": slots, "features": FEATURES, "sort": sort, "cuts": cuts, "saturated": saturated})
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(1, 16, (8, places)), rng.integers(-8, 8, (8, places))], axis=2)
    filled = rng.random((8, places)) < 0.7
    found = arrange(group, codes, filled)
    expected = [
        one_event(group, [tuple(item) if there else None for item, there in zip(row, mask, strict=True)])
        for row, mask in zip(codes.tolist(), filled.tolist(), strict=True)
    ]
    assert [[tuple(item) for item in event] for event in found.hw.tolist()] == [event for event, _ in expected]
    assert found.kept.tolist() == [kept for _, kept in expected]


@pytest.mark.parametrize(
    ("pt", "expected"),
    [([9, 5, 3], False), ([5, 9, 3], True), ([9, 0, 3], True), ([9, 9, 0], False), ([15, 5, 7], True), ([15, 7, 5], False)],
)
def test_what_counts_as_reordered(pt, expected):
    group = Group.model_validate({"name": "jet", "slots": 3, "features": FEATURES, "sort": "pt", "saturated": "drop"})
    codes = np.array([[[value, 0] for value in pt]])
    assert arrange(group, codes, codes[..., 0] > 0).reordered.tolist() == [expected]
