import itertools
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
    figure_pdf,
    figure_svg,
    history_figure,
    inputs_figure,
    load_metrics,
    performance_figures,
    roc_figure,
    save_evaluation,
    score_figure,
    stamp,
    telling_features,
    tpr_at_fpr,
)
from l1ae.inputs import Layout, named_layout

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
    assert "simulation" not in text, "the events may be recorded ones"
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


def test_score_axes_are_logarithmic_and_go_beyond_the_threshold(scores: dict[str, ScoreSet]) -> None:
    """A threshold that hardly anything reaches is in sight, and so is the highest score; no fraction is above 1."""
    fixed, threshold = scores["fixed"], 3 * float(scores["fixed"].background.max())
    axes = score_figure(fixed.background, fixed.signals, threshold=threshold, lsb=fixed.lsb).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlim()[1] > threshold
    assert axes.get_ylim()[1] <= 1
    figure = difference_figure(scores["float"].background, fixed.background, lsb=1 / 8, threshold=threshold)
    top = figure.axes[0]
    assert (top.get_xscale(), top.get_yscale()) == ("log", "log")
    assert min(top.get_xlim()[1], top.get_ylim()[1]) > threshold
    drawn = sum(float(np.ma.filled(mesh.get_array(), 0).sum()) for mesh in top.collections)
    assert drawn == len(fixed.background), "every event is on the axes"
    assert "trigger threshold" in text_of(figure)


@pytest.mark.parametrize("lsb", [1 / 8, 1 / 2])
def test_bins_of_a_fixed_point_score_hold_whole_codes(scores: dict[str, ScoreSet], lsb: float) -> None:
    codes = np.floor(scores["float"].background / lsb) * lsb
    axes = score_figure(codes, {}, lsb=lsb).axes[0]
    (histogram,) = [patch.get_data() for patch in axes.patches if hasattr(patch, "get_data")]
    np.testing.assert_allclose((histogram.edges / lsb) % 1, 0.5)
    inside = [np.mean((codes > low) & (codes < high)) for low, high in itertools.pairwise(histogram.edges)]
    # the first bin also holds 0
    np.testing.assert_allclose(histogram.values[1:], inside[1:])
    assert histogram.values[0] == pytest.approx(np.mean(codes < histogram.edges[1]))


def test_scores_that_can_be_negative_have_a_linear_axis() -> None:
    rng = np.random.default_rng(6)
    axes = score_figure(rng.normal(size=500), {"a4l": rng.normal(2, 1, 100)}, threshold=9.0).axes[0]
    assert axes.get_xscale() == "linear"
    assert axes.get_xlim()[1] > 9.0


def test_large_differences_are_logarithmic(scores: dict[str, ScoreSet]) -> None:
    reference = scores["float"].background
    assert difference_figure(reference, 1.5 * reference, lsb=1 / 64).axes[1].get_yscale() == "symlog"
    assert difference_figure(reference, reference + 1 / 64, lsb=1 / 64).axes[1].get_yscale() == "linear"


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


def labels(figure: Figure) -> list[str]:
    return [axes.get_xlabel() for axes in figure.axes if axes.axison]


def test_inputs_figure_counts_filled_slots_only() -> None:
    layout = named_layout("ugt")
    physical = np.zeros((50, layout.size))
    physical[:, :3] = (30.2, 0, 1.0)
    physical[:25, 3:6] = (40.2, 1.5, -2.0)
    figure = inputs_figure({"background": layout.to_hardware(physical), "a4l": layout.to_hardware(physical[:10])}, layout)
    assert labels(figure) == ["$p_T$ [GeV]", r"$\phi$ [rad]", "$p_T$ [GeV]", r"$\eta$", r"$\phi$ [rad]"]
    assert "In no event of any sample: Muons, Jets." in text_of(figure)
    electron_pt = next(axes for axes in figure.axes if axes.get_ylabel().startswith("Electrons")).patches[0].get_data()
    filled = np.flatnonzero(electron_pt.values)
    assert len(filled) == 1
    assert electron_pt.edges[filled[0]] <= 40.25 < electron_pt.edges[filled[0] + 1]
    assert electron_pt.values.sum() == pytest.approx(1.0)
    assert {"Background", "Missing energy"} <= {text.get_text() for text in figure.findobj(mpl.text.Text)}
    check_style(figure)


