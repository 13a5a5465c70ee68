import logging
import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from l1ae.data import EventStore, Request, describe_sources, import_sources
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

from .simple import Event, expected, lists, random_events

COLUMNS = {
    "mu": {
        "pt": "pt",
        "eta": "etaAtVtx",
        "phi": "phiAtVtx",
        "eta_station": "eta",
        "phi_station": "phi",
        "pt_unconstrained": "ptUnconstrained",
    },
    "eg": {"pt": "pt", "eta": "eta", "phi": "phi"},
    "tau": {"pt": "pt", "eta": "eta", "phi": "phi"},
    "jet": {"pt": "pt", "eta": "eta", "phi": "phi"},
}
PREFIX = {"mu": "L1Mu", "eg": "L1EG", "tau": "L1Tau", "jet": "L1Jet"}
BRANCH = {"quality": "hwQual", "index": "tfMuonIndex", "isolation": "hwIso"}
SUMS = {("ett", "pt"): 0, ("htt", "pt"): 1, ("met", "pt"): 2, ("mht", "pt"): 3, ("met_hf", "pt"): 8, ("mht_hf", "pt"): 20}
SUMS |= {("ett", "pt_em"): 16, ("htt", "tower_count"): 21}
SINGLE = {"ett": "totalEt", "htt": "totalHt", "met": "missEt", "mht": "missHt", "met_hf": "missEtHF", "mht_hf": "missHtHF"}
SEEDS = {"L1_SingleMu22": [True, False], "L1_DoubleEG": [False, True]}
LAYOUT = named_layout("ugt_full")
LSB = {"pt": 0.5, "pt_em": 0.5, "pt_unconstrained": 1.0, "tower_count": 1.0}


def mantissa(values: np.ndarray, bits: int = 12) -> np.ndarray:
    """float32 rounded to a number of bits of the mantissa, as NanoAOD stores it."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.round(fraction * 2 ** (bits + 1)) / 2 ** (bits + 1), exponent).astype(np.float32)


def cmssw(group: str, feature: str, codes: list[int]) -> list[float]:
    """Physical values of CMSSW: MuonRawDigiTranslator.cc, CaloTools.cc; phi folded into [-pi, pi)."""
    muon = group == "mu"
    if "phi" in feature:
        turn = [code * (0.010908 if muon else 2 * math.pi / 144) for code in codes]
        return [value - 2 * math.pi if value >= math.pi else value for value in turn]
    if "eta" in feature:
        return [code * (0.010875 if muon else 0.0435) for code in codes]
    return [(code - muon) * LSB[feature] for code in codes]


def scouting(group: str, feature: str, codes: list[int]) -> list[float]:
    """Physical values of L1TriggerScouting/Utilities: phi of the calorimeter in units of 0.0435."""
    if "phi" in feature:
        turn = [code * (2 * math.pi / 576 if group == "mu" else 0.0435) for code in codes]
        return [value - 2 * math.pi if value >= math.pi else value for value in turn]
    return cmssw(group, feature, codes)


def write(path: Path, branches: dict[str, Any], **others: dict[str, np.ndarray]) -> Path:
    """As NanoAOD: one counter for all lists of a table, int16 and float32 in them."""
    with uproot.recreate(path) as file:
        for tree, content in ({"Events": branches} | others).items():
            tables: dict[str, dict[str, ak.Array]] = {}
            arrays: dict[str, Any] = {name: value for name, value in content.items() if not isinstance(value, list)}
            for name, value in content.items():
                if isinstance(value, list):
                    real = name.split("_")[1] in {"pt", "eta", "phi", "etaAtVtx", "phiAtVtx", "ptUnconstrained"}
                    tables.setdefault(name.split("_")[0], {})[name.split("_")[1]] = ak.values_astype(
                        ak.Array(value), np.float32 if real else np.int16
                    )
            arrays |= {name: ak.zip(columns) for name, columns in tables.items()}
            file.mktree(tree, {name: value.type if isinstance(value, ak.Array) else value.dtype for name, value in arrays.items()}).extend(
                arrays
            )
    return path


def objects(
    events: list[Event], *, hardware: bool, convert: Any = cmssw, crossings: bool = False, skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Branches of the object tables; with `crossings`, every object is there again in crossing -1, and another in 2."""
    branches: dict[str, Any] = {}
    for group, prefix in PREFIX.items():
        if group in skip:
            continue
        for item in LAYOUT[group].features:
            codes = lists(events, group, item.name)
            if item.name == "charge":
                branches[f"{prefix}_hwCharge"] = [[int(code < 0) for code in row] for row in codes]
                if hardware:
                    branches[f"{prefix}_hwChargeValid"] = [[int(code != 0) for code in row] for row in codes]
            elif item.name in COLUMNS[group]:
                name = COLUMNS[group][item.name]
                if hardware:
                    branches[f"{prefix}_hw{name[0].upper()}{name[1:]}"] = codes
                values = [mantissa(np.array(convert(group, item.name, row), np.float32)).tolist() for row in codes]
                branches[f"{prefix}_{name}"] = values
            elif item.name in BRANCH and (hardware or item.name != "index"):
                branches[f"{prefix}_{BRANCH[item.name]}"] = codes
            elif group == "jet" and hardware:
                branches[f"{prefix}_hwQual"] = codes
        if crossings:
            names = [name for name in branches if name.startswith(f"{prefix}_")]
            branches[f"{prefix}_bx"] = [[-1] * len(row) + [0] * len(row) + [2] * len(row) for row in branches[names[0]]]
            for name in names:
                branches[name] = [[*row[::-1], *row, *row[::-1]] for row in branches[name]]
    return branches


