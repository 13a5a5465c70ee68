"""Figures show what they were given and can be drawn from the smallest inputs."""

import numpy as np
import pytest

from l1ae.evaluation import figure_svg
from l1ae.latent import bump_figure, bump_hunt, correlation_figure, dimensions_figure, pairs_figure, resolution_figure, resolutions

from .layouts import layout_of, random_codes, wide


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(1)
    return {"background": rng.normal(0, 1, (500, 4)), "a4l": rng.normal(1, 1, (50, 4))}


NAMES = ("mu_0", "mu_1", "log_var_0", "log_var_1")


@pytest.mark.slow
def test_every_dimension_has_a_panel_that_holds_all_events(samples):
    figure = dimensions_figure(samples, NAMES)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_xlabel() for axes in shown] == list(NAMES)
    assert figure_svg(figure) == figure_svg(dimensions_figure(samples, NAMES))


def test_pairs_show_the_lower_triangle(samples):
    figure = pairs_figure(samples, NAMES)
    assert len(figure.axes) == 10
    assert [axes.get_xlabel() for axes in figure.axes[-4:]] == list(NAMES)
    figure_svg(figure)
    figure_svg(pairs_figure({"background": samples["background"][:, :1]}, NAMES[:1]))


def test_correlations_are_written_out_and_a_constant_has_none(samples):
    values = samples["background"].copy()
    values[:, 1] = -2 * values[:, 0]
    values[:, 3] = 7
    texts = [text.get_text() for text in correlation_figure(values, NAMES).axes[0].texts]
    assert texts[1] == "−1.00"
    assert texts[:4][3] == texts[15] == "–"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "panels"),
    [
        ("ugt", {"$p_T$ [GeV]": 19, r"$\eta$": 18, r"$\phi$ [rad]": 19}),
        ("samples", {"adc [ADC counts]": 16}),  # every second of 32 samples has its name below
        ("p2gt", {"$p_T$ [GeV]": 11, r"$\eta$": 10, r"$\phi$ [rad]": 11, "$z_0$ [cm]": 10, "quality": 4, "charge": 4}),
    ],
)
def test_resolution_panels_hold_every_feature(name, panels):
    layout = layout_of(name)
    spec, hw = wide(layout), random_codes(layout, 200, 3)
    rows = resolutions(hw, spec.to_network(hw) * spec.network.lsb, spec, np.arange(200))
    figure = resolution_figure(rows, layout)
    assert {axes.get_ylabel(): len(axes.get_xticklabels()) for axes in figure.axes} == panels
    figure_svg(figure)


def test_the_bump_figure_marks_the_window(samples):
    rng = np.random.default_rng(2)
    hunt = bump_hunt(np.exp(rng.normal(4, 0.5, 800)), pseudo_experiments=20)
    figure = bump_figure(hunt, "mass of the two leading jets", "all events")
    assert figure.axes[1].get_xlabel() == "Mass of the two leading jets [GeV]"
    figure_svg(figure)
