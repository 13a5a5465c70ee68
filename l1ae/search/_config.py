"""What a study's YAML file says: base models, the space around them, objectives, budget."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from l1ae.config import BudgetConfig, Section
from l1ae.names import ModelName
from l1ae.schema import Unit
from l1ae.search._objectives import ObjectiveConfig

__all__ = ["DimensionConfig", "HalvingConfig", "ModelStudyConfig", "StudyConfig", "same"]

Number = int | float


def _values(value: object) -> object:
    """One value, or a list of some."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Values = Annotated[tuple[Any, ...], BeforeValidator(_values)]


def same(first: Any, second: Any) -> bool:
    """Whether two values of YAML are the same: true is not 1."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


class DimensionConfig(Section):
    """One dimension of a space: `choices`, a `range`, or `sets` of several keys, of which one at a time is taken."""

    choices: tuple[Any, ...] | None = Field(None, min_length=1, description="values of the key, any YAML")
    range: tuple[Number, Number] | None = Field(None, description="lowest and highest value, both included; whole numbers if both are")
    log: bool = Field(False, description="whether a range is looked at by its logarithm")
    step: Number | None = Field(None, gt=0, description="distance of the values of a range")
    sets: dict[str, dict[str, Any]] | None = Field(None, min_length=1, description="values of several keys by a name of their own")
    when: dict[str, Values] = Field(
        {}, description="only where other keys, or dimensions further up, have one of these values; otherwise the base's value stays"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name in ("choices", "range", "sets") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a dimension has either choices, a range or sets, not {' and '.join(given) or 'none of them'}")
        if self.range is None and (self.log or self.step is not None):
            raise ValueError(f"log and step belong to a range, not to {given[0]}; remove them")
        return self

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        if self.range is None:
            return self
        low, high = self.range
        if low >= high:
            raise ValueError(f"the range {[low, high]} is empty; give the lower end first, or remove the dimension and set the key")
        if self.log and low <= 0:
            raise ValueError(f"the range {[low, high]} has no logarithm; begin it above 0, or remove log")
        if self.log and self.step is not None:
            raise ValueError("a range with log has no step; remove one of the two")
        if self.whole and isinstance(self.step, float):
            raise ValueError(f"a range of whole numbers has no step of {self.step}; write the ends as {float(low)} and {float(high)}")
        return self

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        for index, value in enumerate(self.choices or ()):
            if any(same(value, other) for other in (self.choices or ())[:index]):
                raise ValueError(f"the choice {value!r} is given twice; remove one")
        return self

    @property
    def whole(self) -> bool:
        """Whether a range is of whole numbers."""
        return self.range is not None and all(isinstance(end, int) for end in self.range)

    @property
    def ends(self) -> tuple[Number, ...]:
        """The lowest and the highest value that a range holds: with a step not always its upper end; nothing without a range."""
        if self.range is None:
            return ()
        low, high = self.range
        return (low, high if self.step is None else low + int((high - low) / self.step + 1e-9) * self.step)


class ModelStudyConfig(Section):
    """One base model and the space around it."""

    base: str = Field(description="configuration file, relative to the study, or the name of one that comes with l1ae")
    kind: str | None = Field(None, min_length=1, max_length=40, description="what the page calls such models; default: by architecture")
    set: dict[str, Any] = Field({}, description="values of dotted keys that are other than the base's")
    space: dict[str, DimensionConfig] = Field({}, description="by dotted key of the configuration, or, of sets, by a name")


class HalvingConfig(Section):
    """Successive halving over epochs (Li et al., Proc. MLSys 2 (2020) 230): trainings begin with a part of them, and the best go on."""

    rungs: int = Field(2, ge=2, le=6, description="how many lengths of a training there are; the last has all epochs")
    eta: int = Field(3, ge=2, le=16, description="each rung has so many times the epochs of the one before, and one in so many goes on")

    @property
    def fractions(self) -> tuple[float, ...]:
        """Of the epochs, by rung."""
        return tuple(float(self.eta) ** (rung - self.rungs + 1) for rung in range(self.rungs))


class StudyConfig(Section):
    """A study: which models are looked at, what is wanted of them, and what they may cost."""

    name: ModelName = Field(description="of the study: of its run folder, and with a number of every candidate")
    title: str = Field("", description="for the page")
    seed: int = Field(1, ge=0, lt=2**32, description="of the search; trainings have the seeds of their configurations")
    trials: Annotated[int, Unit("trials")] = Field(
        100, ge=1, le=1_000_000, description="models that are trained; refused candidates do not count"
    )
    seeds: Annotated[int, Unit("trainings")] = Field(
        1, ge=1, le=100, description="trainings of every point, with the base's seed and the ones after it; the mean counts"
    )
    sampler: Literal["tpe", "nsga2", "random"] = Field(
        "tpe", description="tree-structured Parzen estimators (Watanabe, arXiv:2304.11127) or NSGA-II (Deb et al., IEEE TEC 6 (2002) 182)"
    )
    models: dict[str, ModelStudyConfig] = Field(min_length=1, description="by name")
    set: dict[str, Any] = Field({}, description="values of dotted keys in all models")
    space: dict[str, DimensionConfig] = Field({}, description="dimensions of all models")
    objectives: tuple[ObjectiveConfig, ...] = Field(
        min_length=1, max_length=4, description="points of the front are in the order of the first one, which also tells equals apart"
    )
    budget: BudgetConfig = Field(BudgetConfig(), description="what a point of the front may cost")
    halving: HalvingConfig | None = Field(None, description="default: every training has all its epochs")
    storage: str | None = Field(None, description="URL of a PostgreSQL database for the study; default: a file in the run folder")
    verify: Annotated[int, Unit("points")] = Field(
        20, ge=0, le=1000, description="at most so many points of the front are made and verified down to synthesis"
    )

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        for name in self.models:
            if not name.isidentifier():
                raise ValueError(f"models: '{name}' must be a name of letters, digits and underscores")
        return self

    @model_validator(mode="after")
    def _objectives_differ(self) -> Self:
        labels = [objective.label for objective in self.objectives]
        if len(set(labels)) < len(labels):
            raise ValueError("objectives: each may be given once only")
        return self

    @model_validator(mode="after")
    def _budget_is_estimated(self) -> Self:
        for name, limit in self.budget:
            if limit is not None and name not in {"lut", "ff", "latency_ns", "latency_cycles"}:
                raise ValueError(
                    f"budget.{name}: a search knows lut, ff, latency_ns and latency_cycles; put others into `budget` of the base"
                )
        return self