def sums(
    events: list[Event], *, hardware: bool, convert: Any = cmssw, crossings: bool = False, only: tuple[int, ...] = ()
) -> dict[str, Any]:
    """Branches of the table of sums, of which there are some for every event."""
    columns: dict[str, list[list[float]]] = {name: [] for name in ("hwPt", "hwPhi", "pt", "phi", "etSumType", "bx")}
    for event in events:
        rows = {name: [] for name in columns}
        for bx in (-1, 0, 1) if crossings else (0,):
            for (group, feature), kind in SUMS.items():
                values = event[group][0] if event[group] else {}
                if only and kind not in only:
                    continue
                code, phi = values.get(feature, 0) + (bx != 0), values.get("phi", 0)
                rows["hwPt"].append(code)
                rows["hwPhi"].append(phi)
                rows["pt"].append(code * LSB[feature])
                rows["phi"].append(float(mantissa(np.array(convert(group, "phi", [phi]), np.float32))[0]))
                rows["etSumType"].append(kind)
                rows["bx"].append(bx)
        for name, row in rows.items():
            columns[name].append(row)
    kept = ["pt", "phi", "etSumType", *(["hwPt", "hwPhi"] if hardware else []), *(["bx"] if crossings else [])]
    return {f"L1EtSum_{name}": columns[name] for name in kept}


