"""What descriptions in YAML say of their keys beyond pydantic's own: the unit of a number."""

from dataclasses import dataclass

__all__ = ["Unit"]


@dataclass(frozen=True)
class Unit:
    """The unit of a number, noted beside its type: `Annotated[float, Unit("ns")]`. The reference of the keys shows it."""

    symbol: str
