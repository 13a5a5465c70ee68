"""The records of architectures and scores, walked through everything that must know them."""

import numpy as np
import pytest

from l1ae.config import Config, ModelConfig
from l1ae.contract._builder import Builder, add_inputs
from l1ae.contract._ops import Gather, Quantize
from l1ae.contract._scores import add_score
from l1ae.families import ARCHITECTURES, SCORES, Body, Front, score
from l1ae.inputs import FixedFormat, named_layout
from l1ae.models import build_float_networks, firmware_plan, output_steps
from l1ae.training._objective import _OBJECTIVES

OURS = [item for item in ARCHITECTURES.values() if not (item.imported or item.tabular)]
EXTRA = {
    Front.FLAT: {},
    Front.CONVOLUTIONS: {"convolutions": [{"filters": 2, "kernel": [2, 2]}]},
    Front.OBJECTS: {},
}
ALIKE = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}


def config_of(architecture, score_name):
    model = {"architecture": architecture.name, "score": score_name, **EXTRA[architecture.front]}
    if architecture.body is Body.DENSITY and score_name == "log_ratio":
        model["density"] = {"reference": {}}
    training = {"noise": {"masking": 0.1}} if architecture.body is Body.FEATURES else {}
    inputs = {} if architecture.tabular else ALIKE | ({"network": "fixed<6,3,RND_CONV,SAT>"} if architecture.of_tables else {})
    return Config.model_validate({"name": "m", "inputs": inputs, "model": model, "training": training})


def test_names_are_those_of_the_records():
    assert all(name == record.name for records in (ARCHITECTURES, SCORES) for name, record in records.items())
    assert set(ARCHITECTURES["imported"].scores) == set(SCORES) - {"surprisal", "log_ratio"}


@pytest.mark.parametrize("architecture", OURS, ids=lambda item: item.name)
def test_every_architecture_has_a_plan_a_score_an_objective_and_a_network(architecture):
    assert architecture.scores, "nothing could be made of it"
    assert architecture.body in _OBJECTIVES
    for name in architecture.scores:
        config = config_of(architecture, name)
        steps = output_steps(config, firmware_plan(config))
        assert len(steps) in SCORES[name].outputs
        networks = build_float_networks(config)
        outputs = networks.firmware(np.zeros((2, 57), np.float32))
        found = score(
            name,
            np.zeros((2, 57)),
            [np.asarray(o) for o in outputs] if isinstance(outputs, list) else np.asarray(outputs),
            np.ones((2, 57), bool),
        )
        assert found.shape == (2,)


@pytest.mark.parametrize("architecture", OURS, ids=lambda item: item.name)
def test_keys_of_a_record_are_keys_of_the_model_section(architecture):
    assert architecture.keys <= set(ModelConfig.model_fields)
    assert architecture.code in {None, *(step.name for step in firmware_plan(config_of(architecture, architecture.scores[0])))}


@pytest.mark.parametrize("record", SCORES.values(), ids=lambda item: item.name)
def test_the_two_implementations_of_a_score_agree(record):
    """In real numbers and in firmware, on codes that both represent exactly; tables are rounded to their LSB."""
    body = next(iter(record.bodies))
    architecture = next(item for item in ARCHITECTURES.values() if item.body is body)
    config = config_of(architecture, record.name)
    config = config.model_copy(update={"model": config.model.model_copy(update={"score_type": FixedFormat.parse("ufixed<40,22,TRN,SAT>")})})
    builder, spec = Builder(), config.inputs.spec()
    add_inputs(builder, spec)
    size = {Body.AUTOENCODER: 57, Body.STUDENT: 1, Body.DENSITY: 1, Body.CONTRAST: 1}.get(body, 3)
    forms = [FixedFormat.parse("ufixed<9,5,RND_CONV,SAT>" if size == 1 else "fixed<9,3,RND_CONV,SAT>") for _ in range(max(record.outputs))]
    names = []
    for k, form in enumerate(forms):
        index = (np.arange(size) + 3 * k) % 57
        builder.add(Gather(name=f"o{k}_raw", inputs=("inputs",), format=spec.network, size=size, index=index))
        names.append(builder.add(Quantize(name=f"o{k}", inputs=(f"o{k}_raw",), format=form, size=size)))
    add_score(builder, config, names)
    from l1ae.contract import Contract

    contract = Contract("m_v1", tuple(builder.operations))
    low, high = named_layout("ugt").code_range
    hardware = np.random.default_rng(4).integers(low, high + 1, (300, 57))
    codes = contract.evaluate(hardware, [*names, "score"])
    outputs = [codes[name] * form.lsb for name, form in zip(names, forms, strict=True)]
    exact = score(
        record.name, spec.to_network(hardware) * spec.network.lsb, outputs if len(outputs) > 1 else outputs[0], spec.mask(hardware)
    )
    tolerance = size * 8 * 2.0**-8 if record.tabled else 0.0
    np.testing.assert_allclose(codes["score"][:, 0] * 2.0**-18, exact, atol=tolerance + 2.0**-18)


def test_reports_have_words_for_every_record():
    assert all(item.title and item.text and item.source for item in SCORES.values())
    assert all(item.title for item in ARCHITECTURES.values())


def test_the_reasons_why_a_layout_does_not_fit():
    assert "reads objects" in ARCHITECTURES["set_ae"].lacks(named_layout("samples"))
    assert "unlike features" in ARCHITECTURES["conv_ae"].lacks(named_layout("gelato"))
    assert all(item.lacks(named_layout("ugt")) is None for item in ARCHITECTURES.values())
    assert ARCHITECTURES["conv_ae"].lacks(named_layout("samples")) is None
