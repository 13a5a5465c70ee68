"""What READMEs of deliveries say of inputs, rates and cost."""

from collections.abc import Mapping
from typing import Any

from l1ae.contract import Contract
from l1ae.delivery._reports_find import StageFigures
from l1ae.hls._documents import meaning_of

__all__ = ["cost_values", "input_rows", "rate_values"]


def input_rows(contract: Contract) -> list[dict[str, Any]]:
    """Of every hardware input, in order: `word`, `name`, valid `codes`, what one code is (`meaning`), and `gate`.

    `gate` is the input whose code 0 says that the slot is empty. It and `meaning` are "" where no layout says so.
    """
    port, layout, names = contract.hardware, contract.layout, contract.input_names
    low, high = (port.low, port.high) if layout is None else layout.code_range
    meanings = [""] * port.size if layout is None else [meaning_of(column.feature) for column in layout.columns]
    gates = [-1] * port.size if layout is None else layout.gate.tolist()
    rows = zip(names, low.tolist(), high.tolist(), meanings, gates, strict=True)
    return [
        {
            "word": word,
            "name": name,
            "codes": f"{least} to {most}" if most > least else f"{least}",
            "meaning": meaning,
            "gate": "" if gate < 0 else names[gate],
        }
        for word, (name, least, most, meaning, gate) in enumerate(rows)
    ]


def cost_values(cost: StageFigures | None) -> dict[str, Any]:
    """For READMEs: `cost`, and `path_ns`, the longest path, which is clock less uncertainty less slack."""
    if cost is None or cost.clock_ns is None or cost.uncertainty_ns is None or cost.slack_ns is None:
        return {"cost": None, "path_ns": None}
    return {"cost": cost, "path_ns": cost.clock_ns - cost.uncertainty_ns - cost.slack_ns}


def rate_values(working_points: Mapping[str, Any] | None) -> dict[str, Any]:
    """For READMEs: `rates`, the raw rate of every working point that has a threshold, in their order, "not known" where nobody measured
    it; and `rate_head`, the head of that column, with the confidence of the intervals.
    """
    content = working_points or {}
    points = [point for point in content.get("working_points", ()) if point["threshold"] is not None]
    interval = f", {100 * content['confidence']:.3g} % interval" if "confidence" in content else ""
    return {"rates": [_rate(point.get("raw")) for point in points] or ["not known"], "rate_head": f"raw rate{interval}"}


def _rate(rate: Mapping[str, float] | None) -> str:
    return "not known" if rate is None else f"{rate['khz']:.3g} kHz ({rate['low']:.3g} to {rate['high']:.3g})"
