"""Cut-based seeds, as people write them."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from l1ae.config._section import Section
from l1ae.schema import Unit

__all__ = ["LegConfig", "SeedConfig"]

Energy = Annotated[float, Field(gt=0)]


class LegConfig(Section):
    """Cuts on one group of the inputs that has an energy in GeV, whatever its name: pT below.

    Without `sum`: at least as many objects as `pt` has thresholds, the i-th hardest of them with pT >= the i-th threshold,
    all within |eta| <= `eta`. With `sum`: the scalar sum of pT of the objects above `pt` and within `eta` is >= `sum`. With
    `quality` and `isolation` only objects count that have them. With `deta` two of these objects are meant that differ by no more
    in eta.
    """

    object: str = Field(description="group of the inputs, for example met, eg, mu or jet")
    pt: Annotated[tuple[Energy, ...], Unit("GeV")] = Field(min_length=1, description="thresholds, one per object, the highest first")
    eta: float | None = Field(None, gt=0, description="largest |eta|; no cut by default")
    quality: Annotated[int | None, Unit("codes")] = Field(None, ge=1, description="smallest code of the group's quality")
    isolation: Annotated[int | None, Unit("codes")] = Field(
        None, ge=1, description="bits of the group's isolation, as a number: one of them at least is set"
    )
    sum: Annotated[float | None, Unit("GeV")] = Field(
        None, gt=0, description="threshold on the sum of pT (HT); pt is then the threshold of an object"
    )
    deta: float | None = Field(None, gt=0, description="largest difference in eta between the two objects")

    @field_validator("pt", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _thresholds_make_sense(self) -> Self:
        if list(self.pt) != sorted(self.pt, reverse=True):
            raise ValueError(f"pt {list(self.pt)} of '{self.object}' must fall: the threshold of the hardest object comes first")
        if self.sum is not None and len(self.pt) > 1:
            raise ValueError(f"a sum of '{self.object}' has one pt threshold for every object, not {len(self.pt)}")
        if self.deta is not None and (len(self.pt) != 2 or self.sum is not None):
            raise ValueError(f"deta is between two objects, so '{self.object}' needs two pt thresholds and no sum")
        return self


class SeedConfig(Section):
    """One cut-based seed of the menu: it fires where all its legs do, each on the objects of the event as if it were alone.

    A seed with one leg is written without `all`: the leg's keys stand beside the name.
    """

    name: str = Field(min_length=1, description="of the seed, in tables and files")
    all: tuple[LegConfig, ...] = Field(min_length=1, description="legs: cuts on one group each")

    @model_validator(mode="before")
    @classmethod
    def _one_leg(cls, content: Any) -> Any:
        if not isinstance(content, Mapping):
            return content
        leg = {key: value for key, value in content.items() if key not in {"name", "all"}}
        legs = [item for item in content["all"] if isinstance(item, Mapping)] if isinstance(content.get("all"), list | tuple) else []
        for item in (leg, *legs):
            _check_energy(content.get("name"), item)
        if "all" not in content:
            return {**{key: content[key] for key in content if key not in leg}, "all": [leg]}
        if "object" in leg or "pt" in leg:
            raise ValueError(f"seed '{content.get('name')}' has legs (all) and {', '.join(leg)} beside them; write these as one more leg")
        return content


def _check_energy(seed: Any, leg: Mapping[str, Any]) -> None:
    """What a layout calls `et` is `pt` in a seed: one message, instead of one for either key."""
    unknown = [key for key in leg if key not in LegConfig.model_fields]
    if unknown and "object" in leg and "pt" not in leg:
        raise ValueError(
            f"seed '{seed}': the cut on the energy of '{leg['object']}' is called pt, whatever the layout calls the feature; write pt: "
            f"in the place of {unknown[0]}:"
        )
