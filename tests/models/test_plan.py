"""Names, shapes and refusals of the planned networks."""

import keras
import numpy as np
import pytest

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.families import ARCHITECTURES
from l1ae.models import build_float_networks, firmware_plan, weight_steps
from l1ae.models._plan import auxiliary_plans, code_step, output_steps

ALIKE = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}


def _config(architecture, layout="ugt", **model):
    score = ARCHITECTURES[architecture].scores[0]
    inputs = {"layout": layout} if layout != "ugt" else ALIKE
    training = {"noise": {"masking": 0.1}} if architecture == "latent_ae" else {}
    content = {"architecture": architecture, "score": score, **model}
    return Config.model_validate({"name": "m", "inputs": inputs, "model": content, "training": training})


def _shapes(config):
    return {step.name: step.shape for step in firmware_plan(config)}


CONVOLUTIONS = [
    {"filters": 4, "kernel": [3, 3]},
    {"filters": 2, "kernel": [3, 1], "stride": [2, 1], "padding": "same", "pool": [2, 1]},
]
DECODER = {
    "decoder_shape": [9, 1, 3],
    "deconvolutions": [{"filters": 2, "upsample": [2, 3], "kernel": [2, 1], "padding": "same"}],
    "deconvolution_out": {"filters": 1, "pad": [3, 2], "kernel": [3, 3]},
}


def test_convolutional_shapes_are_those_worked_out_by_hand():
    """19 x 3; 3 x 3 valid: 17 x 1; every second row, same: 9 x 1; pooled in pairs: 4 x 1. Back: 9 x 1 -> 18 x 3, 3 + 18 rows and 2 + 3."""
    shapes = _shapes(_config("conv_ae", convolutions=CONVOLUTIONS, encoder=[5], latent=2, decoder=[6], **DECODER))
    assert shapes == {
        "image": (19, 3, 1),
        "conv0": (17, 1, 4),
        "conv1": (9, 1, 2),
        "conv1_pool": (4, 1, 2),
        "conv1_pool_flat": (8,),
        "enc0": (5,),
        "latent": (2,),
        "dec0": (6,),
        "dec_image": (27,),
        "dec_reshaped": (9, 1, 3),
        "deconv0_up": (18, 3, 3),
        "deconv0": (18, 3, 2),
        "out_up": (21, 5, 2),
        "out": (19, 3, 1),
        "out_flat": (57,),
    }


FAMILIES = {
    "conv_ae": {"convolutions": CONVOLUTIONS, "encoder": [5], **DECODER},
    "conv_vae": {"convolutions": CONVOLUTIONS, "encoder": [5]},
    "set_ae": {"objects": [5, 4], "encoder": [6]},
    "set_vae": {"objects": [5], "encoder": [6]},
    "latent_ae": {"extractor": [7], "features": 5, "encoder": [4], "decoder": [4]},
    "student": {"convolutions": CONVOLUTIONS, "encoder": [5], "teacher": [9, 2, 9]},
    "dense_ae": {},
    "dense_vae": {},
    "dense_student": {"encoder": [5], "teacher": [9, 2, 9]},
}


@pytest.mark.parametrize("architecture", FAMILIES)
def test_keras_makes_the_planned_shapes(architecture):
    config = _config(architecture, **FAMILIES[architecture])
    networks = build_float_networks(config)
    plans = (firmware_plan(config), *auxiliary_plans(config).values())
    for model, plan in zip(networks.models, plans, strict=True):
        found = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
        for step in plan:
            assert found.get(f"{step.name}_pad", found[step.name]) == step.shape, step.name
    outputs = networks.firmware.outputs
    assert [tuple(output.shape[1:]) for output in outputs] == [step.shape for step in output_steps(config, firmware_plan(config))]


@pytest.mark.parametrize("architecture", sorted(FAMILIES.keys() - {"student", "dense_student"}))
def test_the_code_is_a_layer_of_the_latent_size(architecture):
    config = _config(architecture, **FAMILIES[architecture], latent=2)
    assert {step.name: step.shape for step in weight_steps(firmware_plan(config))}[code_step(config)] == (2,)


OUTPUTS = {
    "conv_ae": ["out_flat"],
    "conv_vae": ["mu", "log_var"],
    "set_vae": ["mu", "log_var"],
    "latent_ae": ["features", "out"],
    "student": ["output"],
    "dense_student": ["output"],
}


@pytest.mark.parametrize("architecture", OUTPUTS)
def test_outputs_come_in_the_order_of_the_scores(architecture):
    config = _config(architecture, **FAMILIES[architecture])
    assert [step.name for step in output_steps(config, firmware_plan(config))] == OUTPUTS[architecture]