@pytest.mark.parametrize(("name", "group"), [("ugt", "mu"), ("ugt", "eg"), ("p2gt", "jet"), ("gelato", "tau")])
def test_bins_of_phi_hold_equally_many_codes(name: str, group: str) -> None:
    """Every code of phi once: the bins are level, whatever the number of codes, and end at -pi and pi where phi goes around."""
    layout = named_layout(name)
    (phi,) = (feature for feature in layout[group].features if feature.name == "phi")
    low, high = phi.range
    hardware = np.zeros((high - low + 1, layout.size), layout.dtype)
    first = layout.block(hardware, group)[:, 0]
    first[:, layout[group].index(layout[group].gate_feature or "")] = 1
    first[:, layout[group].index("phi")] = np.arange(low, high + 1)
    figure = inputs_figure({"background": hardware}, layout)
    axes = next(axes for axes, after in zip(figure.axes[1:], figure.axes, strict=False) if _is_phi_of(layout, group, axes, after, figure))
    histogram = axes.patches[0].get_data()
    if phi.period is None:
        histogram = histogram._replace(values=histogram.values[:-1])  # 128 codes are no multiple of the width
    np.testing.assert_allclose(histogram.values, histogram.values[0])
    if phi.period is not None:
        np.testing.assert_allclose([histogram.edges[0], histogram.edges[-1]], [-np.pi, np.pi], rtol=1e-5)


def _is_phi_of(layout: Layout, group: str, axes: mpl.axes.Axes, before: mpl.axes.Axes, figure: Figure) -> bool:
    """The first panel of phi at or after the one that is labelled with the group."""
    labelled = [k for k, item in enumerate(figure.axes) if item.get_ylabel().replace("\n", " ") == layout[group].label]
    return axes.get_xlabel().startswith(r"$\phi$") and figure.axes.index(axes) > labelled[0]


def test_codes_stand_in_their_bin_or_around_their_centre() -> None:
    features = [
        {"name": "e", "role": "energy", "bits": 6, "unit": "GeV", "lsb": 2.0, "origin": 1},
        {"name": "charge", "role": "charge", "bits": 2, "signed": True},
    ]
    layout = Layout.model_validate({"name": "made", "groups": [{"name": "hit", "slots": 2, "features": features}]})
    hardware = np.array([[4, 1, 0, 0], [4, -1, 9, 1]])
    energy, charge = (axes.patches[0].get_data() for axes in inputs_figure({"background": hardware}, layout).axes)
    assert energy.edges[:2].tolist() == [0, 2]
    assert dict(zip(energy.edges[np.flatnonzero(energy.values)].tolist(), energy.values[energy.values > 0].round(6), strict=True)) == {
        6.0: 0.666667,  # code 4 is [3, 4) x 2 GeV
        16.0: 0.333333,
    }
    assert charge.edges.tolist() == [-1.5, -0.5, 0.5, 1.5]
    np.testing.assert_allclose(charge.values, [1 / 3, 0, 2 / 3])


def test_telling_features_are_energy_and_angles_then_others() -> None:
    assert [[feature.name for feature in telling_features(group)] for group in named_layout("p2gt").groups] == [
        ["pt", "eta", "phi", "z0"],
        ["pt", "eta", "phi", "z0"],
        ["pt", "phi", "scalar_pt"],
    ]
    muon = named_layout("ugt_full")["mu"]
    assert [feature.name for feature in telling_features(muon)] == ["pt", "eta", "phi", "quality"]


