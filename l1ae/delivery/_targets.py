"""Everything that can be delivered."""

from l1ae.delivery import _vivado
from l1ae.delivery._cmssw import CMSSW
from l1ae.delivery._emp import EMP
from l1ae.delivery._target import COPIED_HDL, Target
from l1ae.delivery._ugt import UGT

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
    by_products=("build/*", "local.tcl"),
)

TARGETS = {target.name: target for target in (CMSSW, UGT, EMP, _VIVADO)}
