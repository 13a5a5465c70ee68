"""What an event is, in words and as a table, from the layout of the inputs."""

from itertools import groupby

import numpy as np
import numpy.typing as npt

from l1ae.config import Config, InputsConfig
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, InputSpec, Layout, steps_of
from l1ae.records import ContractSummary
from l1ae.report._blocks import Table
from l1ae.report._text import number

__all__ = ["added_text", "event_text", "inputs_caption", "inputs_table"]

MOST_RUNS = 8


def event_text(layout: Layout) -> str:
    """What arrives: every group with its slots and features."""
    groups = [_group_text(group) for group in layout.groups]
    listed = groups[0] if len(groups) == 1 else f"{', '.join(groups[:-1])} and {groups[-1]}"
    return (
        f"An event is what the trigger receives at one time, as integers of the hardware: {layout.title or layout.name}. It holds {listed}."
    )


def added_text(inputs: InputsConfig) -> str:
    """What the firmware computes of it, as a sentence with the space that follows; nothing where nothing is added."""
    if not inputs.add:
        return ""
    listed = ", ".join(f"{name} ({record.words})" for name, record in sorted(inputs.add.items()))
    return f"The firmware computes of these, as further inputs of the network: {listed}. "


def _group_text(group: Group) -> str:
    features = ", ".join(name.replace("_", " ") for name in group.present)
    if group.axes is not None:
        rows, columns = group.axes
        return f"an image of {rows.size} × {columns.size} {_inside(group.label)} in {rows.name} and {columns.name} ({features})"
    if not group.gated_kind:
        order = " in the order of time" if group.kind == "waveform" else ""
        return f"{group.slots} {_inside(group.label)}{order} ({features})"
    return f"{_inside(group.label)} ({features})" if group.slots == 1 else f"up to {group.slots} {_inside(group.label)} ({features} each)"


def _inside(title: str) -> str:
    """A title inside a sentence; what begins with an abbreviation stays as it is."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def inputs_table(config: Config, contract: ContractSummary | None = None) -> Table:
    """Unit, scale and preprocessing of every feature; one row for all slots of a group.

    `contract`: its summary, which says where there are bins instead.
    """
    layout, spec, bins = config.inputs.columns, _preprocessing(config), _bins(contract)
    rows = []
    for group in layout.groups:
        for feature in group.features:
            if not feature.absent:
                where = layout.positions(group.name, feature.name)
                prepared = ("–", "–") if spec is None else _prepared(spec, where, feature.name)
                if bins:
                    prepared = _binned(np.array([bins.get(layout.names[k], 0) for k in where.tolist()]))
                scale = (str(group.slots), number(feature.lsb), _codes(feature))
                rows.append((group.label, feature.name, feature.unit or "–", *scale, *prepared))
    caption = (
        "What arrives: a code stands for a multiple of the LSB. The network receives (code − offset) / 2^shift, or the entry of a table "
        "(its function and its number of steps), or the bin of the code (the number of its edges); "
        "one number holds for all slots, several are those of the slots in order."
    )
    return Table(caption, ("Group", "Feature", "Unit", "Slots", "LSB", "Codes", "Offset", "Shift"), tuple(rows), 3, folded=True)


def _bins(contract: ContractSummary | None) -> dict[str, int]:
    """How many edges each column has that is binned, in all its bins."""
    edges: dict[str, int] = {}
    if contract is None or any(tensor.name == "inputs" for tensor in contract.tensors):
        return edges
    for element in (element for item in contract.bins for element in item.elements):
        edges[element.input] = edges.get(element.input, 0) + len(element.edges)
    return edges


def _binned(edges: npt.NDArray[np.int64]) -> tuple[str, str]:
    return ("bins", f"{_by_slot(edges)} edges") if edges.any() else ("not read", "–")


def _prepared(spec: InputSpec, where: npt.NDArray[np.int64], feature: str) -> tuple[str, str]:
    """Offset and shift of the columns of a feature, or the function of its tables and how many steps each has."""
    if not spec.tabled[where].all():
        return _by_slot(spec.offset[where]), _by_slot(spec.shift[where])
    steps = np.array([len(steps_of(spec.tables[column])) for column in where.tolist()])
    return spec.functions[feature], f"{_by_slot(steps)} steps"


def _preprocessing(config: Config) -> InputSpec | None:
    """None where a description, or a training that has not been, has the offsets and shifts."""
    if config.model.described:
        return None
    try:
        return config.inputs.spec()
    except UserError:
        return None


def _codes(feature: Feature) -> str:
    low, high = feature.range
    notes = [f"zero at {feature.origin}"] if feature.origin else []
    notes += ["cyclic"] if feature.period is not None else []
    return f"{number(low)} … {number(high)}" + (f" ({', '.join(notes)})" if notes else "")


def _by_slot(values: npt.NDArray[np.int64]) -> str:
    """Numbers (slots,) with repetitions put together."""
    runs = [(value, len(list(items))) for value, items in groupby(values.tolist())]
    if len(runs) > MOST_RUNS:
        return f"{number(min(values.tolist()))} … {number(max(values.tolist()))}"
    if len(runs) == 1:
        return number(runs[0][0])
    return ", ".join(number(value) + (f" × {count}" if count > 1 else "") for value, count in runs)


def inputs_caption(layout: Layout) -> str:
    """What the figure of the inputs shows."""
    parts = ["the most telling features of all filled slots"] if any(group.gated_kind for group in layout.groups) else []
    for group in layout.groups:
        label = _inside(group.label)
        if group.axes is not None:
            parts.append(f"mean image of {label}, and the distributions of the largest value and of the sum")
        elif not group.gated_kind:
            parts.append(f"mean and 16 to 84 % band of {label}, and the distribution of all values")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
