"""Switches that cannot go together, or would have no effect: each rule is (is it broken, the reason and the remedy)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from l1ae.families import ARCHITECTURES, SCORES, Body, Front
from l1ae.inputs import Layout

if TYPE_CHECKING:
    from l1ae.config._schema import Config

__all__ = ["changed", "contradictions", "idle_keys"]

Rule = tuple[bool, str]


def contradictions(config: "Config") -> Iterator[str]:
    """The reasons why a configuration cannot be meant."""
    for rules in (_inputs, _empty_slots, _code, _student, _tables, _noise, _quantization, _without_effect, _of_networks):
        yield from (reason for broken, reason in rules(config) if broken)


def _inputs(config: "Config") -> Iterator[Rule]:
    model, noise, inputs = config.model, config.training.noise, config.inputs
    layout = inputs.selected
    objects = layout.has_slots
    lacking = model.family.lacks(layout)
    yield lacking is not None, str(lacking)
    yield (
        model.family.front is Front.OBJECTS and not inputs.automatic and not inputs.linear().kinds_alike,
        f"architecture '{model.architecture}' treats all objects of a kind alike, but inputs preprocesses them by slot; "
        f"give each of inputs.groups.{', .'.join(group.name for group in layout.groups if group.slots > 1)} one offset and one shift "
        "for all slots, for example shift: [5, 6, 6]",
    )
    yield (
        (noise.relative > 0 or noise.drop > 0) and not objects,
        f"training.noise.relative and .drop act on objects, which layout '{layout.name}' does not have; use gaussian or masking noise",
    )
    yield (
        noise.rotate and not _turns(layout),
        f"training.noise.rotate turns all angles phi by whole codes, which takes periods that are multiples of the smallest one; layout "
        f"'{layout.name}' has none, or others; leave it out",
    )
    yield (
        bool(inputs.add) and model.decoder_shape is not None,
        f"model.decoder_shape makes an image, and {', '.join(inputs.add)} of inputs.add is no part of it; leave decoder_shape, "
        "deconvolutions and deconvolution_out out, or remove inputs.add",
    )
    own = {"layout", "select"}
    yield (
        model.described and any(changed(inputs, key) for key in type(inputs).model_fields if key not in own),
        f"'{model.source}' says how its inputs are preprocessed; remove everything but 'layout' and 'select' from inputs",
    )
    yield (
        model.family.imported and not model.described and bool(inputs.transform),
        f"'{model.source}' was trained on inputs that were preprocessed in some way; inputs.transform makes new tables from data, which "
        "it does not know; remove it",
    )
    yield (
        model.family.imported and not model.described and inputs.automatic,
        f"'{model.source}' was trained on inputs that were preprocessed in some way; say how in inputs.groups: offset and shift of "
        "every group",
    )


def _empty_slots(config: "Config") -> Iterator[Rule]:
    counted, gates = config.inputs.empty_slots == "counted", config.inputs.selected.gate
    yield (
        counted and not bool((gates >= 0).any()),
        f"inputs.empty_slots: counted has no effect on layout '{config.inputs.selected.name}', which has no slots that can be empty; "
        "remove it",
    )
    yield (
        counted and config.model.family.body is Body.FEATURES,
        f"inputs.empty_slots: counted has no effect in architecture '{config.model.architecture}', which reconstructs learned features; "
        "remove it",
    )


def _turns(layout: Layout) -> bool:
    """Whether an event can be turned in phi without rounding a code."""
    periods = layout.period[layout.with_role("phi")]
    return bool(len(periods) and periods.min() > 0 and (periods % periods.min() == 0).all())


def _code(config: "Config") -> Iterator[Rule]:
    model, family, training = config.model, config.model.family, config.training
    penalised = training.contractive > 0 or training.sparsity.active
    yield (
        training.sparsity.kl_weight > 0 and model.latent_activation != "relu",
        "training.sparsity.kl_weight needs an activation between 0 and 1; set model.latent_activation: relu",
    )
    yield (
        family.variational and model.latent_activation != "linear",
        "the means of a variational encoder are linear; leave model.latent_activation at linear",
    )
    yield training.kl_warmup > 0 and not family.variational, "training.kl_warmup needs a variational architecture; set it to 0"
    yield (
        training.kl_warmup > 0 and training.kl_warmup >= training.float_phase.epochs,
        f"training.kl_warmup of {training.kl_warmup} epochs leaves none of the {training.float_phase.epochs} of the float phase with the "
        "full weight; make it shorter",
    )
    yield (
        family.body is Body.STUDENT and (penalised or training.noise.active),
        "a student is trained on its teacher's score; switch noise, sparsity and contractive off",
    )
    copied = model.features if family.body is Body.FEATURES else config.inputs.columns.size
    noisy = training.noise.active and family.body is not Body.FEATURES
    yield (
        family.code is not None and model.latent >= copied and not (penalised or noisy or family.variational),
        f"an overcomplete code ({model.latent} nodes for {copied} inputs) learns to copy its input; "
        "add training.sparsity, training.noise or training.contractive, or make model.latent smaller",
    )


def _student(config: "Config") -> Iterator[Rule]:
    model = config.model
    yield (
        bool(model.teacher_run) and changed(model, "teacher"),
        f"model.teacher has no effect beside teacher_run {', '.join(model.teacher_run)}, which is the teacher; remove one of the two",
    )
    yield (
        not model.teacher_run and model.teaching == "rank",
        "model.teaching: rank takes the score of all training events, which a teacher that is trained beside the student does not have; "
        "train it first and name it in model.teacher_run, or leave teaching at logarithm",
    )


def _tables(config: "Config") -> Iterator[Rule]:
    model = config.model
    if not model.family.of_tables:
        return
    given = sorted(name for name, item in model.layers.items() if item.weights)
    yield (
        bool(given),
        f"the entries of tables are fixed-point numbers; remove weights from model.layers.{' and '.join(given)}",
    )


def _noise(config: "Config") -> Iterator[Rule]:
    features, noise = config.model.family.body is Body.FEATURES, config.training.noise
    yield (
        noise.rotate and not features,
        "training.noise.rotate turns events by an angle that no autoencoder can undo; it is for the two views of latent_ae only",
    )
    yield (
        features and not noise.active,
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
    model, family, training = config.model, config.model.family, config.training
    if family.imported:
        return
    # model.convolutions is needed where it has an effect, and refused elsewhere, by the model section itself
    for name in sorted({key for item in ARCHITECTURES.values() for key in item.keys} - {"convolutions"}):
        having = sorted(item.name for item in ARCHITECTURES.values() if name in item.keys)
        yield (
            changed(model, name) and name not in family.keys,
            f"model.{name} has no effect in architecture '{model.architecture}' (only in {', '.join(having)}); remove it",
        )
    tabled = [name for name, score in SCORES.own.items() if score.tabled]
    yield (
        changed(model, "table_type") and not SCORES[model.score].tabled,
        f"model.table_type has no effect on score '{model.score}' (only on {' and '.join(tabled)}); remove it",
    )
    yield (
        changed(training, "beta") and not family.variational,
        f"training.beta has no effect in architecture '{model.architecture}', which is not variational; remove it",
    )
    yield (
        changed(training, "vicreg") and family.body is not Body.FEATURES,
        f"training.vicreg has no effect in architecture '{model.architecture}' (only in latent_ae); remove it",
    )


def idle_keys(config: "Config") -> frozenset[str]:
    """Dotted keys of networks, of their training and of their inputs that have no effect in the configuration's architecture."""
    family = config.model.family
    if not family.tabular:
        specific = {key for item in ARCHITECTURES.values() for key in item.keys}
        return frozenset(f"model.{name}" for name in specific - family.keys if name in type(config.model).model_fields)
    model = set(type(config.model).model_fields) - _OF_ALL - family.keys
    return frozenset(
        {f"model.{name}" for name in model}
        | {f"training.{name}" for name in type(config.training).model_fields}
        | {f"inputs.{name}" for name in _INPUTS_OF_NETWORKS}
    )


