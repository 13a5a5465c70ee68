"""Rates and working points: where zero-bias events come from, the menu that a rate is pure against, the rates asked for."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from l1ae.config._menus import NamedMenu, menu_names, named_menu
from l1ae.config._section import Section
from l1ae.config._seed import SeedConfig
from l1ae.errors import UserError
from l1ae.schema import Unit

__all__ = ["TriggerConfig"]

Rate = Annotated[float, Field(gt=0)]
Seeds = tuple[SeedConfig, ...]
# Told apart before they are read: a mistake in a seed is not reported as a wrong name as well.
NameOrSeeds = Annotated[
    Annotated[str, Tag("name")] | Annotated[Seeds, Tag("seeds")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "seeds"),
]


ANOMALY_TRIGGERS = (
    "*AXO*",
    "*CICADA*",
    "*_ADT*",
    "*AnomDet*",
    "*ANOM*",
    "*Anomaly*",
    "*ADVAE*",
    "*ARTEMIS*",
    "*GELATO*",
    "*NomAD*",
    "*NOMAD*",
)
"""Names of anomaly triggers in menus of CMS and ATLAS; a rate that is pure against them would not be that of a first one."""


ZERO_BIAS = ("auto", "data", "shipped")
"""Crossings that have a name."""


class TriggerConfig(Section):
    """The trigger as it is run: `l1ae trigger`."""

    zero_bias: str = Field(
        "auto",
        description="crossings that set rates: 'data', the test part of the background that is trained on; 'shipped', those that come with "
        "l1ae; or an event store, relative to the configuration file; auto: data where the background is zero bias, else shipped where "
        "it has the columns",
    )
    revolution_khz: Annotated[float, Unit("kHz")] = Field(
        11.2456, gt=0, description="orbits of the LHC, which with `bunches` is the rate of crossings"
    )
    bunches: int = Field(2544, ge=1, le=3564, description="colliding bunches in an orbit")
    rates: Annotated[tuple[Rate, ...], Unit("kHz")] = Field(
        (0.25, 0.5, 1.0, 3.0, 10.0),
        min_length=1,
        description="one working point each; efficiencies, baselines and comparisons are at the same rates",
    )
    ladder: Literal["auto", "raw", "pure"] = Field(
        "auto", description="which rate of a working point `rates` means; auto: the pure one where there is a menu"
    )
    firmware: Annotated[float | None, Unit("kHz")] = Field(
        None, gt=0, description="the one of `rates` whose threshold the firmware has; default: the largest up to 1, or the smallest"
    )
    menu_from: Literal["auto", "cuts", "recorded"] = Field(
        "auto", description="seeds: `menu`, or the recorded bits of the zero-bias store; auto takes the bits where there are any"
    )
    menu: NameOrSeeds = Field(
        "run3",
        description="what a rate is pure against: the name of a menu that comes with l1ae, of which the inputs take the seeds that they "
        "have the objects for, or a list of cut-based seeds",
    )
    recorded_seeds: tuple[str, ...] = Field(("*",), description="patterns (* and ?) of the recorded seeds that make the menu")
    recorded_excluded: tuple[str, ...] = Field(
        (*ANOMALY_TRIGGERS, "*ZeroBias*", "*AlwaysTrue*"),
        description="patterns of recorded seeds that are not part of the menu: anomaly triggers, and what is no choice of events",
    )
    pileup_bins: Annotated[int, Unit("bins")] = Field(5, ge=1, le=100, description="of pileup, equally filled, in which rates are shown")
    luminosity_blocks: Annotated[int, Unit("luminosity blocks")] = Field(
        50, ge=1, description="of a run period, in which rates are compared"
    )

    @field_validator("menu", mode="after")
    @classmethod
    def _named_where_it_has_a_name(cls, menu: str | Seeds) -> str | Seeds:
        """Configurations of earlier versions hold the list of the default menu."""
        if not isinstance(menu, str):
            return next((name for name in menu_names() if named_menu(name).seeds == menu), menu)
        try:
            named_menu(menu)
        except UserError as error:
            raise ValueError(str(error)) from error
        return menu

    @property
    def named_menu(self) -> NamedMenu | None:
        """The menu that comes with the package; None where the configuration has seeds of its own."""
        return named_menu(self.menu) if isinstance(self.menu, str) else None

    @property
    def seeds(self) -> Seeds:
        """All cut-based seeds of the menu, whatever the inputs allow."""
        return named_menu(self.menu).seeds if isinstance(self.menu, str) else self.menu

    @model_validator(mode="after")
    def _rates_are_below_that_of_crossings(self) -> Self:
        most = self.revolution_khz * self.bunches
        if max(self.rates) > most:
            raise ValueError(f"rates has {max(self.rates):g} kHz, but {self.bunches} bunches cross at {most:g} kHz only; ask for less")
        return self

    @property
    def firmware_khz(self) -> float:
        """The rate of the working point whose threshold the firmware has."""
        return self.firmware or max((rate for rate in self.rates if rate <= 1), default=min(self.rates))

    @model_validator(mode="after")
    def _firmware_has_a_working_point(self) -> Self:
        if self.firmware is not None and self.firmware not in self.rates:
            raise ValueError(
                f"firmware is {self.firmware:g} kHz, which is none of rates, {', '.join(f'{rate:g}' for rate in self.rates)}; add it there"
            )
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (("rates", [f"{rate:g}" for rate in self.rates]), ("menu", [seed.name for seed in self.seeds])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} has {', '.join(twice)} more than once (rates are named with six digits); give each one once")
        return self
