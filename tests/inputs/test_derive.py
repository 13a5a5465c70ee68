"""Offsets and shifts from data, against quantiles of numpy."""

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.inputs import Layout, derive_preprocessing, named_layout

RNG = np.random.default_rng(5)


def events(count=4000):
    """Layout `ugt`: jets with falling spectra and uniform angles, half of the second slot empty, no third."""
    layout = named_layout("ugt").select({"eg": 0, "mu": 0, "jet": 3})
    hardware = np.zeros((count, layout.size), np.int16)
    hardware[:, layout.positions("met", "pt")] = RNG.integers(0, 200, (count, 1))
    hardware[:, layout.positions("met", "phi")] = RNG.integers(0, 144, (count, 1))
    for slot, share in enumerate((1.0, 0.5)):
        there = RNG.random(count) < share
        pt, eta, phi = (layout.positions("jet", name)[slot] for name in ("pt", "eta", "phi"))
        hardware[there, pt] = 1 + RNG.exponential(60, there.sum()).astype(int)
        hardware[there, eta] = RNG.normal(5, 30, there.sum()).astype(int).clip(-128, 127)
        hardware[there, phi] = RNG.integers(0, 144, there.sum())
    return layout, np.where(layout.mask(hardware), hardware, 0)


def test_the_rule_against_quantiles():
    layout, hardware = events()
    offset, shift = derive_preprocessing(layout, [(hardware[:1000], None), (hardware[1000:], None)])
    for name in ("met_pt", "met_phi", "jet0_pt", "jet0_eta", "jet0_phi", "jet1_pt", "jet1_eta"):
        column = layout.names.index(name)
        values = hardware[layout.mask(hardware)[:, column], column]
        low, high = (int(q) for q in np.quantile(values, (0.05, 0.95), method="inverted_cdf"))
        energy = name.endswith("pt")
        assert offset[column] == (0 if energy else (low + high) // 2)
        spread = high if energy else (high - low) / 2
        assert 2.0 ** (shift[column] - 1) < spread <= 2.0 ** shift[column]


def test_rare_slots_take_the_numbers_of_their_group():
    layout, hardware = events()
    separate, together = (derive_preprocessing(layout, [(hardware, None)], by_group=flag) for flag in (False, True))
    third = layout.positions("jet", "pt")[2]
    assert separate[1][third] == together[1][third] > 0
    for values in together:
        assert (np.ptp(layout.block(values[None], "jet")[0], axis=0) == 0).all()


def test_columns_that_say_nothing_keep_their_code():
    layout, hardware = events()
    offset, shift = derive_preprocessing(layout, [(hardware, None)])
    absent = layout.names.index("met_eta")
    assert (offset[absent], shift[absent]) == (0, 0)
    bits = Layout.model_validate({"name": "bits", "groups": [{"name": "bit", "kind": "vector", "slots": 2, "features": [{"name": "b"}]}]})
    assert [v.tolist() for v in derive_preprocessing(bits, [(np.array([[1, 0], [1, 1]] * 100, np.int16), None)])] == [[1, 0], [0, 0]]


def test_pedestals_are_taken_off():
    samples = RNG.normal(300, 25, (2000, 32)).astype(np.int16)
    offset, shift = derive_preprocessing(named_layout("samples"), [(samples, None)])
    np.testing.assert_allclose(offset, 300, atol=5)
    assert set(shift.tolist()) == {6}  # 1.64 x 25 = 41 codes on either side


def test_no_events():
    with pytest.raises(UserError, match="auto needs training events, and there are none"):
        derive_preprocessing(named_layout("samples"), [(np.zeros((0, 32), np.int16), None)])
