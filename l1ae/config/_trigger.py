"""Rates and working points: where zero-bias events come from, the menu that a rate is pure against, the rates asked for."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from l1ae.config._section import Section

__all__ = ["DEFAULT_MENU", "SeedConfig", "TriggerConfig"]

Rate = Annotated[float, Field(gt=0)]
Energy = Annotated[float, Field(gt=0)]


class SeedConfig(Section):
    """One cut-based seed of the menu, on a group of the inputs that has an energy in GeV.

    Without `sum`: at least as many objects as `pt` has thresholds, the i-th hardest of them with pT >= the i-th threshold,
    all within |eta| <= `eta`. With `sum`: the scalar sum of pT of the objects above `pt` and within `eta` is >= `sum`. pT is the
    group's energy, whatever its name. With `quality` and `isolation` only objects count that have them.
    """

    name: str = Field(min_length=1)
    object: str = Field(description="group of the inputs, for example met, eg, mu or jet")
    pt: tuple[Energy, ...] = Field(min_length=1, description="GeV, one threshold per object, the highest first")
    eta: float | None = Field(None, gt=0, description="largest |eta|; no cut by default")
    quality: int | None = Field(None, ge=1, description="smallest code of the group's quality")
    isolation: int | None = Field(None, ge=1, description="bits of the group's isolation, as a number: one of them at least is set")
    sum: float | None = Field(None, gt=0, description="GeV, threshold on the sum of pT (HT); pt is then the threshold of an object")

    @field_validator("pt", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _thresholds_make_sense(self) -> Self:
        if list(self.pt) != sorted(self.pt, reverse=True):
            raise ValueError(f"pt {list(self.pt)} of seed '{self.name}' must fall: the threshold of the hardest object comes first")
        if self.sum is not None and len(self.pt) > 1:
            raise ValueError(f"seed '{self.name}' is a sum, with one pt threshold for every object, not {len(self.pt)}")
        return self


DEFAULT_MENU = (
    SeedConfig(name="SingleMu22", object="mu", pt=(22,)),
    SeedConfig(name="DoubleMu15_7", object="mu", pt=(15, 7)),
    SeedConfig(name="SingleEG36er2p5", object="eg", pt=(36,), eta=2.5),
    SeedConfig(name="DoubleEG25_12er2p5", object="eg", pt=(25, 12), eta=2.5),
    SeedConfig(name="SingleJet180", object="jet", pt=(180,)),
    SeedConfig(name="DoubleJet150er2p5", object="jet", pt=(150, 150), eta=2.5),
    SeedConfig(name="HTT360er2p5", object="jet", pt=(30,), eta=2.5, sum=360),
    SeedConfig(name="MET90", object="met", pt=(90,)),
)
"""Thresholds as in the unprescaled seeds of CMS in Run 3, without quality and isolation, which not all inputs have."""


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


class TriggerConfig(Section):
    """The trigger as it is run: `l1ae trigger`."""

    zero_bias: str = Field(
        "auto",
        description="crossings that set rates: 'data', the test part of the background that is trained on; 'shipped', those that come with "
        "l1ae; or an event store; auto: data where the background is zero bias, else shipped where it has the columns",
    )
    revolution_khz: float = Field(11.2456, gt=0, description="orbits of the LHC per millisecond")
    bunches: int = Field(2544, ge=1, le=3564, description="colliding bunches in an orbit")
    rates: tuple[Rate, ...] = Field((0.25, 0.5, 1.0, 3.0, 10.0), min_length=1, description="kHz, one working point each")
    ladder: Literal["auto", "raw", "pure"] = Field(
        "auto", description="which rate of a working point `rates` means; auto: the pure one where there is a menu"
    )
    firmware: float | None = Field(
        None, gt=0, description="kHz, the one of `rates` whose threshold the firmware has; default: the largest up to 1, or the smallest"
    )
    menu_from: Literal["auto", "cuts", "recorded"] = Field(
        "auto", description="seeds: `menu`, or the recorded bits of the zero-bias store; auto takes the bits where there are any"
    )
    menu: tuple[SeedConfig, ...] = Field(
        DEFAULT_MENU, description="cut-based seeds that a rate is pure against; of the default those that the inputs have the objects for"
    )
    recorded_seeds: tuple[str, ...] = Field(("*",), description="patterns (* and ?) of the recorded seeds that make the menu")
    recorded_excluded: tuple[str, ...] = Field(
        (*ANOMALY_TRIGGERS, "*ZeroBias*", "*AlwaysTrue*"),
        description="patterns of recorded seeds that are not part of the menu: anomaly triggers, and what is no choice of events",
    )
    pileup_bins: int = Field(5, ge=1, le=100, description="bins of pileup, equally filled, in which rates are shown")
    luminosity_blocks: int = Field(50, ge=1, description="luminosity blocks per run period in which rates are compared")

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
        for what, names in (("rates", [f"{rate:g}" for rate in self.rates]), ("menu", [seed.name for seed in self.menu])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} has {', '.join(twice)} more than once (rates are named with six digits); give each one once")
        return self
