"""Which angles of muons a layout takes from files of the CMS Level-1 trigger."""

from typing import Literal

from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout

__all__ = ["MuonAngles", "with_muon_angles"]

MuonAngles = Literal["vertex", "station"]

# The other column, and its lowest bit in the global trigger's word; eta at the stations travels in a word of its own.
_STATION: dict[str, tuple[str, int | None]] = {"muonIEtaAtVtx": ("muonIEta", None), "muonIPhiAtVtx": ("muonIPhi", 43)}
_VERTEX: dict[str, tuple[str, int | None]] = {"muonIEta": ("muonIEtaAtVtx", 23), "muonIPhi": ("muonIPhiAtVtx", 0)}


def with_muon_angles(layout: Layout, angles: MuonAngles | None) -> Layout:
    """The layout with eta and phi of muons extrapolated to the vertex, or at the muon stations; None leaves it as it is.

    Raises `UserError` where the layout has both, or none.
    """
    if angles is None:
        return layout
    renamed = _STATION if angles == "station" else _VERTEX
    groups, muons = [], 0
    for group in layout.groups:
        found = [feature.source for feature in group.features if feature.source in {*_STATION, *_VERTEX}]
        if len(found) > 2:
            raise UserError(f"--muon-angles: group '{group.name}' of layout '{layout.name}' has both; leave the option out")
        muons += len(found)
        groups.append(_renamed(group, renamed))
    if not muons:
        raise UserError(f"--muon-angles: layout '{layout.name}' has no eta and phi of muons; leave the option out")
    return Layout(name=layout.name, title=layout.title, groups=tuple(groups), preset=layout.preset)


def _renamed(group: Group, renamed: dict[str, tuple[str, int | None]]) -> Group:
    def changed(feature: Feature) -> Feature:
        if feature.source not in renamed:
            return feature
        source, bit = renamed[feature.source]
        return feature.model_copy(update={"source": source, "bit": bit})

    return group.model_copy(update={"features": tuple(map(changed, group.features))})