def test_many_groups_share_rows() -> None:
    layout = named_layout("ugt_full")
    rng = np.random.default_rng(2)
    hardware = {name: rng.integers(0, 2, (20, layout.size)).astype(layout.dtype) for name in ("background", "other")}
    figure = inputs_figure(hardware, layout)
    assert len(labels(figure)) == 6 * 2 + 4 * 4
    width, height = figure.get_size_inches()
    assert (width, height < 17) == (12, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ugt", "p2gt", "samples", "calo_regions"])
def test_samples_without_a_filled_slot_can_be_drawn(name: str) -> None:
    layout = named_layout(name)
    check_style(inputs_figure({"background": np.zeros((3, layout.size), layout.dtype)}, layout))


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


@pytest.mark.slow
def test_constant_scores_can_be_drawn() -> None:
    check_style(score_figure([1.0, 1.0], {"a4l": [1.0]}))
    check_style(difference_figure(np.ones(10), np.ones(10), lsb=1.0))
    check_style(roc_figure({"float": ScoreSet(np.ones(10), {"a4l": np.ones(5)})}))


def test_equal_figures_give_equal_bytes(scores: dict[str, ScoreSet]) -> None:
    first, second = (figure_svg(score_figure(scores["float"].background, scores["float"].signals)) for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first


@pytest.mark.slow
def test_equal_figures_give_equal_pdfs_with_fonts_inside(scores: dict[str, ScoreSet]) -> None:
    first, second = (figure_pdf(score_figure(scores["float"].background, scores["float"].signals)) for _ in range(2))
    assert first == second
    assert b"/CreationDate" not in first
    assert b"/FontFile2" in first
    assert b"/Type3" not in first


@pytest.mark.parametrize(
    ("origin", "shown"), [("simulation", "simulation"), ("ZeroBias of $2024$ and others", r"ZeroBias of \$2024\$ and…")]
)
def test_a_stamp_says_what_the_events_are(scores: dict[str, ScoreSet], origin: str, shown: str) -> None:
    figure = roc_figure(scores)
    stamp(figure, origin)
    assert shown in text_of(figure)
    figure_svg(figure)


@pytest.mark.slow
def test_the_folder_of_an_evaluation(scores: dict[str, ScoreSet], tmp_path: Path) -> None:
    metrics = evaluate(scores, threshold=9.0)
    folder = tmp_path / "evaluation"
    folder.mkdir()
    (folder / "left_over.svg").touch()
    figures = performance_figures(scores, metrics) | {"history": history_figure(HISTORY)}
    assert save_evaluation(folder, metrics, figures) == folder
    names = {path.name for path in folder.iterdir()}
    assert names == {"metrics.json", *(f"{name}.{kind}" for name in figures for kind in ("svg", "pdf"))}
    assert load_metrics(folder / "metrics.json") == metrics
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation"]


def test_an_image_is_shown_as_its_mean_on_its_axes() -> None:
    layout = named_layout("calo_regions")
    rng = np.random.default_rng(1)
    hardware = {name: rng.integers(0, 40, (30, layout.size)).astype(np.int16) for name in ("background", "a4l", "lq")}
    figure = inputs_figure(hardware, layout)
    meshes = [(axes, mesh) for axes in figure.axes[:3] for mesh in axes.collections]
    assert len(meshes) == 3
    for (axes, mesh), name in zip(meshes, hardware, strict=True):
        np.testing.assert_allclose(mesh.get_array(), hardware[name].mean(axis=0).reshape(18, 14) * 0.5)
        assert mesh.get_coordinates()[0, [0, -1], 0].tolist() == [-3.0, 3.0]
        assert axes.get_xlabel() == r"$\eta$"
    assert figure.axes[0].get_ylabel() == r"$\phi$ [rad]"
    spectra = [axes for axes in figure.axes if axes.get_yscale() == "log"]
    assert [axes.get_xlabel() for axes in spectra] == [f"{what} $E_T$ [GeV], Calorimeter regions" for what in ("Largest", "Sum of")]
    largest = spectra[0].patches[0].get_data()
    counts, _ = np.histogram((hardware["background"].max(axis=1) + 0.5) * 0.5, largest.edges)
    np.testing.assert_allclose(largest.values, counts / 30)
    check_style(figure)


def test_a_waveform_is_shown_with_its_band() -> None:
    layout = named_layout("samples")
    rng = np.random.default_rng(3)
    hardware = {name: rng.integers(100, 900, (50, 32)).astype(np.int16) for name in ("background", "late")}
    figure = inputs_figure(hardware, layout)
    left, right = figure.axes
    for line, codes in zip(left.lines, hardware.values(), strict=True):
        np.testing.assert_allclose(np.asarray(line.get_ydata()), codes.mean(axis=0))
    band = left.collections[0].get_paths()[0].vertices[:, 1]
    low, high = np.quantile(hardware["background"], [0.16, 0.84], axis=0)
    assert {*low.round(9), *high.round(9)} <= {*band.round(9)}
    assert (left.get_xlabel(), left.get_ylabel()) == ("Samples, number", "adc [ADC counts]")
    assert sum(right.patches[0].get_data().values) == pytest.approx(1)
    check_style(figure)


@pytest.mark.slow
def test_groups_of_every_kind_share_a_figure() -> None:
    layout = Layout.joined([named_layout("p2gt"), named_layout("calo_regions"), named_layout("samples")])
    rng = np.random.default_rng(4)
    figure = inputs_figure({"background": rng.integers(0, 2, (20, layout.size))}, layout)
    text = text_of(figure)
    for expected in ("Track-matched muons", "Mean $E_T$ [GeV]", "Samples, number"):
        assert expected in text
    check_style(figure)


def test_a_background_of_one_event_has_a_curve():
    """Its false-positive rates are 0 and 1: nothing between them sets the scale."""
    scores = {"fixed": ScoreSet(np.array([1.0]), {"a": np.array([2.0])}, 1.0)}
    svg = figure_svg(roc_figure(scores))
    assert "1 background events" in svg
