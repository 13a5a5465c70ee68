"""CMS NanoAOD with Level-1 objects, and that of the Level-1 scouting.

PhysicsTools/NanoAOD/python/l1trig_cff.py of CMSSW: the full tables have hardware columns (hwPt, ...); the central production keeps
physical values of objects above thresholds. L1TriggerScouting/NanoAOD: one entry per bunch crossing, values by
L1TriggerScouting/Utilities/interface/conversion.h. Hardware columns are taken where there are any. Physical values were made from
codes and become them again by rounding; phi of the calorimeter is in units of 0.0435 in scouting, of 2 pi / 144 elsewhere.
"""

import logging
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.tables._level1 import SUM_TYPES, chosen_seeds
from l1ae.data.tables._plan import FeaturePlan, Plan, plan_groups
from l1ae.data.tables._reference import Lists, Places
from l1ae.data.tables._root import open_root, tree_names
from l1ae.data.tables._table import Derived, Field, Jagged, Table
from l1ae.inputs import Layout

__all__ = ["Flavour", "flavour_of", "nanoaod_provenance", "open_nanoaod", "warnings_of"]

log = logging.getLogger("l1ae")

_EVENTS, _BLOCKS = "Events", "LuminosityBlocks"
_SCOUTING_PHI = 0.0435
_CHARGE = "charge from hwCharge"

# Source of the feature: hardware column, and column with physical values.
_TABLES: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str | None]]]] = {
    "muons": (
        ("L1Mu", "L1Muon"),
        {
            "muonIEt": ("hwPt", "pt"),
            "muonIEta": ("hwEta", "eta"),
            "muonIPhi": ("hwPhi", "phi"),
            "muonIEtaAtVtx": ("hwEtaAtVtx", "etaAtVtx"),
            "muonIPhiAtVtx": ("hwPhiAtVtx", "phiAtVtx"),
            "muonIEtUnconstrained": ("hwPtUnconstrained", "ptUnconstrained"),
            "muonQual": ("hwQual", None),
            "muonTfMuonIdx": ("tfMuonIndex", None),
            "muonIso": ("hwIso", None),
            "muonDxy": ("hwDXY", None),
            "muonChg": (_CHARGE, None),
        },
    ),
    "jets": (
        ("L1Jet",),
        {
            "jetIEt": ("hwPt", "pt"),
            "jetIEta": ("hwEta", "eta"),
            "jetIPhi": ("hwPhi", "phi"),
            "jetHwQual": ("hwQual", None),
            "jetRawEt": ("rawEt", None),
        },
    ),
    "egammas": (("L1EG",), {"egIEt": ("hwPt", "pt"), "egIEta": ("hwEta", "eta"), "egIPhi": ("hwPhi", "phi"), "egIso": ("hwIso", None)}),
    "taus": (("L1Tau",), {"tauIEt": ("hwPt", "pt"), "tauIEta": ("hwEta", "eta"), "tauIPhi": ("hwPhi", "phi"), "tauIso": ("hwIso", None)}),
}
_SINGLE_SUMS = {
    ("ET", "Et"): "totalEt",
    ("ET", "ETTEM"): "totalEtEm",
    ("HT", "Et"): "totalHt",
    ("MET", "Et"): "missEt",
    ("MET", "phi"): "missEtPhi",
    ("MHT", "Et"): "missHt",
    ("MHT", "phi"): "missHtPhi",
    ("FET", "Et"): "missEtHF",
    ("FET", "phi"): "missEtHFPhi",
    ("FHT", "Et"): "missHtHF",
    ("FHT", "phi"): "missHtHFPhi",
}
_EXTRA = {"run": "run", "lumi": "luminosityBlock", "event": "event", "bx": "bunchCrossing", "orbit": "orbitNumber"}
_CENTRAL_WARNING = (
    "central NanoAOD keeps Level-1 objects above thresholds only: muons of 3 GeV with quality 8, e/gamma of 10, taus of 24, jets of 30 "
    "GeV; inputs below are missing, so that scores and rates differ from those of the trigger: train and measure on the record, on "
    "L1 ntuples or on the full (L1T DPG) NanoAOD"
)
_SCOUTING_WARNING = (
    "Level-1 scouting leaves out crossings without any object: a rate is the fraction of all crossings, orbits x filled bunches, and not "
    "of these events; the number of orbits is in the provenance where the file has it"
)


@dataclass(frozen=True)
class Flavour:
    """A kind of NanoAOD: its title, and what users of its events must know."""

    title: str
    warning: str | None = None
    scouting: bool = False


_FULL = Flavour("NanoAOD with all Level-1 objects")
_CENTRAL = Flavour("central NanoAOD", _CENTRAL_WARNING)
_SCOUTING = Flavour("Level-1 scouting NanoAOD", _SCOUTING_WARNING, scouting=True)


def flavour_of(path: Path) -> Flavour | None:
    """The kind of NanoAOD that a ROOT file is; None where it has no Level-1 objects or is none."""
    if _EVENTS not in tree_names(path):
        return None
    names = open_root(path, _EVENTS).fields
    if not any(_has(names, prefix) for prefixes, _ in _TABLES.values() for prefix in prefixes):
        return None
    if "orbitNumber" in names and "event" not in names:
        return _SCOUTING
    return _FULL if any(f"{prefix}_hwPt" in names for prefixes, _ in _TABLES.values() for prefix in prefixes) else _CENTRAL


