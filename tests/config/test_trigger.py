"""The section trigger."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from l1ae.config import Config, SeedConfig, TriggerConfig, menu_names, named_menu
from l1ae.documents import validate
from l1ae.errors import UserError
from l1ae.inputs import named_layout

MODEL = {"architecture": "dense_ae", "score": "squared_error"}


def test_defaults_are_those_of_the_lhc_in_run_3():
    trigger = Config.model_validate({"name": "x", "model": MODEL}).trigger
    assert trigger.revolution_khz * trigger.bunches == pytest.approx(28608.8, abs=0.05)
    assert trigger.rates == (0.25, 0.5, 1.0, 3.0, 10.0)
    assert (trigger.ladder, trigger.menu_from, trigger.zero_bias) == ("auto", "auto", "auto")


@pytest.mark.parametrize(("content", "khz"), [({}, 1.0), ({"rates": [3, 5]}, 3.0), ({"rates": [0.5, 2]}, 0.5), ({"firmware": 10}, 10.0)])
def test_the_firmware_has_one_of_the_working_points(content, khz):
    assert TriggerConfig.model_validate(content).firmware_khz == khz


def test_the_menu_of_eight_has_a_seed_of_every_kind():
    legs = [leg for seed in TriggerConfig(menu="eight").seeds for leg in seed.all]
    kinds = {(leg.object, len(leg.pt), leg.sum is not None) for leg in legs}
    assert kinds == {(k, n, False) for k in ("eg", "mu", "jet") for n in (1, 2)} | {("jet", 1, True), ("met", 1, False)}
    assert {leg.object for leg in legs} <= {group.name for group in named_layout("ugt").groups}


def test_the_default_menu_is_run3_and_the_list_of_eight_has_its_name_again():
    """Configurations of earlier versions hold the seeds themselves, with every key."""
    flat = [{"name": seed.name, **seed.all[0].model_dump(mode="json", exclude={"deta"})} for seed in named_menu("eight").seeds]
    assert TriggerConfig().menu == "run3"
    assert TriggerConfig.model_validate({"menu": flat}).menu == "eight"
    flat[0]["pt"] = [23]
    assert TriggerConfig.model_validate({"menu": flat}).named_menu is None


def test_a_seed_with_legs_and_a_seed_that_is_one_leg_are_alike_when_written_again():
    legs = [{"object": "mu", "pt": 7}, {"object": "eg", "pt": [23], "eta": 2.5}]
    trigger = TriggerConfig.model_validate({"menu": [{"name": "Mu7_EG23er2p5", "all": legs}, {"name": "Mu7", **legs[0]}]})
    assert [[leg.object for leg in seed.all] for seed in trigger.seeds] == [["mu", "eg"], ["mu"]]
    assert TriggerConfig.model_validate(trigger.model_dump(mode="json")) == trigger


def test_every_menu_that_comes_with_l1ae_is_valid():
    assert menu_names() == ("eight", "run3")
    for name in menu_names():
        assert TriggerConfig(menu=name).seeds == named_menu(name).seeds
    with pytest.raises(UserError, match="unknown menu 'run2'; the menus are eight, run3, or give a list of seeds"):
        named_menu("run2")


def test_the_example_of_the_page_is_a_menu():
    text = (Path(__file__).parents[2] / "docs" / "trigger.md").read_text()
    trigger = TriggerConfig.model_validate(yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])["trigger"])
    assert [len(seed.all) for seed in trigger.seeds] == [1, 1, 2, 1]
    real = {seed.name: seed for seed in named_menu("run3").seeds}
    assert all(seed == real[seed.name] for seed in trigger.seeds if seed.name != "HTT360er")


def test_a_mistake_in_a_leg_is_named_with_its_place():
    seeds = [{"name": "x", "all": [{"object": "mu", "pt": 7}, {"object": "eg", "pt": 23, "qualty": 1}]}]
    with pytest.raises(UserError, match=r"unknown key 'trigger\.menu\.seeds\.0\.all\.1\.qualty'; did you mean 'quality'"):
        validate(Config, {"name": "x", "model": MODEL, "trigger": {"menu": seeds}}, "file.yaml")


@pytest.mark.parametrize("legs", [{"object": "em", "et": 30}, {"all": [{"object": "em", "et": 30}]}])
def test_an_energy_under_the_name_of_a_layout_is_one_message(legs):
    with pytest.raises(UserError) as error:
        validate(Config, {"name": "x", "model": MODEL, "trigger": {"menu": [{"name": "SingleEM30"} | legs]}}, "file.yaml")
    assert str(error.value) == (
        "file.yaml: trigger.menu.seeds.0: seed 'SingleEM30': the cut on the energy of 'em' is called pt, whatever the layout calls the "
        "feature; write pt: in the place of et:"
    )


def test_what_follows_from_another_mistake_is_not_said():
    with pytest.raises(UserError) as error:
        validate(Config, {"name": "x", "model": MODEL, "trigger": {"menu": [{"name": "x", "object": "mu"}]}}, "file.yaml")
    assert (
        str(error.value)
        == "file.yaml: trigger.menu.seeds.0.all.0.pt is missing; add 'pt: ...' (thresholds, one per object, the highest first)"
    )


def test_one_threshold_may_be_a_number():
    assert SeedConfig(name="x", object="mu", pt=22).all[0].pt == (22.0,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"menu": [{"name": "x", "object": "mu", "pt": [3, 5]}]}, "must fall"),
        ({"menu": [{"name": "x", "object": "jet", "pt": [30, 30], "sum": 300}]}, "one pt threshold"),
        ({"menu": [{"name": "x", "object": "mu", "pt": []}]}, "at least 1"),
        ({"menu": [{"name": "x", "object": "jet", "pt": 30, "deta": 1.5}]}, "deta is between two objects"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3, "all": [{"object": "eg", "pt": 9}]}]}, "has legs .all. and object, pt beside"),
        ({"menu": [{"name": "x", "all": []}]}, "at least 1"),
        ({"menu": "run2"}, "unknown menu 'run2'; the menus are eight, run3, or give a list of seeds"),
        ({"menu": [{"name": "x", "object": "mu", "pt": [-1]}]}, "greater than 0"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3}] * 2}, "menu has x more than once"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3, "quality": 0}]}, "greater than or equal to 1"),
        ({"menu": [{"name": "x", "object": "mu", "pt": 3, "isolation": -1}]}, "greater than or equal to 1"),
        ({"rates": [1.0, 3.0, 1.0]}, "rates has 1 more than once"),
        ({"rates": [0.0]}, "greater than 0"),
        ({"bunches": 4000}, "3564"),
        ({"ladder": "total"}, "'auto', 'raw' or 'pure'"),
        ({"firmware": 2}, "firmware is 2 kHz, which is none of rates"),
        ({"menus": []}, "Extra inputs"),
    ],
)
def test_mistakes_are_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        TriggerConfig.model_validate(content)


def test_a_rate_above_that_of_the_crossings_is_refused():
    with pytest.raises(ValidationError, match=r"rates has 50000 kHz, but 2544 bunches cross at 28608\.8 kHz only"):
        TriggerConfig(rates=(1.0, 50000.0))