def information(count: int, **others: Any) -> dict[str, Any]:
    run = np.full(count, 398183, np.uint32)
    return {"run": run, "luminosityBlock": np.arange(count, dtype=np.uint32) // 10, **others}


def seeds(count: int) -> dict[str, np.ndarray]:
    return {name: np.resize(bits, count) for name, bits in SEEDS.items()}


def without(layout: Layout, dropped: dict[str, tuple[str, ...]]) -> Layout:
    groups = []
    for group in layout.groups:
        kept = tuple(item for item in group.features if item.name not in dropped.get(group.name, ()))
        if kept:
            groups.append(group.model_copy(update={"features": kept}))
    return Layout(name="part", groups=tuple(groups))


def by_source(layout: Layout, events: list[Event]) -> list[Event]:
    """The objects of the full layout, called as in another one: the record has angles at the muon stations."""
    names = {group.name: {item.source: item.name for item in group.features} for group in LAYOUT.groups}
    return [
        {
            group.name: [
                {item.name: old[names[group.name][item.source]] for item in group.features if item.source} for old in event[group.name]
            ]
            for group in layout.groups
        }
        for event in events
    ]


def imported(path: Path, tmp_path: Path, layout: Layout | None, **options: Any) -> EventStore:
    return EventStore.open(import_sources(Request((path,), layout, **options), tmp_path / "out.h5").path)


@pytest.mark.parametrize("layout", ["ugt", "ugt_full", "cms_l1_record"])
def test_full(layout, tmp_path, caplog):
    """Hardware columns of five crossings, charge as bit and valid bit, seeds as branches, pileup of simulation."""
    events = random_events(LAYOUT, 60, seed=1, beyond=3)
    count = len(events)
    more = information(count, event=np.arange(count, dtype=np.uint64) + 2**41, Pileup_nTrueInt=np.full(count, 47.2, np.float32))
    branches = objects(events, hardware=True, crossings=True) | sums(events, hardware=True, crossings=True) | more | seeds(count)
    store = imported(write(tmp_path / "nano.root", branches), tmp_path, named_layout(layout))
    events_read = store.read(extra=store.extra)
    np.testing.assert_array_equal(events_read.hw, expected(named_layout(layout), by_source(named_layout(layout), events)))
    assert store.extra == ("event", "lumi", "run", "seed_L1_DoubleEG", "seed_L1_SingleMu22")
    assert events_read.extra["seed_L1_SingleMu22"].tolist() == [k % 2 == 0 for k in range(count)]
    assert set(events_read.pileup.tolist()) == {47}
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


CENTRAL = without(LAYOUT, {"ett": ("pt", "pt_em"), "htt": ("tower_count",), "mu": ("index",), "jet": ("quality",), "mht_hf": ("pt", "phi")})


def test_central(tmp_path, caplog):
    """Physical values with 12 bits of mantissa become the codes again; a loud warning about the thresholds."""
    events = random_events(LAYOUT, 400, seed=2, beyond=2)
    for event in events:
        for muon in event["mu"]:
            muon["charge"] = muon["charge"] or 1  # the valid bit is not kept
    branches = (
        objects(events, hardware=False)
        | sums(events, hardware=False, only=(1, 2, 3, 8))
        | information(400, event=np.arange(400, dtype=np.uint64))
    )
    path = write(tmp_path / "nano.root", branches)
    store = imported(path, tmp_path, CENTRAL)
    np.testing.assert_array_equal(store.read().hw, expected(CENTRAL, events))
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"{path}: central NanoAOD keeps Level-1 objects above thresholds only: muons of 3 GeV with quality 8" in record.getMessage()
    assert "warning: central NanoAOD keeps" in describe_sources(Request((path,), CENTRAL))


def test_central_lacks_a_feature(tmp_path):
    events = random_events(LAYOUT, 3, seed=2)
    branches = objects(events, hardware=False) | sums(events, hardware=False, only=(1, 2, 3, 8)) | information(3)
    path = write(tmp_path / "nano.root", branches)
    layout = without(LAYOUT, {name: tuple(item.name for item in LAYOUT[name].features) for name in ("ett", "htt")})
    with pytest.raises(UserError) as error:
        imported(path, tmp_path, layout)
    assert str(error.value) == (
        f"{path}: central NanoAOD: no column for feature 'index' of group 'mu' (looked for 'L1Mu_tfMuonIndex'); use a copy of the layout "
        "without it (l1ae data layouts), or say where it is in a mapping file with --map"
    )


SCOUTING = without(LAYOUT, {"tau": tuple(item.name for item in LAYOUT["tau"].features)})


def scouting_objects(events: list[Event], prefix: str = "L1Mu") -> dict[str, Any]:
    branches = objects(events, hardware=False, convert=scouting, skip=("tau",))
    branches["L1Mu_hwCharge"] = lists(events, "mu", "charge")  # the charge itself
    branches["L1Mu_tfMuonIndex"] = lists(events, "mu", "index")
    branches["L1Jet_hwQual"] = lists(events, "jet", "quality")
    return {name.replace("L1Mu_", f"{prefix}_"): value for name, value in branches.items()}


def single_sums(events: list[Event], *, hardware: bool) -> dict[str, Any]:
    branches: dict[str, Any] = {"L1EtSum_towerCount": np.array([event["htt"][0]["tower_count"] for event in events], np.int32)}
    wanted = [(group, "pt", name) for group, name in SINGLE.items()] + [("ett", "pt_em", "totalEtEm")]
    wanted += [(group, "phi", f"{name}Phi") for group, name in SINGLE.items() if group not in {"ett", "htt"}]
    for group, feature, name in wanted:
        codes = [(event[group][0] if event[group] else {}).get(feature, 0) for event in events]
        if hardware:
            branches[f"L1EtSum_hw{name[0].upper()}{name[1:]}"] = np.array(codes, np.int32)
        else:
            branches[f"L1EtSum_{name}"] = np.array(scouting(group, feature, codes), np.float32)
    return branches


@pytest.mark.parametrize("prefix", ["L1Mu", "L1Muon"])
@pytest.mark.parametrize("kind", ["single", "single, hardware", "several"])
def test_scouting(kind, prefix, tmp_path, caplog):
    """Every phi code once; orbits of all luminosity blocks; a warning that empty crossings are left out."""
    events = random_events(SCOUTING, 300, seed=3)
    for code, event in enumerate(events):
        event["jet"] = [{"pt": 3, "eta": code % 230 - 115, "phi": code % 144, "quality": 1}]
        event["met"] = [{"pt": 5, "phi": (code * 7) % 144}]
    count = len(events)
    more = {"bunchCrossing": np.arange(count, dtype=np.uint32), "orbitNumber": np.full(count, 2**32 - 2, np.uint32)}
    total = sums(events, hardware=False, convert=scouting) if kind == "several" else single_sums(events, hardware="hardware" in kind)
    blocks = {
        "run": np.full(3, 398183, np.uint32),
        "luminosityBlock": np.arange(3, dtype=np.uint32),
        "nOrbits": np.array([2**18, 2**18, 17], np.uint32),
    }
    path = write(tmp_path / "nano.root", scouting_objects(events, prefix) | total | information(count, **more), LuminosityBlocks=blocks)
    store = imported(path, tmp_path, SCOUTING)
    np.testing.assert_array_equal(store.read().hw, expected(SCOUTING, events))
    assert (store.provenance["orbits"], store.provenance["luminosity_blocks"]) == (2**19 + 17, 3)
    assert store.read(extra=["bx", "orbit"]).extra["orbit"].tolist() == [2**32 - 2] * count
    assert [
        r.getMessage().startswith(f"{path}: Level-1 scouting leaves out crossings") for r in caplog.records if r.levelno >= logging.WARNING
    ] == [True]
    text = describe_sources(Request((path,), SCOUTING))
    assert text.startswith("Level-1 scouting NanoAOD: ")
    assert f"\norbits: {2**19 + 17}\nluminosity_blocks: 3\nwarning: " in text


def test_scouting_stream_of_selected_crossings_has_no_taus(tmp_path):
    events = random_events(SCOUTING, 3, seed=3)
    more = {"bunchCrossing": np.arange(3, dtype=np.uint32), "orbitNumber": np.arange(3, dtype=np.uint32)}
    path = write(tmp_path / "nano.root", scouting_objects(events) | single_sums(events, hardware=False) | information(3, **more))
    with pytest.raises(
        UserError, match=r"Level-1 scouting NanoAOD: no column for feature 'pt' of group 'tau' \(looked for 'L1Tau_hwPt', or 'L1Tau_pt'\)"
    ):
        imported(path, tmp_path, LAYOUT)
    assert "orbits" not in imported(path, tmp_path, SCOUTING).provenance


def test_seeds_of_two_files_are_those_of_both(tmp_path, caplog):
    events = random_events(LAYOUT, 4, seed=5)
    branches = objects(events, hardware=True) | sums(events, hardware=True) | information(4)
    first = write(tmp_path / "a.root", branches | seeds(4))
    second = write(tmp_path / "b.root", branches | {"L1_DoubleEG": np.ones(4, bool), "L1_Other": np.ones(4, bool)})
    result = import_sources(Request((first, second)), tmp_path / "out.h5")
    store = EventStore.open(result.path)
    assert store.extra == ("lumi", "run", "seed_L1_DoubleEG")
    assert store.read(extra=["seed_L1_DoubleEG"]).extra["seed_L1_DoubleEG"].tolist() == [False, True, False, True] + [True] * 4
    assert "columns that not all files have are left out: seed_L1_Other, seed_L1_SingleMu22" in caplog.text
