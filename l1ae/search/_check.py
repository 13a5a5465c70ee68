"""What no trial should have to find out: objectives that a run cannot have, and a budget that nothing fits."""

from itertools import chain

from l1ae.config import Config
from l1ae.data import open_dataset
from l1ae.errors import MissingExtraError, UserError
from l1ae.pipeline import forecast, judge_of, no_zero_bias
from l1ae.rtl_results import beyond, sentences
from l1ae.search._sampling import bases, corners
from l1ae.search._study import Model, Study

__all__ = ["check_study"]


def check_study(study: Study) -> None:
    """Look at the base models, and at some candidates of each space, before anything is trained.

    Raises `UserError` with file, key and remedy for objectives that a run cannot have, and when no candidate that was looked at fits.
    """
    for model in study.models.values():
        where = f"{study.path}: models.{model.name}"
        config = model.config({}, where)
        _check_objectives(study, config, where)
    nearest: list[tuple[float, str, str]] = []
    for model in study.models.values():
        found = _nearest(study, model)
        if found is None:
            return
        nearest.append(found)
    _, name, why = min(nearest)
    raise UserError(
        f"{study.path}: budget: no candidate that was looked at fits; the nearest is of {name}: {why}; allow more, or change the spaces"
    )


def _check_objectives(study: Study, config: Config, where: str) -> None:
    wanted = [one for one in study.config.objectives if one.quantity == "efficiency"]
    if not wanted:
        return
    judge = judge_of(config, use="choosing")
    if judge is None:
        raise UserError(f"{where}: objectives: {wanted[0].label}: {no_zero_bias(config)}; or take an objective label_free")
    if not open_dataset(config.data.source).signals:
        raise UserError(f"{where}: objectives: {wanted[0].label}: its data have no signals; add some, or take an objective label_free")
    for objective in wanted:
        if objective.kind == "pure" and judge.menu is None:
            raise UserError(f"{where}: objectives: {objective.label}: there is no menu of seeds; set trigger.menu, or ask for `kind: raw`")


def _nearest(study: Study, model: Model) -> tuple[float, str, str] | None:
    """None where a candidate of the space fits; else the least excess that was found, the model, and what it is of, in words."""
    found = (float("inf"), model.name, "no configuration that can be")
    for point in chain((one for one in bases(study) if one.model == model.name), corners(study, model)):
        try:
            cost = forecast(model.config(study.trained(point, 0, 0), f"{study.path}: models.{model.name}", study.path.parent))
        except MissingExtraError:
            raise
        except UserError as error:
            found = min(found, (float("inf"), model.name, str(error)))
            continue
        broken = beyond(cost, study.config.budget, sure=True)
        if not broken and not cost.problems:
            return None
        found = min(
            found, (max(broken.values(), default=1.0), model.name, "; ".join((*sentences(cost, study.config.budget), *cost.problems)))
        )
    return found
