"""What others load: CMSSW emulator, test vectors and wrappers, vendor scripts; each checked against the contract."""

from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import Check, Target

__all__ = ["Check", "Provenance", "Source", "Target"]
