"""What the ROOT formats of CMS' Level-1 trigger have in common.

Types of energy sums: enumeration `EtSumType` of CMSSW, DataFormats/L1Trigger/interface/EtSum.h. Groups and features are known by
`source`, their names in L1 ntuples, as the layouts `ugt`, `ugt_full` and `cms_l1_record` give them.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from l1ae.errors import UserError
from l1ae.inputs import Layout

__all__ = ["SUM_TYPES", "MuonAngles", "chosen_seeds", "with_muon_angles"]

MuonAngles = Literal["vertex", "station"]

SUM_TYPES = {
    ("ET", "Et"): 0,
    ("HT", "Et"): 1,
    ("MET", "Et"): 2,
    ("MET", "phi"): 2,
    ("MHT", "Et"): 3,
    ("MHT", "phi"): 3,
    ("FET", "Et"): 8,
    ("FET", "phi"): 8,
    ("ET", "ETTEM"): 16,
    ("FHT", "Et"): 20,
    ("FHT", "phi"): 20,
    ("HT", "tower_count"): 21,
}
"""Type of the energy sum that a feature comes from, by the sources of its group and itself."""

_STATION = {"muonIEtaAtVtx": "muonIEta", "muonIPhiAtVtx": "muonIPhi"}
_VERTEX = {station: vertex for vertex, station in _STATION.items()}


def with_muon_angles(layout: Layout, angles: MuonAngles | None) -> Layout:
    """The layout with eta and phi of muons extrapolated to the vertex, or at the muon stations; None leaves it as it is.

    Raises `UserError` where the layout has both, or no muons.
    """
    if angles is None:
        return layout
    renamed = _STATION if angles == "station" else _VERTEX
    known = {*_STATION, *_VERTEX}
    groups, muons = [], 0
    for group in layout.groups:
        sources = [feature.source for feature in group.features if feature.source in known]
        if len(sources) > 2:
            raise UserError(f"--muon-angles: group '{group.name}' of layout '{layout.name}' has both; leave the option out")
        muons += len(sources)
        features = [item.model_copy(update={"source": renamed.get(item.source or "", item.source)}) for item in group.features]
        groups.append(group.model_copy(update={"features": tuple(features)}))
    if not muons:
        raise UserError(f"--muon-angles: layout '{layout.name}' has no eta and phi of muons; leave the option out")
    return layout.model_copy(update={"groups": tuple(groups)})


def chosen_seeds(found: Mapping[str, str], patterns: Sequence[str] | None, where: str) -> dict[str, str]:
    """The seeds (name: column) whose name fits one of the patterns, as extra columns `seed_NAME`; all without patterns.

    Raises `UserError` naming the pattern that no seed fits.
    """
    if patterns is None:
        return {f"seed_{name}": column for name, column in found.items()}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in found):
            raise UserError(
                f"{where}: no seed is like '{pattern}'; it has {len(found)}, for example {', '.join(list(found)[:5]) or 'none'}"
            )
    return {f"seed_{name}": column for name, column in found.items() if any(fnmatchcase(name, pattern) for pattern in patterns)}
