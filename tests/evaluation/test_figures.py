from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from l1ae.errors import UserError
from l1ae.evaluation import (
    ScoreSet,
    difference_figure,
    evaluate,
    figure_svg,
    history_figure,
    inputs_figure,
    load_metrics,
    regions_figure,
    roc_figure,
    score_figure,
    tpr_at_fpr,
    write_evaluation,
)
from l1ae.inputs import calo_layer1_spec, ugt_input_spec

HISTORY = [
    {"phase": phase, "epoch": str(epoch), "learning_rate": "0.001", "loss": str(3.0 - epoch / 10), "validation_loss": str(3.1 - epoch / 10)}
    for phase, epochs in (("float", 5), ("quantized", 3))
    for epoch in range(epochs)
]


@pytest.fixture(name="scores", scope="module")
def _scores() -> dict[str, ScoreSet]:
    rng = np.random.default_rng(5)
    background, signals = rng.gamma(2, 2, 2000), {"lq": rng.gamma(5, 2, 400), "mine": rng.gamma(3, 2, 300)}
    fixed = ScoreSet(np.floor(background * 8) / 8, {name: np.floor(v * 8) / 8 for name, v in signals.items()}, 1 / 8)
    return {"float": ScoreSet(background, signals), "fixed": fixed}


@pytest.fixture(autouse=True)
def _nothing_global() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def text_of(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def check_style(figure: Figure) -> None:
    text = text_of(figure)
    assert "l1ae" in text
    assert "simulation" in text
    assert "CMS" not in text
    root = ElementTree.fromstring(figure_svg(figure))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("variant", ["float", "fixed"])
def test_roc_curves_are_those_of_sklearn(scores: dict[str, ScoreSet], variant: str) -> None:
    figure = roc_figure({variant: scores[variant]}, target_fpr=1e-2)
    axes = figure.axes[0]
    for line, name in zip(axes.lines, ("lq", "mine"), strict=False):
        background, signal = scores[variant].background, scores[variant].signals[name]
        labels = np.repeat([0, 1], [len(background), len(signal)])
        fprs, tprs, _ = roc_curve(labels, np.concatenate([background, signal]), drop_intermediate=False)
        x, y = (np.asarray(data) for data in line.get_data())
        assert np.all(np.diff(x) > 0)
        # at one number of accepted background events sklearn lists all thresholds; the curve takes the highest
        np.testing.assert_allclose(y, [tprs[np.isclose(fprs, fpr)].min() for fpr in x])
    check_style(figure)


def test_the_roc_band_is_the_interval_of_the_working_point(scores: dict[str, ScoreSet]) -> None:
    figure = roc_figure(scores)
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    ends = band[np.isclose(band[:, 0], 1.0)][:, 1]
    point = tpr_at_fpr(scores["fixed"].background, scores["fixed"].signals["lq"], 1.0, lsb=1 / 8)
    assert point.tpr is not None
    assert {point.tpr.low, point.tpr.high} <= set(ends.tolist())


def test_every_curve_is_in_the_legend(scores: dict[str, ScoreSet]) -> None:
    metrics = evaluate(scores)
    text = text_of(roc_figure(scores, aucs=metrics.auc["fixed"]))
    assert f"AUC {metrics.auc['fixed']['lq']}" in text
    for expected in ("mine", "floating point", "fixed point (firmware)", "2,000 background events"):
        assert expected in text


def test_score_histograms_hold_every_event(scores: dict[str, ScoreSet]) -> None:
    figure = score_figure(scores["fixed"].background, scores["fixed"].signals, threshold=9.0, name="Squared error")
    axes = figure.axes[0]
    steps = [patch for patch in axes.patches if hasattr(patch, "get_data")]
    assert len(steps) == 3
    for patch in steps:
        assert np.sum(patch.get_data().values) == pytest.approx(1.0)
    assert "Trigger threshold 9" in text_of(figure)
    check_style(figure)


def test_difference_figure_shows_the_mean_difference(scores: dict[str, ScoreSet]) -> None:
    reference = scores["float"].background
    figure = difference_figure(reference, reference + 0.25, labels=("float", "quantized"), lsb=0.125)
    means = figure.axes[1].lines[1].get_ydata()
    np.testing.assert_allclose(np.asarray(means, np.float64), 0.25)
    check_style(figure)


def test_history_epochs_count_on_from_phase_to_phase() -> None:
    figure = history_figure(HISTORY)
    lines = figure.axes[0].lines
    assert np.asarray(lines[0].get_xdata()).tolist() == [0, 1, 2, 3, 4]
    assert np.asarray(lines[2].get_xdata()).tolist() == [4, 5, 6]
    assert np.asarray(lines[1].get_ydata()).tolist() == pytest.approx([3.1, 3.0, 2.9, 2.8, 2.7])
    check_style(figure)


def test_history_with_a_negative_loss_is_linear() -> None:
    rows = [row | {"loss": "-1.0"} for row in HISTORY]
    assert history_figure(rows).axes[0].get_yscale() == "linear"


def test_inputs_figure_counts_filled_slots_only() -> None:
    spec = ugt_input_spec()
    physical = np.zeros((50, spec.slots, 3))
    physical[:, 0] = (30.2, 0, 1.0)
    physical[:25, 1] = (40.2, 1.5, -2.0)
    figure = inputs_figure({"background": spec.to_hardware(physical), "a4l": spec.to_hardware(physical[:10])}, spec)
    assert len(figure.axes) == 12
    electron_pt = figure.axes[3].patches[0].get_data()
    filled = np.flatnonzero(electron_pt.values)
    assert len(filled) == 1
    assert electron_pt.edges[filled[0]] <= 40.25 < electron_pt.edges[filled[0] + 1]
    assert electron_pt.values.sum() == pytest.approx(1.0)
    check_style(figure)


def test_inputs_figure_bins_of_phi_hold_equally_many_codes() -> None:
    spec = ugt_input_spec()
    hardware = np.zeros((576, spec.slots, 3), np.int16)
    hardware[:, 5] = np.stack([np.full(576, 60), np.arange(576) % 400 - 200, np.arange(576)], axis=1)
    hardware[:, 1] = np.stack([np.full(576, 60), np.zeros(576), np.arange(576) % 144], axis=1)
    figure = inputs_figure({"background": hardware}, spec)
    for axes in (figure.axes[5], figure.axes[8]):
        values = axes.patches[0].get_data().values
        np.testing.assert_allclose(values, 1 / len(values))


@pytest.mark.parametrize(
    ("rows", "message"), [([], "history is empty"), ([{"epoch": "1", "phase": "float", "loss": "1"}], "no column 'validation_loss'")]
)
def test_bad_histories_are_refused(rows: list[dict[str, str | float]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        history_figure(rows)


def test_bad_scores_are_refused(scores: dict[str, ScoreSet]) -> None:
    with pytest.raises(UserError, match="'background': event 0 has the score nan"):
        score_figure([np.nan], scores["float"].signals)
    with pytest.raises(UserError, match="no events"):
        difference_figure([], [])


def test_constant_scores_can_be_drawn() -> None:
    check_style(score_figure([1.0, 1.0], {"a4l": [1.0]}))
    check_style(difference_figure(np.ones(10), np.ones(10), lsb=1.0))
    check_style(roc_figure({"float": ScoreSet(np.ones(10), {"a4l": np.ones(5)})}))


def test_equal_figures_give_equal_bytes(scores: dict[str, ScoreSet]) -> None:
    first, second = (figure_svg(score_figure(scores["float"].background, scores["float"].signals)) for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first


def test_the_folder_of_an_evaluation(scores: dict[str, ScoreSet], tmp_path: Path) -> None:
    metrics = evaluate(scores, threshold=9.0)
    folder = tmp_path / "evaluation"
    folder.mkdir()
    (folder / "left_over.svg").touch()
    assert write_evaluation(folder, metrics, scores, more={"history": history_figure(HISTORY)}) == folder
    names = {path.name for path in folder.iterdir()}
    assert names == {"metrics.json", "roc.svg", "scores.svg", "difference_fixed.svg", "history.svg"}
    assert load_metrics(folder / "metrics.json") == metrics
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation"]


def test_regions_figure_shows_the_mean_image_of_every_sample():
    spec = calo_layer1_spec()
    rng = np.random.default_rng(1)
    hardware = {name: rng.integers(0, 40, (30, 18, 14)).astype(np.uint16) for name in ("background", "a4l", "lq")}
    figure = regions_figure(hardware, spec)
    images = [image for axes in figure.axes for image in axes.images]
    for image, name in zip(images, ("background", "a4l", "lq"), strict=False):
        np.testing.assert_allclose(image.get_array(), hardware[name].mean(axis=0) * 0.5)
    assert [axes.get_xlabel() for axes in figure.axes if axes.get_yscale() == "log"] == ["Largest region [GeV]", "Sum of all regions [GeV]"]