def _has(names: Container[str], table: str) -> bool:
    return f"{table}_pt" in names or f"{table}_hwPt" in names


def open_nanoaod(path: Path, layout: Layout, seeds: Sequence[str] | None = None) -> tuple[Table, Plan]:
    """The events of a NanoAOD file and the plan to read them; bunch crossing 0 where several are kept.

    `seeds` are patterns of the `L1_` branches to keep; None keeps all. Raises `UserError` for a feature that the file does not have.
    """
    flavour = flavour_of(path)
    assert flavour is not None
    table = _with_charge(open_root(path, _EVENTS), flavour)
    extra = {name: Places(((column, 0),)) for name, column in _EXTRA.items() if column in table.fields}
    found = {name: name for name, field in table.fields.items() if name.startswith("L1_") and field.dtype.kind == "b" and not field.jagged}
    extra |= {name: Places(((column, 0),)) for name, column in chosen_seeds(found, seeds, str(path)).items()} if found or seeds else {}
    pileup = Places((("Pileup_nTrueInt", 0),)) if "Pileup_nTrueInt" in table.fields else None
    groups = plan_groups(table, layout, _known(table, flavour), flavour.title)
    return table, Plan(layout, groups, pileup=pileup, extra=extra)


def _known(table: Table, flavour: Flavour) -> dict[tuple[str, str], list[FeaturePlan]]:
    known: dict[tuple[str, str], list[FeaturePlan]] = {}
    for group, (prefixes, features) in _TABLES.items():
        prefix = next((item for item in prefixes if _has(table.fields, item)), prefixes[0])
        where = ((f"{prefix}_bx", 0.0),) if f"{prefix}_bx" in table.fields else ()
        for name, (code, physical) in features.items():
            known[group, name] = [FeaturePlan(Lists(f"{prefix}_{code}"), "codes", where=where)]
            if physical is not None:
                step = _SCOUTING_PHI if flavour.scouting and physical == "phi" and group != "muons" else None
                known[group, name].append(FeaturePlan(Lists(f"{prefix}_{physical}"), "grid", step=step, where=where))
    for (group, name), kind in SUM_TYPES.items():
        where = (("L1EtSum_etSumType", float(kind)), *((("L1EtSum_bx", 0.0),) if "L1EtSum_bx" in table.fields else ()))
        code, physical = ("hwPhi", "phi") if name == "phi" else ("hwPt", "pt")
        step = _SCOUTING_PHI if flavour.scouting and name == "phi" else None
        known[group, name] = [
            FeaturePlan(Lists(f"L1EtSum_{code}"), "codes", where=where),
            FeaturePlan(Lists(f"L1EtSum_{physical}"), "grid", step=step, where=where),
        ]
    if "L1EtSum_etSumType" not in table.fields:
        for key, single in _SINGLE_SUMS.items():
            step = _SCOUTING_PHI if key[1] == "phi" else None
            known[key] = [
                FeaturePlan(_scalar(f"hw{single[0].upper()}{single[1:]}"), "codes"),
                FeaturePlan(_scalar(single), "grid", step=step),
            ]
        known["HT", "tower_count"] = [FeaturePlan(_scalar("towerCount"), "codes")]
    return known


def _scalar(name: str) -> Places:
    return Places(((f"L1EtSum_{name}", 0),))


def _with_charge(table: Table, flavour: Flavour) -> Table:
    """Scouting has the charge, NanoAOD the bit of the hardware word (0: positive), valid or not."""
    prefix = next((item for item in _TABLES["muons"][0] if f"{item}_hwCharge" in table.fields), None)
    if prefix is None:
        return table
    bit, valid, target = f"{prefix}_hwCharge", f"{prefix}_hwChargeValid", f"{prefix}_{_CHARGE}"
    needed = (bit, valid) if valid in table.fields and not flavour.scouting else (bit,)
    function = _same if flavour.scouting else _charge
    return Derived.of(table, {target: (Field(target, np.dtype(np.int16), jagged=True, rows=table.rows), needed, function)})


def _same(charge: Jagged) -> Jagged:
    return charge


def _charge(bit: Jagged, valid: Jagged | None = None) -> Jagged:
    charge: npt.NDArray[Any] = 1 - 2 * (bit.content.astype(np.int16) & 1)
    return Jagged(charge if valid is None else np.where(valid.content != 0, charge, 0), bit.counts)


def nanoaod_provenance(paths: Sequence[Path]) -> dict[str, object]:
    """Numbers of orbits and luminosity blocks, summed over scouting files that have them."""
    orbits, blocks = 0, 0
    for path in paths:
        if _BLOCKS not in tree_names(path):
            return {}
        table = open_root(path, _BLOCKS)
        if "nOrbits" not in table.fields:
            return {}
        for block in table.blocks(["nOrbits"], 1 << 20):
            orbits += int(np.asarray(block["nOrbits"]).astype(np.int64).sum())
        blocks += table.rows or 0
    return {"orbits": orbits, "luminosity_blocks": blocks}


def warnings_of(paths: Sequence[Path]) -> tuple[str, ...]:
    """What users of these files must know, each once."""
    found = [flavour.warning for path in paths if (flavour := flavour_of(path)) is not None and flavour.warning]
    return tuple(dict.fromkeys(found))
