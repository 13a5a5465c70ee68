"""What all descriptions of inputs are built on: frozen models, and fixed-point formats as their fields."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from l1ae.errors import UserError
from l1ae.inputs._fixed import FixedFormat

__all__ = ["Format", "Frozen"]


def _parse_format(value: object) -> object:
    """pydantic adds the place to a `ValueError`; a `UserError` would pass through without it."""
    try:
        return FixedFormat.parse(value) if isinstance(value, str) else value
    except UserError as error:
        raise ValueError(str(error)) from error


Format = Annotated[FixedFormat, BeforeValidator(_parse_format), PlainSerializer(str, return_type=str)]


class Frozen(BaseModel):
    """Base of the descriptions: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
