"""CMS Level-1 ntuples: what L1Trigger/L1TNtuples of CMSSW writes.

`L1UpgradeTree` has one entry per event with the objects of several bunch crossings in lists, of which crossing 0 is taken; energy
sums share lists and are told apart by `sumType`. `L1EventTree` tells run and crossing, the aliases of `L1uGTTree` which bit of
the final decision is which seed.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from l1ae.data.tables._level1 import SUM_TYPES, chosen_seeds
from l1ae.data.tables._plan import FeaturePlan, Plan, plan_groups
from l1ae.data.tables._reference import Lists, Places, resolve_scalar
from l1ae.data.tables._root import open_root, tree_aliases, tree_names
from l1ae.data.tables._table import Derived, Field, Table
from l1ae.inputs import Layout

__all__ = ["is_l1_ntuple", "open_l1_ntuple"]

_UPGRADE = ("l1UpgradeTree/L1UpgradeTree", "l1UpgradeEmuTree/L1UpgradeTree")
_SEEDS = {_UPGRADE[0]: "l1uGTTree/L1uGTTree", _UPGRADE[1]: "l1uGTEmuTree/L1uGTTree"}
_EVENT = "l1EventTree/L1EventTree"
_ALIAS = re.compile(r"L1uGT\.m_algoDecisionInitial\[(\d+)\]")
_DECISION = "m_algoDecisionFinal"
_OBJECTS = {
    "muons": (
        "muon",
        ("IEt", "IEtUnconstrained", "IEta", "IPhi", "IEtaAtVtx", "IPhiAtVtx", "Qual", "Chg", "TfMuonIdx", "Iso", "Dxy"),
    ),
    "jets": ("jet", ("IEt", "IEta", "IPhi", "HwQual", "RawEt")),
    "egammas": ("eg", ("IEt", "IEta", "IPhi", "Iso")),
    "taus": ("tau", ("IEt", "IEta", "IPhi", "Iso")),
}
_EXTRA = ("run", "lumi", "event", "bx", "orbit", "time")


def is_l1_ntuple(path: Path) -> bool:
    """Whether a ROOT file has the tree of an L1 ntuple."""
    return any(tree in tree_names(path) for tree in _UPGRADE)


def open_l1_ntuple(path: Path, layout: Layout, seeds: Sequence[str] | None = None) -> tuple[Table, Plan]:
    """The unpacked objects of an L1 ntuple, or the emulated ones where it has no others, and the plan to read them.

    `seeds` are patterns of the seeds to keep; None keeps all. Raises `UserError` for a feature that these files do not have.
    """
    trees = tree_names(path)
    upgrade = next(tree for tree in _UPGRADE if tree in trees)
    bits = _SEEDS[upgrade] if _SEEDS[upgrade] in trees else None
    chosen = (upgrade, *(tree for tree in (_EVENT, bits) if tree is not None and tree in trees))
    table = open_root(path, chosen)
    extra = {name: Places(((name, 0),)) for name in _EXTRA if name in table.fields}
    pileup = None
    if "nPV_True" in table.fields:  # 0 in data
        field = Field("pileup", table.fields["nPV_True"].dtype, rows=table.rows)
        table = Derived.of(table, {"pileup": (field, ("nPV_True",), lambda number: np.where(number > 0, number, -1))})
        pileup = Places((("pileup", 0),))
    if bits is not None and _DECISION in table.fields:
        aliases = {name: match[1] for name, text in tree_aliases(path, bits).items() if (match := _ALIAS.fullmatch(text))}
        found = {name: f"{_DECISION}[{bit}]" for name, bit in sorted(aliases.items())}
        extra |= {name: resolve_scalar(table, column) for name, column in chosen_seeds(found, seeds, str(path)).items()}
    groups = plan_groups(table, layout, _known(), f"L1 ntuple ({upgrade})")
    return table, Plan(layout, groups, pileup=pileup, extra=extra)


def _known() -> dict[tuple[str, str], list[FeaturePlan]]:
    known = {
        (group, f"{kind}{name}"): [FeaturePlan(Lists(f"{kind}{name}"), "codes", where=((f"{kind}Bx", 0.0),))]
        for group, (kind, names) in _OBJECTS.items()
        for name in names
    }
    for (group, name), number in SUM_TYPES.items():
        column = "sumIPhi" if name == "phi" else "sumIEt"
        known[group, name] = [FeaturePlan(Lists(column), "codes", where=(("sumType", float(number)), ("sumBx", 0.0)))]
    return known
