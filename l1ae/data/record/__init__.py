"""The public CMS Level-1 record (doi:10.5281/zenodo.21787779): its Zenodo tree and its mirror of one row per event."""

from l1ae.data.record._describe import describe_record
from l1ae.data.record._import import OutsideCut, import_record

__all__ = ["OutsideCut", "describe_record", "import_record"]
