"""The section `rtl`: defaults that come from `hls`, and switches that exclude each other."""

import pytest
from pydantic import ValidationError

from l1ae.config import Config

MINIMAL = {"name": "tiny", "model": {"architecture": "dense_ae", "score": "squared_error"}}


def config(**sections):
    return Config.model_validate(MINIMAL | sections)


def test_part_and_clock_are_those_of_hls():
    made = config(hls={"part": "xcvu13p-flga2577-2-e", "clock_period": 2.78})
    assert (made.rtl_part, made.rtl_clock_period) == ("xcvu13p-flga2577-2-e", 2.78)
    assert (made.rtl.interval, made.rtl.adders, made.rtl.crossings, made.rtl.clock_uncertainty) == (1, "binary", None, 12.5)
    assert (made.rtl.events, made.rtl.vhdl_events) == (100_000, None)


def test_its_own_part_and_clock_win():
    made = config(hls={"clock_period": 5.0}, rtl={"part": "xcku115-flvb2104-2-e", "clock_period": 3.125})
    assert (made.rtl_part, made.rtl_clock_period) == ("xcku115-flvb2104-2-e", 3.125)


@pytest.mark.parametrize("crossings", [1, 2])
def test_crossings_are_those_of_the_lhc(crossings):
    made = config(hls={"clock_period": 5.0}, rtl={"crossings": crossings})
    assert made.rtl_clock_period == 25.0
    assert config(rtl={"crossings": crossings, "clock_period": 25}).rtl_clock_period == 25.0


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"crossings": 1, "clock_period": 5.0}, "crossings counts stages of 25 ns, but clock_period is 5; leave one of them out"),
        ({"crossings": 2, "interval": 4}, "crossings asks for an event per clock, but interval is 4; leave one of them out"),
        ({"interval": 4, "adders": "ternary"}, "adders: ternary has no effect on folded layers; leave it out, or set interval to 1"),
        ({"crossings": 3}, "less than or equal to 2"),
        ({"crossings": 0}, "greater than or equal to 1"),
        ({"interval": 0}, "greater than or equal to 1"),
        ({"clock_period": 0}, "greater than 0"),
        ({"clock_uncertainty": 100}, "less than 100"),
        ({"clock_uncertainty": -1}, "greater than or equal to 0"),
        ({"adders": "quaternary"}, "'binary' or 'ternary'"),
        ({"events": 0}, "greater than or equal to 1"),
        ({"vhdl_events": 0}, "greater than or equal to 1"),
        ({"latency": 3}, "Extra inputs are not permitted"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(section, message):
    with pytest.raises(ValidationError) as caught:
        config(rtl=section)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "section", [{"interval": 4}, {"adders": "ternary"}, {"crossings": 2, "adders": "ternary"}, {"clock_uncertainty": 0}]
)
def test_neighbours_that_are_right(section):
    config(rtl=section)


@pytest.mark.parametrize("name", ["a__b", "a_", "_a", "A", "1a", "a-b", ""])
def test_names_that_one_of_the_languages_refuses(name):
    """VHDL has no two underscores in a row, which a trailing one becomes with the version."""
    with pytest.raises(ValidationError, match="name"):
        Config.model_validate(MINIMAL | {"name": name})


@pytest.mark.parametrize("name", ["a", "dnn_ae", "a1_2b", "vae_mu2"])
def test_names_for_all_languages(name):
    assert Config.model_validate(MINIMAL | {"name": name}).project == f"{name}_v1"
