"""What `l1ae evaluate` measures and draws: in memory, or part by part where a sample is larger than memory should hold."""

from dataclasses import replace
from typing import TYPE_CHECKING

from l1ae.config import Config
from l1ae.data import open_dataset, origin_of, parts_of
from l1ae.evaluation import Metrics, evaluate, evaluate_spooled
from l1ae.families import find_score
from l1ae.pipeline._at_rate import rates_of, sample_facts, spooled_rates_of
from l1ae.pipeline._label_free import label_free_of, spooled_label_free_of
from l1ae.pipeline._samples import OBSERVED_EVENTS, Scorer, evaluation_scores, first_events, spooled_scores
from l1ae.pipeline._zero_bias import judge_of, rate_sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["measured"]


def measured(scorer: Scorer) -> tuple[Metrics, dict[str, "Figure"]]:
    """Metrics and figures of every variant of a model."""
    from l1ae.evaluation import inputs_figure, stamp

    dataset = open_dataset(scorer.config.data.source, scorer.config.inputs.selected)
    large = any(parts_of(store.n_events) > 1 for store in (dataset.background, *dataset.signals.values()))
    metrics, figures = _in_parts(scorer) if large else _in_memory(scorer)
    first, weights = first_events(scorer.config, OBSERVED_EVENTS)
    drawn = {**figures, "inputs": inputs_figure(first, scorer.config.inputs.selected, weights)}
    for figure in drawn.values():
        stamp(figure, origin_of(dataset.background))
    return metrics, drawn


def _in_memory(scorer: Scorer) -> tuple[Metrics, dict[str, "Figure"]]:
    from l1ae.evaluation import performance_figures

    judged = evaluation_scores(scorer)
    by_sample = judged.groups, judged.weights
    metrics = evaluate(judged.scores, *by_sample, threshold=_threshold(scorer))
    metrics = replace(metrics, label_free=label_free_of(scorer, judged.scores))
    if (judge := judge_of(scorer.config)) is not None:
        sample = rate_sample(scorer.config)
        metrics = replace(metrics, at_rate=rates_of(scorer, judge, judged.scores, sample), rate_sample=sample_facts(scorer.config, judge))
    return metrics, performance_figures(
        judged.scores, metrics, *by_sample, target_fpr=_marked(metrics, scorer.config), score_name=_score_name(scorer.config)
    )


def _in_parts(scorer: Scorer) -> tuple[Metrics, dict[str, "Figure"]]:
    from l1ae.evaluation import spooled_figures

    samples = spooled_scores(scorer)
    metrics = replace(
        evaluate_spooled(samples, threshold=_threshold(scorer)), label_free=spooled_label_free_of(scorer, samples["background"])
    )
    if (judge := judge_of(scorer.config)) is not None:
        sample = rate_sample(scorer.config)
        rates = spooled_rates_of(scorer, judge, samples, sample)
        metrics = replace(metrics, at_rate=rates, rate_sample=sample_facts(scorer.config, judge))
    return metrics, spooled_figures(samples, metrics, target_fpr=_marked(metrics, scorer.config), score_name=_score_name(scorer.config))


def _threshold(scorer: Scorer) -> float:
    return scorer.contract.threshold * scorer.contract.score.format.lsb


def _marked(metrics: Metrics, config: Config) -> float | None:
    """The false-positive rate that is marked where it set the threshold."""
    return None if metrics.at_rate else config.model.target_fpr


def _score_name(config: Config) -> str:
    own = config.model.family.imported and config.model.score == "output"
    return "Score of the imported network" if own else find_score(config.model.score).title