@pytest.mark.parametrize(
    ("architecture", "inputs", "outputs"),
    [
        ("dense_vae", {"decoder": 3}, {"decoder": 57}),
        ("latent_ae", {"expander": 5}, {"expander": 32}),
        ("student", {"teacher": 57}, {"teacher": 57}),
        ("dense_student", {"teacher": 57}, {"teacher": 57}),
    ],
)
def test_networks_beside_the_firmware(architecture, inputs, outputs):
    auxiliary = build_float_networks(_config(architecture, **FAMILIES[architecture])).auxiliary
    assert {name: model.input_shape[1] for name, model in auxiliary.items()} == inputs
    assert {name: model.output_shape[1] for name, model in auxiliary.items()} == outputs


def test_a_student_of_another_run_has_no_network_beside_it():
    assert not build_float_networks(_config("dense_student", encoder=[5], teacher_run="runs/flow")).auxiliary


def test_sets_have_one_network_per_kind_without_bias_and_missing_momentum_beside_them():
    config = _config("set_ae", objects=[5, 4])
    steps = weight_steps(firmware_plan(config))
    names = [f"{kind}_phi{layer}" for kind in ("eg", "mu", "jet") for layer in (0, 1)]
    assert [step.name for step in steps if not step.bias] == names
    assert _shapes(config)["objects"] == (3 + 3 * 4,)
    sizes = {layer.name: layer.count_params() for layer in build_float_networks(config).firmware.layers}
    assert [sizes[name] for name in names] == [3 * 5, 5 * 4] * 3


@pytest.mark.parametrize("function", ["sum", "max"])
def test_images_may_be_of_calorimeter_regions(function):
    config = _config("conv_ae", "calo_regions", convolutions=[{"filters": 2, "pool": [4, 5], "pooling": function}])
    shapes = _shapes(config)
    assert (shapes["image"], shapes["conv0"], shapes["conv0_pool"], shapes["out"]) == ((18, 14, 1), (16, 12, 2), (4, 2, 2), (252,))
    layer = build_float_networks(config).firmware.get_layer("conv0_pool")
    image = np.random.default_rng(1).integers(0, 9, (3, 16, 12, 2)).astype(np.float32)
    windows = image[:, :, :10].reshape(3, 4, 4, 2, 5, 2)
    np.testing.assert_array_equal(layer(image), windows.sum(axis=(2, 4)) if function == "sum" else windows.max(axis=(2, 4)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"convolutions": [{"filters": 2, "kernel": [3, 4]}]},
            "layer 'conv0': its kernel has 4 columns, its input only 3; use a smaller kernel or",
        ),
        ({"convolutions": [{"filters": 2}, {"filters": 2, "kernel": [18, 1]}]}, "layer 'conv1': its kernel has 18 rows, its input only 17"),
        (
            {"convolutions": [{"filters": 2, "pool": [18, 1]}]},
            r"layer 'conv0': the pooling window \(18, 1\) is larger than the image \(17, 1\)",
        ),
        (
            {"convolutions": [{"filters": 2}], **DECODER, "decoder_shape": [8, 1, 3]},
            r"model.deconvolution_out makes an image of \(17, 3, 1\), the inputs are \(19, 3\); change decoder_shape",
        ),
        (
            {"convolutions": [{"filters": 2}], "decoder_shape": [3, 19, 2], "deconvolution_out": {"filters": 1, "padding": "same"}},
            r"makes an image of \(3, 19, 1\), the inputs are \(19, 3\)",
        ),
        (
            {"convolutions": [{"filters": 2}], "layers": {"enc9": {"weight_bits": 4}}},
            "model.layers names 'enc9'; the layers of 'm' are conv0, enc0, enc1, latent",
        ),
    ],
)
def test_what_does_not_fit_is_refused(model, message):
    with pytest.raises(UserError, match=message):
        firmware_plan(_config("conv_ae", **model))


def test_padding_same_takes_kernels_of_any_size():
    assert _shapes(_config("conv_ae", convolutions=[{"filters": 2, "kernel": [25, 9], "padding": "same"}]))["conv0"] == (19, 3, 2)


def test_widths_of_a_layer_replace_those_of_the_model():
    layers = {"enc0": {"weight_bits": 3, "activation_bits": 5}, "latent": {"activation_bits": 7}, "out": {"weights": "ternary"}}
    steps = {step.name: step for step in weight_steps(firmware_plan(_config("dense_ae", layers=layers, weight_bits=6)))}
    assert (steps["enc0"].weight_bits, steps["enc0"].bits) == (3, 5)
    assert (steps["latent"].weight_bits, steps["latent"].bits) == (6, 7)
    assert (steps["out"].weights, steps["dec0"].weights) == ("ternary", "fixed")
    assert (steps["enc1"].weight_bits, steps["enc1"].bits, steps["out"].bits) == (6, 8, 12)


@pytest.mark.parametrize("architecture", FAMILIES)
def test_layers_have_names_of_their_own(architecture):
    networks = build_float_networks(_config(architecture, **FAMILIES[architecture]))
    names = [layer.name for model in networks.models for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert len(names) == len(set(names))
