"""Switches that cannot go together, or would have no effect: each rule is (is it broken, the reason and the remedy)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from l1ae.config._schema import Config

__all__ = ["changed", "contradictions"]

Rule = tuple[bool, str]

_SETS = {"set_ae", "set_vae"}
_CONVOLUTIONS = {"conv_ae", "conv_vae", "student"}
_TO_INPUTS = {"dense_ae", "dense_vae", "conv_ae", "conv_vae", *_SETS}
_WITH_CODE = {*_TO_INPUTS, "latent_ae"}
_RECONSTRUCTING = {"dense_ae", "conv_ae", "set_ae", "latent_ae", "student"}

# the architectures in which a key of the model section has an effect
_ARCHITECTURES = {
    "extractor": {"latent_ae"},
    "features": {"latent_ae"},
    "objects": _SETS,
    "teacher": {"student"},
    "latent": _WITH_CODE,
    "latent_bits": _WITH_CODE,
    "latent_activation": _WITH_CODE,
    "decoder": _WITH_CODE,
    "decoder_shape": _TO_INPUTS,
    "deconvolutions": _TO_INPUTS,
    "deconvolution_out": _TO_INPUTS,
    "output_bits": _RECONSTRUCTING,
}


def contradictions(config: "Config") -> Iterator[str]:
    """The reasons why a configuration cannot be meant."""
    for rules in (_inputs, _code, _noise, _quantization, _without_effect):
        yield from (reason for broken, reason in rules(config) if broken)


def _inputs(config: "Config") -> Iterator[Rule]:
    model, noise, inputs = config.model, config.training.noise, config.inputs
    layout = inputs.selected
    objects = layout.has_slots
    yield (
        model.architecture in _SETS and not objects,
        f"architecture '{model.architecture}' reads objects, which layout '{layout.name}' does not have; choose another architecture",
    )
    yield (
        model.architecture in _SETS and not inputs.automatic and not inputs.spec().kinds_alike,
        f"architecture '{model.architecture}' treats all objects of a kind alike, but inputs preprocesses them by slot; "
        f"give each of inputs.groups.{', .'.join(group.name for group in layout.groups if group.slots > 1)} one offset and one shift for all "
        "slots, for example shift: [5, 6, 6]",
    )
    yield (
        model.architecture in _CONVOLUTIONS and layout.image is None,
        f"architecture '{model.architecture}' reads an image, but the groups of layout '{layout.name}' have unlike features; choose one "
        "group, or the same features of all, with inputs.select",
    )
    yield (
        (noise.relative > 0 or noise.drop > 0) and not objects,
        f"training.noise.relative and .drop act on objects, which layout '{layout.name}' does not have; it knows gaussian and masking noise",
    )
    yield (
        noise.rotate and not layout.with_role("phi").any(),
        f"training.noise.rotate turns angles phi, which layout '{layout.name}' does not have; leave it out",
    )
    own = {"layout", "select"}
    yield (
        model.described and any(changed(inputs, key) for key in type(inputs).model_fields if key not in own),
        f"'{model.source}' says how its inputs are preprocessed; remove everything but 'layout' and 'select' from inputs",
    )
    yield (
        model.architecture == "imported" and not model.described and inputs.automatic,
        f"'{model.source}' was trained on inputs that were preprocessed in some way; say how in inputs.groups (offset and shift of every group)",
    )


def _code(config: "Config") -> Iterator[Rule]:
    model, training = config.model, config.training
    penalised = training.contractive > 0 or training.sparsity.active
    yield (
        training.sparsity.kl_weight > 0 and model.latent_activation != "relu",
        "training.sparsity.kl_weight needs an activation between 0 and 1; set model.latent_activation: relu",
    )
    yield (
        model.variational and model.latent_activation != "linear",
        "the means of a variational encoder are linear; leave model.latent_activation at linear",
    )
    yield training.kl_warmup > 0 and not model.variational, "training.kl_warmup needs a variational architecture; set it to 0"
    yield (
        training.kl_warmup > 0 and training.kl_warmup >= training.float_phase.epochs,
        f"training.kl_warmup of {training.kl_warmup} epochs leaves none of the {training.float_phase.epochs} of the float phase with the "
        "full weight; make it shorter",
    )
    yield (
        model.architecture == "student" and (penalised or training.noise.active),
        "a student is trained on its teacher's score; switch noise, sparsity and contractive off",
    )
    copied = model.features if model.architecture == "latent_ae" else config.inputs.selected.size
    noisy = training.noise.active and model.architecture != "latent_ae"
    yield (
        model.architecture in _WITH_CODE and model.latent >= copied and not (penalised or noisy or model.variational),
        f"an overcomplete code ({model.latent} nodes for {copied} inputs) learns to copy its input; "
        "add training.sparsity, training.noise or training.contractive, or make model.latent smaller",
    )


def _noise(config: "Config") -> Iterator[Rule]:
    model, noise = config.model, config.training.noise
    yield (
        noise.rotate and model.architecture != "latent_ae",
        "training.noise.rotate turns events by an angle that no autoencoder can undo; it is for the two views of latent_ae only",
    )
    yield (
        model.architecture == "latent_ae" and not noise.active,
        "architecture 'latent_ae' learns its features from two distorted views of an event; switch on something in training.noise",
    )


def _quantization(config: "Config") -> Iterator[Rule]:
    layers, training = config.model.layers.values(), config.training
    no_epochs = training.quantized_phase.epochs == 0
    yield (
        training.pruning is not None and any(item.weights == "binary" for item in layers),
        "binary weights are never 0, so training.pruning cannot act on them; use ternary weights or remove training.pruning",
    )
    yield (
        training.pruning is not None and no_epochs,
        "training.pruning takes place in the quantized phase, which has no epochs; raise training.quantized_phase.epochs",
    )
    yield (
        training.learned_widths is not None and no_epochs,
        "training.learned_widths are learned in the quantized phase, which has no epochs; raise training.quantized_phase.epochs",
    )
    yield (
        training.learned_widths is not None and training.pruning is not None,
        "training.learned_widths prunes by itself (weights of zero bits); remove training.pruning",
    )
    yield (
        training.learned_widths is not None and any(item.weights or item.weight_bits for item in layers),
        "training.learned_widths chooses the widths; remove weights and weight_bits from model.layers",
    )


def changed(section: BaseModel, key: str) -> bool:
    """Whether a key has another value than its default."""
    return bool(getattr(section, key) != type(section).model_fields[key].get_default())


def _without_effect(config: "Config") -> Iterator[Rule]:
    model, training = config.model, config.training
    if model.architecture == "imported":
        return
    for name, architectures in _ARCHITECTURES.items():
        yield (
            changed(model, name) and model.architecture not in architectures,
            f"model.{name} has no effect in architecture '{model.architecture}' (only in {', '.join(sorted(architectures))}); remove it",
        )
    yield (
        changed(model, "table_type") and model.score not in {"kl", "rz"},
        f"model.table_type has no effect on score '{model.score}' (only on kl and rz); remove it",
    )
    yield (
        changed(training, "beta") and not model.variational,
        f"training.beta has no effect in architecture '{model.architecture}', which is not variational; remove it",
    )
    yield (
        changed(training, "vicreg") and model.architecture != "latent_ae",
        f"training.vicreg has no effect in architecture '{model.architecture}' (only in latent_ae); remove it",
    )
