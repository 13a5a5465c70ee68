"""Offsets and shifts by group, as people write them."""

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from l1ae.errors import UserError
from l1ae.inputs._base import Format, Frozen
from l1ae.inputs._groups import Group
from l1ae.schema import Unit

__all__ = ["GroupPreset", "Numbers", "Preset", "spread"]

Numbers = int | tuple[int, ...] | tuple[tuple[int, ...], ...]
"""One number for all columns of a group, one per feature, or one row of features per slot."""


class GroupPreset(Frozen):
    """Offsets and right shifts of one group's columns."""

    offset: Annotated[Numbers, Unit("codes")] = Field(
        0, description="subtracted from the hardware code: one number, one per feature, or a row of features per slot"
    )
    shift: Annotated[Numbers, Unit("bits")] = Field(0, description="of the shift to the right behind it, in the same forms")


class Preset(Frozen):
    """Preprocessing by hand that comes with a layout: the network's input type, and offsets and shifts by group."""

    network: Format = Field(description="type of the network's inputs")
    groups: dict[str, GroupPreset] = Field({}, description="offsets and shifts by group")


def spread(numbers: Numbers, group: Group, what: str) -> npt.NDArray[np.int64]:
    """One number for all columns of a group, one per feature, or one row per slot, as (slots, features).

    Raises `UserError` naming group, `what` and the shapes that would be right.
    """
    try:
        values = np.asarray(numbers, np.int64)
    except ValueError:
        values = np.zeros((0, 0), np.int64)
    if values.shape not in {(), (len(group.features),), (group.slots, len(group.features))}:
        names = ", ".join(feature.name for feature in group.features)
        raise UserError(
            f"group '{group.name}': {what} must be one number, one per feature ({names}), or one such row for each of its "
            f"{group.slots} slots, not {numbers}"
        )
    return np.broadcast_to(values, (group.slots, len(group.features)))
