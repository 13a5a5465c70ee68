"""Every combination of switches that cannot work is refused, and changing only the named one makes it valid."""

import pytest
from pydantic import ValidationError

from l1ae.config import Config
from l1ae.families import ARCHITECTURES, Front

CONVOLUTIONS = [{"filters": 2}]
OUT = {"filters": 1}
PREFERRED = dict.fromkeys(("dense_vae", "conv_vae", "set_vae"), "kl")


def _content(architecture="dense_ae", model=None, inputs=None, **training):
    if architecture == "latent_ae":
        training = {"noise": {"drop": 0.1}} | training
    score = PREFERRED.get(architecture, ARCHITECTURES[architecture].scores[0])
    convolutions = {"convolutions": CONVOLUTIONS} if ARCHITECTURES[architecture].front is Front.CONVOLUTIONS else {}
    return {
        "name": "tiny",
        "inputs": inputs or {},
        "model": {"architecture": architecture, "score": score, **convolutions, **(model or {})},
        "training": training,
    }


ALIKE = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}
REGIONS = {"layout": "calo_regions"}
TERNARY = {"layers": {"enc0": {"weights": "ternary"}}}
BINARY = {"layers": {"enc0": {"weights": "binary"}}}

# wrong, message, a neighbour that is right
CASES = {
    "set of regions": (_content("set_ae", inputs=REGIONS), "architecture 'set_ae' reads objects", _content("set_ae", inputs=ALIKE)),
    "variational set of regions": (_content("set_vae", inputs=REGIONS), "'set_vae' reads objects", _content("set_vae", inputs=ALIKE)),
    "features of regions": (
        _content("latent_ae", inputs=REGIONS),
        "act on objects, which layout 'calo_regions' does not have",
        _content("latent_ae", inputs=REGIONS, noise={"drop": 0.0, "masking": 0.1}),
    ),
    "unlike features as an image": (
        _content("conv_ae", inputs={"layout": "ugt_full"}),
        "the groups of layout 'ugt_full' have unlike features",
        _content("conv_ae", inputs={"layout": "ugt_full", "select": {"ett": 0, "htt": 0, "features": ["pt", "phi"]}}),
    ),
    "angles without a period": (
        _content("latent_ae", inputs={"layout": "gelato"}, noise={"rotate": True}),
        "layout 'gelato' has none, or others; leave it out",
        _content("latent_ae", inputs={"layout": "p2gt"}, noise={"rotate": True}),
    ),
    "set by slot": (
        _content("set_ae"),
        "treats all objects of a kind alike, but inputs preprocesses them by slot",
        _content("set_ae", inputs=ALIKE),
    ),
    "offset by slot": (
        _content("set_ae", inputs={"groups": ALIKE["groups"] | {"mu": {"shift": [5, 8, 8], "offset": [[0, 0, k] for k in range(4)]}}}),
        "give each of inputs.groups.eg, .mu, .jet one offset and one shift for all slots",
        _content("set_ae", inputs={"groups": ALIKE["groups"] | {"mu": {"shift": [5, 8, 8], "offset": [[0, 0, 9]] * 4}}}),
    ),
    "rotated image": (
        _content(inputs=REGIONS, noise={"rotate": True}),
        "turns all angles phi",
        _content("latent_ae", noise={"rotate": True}),
    ),
    "dropped regions": (_content(inputs=REGIONS, noise={"drop": 0.1}), "act on objects", _content(inputs=REGIONS, noise={"masking": 0.1})),
    "relative on regions": (_content(inputs=REGIONS, noise={"relative": 0.1}), "act on objects", _content(noise={"relative": 0.1})),
    "divergence of a linear code": (
        _content(sparsity={"kl_weight": 1.0}),
        "set model.latent_activation: relu",
        _content(model={"latent_activation": "relu"}, sparsity={"kl_weight": 1.0}),
    ),
    "positive means": (
        _content("dense_vae", model={"latent_activation": "relu"}),
        "the means of a variational encoder are linear",
        _content(model={"latent_activation": "relu"}),
    ),
    "warm-up without divergence": (
        _content(kl_warmup=3),
        "needs a variational architecture; set it to 0",
        _content("dense_vae", kl_warmup=3),
    ),
    "noisy student": (_content("student", noise={"masking": 0.1}), "a student is trained on its teacher's score", _content("student")),
    "contractive student": (_content("student", contractive=0.1), "a student is trained on its teacher's score", _content("student")),
    "sparse student": (_content("student", sparsity={"l1": 0.1}), "a student is trained on its teacher's score", _content("student")),
    "plain copy": (_content(model={"latent": 57}), "an overcomplete code (57 nodes for 57 inputs)", _content(model={"latent": 56})),
    "sparse copy": (
        _content(model={"latent": 252}, inputs=REGIONS),
        "an overcomplete code (252",
        _content(model={"latent": 80}, contractive=0.1),
    ),
    "copied features": (
        _content("latent_ae", model={"features": 8, "latent": 8}),
        "an overcomplete code (8 nodes for 8 inputs)",
        _content("latent_ae", model={"features": 8, "latent": 7}),
    ),
    "a target alone": (
        _content(model={"latent": 57}, sparsity={"kl_target": 0.1}),
        "an overcomplete code (57",
        _content(model={"latent": 57}, sparsity={"l1": 0.1}),
    ),
    "warm-up without end": (
        _content("dense_vae", kl_warmup=5, float_phase={"epochs": 5}),
        "leaves none of the 5 of the float phase",
        _content("dense_vae", kl_warmup=4, float_phase={"epochs": 5}),
    ),
    "turned events": (_content(noise={"rotate": True}), "turns events by an angle", _content("latent_ae", noise={"rotate": True})),
    "two equal views": (
        _content("latent_ae", noise={}),
        "two distorted views of an event",
        _content("latent_ae", noise={"masking": 0.1}),
    ),
    "widths that nobody learns": (
        _content(learned_widths={}, quantized_phase={"epochs": 0}),
        "learned in the quantized phase, which has no epochs",
        _content(learned_widths={}, quantized_phase={"epochs": 1}),
    ),
    "width of a ternary layer": (
        _content(model={"layers": {"enc0": {"weights": "ternary", "weight_bits": 4}}}),
        "weight_bits 4 has no effect on ternary weights",
        _content(model=TERNARY),
    ),
    "extractor of a plain one": (
        _content(model={"extractor": [8]}),
        "model.extractor has no effect",
        _content("latent_ae", {"extractor": [8]}),
    ),
    "features of a plain one": (_content(model={"features": 8}), "model.features has no effect", _content("latent_ae", {"features": 8})),
    "objects of a plain one": (
        _content(model={"objects": [4]}),
        "model.objects has no effect",
        _content("set_ae", {"objects": [4]}, inputs=ALIKE),
    ),
    "teacher of a plain one": (_content(model={"teacher": [4]}), "model.teacher has no effect", _content("student", {"teacher": [4]})),
    "two teachers": (
        _content("dense_student", {"teacher": [4], "teacher_run": "runs/flow"}),
        "model.teacher has no effect beside teacher_run runs/flow, which is",
        _content("dense_student", {"teacher_run": "runs/flow", "teaching": "rank"}),
    ),
    "rank of a teacher that still learns": (
        _content("table_student", {"teaching": "rank"}),
        "train it first and name it in model.teacher_run",
        _content("table_student", {"teaching": "logarithm"}),
    ),
    "pairs of products": (_content(model={"pairs": True}), "model.pairs has no effect", _content("table_ae", {"pairs": True})),
    "ternary tables": (
        _content("table_ae", TERNARY),
        "the entries of tables are fixed-point numbers; remove weights from model.layers.enc0",
        _content("table_ae", {"layers": {"enc0": {"weight_bits": 5}}}),
    ),
    "convolved tables": (
        _content("table_ae", {"decoder_shape": [19, 3, 2], "deconvolution_out": OUT}),
        "model.decoder_shape has no effect in architecture 'table_ae' (only in conv_ae, conv_vae, dense_ae",
        _content("table_ae"),
    ),
    "code of a student": (_content("student", {"latent": 4}), "model.latent has no effect", _content(model={"latent": 4})),
    "output of an encoder": (
        _content("dense_vae", {"output_bits": 8}),
        "model.output_bits has no effect",
        _content(model={"output_bits": 8}),
    ),
    "image of features": (
        _content("latent_ae", {"decoder_shape": [19, 3, 2], "deconvolution_out": OUT}),
        "model.decoder_shape has no effect",
        _content("dense_ae", {"decoder_shape": [19, 3, 2], "deconvolution_out": OUT}),
    ),
    "table of an error": (
        _content(model={"table_type": "ufixed<16,8,TRN,SAT>"}),
        "model.table_type has no effect on score 'squared_error'",
        _content("dense_vae", {"table_type": "ufixed<16,8,TRN,SAT>"}),
    ),
    "beta without divergence": (_content(beta=0.3), "training.beta has no effect", _content("dense_vae", beta=0.3)),
    "vicreg of a plain one": (
        _content(vicreg={"variance": 1.0}),
        "training.vicreg has no effect",
        _content("latent_ae", vicreg={"variance": 1.0}),
    ),
    "binary zeros": (
        _content(model=BINARY, pruning={"sparsity": 0.5}),
        "binary weights are never 0",
        _content(model=TERNARY, pruning={"sparsity": 0.5}),
    ),
    "pruning without epochs": (
        _content(pruning={"sparsity": 0.5}, quantized_phase={"epochs": 0}),
        "takes place in the quantized phase, which has no epochs",
        _content(pruning={"sparsity": 0.5}, quantized_phase={"epochs": 1}),
    ),
    "pruned learned widths": (
        _content(pruning={"sparsity": 0.5}, learned_widths={}),
        "prunes by itself",
        _content(learned_widths={}),
    ),
    "ternary learned widths": (
        _content(model=TERNARY, learned_widths={}),
        "training.learned_widths chooses the widths",
        _content(model=TERNARY),
    ),
    "convolutions of a dense one": (
        _content(model={"convolutions": CONVOLUTIONS}),
        "architecture 'dense_ae' has no convolutions; remove model.convolutions",
        _content("conv_ae"),
    ),
    "no convolutions": (
        _content("conv_ae", model={"convolutions": []}),
        "architecture 'conv_ae' needs convolutions; list them in model.convolutions",
        _content("conv_vae"),
    ),
    "half a decoder": (
        _content("conv_ae", model={"deconvolution_out": OUT}),
        "needs both decoder_shape and deconvolution_out",
        _content("conv_ae", model={"decoder_shape": [19, 3, 2], "deconvolution_out": OUT}),
    ),
    "deconvolutions of a dense decoder": (
        _content("conv_ae", model={"deconvolutions": CONVOLUTIONS}),
        "needs both decoder_shape and deconvolution_out",
        _content("conv_ae", model={"deconvolutions": CONVOLUTIONS, "decoder_shape": [19, 3, 2], "deconvolution_out": OUT}),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_contradictions_are_refused_and_their_neighbours_are_not(case):
    wrong, message, right = CASES[case]
    with pytest.raises(ValidationError) as error:
        Config.model_validate(wrong)
    assert message in str(error.value)
    Config.model_validate(right)


SCORES = {
    "dense_ae": {"squared_error", "absolute_error"},
    "conv_ae": {"squared_error", "absolute_error"},
    "set_ae": {"squared_error", "absolute_error"},
    "dense_vae": {"mu2", "kl", "rz"},
    "conv_vae": {"mu2", "kl", "rz"},
    "set_vae": {"mu2", "kl", "rz"},
    "latent_ae": {"latent_error"},
    "student": {"output"},
    "dense_student": {"output"},
    "table_ae": {"squared_error", "absolute_error"},
    "table_student": {"output"},
}


@pytest.mark.parametrize("architecture", SCORES)
@pytest.mark.parametrize("score", ["squared_error", "absolute_error", "mu2", "kl", "rz", "latent_error", "output"])
def test_each_architecture_has_its_scores_and_no_others(architecture, score):
    content = _content(architecture, model={"score": score}, inputs=ALIKE)
    if score in SCORES[architecture]:
        assert Config.model_validate(content).model.score == score
        return
    with pytest.raises(ValidationError) as error:
        Config.model_validate(content)
    assert f"score '{score}' does not exist for architecture '{architecture}'; choose" in str(error.value)


@pytest.mark.parametrize(
    ("architecture", "model", "training"),
    [
        ("dense_ae", {"encoder": [8, 0]}, {}),
        ("dense_ae", {"decoder": [-3]}, {}),
        ("set_ae", {"objects": []}, {}),
        ("latent_ae", {"extractor": [0]}, {}),
        ("latent_ae", {}, {"vicreg": {"expander": []}}),
        ("student", {"teacher": [0]}, {}),
        ("dense_student", {"teaching": "error"}, {}),
        ("conv_ae", {"convolutions": [{"filters": 0}]}, {}),
        ("conv_ae", {"convolutions": [{"filters": 2, "kernel": [0, 3]}]}, {}),
        ("conv_ae", {"convolutions": [{"filters": 2, "stride": [1, 0]}]}, {}),
        ("conv_ae", {"convolutions": [{"filters": 2, "pool": [0, 1]}]}, {}),
        ("conv_ae", {"convolutions": [{"filters": 2, "upsample": [0, 1]}]}, {}),
        ("conv_ae", {"convolutions": [{"filters": 2, "pad": [-1, 0]}]}, {}),
        ("conv_ae", {"decoder_shape": [0, 3, 1], "deconvolution_out": OUT}, {}),
        ("dense_ae", {}, {"noise": {"gaussian": [-1.0, 0, 0]}}),
        ("dense_ae", {}, {"noise": {"masking": 1.0}}),
        ("dense_ae", {}, {"pruning": {"sparsity": 1.0}}),
    ],
)
def test_numbers_without_a_meaning_are_refused(architecture, model, training):
    with pytest.raises(ValidationError, match=r"should (be|have)"):
        Config.model_validate(_content(architecture, model=model, inputs=ALIKE, **training))
