"""Added columns as inputs of every architecture."""

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.families import ARCHITECTURES, Body, Front
from l1ae.models import firmware_plan
from l1ae.pipeline._models import untrained_contract

from ..inputs.added import events
from ..levels import slow

ADD = {"ht": {"kind": "sum", "group": "jet", "bits": 12}, "n_mu": {"kind": "multiplicity", "group": "mu"}}
ALIKE = {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}
OURS = [item for item in ARCHITECTURES.values() if not item.imported]


def config_of(architecture, **more):
    model = {"architecture": architecture.name, "score": architecture.scores[0]} | more
    if architecture.front is Front.CONVOLUTIONS:
        model |= {"convolutions": [{"filters": 2, "kernel": [2, 2]}]}
    training = {"noise": {"masking": 0.1}} if architecture.body is Body.FEATURES else {}
    inputs = {"add": ADD} | ({} if architecture.tabular else {"groups": ALIKE})
    inputs |= {"network": "fixed<6,3,RND_CONV,SAT>"} if architecture.of_tables else {}
    return Config.model_validate({"name": "m", "inputs": inputs, "model": model, "training": training})


@pytest.mark.parametrize("architecture", slow(OURS, OURS[:3]), ids=lambda item: item.name)
def test_every_architecture_reads_them(architecture):
    config, hardware = config_of(architecture), events(300, seed=41)
    contract = untrained_contract(config)
    assert contract.added_names == ("ht", "n_mu")
    assert contract.hardware.size == 57
    found, reference = contract.evaluate(hardware), contract.evaluate_reference(hardware)
    for name in contract.outputs:
        np.testing.assert_array_equal(found[name], reference[name])
    # jets that balance: the sum, and only it, says that there is more
    more = hardware.copy()
    more[:, 27] = 2047
    assert np.any(contract.evaluate(more)[contract.score.name] != found[contract.score.name])


def test_they_join_what_convolutions_leave_of_an_image():
    plan = {step.name: step for step in firmware_plan(config_of(ARCHITECTURES["conv_ae"]))}
    assert (plan["image_inputs"].start, plan["image_inputs"].stop) == (0, 57)
    assert plan["image"].shape == (19, 3, 1)
    assert (plan["added_inputs"].start, plan["added_inputs"].stop) == (57, 59)
    assert plan["image_and_added"].sources == ("conv0_flat", "added_inputs")
    assert plan["image_and_added"].shape == (18 * 2 * 2 + 2,)
    assert plan["out"].shape == (59,)


def test_in_a_set_each_is_an_object_of_its_own():
    plan = {step.name: step for step in firmware_plan(config_of(ARCHITECTURES["set_ae"]))}
    assert plan["objects"].sources[-2:] == ("ht_inputs", "n_mu_inputs")


def test_an_image_decoder_cannot_make_them():
    last = {"filters": 1, "kernel": [2, 2]}
    with pytest.raises(ValueError, match=r"model\.decoder_shape makes an image, and ht, n_mu of inputs\.add is no part of it"):
        config_of(ARCHITECTURES["conv_ae"], decoder_shape=[20, 4, 2], deconvolution_out=last)
