"""The layout of the public Level-1 record as the global trigger can give it."""

from l1ae.inputs import Layout, named_layout


def record_at_vertex() -> Layout:
    """`cms_l1_record` with the muons of `ugt`, whose angles are those at the vertex."""
    record, muons = named_layout("cms_l1_record"), named_layout("ugt")["mu"]
    groups = [group.model_copy(update={"features": muons.features}) if group.name == "mu" else group for group in record.groups]
    return Layout(name="record_at_vertex", groups=tuple(groups))
