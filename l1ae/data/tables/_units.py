"""Units of physical values: conversion into those of a layout, and what a wrong one looks like."""

from math import pi

from l1ae.errors import UserError

__all__ = ["check", "convert", "neighbour", "of_quantity", "quantity"]

_UNITS: dict[str, dict[str, float]] = {
    "energy": {"eV": 1e-9, "keV": 1e-6, "MeV": 1e-3, "GeV": 1.0, "TeV": 1e3},
    "angle": {"rad": 1.0, "mrad": 1e-3, "deg": pi / 180},
    "length": {"um": 1e-4, "mm": 0.1, "cm": 1.0, "m": 100.0},
    "time": {"ps": 1e-3, "ns": 1.0, "us": 1e3},
}


def quantity(unit: str) -> str | None:
    """What a unit measures; None for one that is not known."""
    return next((name for name, units in _UNITS.items() if unit in units), None)


def neighbour(unit: str, step: int) -> str | None:
    """The unit of an energy, length or time that is `step` (1: larger, -1: smaller) from this one; None without one."""
    kind = quantity(unit)
    if kind is None or kind == "angle":
        return None
    units = list(_UNITS[kind])
    place = units.index(unit) + step
    return units[place] if 0 <= place < len(units) else None


def of_quantity(units: tuple[str, ...], unit: str) -> str | None:
    """The one of `units` that measures what `unit` does; None without one."""
    return next((item for item in units if quantity(item) is not None and quantity(item) == quantity(unit)), None)


def check(units: tuple[str, ...], where: str) -> None:
    """Raise `UserError` for units that are not known, and for two of one kind of quantity."""
    for unit in units:
        if quantity(unit) is None:
            raise UserError(
                f"{where}: units: '{unit}' is not known; the units are {', '.join(u for item in _UNITS.values() for u in item)}"
            )
    kinds = [quantity(unit) for unit in units]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise UserError(f"{where}: units: more than one of {kind}: {', '.join(units)}; give the unit of single columns with unit:")


def convert(unit: str, into: str, where: str) -> float:
    """The factor between two units. `where` begins the message of the `UserError` for units of unlike quantities."""
    if unit == into:
        return 1.0
    kind = quantity(into)
    if kind is None or unit not in _UNITS[kind]:
        possible = f"one of {', '.join(_UNITS[kind])}" if kind else f"'{into}'" if into else "no unit"
        raise UserError(f"{where}: unit: '{unit}' does not fit: the layout has it in {repr(into) if into else 'no unit'}; write {possible}")
    return _UNITS[kind][unit] / _UNITS[kind][into]
