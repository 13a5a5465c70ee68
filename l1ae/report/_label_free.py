"""What background alone says of the model."""

from collections.abc import Mapping

from l1ae.evaluation import Capacity, LabelFree, Metrics
from l1ae.report._blocks import Block, Paragraph, Table
from l1ae.report._text import count, number

__all__ = ["label_free_blocks"]

_TEXT = (
    "No signal enters these numbers, so that models can be compared where none is known. Approximation capacity says how well two "
    "samples of background agree on what is anomalous, from −0.693 (not at all) to 0; the Wasserstein distance is the mean distance of "
    "their scores of equal rank; the threshold drift is that of the false-positive rate of a threshold between two halves of the test "
    "part, beside what chance alone makes of it in half of all cases. How well each of them tells the better model is another question."
)


def label_free_blocks(metrics: Metrics, names: Mapping[str, str]) -> tuple[Block, ...]:
    """One table, a column for each variant; nothing where the background has no such parts."""
    found = metrics.label_free
    if not found:
        return ()
    first, second = next(iter(found.values())).events
    caption = f"Background alone: {count(first)} validation events against {count(second)} test events"
    columns = [_column(item) for item in found.values()]
    rows = tuple((name, *(column[name] for column in columns)) for name in columns[0])
    return (Table(caption, ("", *(names.get(variant, variant) for variant in found)), rows), Paragraph(_TEXT))


def _column(item: LabelFree) -> dict[str, str]:
    drift = item.drift
    return {
        "Approximation capacity": _capacity(item.capacity),
        "the same, adaptive energies": _capacity(item.adaptive),
        "Wasserstein distance [score]": number(item.wasserstein, digits=4),
        "Wasserstein distance of log(1 + score)": number(item.wasserstein_log, digits=4),
        "Threshold drift |ln|": "not measurable, too few events" if drift is None else f"{drift.value:.3f} (chance: {drift.expected:.3f})",
        "False-positive rate asked for, found": "–" if drift is None else f"{drift.fpr:.3g}, {drift.exceeded:.3g}",
    }


def _capacity(found: Capacity) -> str:
    return f"{found.value:.4f}".replace("-", "−") + (" (at the highest β tried)" if found.at_limit else f" (β = {found.beta:.3g})")
