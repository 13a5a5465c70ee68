import copy
import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from l1ae.data import EventStore, Request, describe_sources, import_sources
from l1ae.data._muon_angles import with_muon_angles
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

from .simple import Event, expected

FOLDER = Path(__file__).parent
NTUPLE = FOLDER / "l1_ntuple.root"
CONTENT = json.loads((FOLDER / "l1_ntuple.json").read_text())
KINDS = {"eg": "eg", "mu": "muon", "tau": "tau", "jet": "jet"}
SUMS = {"ett": {"pt": 0, "pt_em": 16}, "htt": {"pt": 1, "tower_count": 21}, "met": 2, "mht": 3, "met_hf": 8, "mht_hf": 20}


def by_hand(layout: Layout) -> list[Event]:
    """The events of the file, picked out of its lists in loops."""
    events = []
    for event in CONTENT["upgrade"]:
        objects: Event = {}
        for group in layout.groups:
            if group.name in KINDS:
                here = [k for k, bx in enumerate(event[f"{KINDS[group.name]}Bx"]) if bx == 0]
                objects[group.name] = [{item.name: event[item.source][k] for item in group.features} for k in here]
            else:
                objects[group.name] = _sum(event, group.name, [item.name for item in group.features if not item.absent])
        events.append(objects)
    return events


def _sum(event: dict[str, list[int]], group: str, features: list[str]) -> list[dict[str, int]]:
    found = {}
    for feature in features:
        kind = SUMS[group][feature] if isinstance(SUMS[group], dict) else SUMS[group]
        for k, (number, bx) in enumerate(zip(event["sumType"], event["sumBx"], strict=True)):
            if number == kind and bx == 0:
                found[feature] = event["sumIPhi" if feature == "phi" else "sumIEt"][k]
    return [] if found.get("pt", 0) == 0 and len(found) == 2 and group not in {"ett", "htt"} else [found] if found else []


def _arrays(events: list[dict[str, Any]]) -> dict[str, ak.Array]:
    names = [name for name, value in events[0].items() if isinstance(value, list)]
    return {name: ak.values_astype(ak.Array([event[name] for event in events]), np.int16) for name in names}


def _write(file: uproot.WritableDirectory, tree: str, arrays: dict[str, ak.Array]) -> None:
    file.mktree(tree, dict.fromkeys(arrays, "var * int16")).extend(arrays)


def read(request: Request, output: Path) -> EventStore:
    result = import_sources(request, output)
    store = EventStore.open(result.path)
    assert store.n_events == result.events
    return store


@pytest.mark.parametrize("name", ["ugt", "ugt_full", "cms_l1_record"])
def test_layouts(name, tmp_path):
    """Five crossings in the lists, unordered muons, saturated codes, full lists, missing sums, in a file that ROOT wrote."""
    layout = named_layout(name)
    store = read(Request((NTUPLE,), layout), tmp_path / "out.h5")
    assert store.own == layout
    np.testing.assert_array_equal(store.read().hw, expected(layout, by_hand(layout)))


def test_muon_angles(tmp_path):
    layout = with_muon_angles(named_layout("ugt"), "station")
    assert [item.source for item in layout["mu"].features] == ["muonIEt", "muonIEta", "muonIPhi"]
    store = read(Request((NTUPLE,), muon_angles="station"), tmp_path / "out.h5")
    np.testing.assert_array_equal(store.read().hw, expected(layout, by_hand(layout)))
    assert with_muon_angles(layout, "vertex") == named_layout("ugt")
    with pytest.raises(UserError, match="--muon-angles: group 'mu' of layout 'ugt_full' has both; leave the option out"):
        with_muon_angles(named_layout("ugt_full"), "station")
    with pytest.raises(UserError, match="--muon-angles: layout 'samples' has no eta and phi of muons; leave the option out"):
        with_muon_angles(named_layout("samples"), "station")


