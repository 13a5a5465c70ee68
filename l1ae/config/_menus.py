"""Menus that come with the package, from YAML files."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import Field

from l1ae.config._section import Section
from l1ae.config._seed import LegConfig, SeedConfig
from l1ae.documents import validate
from l1ae.errors import UserError
from l1ae.schema import Unit

__all__ = ["NamedMenu", "StandIn", "menu_names", "named_menu"]


class StandIn(Section):
    """What takes the place of legs on the group `instead_of` where the inputs do not have it.

    The same threshold on the energy of the group `object`; with `pt`, on the sum of pT of its objects above `pt` within `eta`.
    `renamed` is the part of a seed's name that says the group, and what it then is.
    """

    instead_of: str = Field(description="the group that the inputs do not have")
    renamed: tuple[str, str] = Field(description="the part of a seed's name that says the group, and what it then is")
    object: str = Field(description="the group that takes its place")
    pt: Annotated[float | None, Unit("GeV")] = Field(None, description="with it: the sum of pT of the objects above it")
    eta: float | None = Field(None, description="largest |eta| of the objects of that sum")

    def leg(self, leg: LegConfig) -> LegConfig:
        """What such a leg becomes."""
        if self.pt is None:
            return LegConfig(object=self.object, pt=leg.pt)
        return LegConfig(object=self.object, pt=(self.pt,), eta=self.eta, sum=leg.pt[0])

    def applied(self, seed: SeedConfig) -> SeedConfig:
        """The seed with this in place of what it stands for."""
        legs = tuple(self.leg(leg) if leg.object == self.instead_of else leg for leg in seed.all)
        return seed if legs == seed.all else SeedConfig(name=seed.name.replace(*self.renamed), all=legs)


class NamedMenu(Section):
    """Seeds that nobody wrote for one layout: each layout takes those that it has the objects for.

    `bits` is by group the width of the quality and isolation whose codes the seeds mean: another width has other codes.
    `not_expressed`: seeds of the same real menu that no cuts of ours express, by what would be needed.
    """

    title: str = Field(description="what the menu is, for people")
    bits: Annotated[dict[str, dict[Literal["quality", "isolation"], int]], Unit("bits")] = Field(
        {}, description="by group: the widths of quality and isolation whose codes the seeds mean"
    )
    seeds: tuple[SeedConfig, ...] = Field(min_length=1, description="the cut-based seeds")
    stand_ins: tuple[StandIn, ...] = Field((), description="what takes the place of groups that inputs do not have")
    not_expressed: dict[str, tuple[str, ...]] = Field(
        {}, description="seeds of the same real menu that no cuts of ours express, by what would be needed"
    )


def menu_names() -> tuple[str, ...]:
    """The menus that come with the package, in alphabetical order."""
    folder = files("l1ae.config") / "menus"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


@cache
def named_menu(name: str) -> NamedMenu:
    """A menu that comes with the package. Raises `UserError` for an unknown name."""
    if name not in menu_names():
        raise UserError(f"unknown menu '{name}'; the menus are {', '.join(menu_names())}, or give a list of seeds")
    text = (files("l1ae.config") / "menus" / f"{name}.yaml").read_text()
    # the default menu is read whenever l1ae starts, and the loader in Python takes 0.2 s for it
    return validate(NamedMenu, yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), f"menu {name}")
