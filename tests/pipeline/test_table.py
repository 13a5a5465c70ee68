"""The table of stages, and what is derived from it."""

import pytest

from l1ae.cli._main import _cli
from l1ae.errors import UserError
from l1ae.pipeline import STAGES, stages_to

ALWAYS = ["train", "contract", "evaluation", "baselines", "trigger", "hls", "csim"]


def names(command, config):
    return [stage.name for stage in stages_to(command, config)]


def test_every_stage_needs_what_comes_before_it():
    known = set()
    for stage in STAGES:
        assert known.issuperset(stage.needs), stage.name
        known.add(stage.name)
    assert len(known) == len(STAGES)


def test_every_stage_is_made_by_a_command_that_exists():
    assert {stage.command for stage in STAGES} <= set(_cli.commands)


def test_without_a_stage_a_run_goes_as_far_as_the_simulation(make_config):
    assert names(None, make_config()) == ALWAYS


@pytest.mark.parametrize(
    ("command", "made"),
    [
        ("train", ["train", "contract"]),
        ("evaluate", ["train", "contract", "evaluation"]),
        ("baselines", ["train", "baselines"]),
        ("csim", ["train", "contract", "hls", "csim"]),
        ("synth", ["train", "contract", "rtl", "synth"]),
        ("latent", ["train", "contract", "latent"]),
        (
            "deliver",
            ["train", "contract", "hls", "csim", "rtl", "delivery/cmssw", "delivery/ugt", "delivery/emp", "delivery/vivado"],
        ),
        ("verify", ["train", "contract", "hls", "csim", "rtl", "delivery/cmssw", "delivery/ugt", "verification"]),
    ],
)
def test_what_a_stage_needs_is_made_first(make_config, command, made):
    assert names(command, make_config()) == made


def test_a_stage_that_is_none_or_that_a_configuration_cannot_have_is_refused(make_config):
    with pytest.raises(UserError, match="--to hsl: there is no such stage; stages are train, evaluate, "):
        stages_to("hsl", make_config())
    tree = {"architecture": "density_tree", "score": "surprisal"}
    with pytest.raises(UserError, match="--to latent: a density_tree has no latent space"):
        stages_to("latent", make_config(model=tree, training={}))
