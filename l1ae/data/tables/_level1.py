"""What the ROOT formats of CMS' Level-1 trigger have in common.

Types of energy sums: enumeration `EtSumType` of CMSSW, DataFormats/L1Trigger/interface/EtSum.h. Groups and features are known by
`source`, their names in L1 ntuples, as the layouts `ugt`, `ugt_full` and `cms_l1_record` give them.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from l1ae.errors import UserError

__all__ = ["SUM_TYPES", "chosen_seeds"]

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