def test_event_information_and_seeds(tmp_path):
    store = read(Request((NTUPLE,), sample="zerobias"), tmp_path / "out.h5")
    assert (store.sample, store.processes, store.provenance["importer"]) == ("zerobias", ("zerobias",), "l1_ntuple")
    seeds = {"L1_SingleMu22": 23, "L1_ZeroBias": 0, "L1_AXO_Medium": 511, "L1_DoubleEG": 41}
    assert set(store.extra) == {"run", "lumi", "event", "bx", "orbit", "time", *(f"seed_{name}" for name in seeds)}
    events = store.read(extra=store.extra)
    for name, bit in seeds.items():  # the final decision; the initial one is always true
        assert events.extra[f"seed_{name}"].tolist() == [bit in on for on in CONTENT["bits"]]
    assert events.extra["bx"].tolist() == [5, 3563, -1, 0, 1, 2]  # all bits set: not known
    assert events.extra["orbit"].tolist() == [10, -(2**63), -1, 1, 2, 3]
    assert events.extra["event"].tolist() == [2**40 + k for k in range(6)]
    assert events.pileup.tolist() == [-1, -1, -1, 47, -1, 60]  # 0 in data
    assert events.source_event.tolist() == list(range(6))


@pytest.mark.parametrize(
    ("patterns", "kept"), [((), set()), (("L1_*Mu*", "L1_ZeroBias"), {"SingleMu22", "ZeroBias"}), (("L1_AXO*",), {"AXO_Medium"})]
)
def test_choice_of_seeds(patterns, kept, tmp_path):
    store = read(Request((NTUPLE,), seeds=patterns), tmp_path / "out.h5")
    assert {name for name in store.extra if name.startswith("seed_")} == {f"seed_L1_{name}" for name in kept}


def test_seed_that_is_not_there(tmp_path):
    with pytest.raises(UserError) as error:
        read(Request((NTUPLE,), seeds=("L1_Tau*",)), tmp_path / "out.h5")
    some = "L1_AXO_Medium, L1_DoubleEG, L1_SingleMu22, L1_ZeroBias"
    assert str(error.value) == f"{NTUPLE}: no seed is like 'L1_Tau*'; it has 4, for example {some}"


def test_two_files_and_small_blocks(tmp_path):
    """Source events are numbered on; an emulated ntuple without seeds leaves only the columns of both."""
    other = tmp_path / "emulated.root"
    events = [event for event in CONTENT["upgrade"] for _ in range(3)]
    with uproot.recreate(other) as file:
        _write(file, "l1UpgradeEmuTree/L1UpgradeTree", _arrays(events))
    store = read(Request((NTUPLE, other)), tmp_path / "out.h5")
    layout = named_layout("ugt")
    one = expected(layout, by_hand(layout))
    np.testing.assert_array_equal(store.read().hw, one + [row for row in one for _ in range(3)])
    assert store.read().source_event.tolist() == list(range(24))
    assert store.extra == ()


def test_description():
    text = describe_sources(Request((NTUPLE,)))
    assert text.startswith(
        f"CMS Level-1 ntuple: {NTUPLE}\nlayout: ugt (19 objects of the CMS global trigger; 57 columns)\nevents: 6\ncolumns:\n"
    )
    assert "\n  met phi: sumIPhi where sumType = 2 and sumBx = 0 (codes)\n" in text
    assert "\n  mu eta: muonIEtaAtVtx where muonBx = 0 (codes)\n" in text
    assert "\nextra columns: run, lumi, event, bx, orbit, time, seed_L1_AXO_Medium, " in text


def test_code_out_of_range(tmp_path):
    path = tmp_path / "bad.root"
    events = copy.deepcopy(CONTENT["upgrade"])
    events[3]["jetIPhi"][1] = 144
    with uproot.recreate(path) as file:
        _write(file, "l1UpgradeTree/L1UpgradeTree", _arrays(events))
    with pytest.raises(UserError) as error:
        import_sources(Request((path,)), tmp_path / "out.h5")
    assert str(error.value) == (
        f"{path}: event 3: group 'jet', slot 1, column 'jetIPhi': phi = 144 is outside its codes [0, 143] in layout 'ugt'; write values: "
        "physical if it is none, or use a layout with more bits"
    )
    assert not (tmp_path / "out.h5").exists()


def test_feature_that_ntuples_do_not_have(tmp_path):
    layout = named_layout("ugt")
    jet = layout["jet"].model_copy(
        update={"features": (*layout["jet"].features, layout["jet"].features[0].model_copy(update={"name": "raw", "source": "jetSeed"}))}
    )
    other = Layout(name="other", groups=(jet,))
    with pytest.raises(UserError) as error:
        read(Request((NTUPLE,), other), tmp_path / "out.h5")
    assert str(error.value) == (
        f"{NTUPLE}: L1 ntuple (l1UpgradeTree/L1UpgradeTree): no column for feature 'raw' of group 'jet' (source jets.jetSeed is not known "
        "in these files); use a copy of the layout without it (l1ae data layouts), or say where it is in a mapping file with --map"
    )
