"""Two stores, from the command to the page."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from l1ae.cli._main import _cli
from l1ae.data import Events, EventStore, StoreWriter
from l1ae.errors import UserError
from l1ae.inputs import named_layout
from l1ae.watching import WatchOptions, load_watched, quantities, verdict, watch

LAYOUT = named_layout("ugt")
COUNT = 3000


def _events(seed, *, dead=False, lumi=False):
    rng = np.random.default_rng(seed)
    hw = np.zeros((COUNT, LAYOUT.size), np.int16)
    for group in ("met", "eg", "mu", "jet"):
        pt, eta, phi = (LAYOUT.positions(group, name) for name in ("pt", "eta", "phi"))
        filled = np.sort(rng.random((COUNT, len(pt))), axis=1) < 0.6
        hw[:, pt] = np.where(filled, np.minimum(np.sort(2 + rng.exponential(40, (COUNT, len(pt))), axis=1)[:, ::-1], 500), 0)
        period = LAYOUT[group].of_role("phi").period
        hw[:, phi] = np.where(filled, rng.integers(0, period, (COUNT, len(pt))), 0)
        if group != "met":
            hw[:, eta] = np.where(filled, rng.integers(-80, 80, (COUNT, len(pt))), 0)
        if dead and group == "jet":
            gone = (hw[:, phi] >= 30) & (hw[:, phi] < 42)
            for columns in (pt, eta, phi):
                hw[:, columns] = np.where(gone, 0, hw[:, columns])
    extra = {"run": np.full(COUNT, 7, np.int32), "lumi": (np.arange(COUNT) // 100).astype(np.int32)} if lumi else {}
    return Events(hw, np.zeros(COUNT, np.int16), np.arange(COUNT), np.full(COUNT, 20, np.int16), extra)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    for name, events in {
        "reference": _events(1),
        "same": _events(2),
        "dead": _events(3, dead=True),
        "periods": _events(4, lumi=True),
    }.items():
        with StoreWriter(folder / f"{name}.h5", LAYOUT, sample=name, processes=["all"], provenance={}) as writer:
            writer.append(events)
    return folder


def test_a_dead_region_is_found_with_its_place_and_nothing_else_is(stores):
    quiet = watch(stores / "reference.h5", stores / "same.h5", WatchOptions(permutations=199))
    assert quiet.change.p_value > 0.05
    assert verdict(quiet).startswith("Nothing of ")
    found = watch(stores / "reference.h5", stores / "dead.h5", WatchOptions(permutations=199))
    assert found.change.p_value == 1 / 200
    assert "jet" in found.change.moved[0].name, "a jet that is gone has neither pT nor angles"
    low, high = 30 * 2 * np.pi / 144, 42 * 2 * np.pi / 144
    region = next(item.region for item in found.change.moved if item.name == "jet0_phi")
    assert low - 0.3 < region.low < region.high < high + 0.3
    assert not any(item.name.startswith(("eg", "mu")) for item in found.change.moved if item.p_value <= 0.01)
    assert "(p ≤ 0.005): " in verdict(found)


def test_blocks_end_with_luminosity_blocks(stores):
    found = watch(stores / "reference.h5", stores / "periods.h5", WatchOptions(permutations=99, blocks=4))
    assert [(block.first, block.last) for block in found.blocks] == [("7:0", "7:7"), ("7:8", "7:15"), ("7:16", "7:22"), ("7:23", "7:29")]
    assert sum(block.change.other_events for block in found.blocks) == COUNT
    with pytest.raises(UserError, match="has 30 luminosity blocks, which are not 31 blocks"):
        watch(stores / "reference.h5", stores / "periods.h5", WatchOptions(permutations=99, blocks=31))


def test_the_score_of_a_run_is_watched_too(stores, make_network):
    contract = make_network("mu2").contract
    found = watch(stores / "reference.h5", stores / "same.h5", WatchOptions(permutations=99, events=500), contract=contract)
    assert "anomaly score" in {item.name for item in found.change.moved}
    assert found.score == contract.project


def test_quantities_are_those_of_plain_loops():
    hw = _events(5).hw[:50]
    found = {quantity.name: quantity.values for quantity in quantities(hw, LAYOUT)}
    physical, filled = LAYOUT.to_physical(hw), LAYOUT.mask(hw)
    jets = LAYOUT.positions("jet", "pt")
    eg, jet = LAYOUT.positions("eg", "phi")[0], LAYOUT.positions("jet", "phi")[0]
    for k in range(len(hw)):
        assert found["jet objects"][k] == sum(hw[k, j] > 0 for j in jets)
        assert found["jet sum of pt"][k] == pytest.approx(sum(physical[k, j] for j in jets if hw[k, j] > 0))
        both = filled[k, eg] and filled[k, jet]
        angle = found["Δφ(eg0, jet0)"][k]
        assert np.isfinite(angle) == both
        if both:
            assert -np.pi < angle <= np.pi
            assert np.cos(angle) == pytest.approx(np.cos(physical[k, eg] - physical[k, jet]))


def test_the_command_watches_the_score_of_a_run(stores, make_network, tmp_path):
    (tmp_path / "run" / "contract").mkdir(parents=True)
    make_network("mu2").contract.save(tmp_path / "run" / "contract" / "contract.json")
    arguments = ["watch", str(stores / "reference.h5"), str(stores / "same.h5"), "--run", str(tmp_path / "run"), "--permutations", "99"]
    result = CliRunner().invoke(_cli, arguments)
    assert result.exit_code == 0, result.output
    assert "of 78 quantities" in result.output
    wrong = CliRunner().invoke(_cli, [*arguments[:3], "--run", str(tmp_path)])
    assert isinstance(wrong.exception, UserError)


def test_the_command_writes_a_page_and_its_numbers(stores, tmp_path):
    page = tmp_path / "page.html"
    arguments = ["watch", str(stores / "reference.h5"), str(stores / "dead.h5"), "-o", str(page), "--permutations", "99", "--blocks", "3"]
    result = CliRunner().invoke(_cli, arguments)
    assert result.exit_code == 0, result.exc_info
    assert "The new events are not those of the reference (p ≤ 0.01)" in result.output.replace("\n", " ")
    found = load_watched(page.with_suffix(".json"))
    assert json.loads(page.with_suffix(".json").read_text())["format"] == "l1ae-watched"
    text = page.read_text()
    assert all(item.name in text for item in found.change.moved)
    assert len(found.blocks) == 3
    assert "3 of 3 blocks with an alarm, where chance brings 0.03; the first is 0 to 999" in result.output
    wrong = CliRunner().invoke(_cli, [*arguments[:3], "-o", str(tmp_path / "page.txt")])
    assert isinstance(wrong.exception, UserError)
    assert "must end in .html" in str(wrong.exception)


def test_a_store_of_other_columns_is_refused(stores, tmp_path):
    other = named_layout("calo_regions")
    with StoreWriter(tmp_path / "image.h5", other, sample="x", processes=["all"], provenance={}) as writer:
        writer.append(Events(np.zeros((10, other.size), np.int16), np.zeros(10, np.int16), np.arange(10), np.zeros(10, np.int16), {}))
    with pytest.raises(UserError, match="no group 'met'"):
        watch(stores / "reference.h5", tmp_path / "image.h5")
    assert EventStore.open(stores / "same.h5").n_events == COUNT
