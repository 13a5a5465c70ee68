"""Everything that can be delivered."""

import re

from l1ae.delivery import _vivado
from l1ae.delivery._cmssw import CMSSW
from l1ae.delivery._emp import EMP
from l1ae.delivery._target import COPIED_HDL, Target
from l1ae.delivery._ugt import UGT
from l1ae.registry import Registry

__all__ = ["TARGETS"]

_VIVADO = Target(
    name="vivado",
    summary="scripts for Vivado and Vitis HLS: C synthesis, IP, implementation out of context; of the RTL too, where it was made",
    needs=("hls",),
    files=_vivado.files,
    checks=_vivado.checks,
    copied=(
        *COPIED_HDL,
        "hls/firmware/ap_types/*",
        "hls/firmware/nnet_utils/*",
        "hls/tb_data/*",
        "hls/l1ae_contract.json",
        "hls/l1ae_types.json",
    ),
    by_products=("build/*", "local.tcl", "hls/tb_data/*.log", "hls/*_test"),
)


def _lacks(target: Target) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", target.name):
        return f"'{target.name}' is no name of a folder; use small letters, digits and _"
    if unknown := sorted({*target.needs, *target.takes} - {"hls", "rtl"}):
        return f"it needs '{unknown[0]}', but a delivery is made of hls, rtl or the contract alone"
    if left := sorted(set(target.needs) - set(target.takes)):
        return f"it needs '{left[0]}', which is not among what it takes; add it to takes"
    if not target.summary:
        return "summary must say in words what is delivered"
    return "" if callable(target.files) and callable(target.checks) else "it needs files(source) and checks(folder, contract)"


TARGETS = Registry("targets", Target, (CMSSW, UGT, EMP, _VIVADO), complaint=_lacks)
"""Every target by its name."""