_INPUTS_OF_NETWORKS = ("network", "preprocessing", "groups", "transform")
_OF_ALL = {"architecture", "source", "score", "score_type", "table_type", "target_fpr"}
"""Keys of the model section that do not speak of a network."""


def _of_networks(config: "Config") -> Iterator[Rule]:
    """What a model that is no network has no use for."""
    model, inputs = config.model, config.inputs
    if not model.family.tabular:
        return
    yield (
        model.family.body is Body.DENSITY and (model.score == "log_ratio") != (model.density.reference is not None),
        f"score '{model.score}' of architecture '{model.architecture}' and model.density.reference do not go together: a ratio needs a "
        "reference, and with one the score is log_ratio",
    )
    for name in type(model).model_fields:
        if name not in _OF_ALL | model.family.keys:
            yield changed(model, name), f"model.{name} has no effect in architecture '{model.architecture}', which is no network; remove it"
    for name in type(config.training).model_fields:
        yield (
            changed(config.training, name),
            f"training.{name} has no effect in architecture '{model.architecture}', which has a section of its own for that; remove it",
        )
    for name in _INPUTS_OF_NETWORKS:
        yield (
            changed(inputs, name),
            f"inputs.{name} has no effect in architecture '{model.architecture}', whose bins are those of the hardware's codes; remove it",
        )
