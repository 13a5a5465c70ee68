"""Whether firmware is what the configuration now asks for: its own record against the configuration's keys."""

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.records._hls import HlsSummary
from l1ae.rtl_results import RtlSummary
from l1ae.synth import part_of

__all__ = ["other_settings"]


def other_settings(config: Config, made: HlsSummary | RtlSummary) -> str:
    """Keys that firmware was `made` with another value of than `config` now has, with both values; empty where there is none."""
    pairs = _of_rtl(config, made) if isinstance(made, RtlSummary) else _of_hls(config, made)
    return ", ".join(f"{key} {_value(old)}, now {_value(new)}" for key, (old, new) in pairs.items() if old != new)


def _value(value: object) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _of_rtl(config: Config, made: RtlSummary) -> dict[str, tuple[object, object]]:
    rtl = config.rtl
    return {
        "rtl.part": (made.part, _device(config.rtl_part)),
        "rtl.clock_period": (made.clock_period, config.rtl_clock_period),
        "rtl.clock_uncertainty": (made.clock_uncertainty, rtl.clock_uncertainty),
        "rtl.crossings": (made.crossings, rtl.crossings),
        "rtl.interval": (made.interval, rtl.interval),
        "rtl.adders": (made.adders, rtl.adders),
    }


def _device(part: str) -> str:
    """As RTL names its part; an unknown part as it is, which no RTL was made for."""
    try:
        return part_of(part).name
    except UserError:
        return part


def _of_hls(config: Config, made: HlsSummary) -> dict[str, tuple[object, object]]:
    """But the backend, which `l1ae hls --backend` overrides."""
    hls = config.hls
    layers = {name: layer.reuse_factor for name, layer in hls.layers.items()}
    pairs: dict[str, tuple[object, object]] = {
        "hls.part": (made.part, hls.part),
        "hls.clock_period": (made.clock_period_ns, hls.clock_period),
        "hls.clock_uncertainty": (made.clock_uncertainty_percent, hls.clock_uncertainty),
        "hls.strategy": (made.strategy, hls.strategy),
        "hls.io_type": (made.io_type, hls.io_type),
        "hls.reuse_factor": (made.reuse_factor, hls.reuse_factor),
    }
    names = sorted(layers.keys() | made.layer_reuse_factors.keys())
    return pairs | {f"hls.layers.{name}.reuse_factor": (made.layer_reuse_factors.get(name), layers.get(name)) for name in names}
