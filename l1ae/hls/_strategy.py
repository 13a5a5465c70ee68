"""Which combinations of strategy, interface and network hls4ml and the HLS tools can build."""

from l1ae.config import HlsConfig
from l1ae.contract import Contract

__all__ = ["check_strategy"]


def check_strategy(contract: Contract, hls: HlsConfig) -> None:
    """TBD"""
