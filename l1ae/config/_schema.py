"""The typed, frozen description of a run. Every key of a configuration file is a field here, with its unit."""

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from l1ae.config._budget import BudgetConfig
from l1ae.config._combinations import changed, contradictions
from l1ae.config._density import DensityConfig, PairsConfig
from l1ae.config._section import Section
from l1ae.config._slots import CROSSING
from l1ae.config._tables import check_no_shift, check_steps
from l1ae.config._trigger import TriggerConfig
from l1ae.errors import UserError
from l1ae.families import ARCHITECTURES, LOSSES, SCORES, Architecture, Front
from l1ae.inputs import (
    Added,
    AddedColumn,
    FixedFormat,
    Format,
    InputSpec,
    Layout,
    Numbers,
    Steps,
    Transform,
    add_columns,
    check_transform,
    find_layout,
    named_layout,
    table_bits,
    table_of,
    transformed_columns,
)
from l1ae.names import KINDS, ModelName, PartName
from l1ae.schema import Unit

__all__ = [
    "Config",
    "ConvolutionConfig",
    "CsimConfig",
    "DataConfig",
    "HlsConfig",
    "InputsConfig",
    "LayerBits",
    "LearnedWidthsConfig",
    "ModelConfig",
    "NoiseConfig",
    "PhaseConfig",
    "PruningConfig",
    "RtlConfig",
    "SparsityConfig",
    "TrainingConfig",
    "VicregConfig",
]

MOST_CROSSINGS = 2
"""What the global trigger's mode of the RTL goes up to."""

SOURCES = ("zerobias", "shipped", "shipped_regions")
"""Data sets that come with l1ae."""


class DataConfig(Section):
    """Where the events come from and how they are divided."""

    source: str = Field(
        "zerobias",
        description="'zerobias', 'shipped' (with a lepton), 'shipped_regions', or a folder with background.h5 and "
        "one store per signal, relative to the configuration file",
    )
    split: Literal["auto", "hash", "recorded"] = Field(
        "auto",
        description="training, validation and test by fractions of source events, or as recorded in the store; "
        "auto: as recorded where it is, unless fractions are given",
    )
    train: float = Field(0.4, gt=0, lt=1, description="fraction of background source events")
    validation: float = Field(0.1, gt=0, lt=1, description="fraction of background source events")
    split_seed: int = Field(1, ge=0, lt=2**32, description="which source events go where; with split: hash")

    @property
    def fractions_given(self) -> bool:
        """Whether the fractions of a split by hash were asked for."""
        return any(changed(self, name) for name in ("train", "validation", "split_seed"))

    @model_validator(mode="after")
    def _recorded_split_has_no_fractions(self) -> Self:
        given = [name for name in ("train", "validation", "split_seed") if changed(self, name)]
        if self.split == "recorded" and given:
            raise ValueError(f"{', '.join(given)} has no effect with split: recorded, which comes with the events; remove it")
        return self

    @model_validator(mode="after")
    def _leaves_a_test_sample(self) -> Self:
        if self.train + self.validation >= 1:
            raise ValueError(f"train + validation = {self.train + self.validation} leaves nothing to test on; their sum must be below 1")
        return self


class GroupPreprocessing(Section):
    """Overrides of one group's preprocessing: one number for all its columns, one per feature, or one such row per slot."""

    offset: Annotated[Numbers | None, Unit("codes")] = Field(None, description="subtracted from the hardware code")
    shift: Annotated[Numbers | None, Unit("bits")] = Field(None, description="of the shift to the right behind it; negative: to the left")


class DerivedPreprocessing(Section):
    """What `preprocessing: auto` and `transform` found in the training data; written by `l1ae train`.

    One offset and one shift per column, empty without `auto`; tables by the name of their column, as pairs of the first hardware
    code and the code of `inputs.network` from there on.
    """

    offset: Annotated[tuple[int, ...], Unit("codes")] = Field((), description="by column")
    shift: Annotated[tuple[int, ...], Unit("bits")] = Field((), description="by column")
    tables: dict[str, Steps] = Field(
        {}, description="by column: pairs of the first hardware code and the code of `inputs.network` from there on"
    )


_LARGEST = {"offset": 2**30, "shift": 30}
"""Offsets and shifts, to either side, that leave something of a code."""


def _layout(value: object) -> object:
    """A layout by name or file."""
    if not isinstance(value, str):
        return value
    try:
        return find_layout(value)
    except UserError as error:
        raise ValueError(str(error)) from error


def _choice(value: object) -> object:
    """What `select` may hold, in words: true is no number of slots, and a name alone no list."""
    for key, item in value.items() if isinstance(value, dict) else ():
        names = isinstance(item, list | tuple) and all(isinstance(name, str) for name in item)
        if key == "features" and not names:
            raise ValueError(f"select: features: {item!r} must be a list of names, for example [pt, phi]")
        if key != "features" and (not isinstance(item, int) or isinstance(item, bool)):
            raise ValueError(f"select: {key}: {item!r} must be a number of slots, for example {key}: 4, or 0 to leave the group out")
    return value


class InputsConfig(Section):
    """What an event is, and how its hardware integers become network inputs: `(hw - offset) >> shift`, cast to `network`."""

    layout: Annotated[Layout, BeforeValidator(_layout)] = Field(
        named_layout("ugt"),
        validate_default=True,
        description="a layout that comes with l1ae (`l1ae data layouts`), a YAML file relative to the configuration, or its content",
    )
    select: Annotated[dict[str, int | tuple[str, ...]], BeforeValidator(_choice)] = Field(
        {}, description="a part of the layout: slots to keep by group (0: none), and `features`, the names of those to keep"
    )
    add: dict[str, AddedColumn] = Field(
        {},
        description="columns that firmware computes of those that arrive, by their new names, in whose order they stand: kind "
        "multiplicity, sum, delta_phi or abs_eta",
    )
    network: Format | None = Field(None, description="type of the network's inputs; default: the preset's, or fixed<12,6,RND_CONV,SAT>")
    preprocessing: Literal["preset", "auto"] | None = Field(
        None,
        description="offsets and shifts: the preset's, or quantiles of training data; default: the preset if there is one",
    )
    groups: dict[str, GroupPreprocessing] = Field({}, description="explicit offsets and shifts by group, which win")
    transform: dict[str, Transform] = Field(
        {},
        description="features that enter as a table over their hardware codes, from weighted training data, instead of by offset and "
        "shift: surprise (-log P(X >= code)), log2 (of 1 + code) or quantile (P(X < code))",
    )
    transform_bits: Annotated[int | None, Unit("bits")] = Field(
        None,
        ge=2,
        le=16,
        description="leading bits of a hardware code that decide its entry in a table; default: all. 5 take half the LUTs",
    )
    empty_slots: Literal["ignored", "counted"] = Field(
        "ignored",
        description="what an empty slot is to reconstruction errors, of the training and of the score: nothing, or inputs like others, "
        "which are 0",
    )
    derived: DerivedPreprocessing | None = Field(
        None, description="result of `preprocessing: auto` and of `transform`; not for writing by hand"
    )

    @model_validator(mode="before")
    @classmethod
    def _view_became_layout(cls, content: Any) -> Any:
        if isinstance(content, dict) and "view" in content:
            raise ValueError("'view' is no key any more: for view: objects write layout: ugt, for view: regions layout: calo_regions")
        return content

    @model_validator(mode="after")
    def _fits_the_layout(self) -> Self:
        try:
            layout = self.columns
            check_transform(layout, self.transform)
            if self.transform_bits is not None and not self.transform:
                raise UserError(f"transform_bits: {self.transform_bits} has no effect without transform; remove it")
            for name, change in self.groups.items():
                for key in ("offset", "shift"):
                    if (value := getattr(change, key)) is None:
                        continue
                    if np.abs(layout.spread(name, value, key)).max() > _LARGEST[key]:
                        raise ValueError(f"groups.{name}.{key}: {value} is beyond {_LARGEST[key]}; codes have at most 30 bits")
                    check_no_shift(layout, self.transform, name, value, key)
            if self.derived is not None:
                self._check_derived(self.derived, layout)
        except UserError as error:
            raise ValueError(str(error)) from error
        if self.preprocessing == "preset" and layout.preset is None:
            raise ValueError(f"preprocessing: preset: layout '{layout.name}' comes without one; use preprocessing: auto, or write groups")
        return self

    def _check_derived(self, derived: DerivedPreprocessing, layout: Layout) -> None:
        for key in ("offset", "shift"):
            found = len(getattr(derived, key))
            if found != layout.size and (found or self.automatic):
                raise UserError(
                    f"derived.{key} has not the {layout.size} columns of the selected layout; remove derived, training finds it"
                )
        check_steps(layout, self.transform, derived.tables, self.linear().network)

    @property
    def selected(self) -> Layout:
        """The layout after `select`: the columns that arrive in firmware."""
        return self.layout.select(self.select) if self.select else self.layout

    @property
    def added(self) -> Added | None:
        """The columns of `add`; None without any. Raises `UserError` for what the layout does not have."""
        return add_columns(self.selected, self.add)

    @property
    def columns(self) -> Layout:
        """The columns that the network receives: those that arrive, and behind them the added ones."""
        return self.selected if (added := self.added) is None else added.layout

    def event(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Events (N, selected.size) with the added columns, (N, columns.size)."""
        return hardware if (added := self.added) is None else added.extend(hardware)

    @property
    def automatic(self) -> bool:
        """Whether offsets and shifts come from training data; not where a preset or `groups` say all of them."""
        if self.preprocessing == "preset" or (self.preprocessing is None and self.layout.preset is not None):
            return False
        given = [self.groups.get(group.name, GroupPreprocessing()) for group in self.columns.groups]
        return any(change.offset is None or change.shift is None for change in given)

    @property
    def from_data(self) -> bool:
        """Whether training data decide anything: offsets and shifts, or tables."""
        return self.automatic or bool(self.transform)

    def spec(self) -> InputSpec:
        """Layout and preprocessing. Raises `UserError` before training found what `preprocessing: auto` and `transform` leave to it."""
        if not self.from_data:
            return self.linear()
        if self.derived is None:
            asked = "inputs.transform takes tables" if self.transform else "inputs.preprocessing: auto takes offsets and shifts"
            instead = "remove it" if self.transform else "write them into inputs.groups"
            raise UserError(f"{asked} from training data, and there was no training yet; run `l1ae train` first, or {instead}")
        layout = self.columns
        places = {name: column for column, name in enumerate(layout.names)}
        tables = {places[name]: table_of(steps, 1 << table_bits(layout, places[name])) for name, steps in self.derived.tables.items()}
        return self.linear().with_tables(tables, {name: str(kind) for name, kind in self.transform.items()})

    def linear(self) -> InputSpec:
        """The specification without the tables of `transform`, whose columns have neither offset nor shift.

        Offsets and shifts of `preprocessing: auto` as far as training found them, else 0.
        """
        changes = {name: change.model_dump() for name, change in self.groups.items()}
        offset, shift, layout = None, None, self.columns
        if self.automatic:
            none = (0,) * layout.size
            found = self.derived or DerivedPreprocessing(offset=none, shift=none)
            offset, shift = np.array(found.offset), np.array(found.shift)
        spec = InputSpec.of(layout, self.network, changes, offset, shift).with_added(self.added)
        return replace(spec.unshifted(transformed_columns(layout, self.transform)), counts_empty=self.empty_slots == "counted")


Positive = Annotated[int, Field(ge=1)]
Nodes = tuple[Positive, ...]
NotNegative = Annotated[int, Field(ge=0)]
Pair = tuple[Positive, Positive]

_OF_DESCRIPTIONS = ("architecture", "source", "score", "target_fpr")
_OF_IMPORTS = (*_OF_DESCRIPTIONS, "score_type", "table_type")


def _several(value: object) -> object:
    """One name, or a list of some; null for none."""
    return () if value is None else (value,) if isinstance(value, str) else value


class ConvolutionConfig(Section):
    """One convolution with what surrounds it: upsampling, zero padding, convolution, ReLU, pooling, in this order."""

    filters: int = Field(ge=1, description="channels of the result")
    kernel: Annotated[Pair, Unit("rows, columns")] = Field((3, 3), description="size of the window")
    stride: Annotated[Pair, Unit("rows, columns")] = Field((1, 1), description="from one window to the next")
    padding: Literal["valid", "same"] = Field(
        "valid", description="valid: windows that lie inside; same: zeros around, so that the size stays"
    )
    upsample: Annotated[Pair, Unit("rows, columns")] = Field(
        (1, 1), description="every row and column is repeated so often, before the convolution"
    )
    pad: Annotated[tuple[NotNegative, NotNegative], Unit("rows, columns")] = Field(
        (0, 0), description="rows of zeros above, columns of zeros to the left, after upsampling"
    )
    pool: Annotated[Pair, Unit("rows, columns")] = Field(
        (1, 1), description="non-overlapping windows; what does not fill a window is dropped"
    )
    pooling: Literal["sum", "max"] = Field("sum", description="a sum, not a mean: exact, and the next layer's weights absorb the factor")


class LayerBits(Section):
    """Widths of one layer, instead of those of the model."""

    weight_bits: Annotated[int | None, Unit("bits")] = Field(None, ge=2, le=16, description="of its weights")
    activation_bits: Annotated[int | None, Unit("bits")] = Field(None, ge=2, le=16, description="of what it gives on")
    weights: Literal["fixed", "ternary", "binary"] | None = Field(
        None, description="fixed: fixed point; ternary: -1, 0, 1 and binary: -1, 1, each times a power of two"
    )

    @model_validator(mode="after")
    def _one_width(self) -> Self:
        if self.weights in {"ternary", "binary"} and self.weight_bits is not None:
            raise ValueError(f"weight_bits {self.weight_bits} has no effect on {self.weights} weights; remove one of the two")
        return self


class ModelConfig(Section):
    """Architecture, bit widths and score of the network."""

    architecture: str = Field(description=f"{', '.join(ARCHITECTURES)}")
    source: str | None = Field(
        None,
        description="imported: a .keras or .h5 file, or the YAML of a description; relative to the file that names it (as is without one)",
    )
    extractor: Annotated[Nodes, Unit("nodes")] = Field((29,), description="latent_ae: nodes of the hidden layers of the feature extractor")
    features: int = Field(10, ge=1, description="latent_ae: number of features that are reconstructed")
    objects: Annotated[Nodes, Unit("nodes")] = Field(
        (8,), min_length=1, description="set_*: nodes of the layers that each object passes, one set per kind of object"
    )
    convolutions: tuple[ConvolutionConfig, ...] = Field((), description="conv_*, student: before the encoder")
    encoder: Annotated[Nodes, Unit("nodes")] = Field((32, 16), description="nodes of the hidden encoder layers")
    latent: Annotated[int, Unit("nodes")] = Field(3, ge=1, description="of the code")
    latent_activation: Literal["linear", "relu"] = Field("linear", description="of the code; relu where it is to be sparse")
    decoder: Annotated[Nodes, Unit("nodes")] = Field((16, 32), description="nodes of the hidden decoder layers")
    decoder_shape: tuple[Positive, Positive, Positive] | None = Field(
        None, description="rows, columns, channels of the last hidden decoder layer; None: a dense decoder"
    )
    deconvolutions: tuple[ConvolutionConfig, ...] = Field((), description="hidden convolutions of the decoder")
    deconvolution_out: ConvolutionConfig | None = Field(None, description="the last convolution, one filter, no ReLU")
    columns: tuple[str, ...] | None = Field(
        None, description="models made of tables: the features, or columns, whose codes are binned; default: all"
    )
    teacher: Annotated[Nodes, Unit("nodes")] = Field(
        (64, 8, 64), description="students: hidden nodes of the float autoencoder that is trained beside it"
    )
    teacher_run: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        (),
        description="students: folder of a trained run whose float score it imitates instead, of any architecture; of several the mean of "
        "what each teaches; relative to the configuration file",
    )
    teaching: Literal["logarithm", "rank"] = Field(
        "logarithm",
        description="students: what is learned of the teacher's score: ln(1 + score), or, of teacher_run, its rank, -log2 of the "
        "fraction of training events, by weight, that score as high",
    )
    pairs: bool = Field(False, description="table_*: the tables of the first layer are addressed by two inputs each, one per pair")
    density: DensityConfig = DensityConfig()
    pair_tables: PairsConfig = PairsConfig()
    batch_norm: bool = Field(True, description="normalise in the float network; folded before quantization")
    weight_bits: Annotated[int, Unit("bits")] = Field(8, ge=2, le=16, description="of the weights of every layer")
    activation_bits: Annotated[int, Unit("bits")] = Field(8, ge=2, le=16, description="of what hidden layers give on")
    latent_bits: Annotated[int, Unit("bits")] = Field(10, ge=2, le=16, description="of the code")
    output_bits: Annotated[int, Unit("bits")] = Field(12, ge=2, le=16, description="of the reconstruction, or of the only output")
    layers: dict[str, LayerBits] = Field({}, description="exceptions by layer name, e.g. enc0: {weight_bits: 4}")
    score: str = Field(description=f"{', '.join(SCORES.own)}, or one of another distribution (docs/extending.md)")
    score_type: Format = Field(
        FixedFormat.parse("ufixed<18,14,TRN,SAT>"),
        description="type of the score, whose code a threshold is compared with; it saturates, and its LSB is that of the threshold",
    )
    table_type: Format = Field(
        FixedFormat.parse("ufixed<18,10,RND_CONV,SAT>"), description="entries of the tables of the KL, R_z and surprisal scores"
    )
    target_fpr: float = Field(1e-3, gt=0, lt=1, description="false-positive rate on validation background that sets the default threshold")

    @field_validator("architecture", "score")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        known: Collection[str] = ARCHITECTURES if info.field_name == "architecture" else SCORES
        if value not in known:
            raise ValueError(f"unknown {info.field_name} '{value}'; choose one of {', '.join(known)}")
        return value

    @property
    def family(self) -> Architecture:
        """The record of the architecture."""
        return ARCHITECTURES[self.architecture]

    @property
    def described(self) -> bool:
        """The model is a plain description, with preprocessing, score and threshold of its own."""
        return self.source is not None and self.source.endswith((".yaml", ".yml"))

    @property
    def scores(self) -> tuple[str, ...]:
        """Scores that exist for the architecture."""
        return ("output",) if self.described else self.family.scores

    @field_validator("score_type", "table_type")
    @classmethod
    def _saturates(cls, value: FixedFormat) -> FixedFormat:
        if value.overflow == "WRAP":
            raise ValueError(f"'{value}' would wrap a large score to a small one; give it an overflow mode, for example SAT")
        return value

    @model_validator(mode="after")
    def _score_fits(self) -> Self:
        if not (self.score == "output" if self.described else self.family.takes(self.score)):
            raise ValueError(
                f"score '{self.score}' does not exist for architecture '{self.architecture}'; choose {' or '.join(self.scores)}"
            )
        return self

    @model_validator(mode="after")
    def _imported_or_made_here(self) -> Self:
        imported = self.family.imported
        if imported != (self.source is not None):
            raise ValueError(
                "architecture 'imported' needs model.source, a .keras or .h5 file or the YAML of a description"
                if imported
                else f"model.source belongs to architecture 'imported', not '{self.architecture}'; remove one of the two"
            )
        if self.source is not None and not self.source.endswith((".keras", ".h5", ".hdf5", ".yaml", ".yml")):
            raise ValueError(f"source '{self.source}' must be a .keras or .h5 file or a description, .yaml")
        allowed = _OF_DESCRIPTIONS if self.described else _OF_IMPORTS
        for name in type(self).model_fields:
            if imported and name not in allowed and changed(self, name):
                raise ValueError(f"model.{name} is what '{self.source}' says; remove it (an imported model has {', '.join(allowed)})")
        return self

    @model_validator(mode="after")
    def _convolutions_fit(self) -> Self:
        if self.family.imported:
            return self
        convolutional = self.family.front is Front.CONVOLUTIONS
        if convolutional != bool(self.convolutions):
            raise ValueError(
                f"architecture '{self.architecture}' {'needs' if convolutional else 'has no'} convolutions; "
                f"{'list them in' if convolutional else 'remove'} model.convolutions"
            )
        if (self.decoder_shape is None) != (self.deconvolution_out is None) or (self.decoder_shape is None and self.deconvolutions):
            raise ValueError("a convolutional decoder needs both decoder_shape and deconvolution_out; a dense one has neither")
        return self


class PhaseConfig(Section):
    """Schedule of one phase of the training: Adam, early stopping, learning rate halved on plateaus."""

    epochs: Annotated[int, Unit("epochs")] = Field(ge=0, description="at most")
    learning_rate: float = Field(gt=0, description="of Adam, at the beginning")
    patience: Annotated[int, Unit("epochs")] = Field(
        8, ge=1, description="without improvement of the validation loss before the training stops"
    )
    decay_patience: Annotated[int, Unit("epochs")] = Field(3, ge=1, description="without improvement before the learning rate is halved")
    min_improvement: float = Field(1e-3, ge=0, lt=1, description="smallest relative gain in validation loss that counts as improvement")


class FloatPhase(PhaseConfig):
    """Pre-training in floating point."""

    epochs: Annotated[int, Unit("epochs")] = Field(40, ge=0, description="at most, in floating point; early stopping ends sooner")
    learning_rate: float = Field(3e-3, gt=0, description="of Adam, at the beginning")


class QuantizedPhase(PhaseConfig):
    """Quantization-aware fine-tuning; 0 epochs give post-training quantization."""

    epochs: Annotated[int, Unit("epochs")] = Field(
        15, ge=0, description="at most, quantized; 0: quantized after training, without fine-tuning"
    )
    learning_rate: float = Field(3e-4, gt=0, description="of Adam, at the beginning")


NonNegative = Annotated[float, Field(ge=0)]


class NoiseConfig(Section):
    """Noise on the hardware integers: what a denoising autoencoder must undo, and how VICReg's two views differ.

    Empty slots stay empty. Applied in the order of the fields.
    """

    rotate: bool = Field(False, description="turn the whole event by a random angle in phi (objects only)")
    gaussian: Annotated[tuple[NonNegative, NonNegative, NonNegative], Unit("LSB")] = Field(
        (0.0, 0.0, 0.0), description="sigma on the codes of (pT, eta, phi); regions: of the first only"
    )
    relative: float = Field(0.0, ge=0, description="sigma of a Gaussian on pT as a fraction of it")
    masking: float = Field(0.0, ge=0, lt=1, description="probability that a feature is set to the code that the network sees as 0")
    drop: float = Field(0.0, ge=0, lt=1, description="probability that an object is removed (objects only)")

    @property
    def active(self) -> bool:
        """Whether there is any noise."""
        return self != NoiseConfig()


class SparsityConfig(Section):
    """Penalties on the code, all zero by default."""

    l1: float = Field(0.0, ge=0, description="weight of sum |code|: a Laplace prior (Olshausen and Field, Nature 381 (1996) 607)")
    kl_weight: float = Field(0.0, ge=0, description="weight of sum KL(kl_target || mean activation); needs latent_activation relu")
    kl_target: float = Field(0.05, gt=0, lt=1, description="mean of tanh(code) that each latent node is drawn to")

    @property
    def active(self) -> bool:
        """Whether there is any penalty."""
        return self.l1 > 0 or self.kl_weight > 0


class PruningConfig(Section):
    """Magnitude pruning of the quantized phase with a cubic schedule (arXiv:1710.01878, equation 1)."""

    sparsity: float = Field(gt=0, lt=1, description="fraction of the weights of every layer that end as 0")
    epochs: Annotated[int, Unit("epochs")] = Field(
        5, ge=1, description="of the quantized phase, at most all, over which the fraction grows from 0"
    )


class LearnedWidthsConfig(Section):
    """Widths of every weight and of every activation layer, trained in the quantized phase (arXiv:2405.00645)."""

    resource_weight: float = Field(1e-5, ge=0, description="weight of the effective bit operations (EBOPs) in the loss")
    initial_bits: Annotated[int, Unit("bits")] = Field(
        8, ge=2, le=14, description="behind the point that every weight starts with, and at most has"
    )


class VicregConfig(Section):
    """Weights of the loss of arXiv:2105.04906, equation 6, and its expander."""

    invariance: float = Field(25.0, ge=0, description="weight of the distance of the features of two views of an event")
    variance: float = Field(25.0, ge=0, description="weight of what keeps each feature from becoming constant")
    covariance: float = Field(1.0, ge=0, description="weight of what keeps features from saying the same")
    expander: Annotated[Nodes, Unit("nodes")] = Field(
        (32, 32), min_length=1, description="of the layers behind the features, on which the loss is computed; not in the firmware"
    )


class TrainingConfig(Section):
    """Loss and schedule."""

    batch_size: Annotated[int, Unit("events")] = Field(1024, ge=2, description="of a step")
    beta: float = Field(
        0.5,
        ge=0,
        le=1,
        description="VAE: loss = (1 - beta) x squared error summed over the inputs + beta x KL summed over the latent space",
    )
    weight_power: float = Field(
        1.0,
        ge=0,
        le=1,
        description="of the weights of events in training: below 1 the rare hard events of a stratified sample teach more than their share",
    )
    kl_warmup: Annotated[int, Unit("epochs")] = Field(
        0, ge=0, description="VAE: of the float phase, over which beta grows from 0 (arXiv:1602.02282)"
    )
    noise: NoiseConfig = NoiseConfig()
    sparsity: SparsityConfig = SparsityConfig()
    contractive: float = Field(
        0.0, ge=0, description="weight of the squared Frobenius norm of the code's Jacobian (Rifai et al., ICML 2011, equation 7)"
    )
    weight_decay: float = Field(0.0, ge=0, description="weight of the sum of squared kernels of the firmware's network")
    losses: dict[str, NonNegative] = Field({}, description="weights of terms that other distributions bring, by name (docs/extending.md)")
    pruning: PruningConfig | None = None
    learned_widths: LearnedWidthsConfig | None = None
    vicreg: VicregConfig = VicregConfig()
    hidden_quantile: float = Field(
        0.999, gt=0, le=1, description="fraction of training events in which no activation of a hidden layer saturates, at least"
    )
    output_quantile: float = Field(0.9999, gt=0, le=1, description="the same for the latent space and the outputs")
    float_phase: FloatPhase = FloatPhase()
    quantized_phase: QuantizedPhase = QuantizedPhase()

    @field_validator("losses")
    @classmethod
    def _losses_are_known(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in LOSSES:
                known = f"there are {', '.join(LOSSES)}" if len(LOSSES) else "no distribution that is installed brings any"
                raise ValueError(f"unknown loss '{name}'; {known}")
        return value


class HlsLayerConfig(Section):
    """What one layer of the HLS project does differently."""

    reuse_factor: int = Field(ge=1, description="products of this layer that share one multiplier")


class HlsConfig(Section):
    """The HLS project. What only the network can tell, for example which reuse factors a layer has, `l1ae hls` checks."""

    backend: Literal["Vitis", "Vivado"] = Field("Vitis", description="Vitis: Vitis HLS 2023.1 and later; Vivado: Vivado HLS 2020.1")
    part: PartName = Field("xcvu9p-flga2104-2L-e", description="the FPGA that the C synthesis is for")
    clock_period: Annotated[float, Unit("ns")] = Field(5.0, gt=0, description="clock of the C synthesis")
    clock_uncertainty: Annotated[float, Unit("%")] = Field(12.5, ge=0, lt=100, description="of the clock period, that logic does not use")
    strategy: Literal["Latency", "Resource", "distributed_arithmetic"] = Field(
        "Latency",
        description="Latency: everything unrolled; Resource: multipliers are shared; distributed_arithmetic: shared additions, by da4ml",
    )
    io_type: Literal["io_parallel", "io_stream"] = Field(
        "io_parallel", description="io_parallel: an event at a time, on parallel ports; io_stream: element by element"
    )
    reuse_factor: int = Field(1, ge=1, description="products that share one multiplier")
    layers: dict[str, HlsLayerConfig] = Field({}, description="by name of the layer")

    def reuse_of(self, layer: str) -> int:
        """The reuse factor of a layer."""
        return self.layers[layer].reuse_factor if layer in self.layers else self.reuse_factor

    @field_validator("backend", mode="before")
    @classmethod
    def _says_what_is_wrong_with_other_backends(cls, value: object) -> object:
        """Projects of these would be written, but would not be the contract."""
        reasons = {
            "catapult": "its projects have no namespace, so that two versions of a network collide in one program",
            "oneapi": "its layers are SYCL tasks between pipes, which those of l1ae are not, and nothing compiles without Intel's compiler",
        }
        if isinstance(value, str) and value.lower() in reasons:
            raise ValueError(
                f"backend {value} is not supported: {reasons[value.lower()]}; and hls4ml 1.3 makes its 1-bit types 2 bits wide, "
                f"which are not the contract's. Choose Vitis or Vivado"
            )
        return value

    @model_validator(mode="after")
    def _distributed_arithmetic_has_no_multipliers(self) -> Self:
        factors = {f"layers.{name}.reuse_factor": layer.reuse_factor for name, layer in self.layers.items()}
        for where, factor in ({"reuse_factor": self.reuse_factor} | factors).items():
            if self.strategy == "distributed_arithmetic" and factor != 1:
                raise ValueError(
                    f"{where} is {factor}, but strategy distributed_arithmetic has no multipliers to share; "
                    f"set it to 1, or choose strategy Resource"
                )
        return self


class RtlConfig(Section):
    """The RTL that l1ae writes itself, its simulation and its synthesis."""

    part: PartName | None = Field(None, description="default: hls.part")
    clock_period: Annotated[float | None, Unit("ns")] = Field(None, gt=0, description="default: hls.clock_period, or 25 with `crossings`")
    clock_uncertainty: Annotated[float, Unit("%")] = Field(12.5, ge=0, lt=100, description="of the clock period, that logic does not use")
    crossings: Annotated[int | None, Unit("bunch crossings")] = Field(
        None,
        ge=1,
        le=MOST_CROSSINGS,
        description="the global trigger's mode: a clock of 25 ns, nothing but logic between one register and the next",
    )
    adders: Literal["binary", "ternary"] = Field("binary", description="terms of an adder: ternary saves LUTs and costs latency")
    interval: Annotated[int, Unit("clock cycles")] = Field(
        1, ge=1, description="from one event to the next (II); above 1 layers are folded"
    )
    events: Annotated[int, Unit("events")] = Field(100_000, ge=1, description="of the RTL simulation, in addition to corner vectors")
    vhdl_events: Annotated[int | None, Unit("events")] = Field(
        None,
        ge=1,
        description="the same for the simulation of the VHDL, which is hundreds of times slower; default: 10,000 for RTL with at most "
        "1,000 bits of adders and gates, else 500",
    )

    @model_validator(mode="after")
    def _crossings_fix_the_clock(self) -> Self:
        if self.crossings is not None and self.clock_period not in (None, CROSSING):
            raise ValueError(
                f"crossings counts stages of {CROSSING:g} ns, but clock_period is {self.clock_period:g}; leave one of them out"
            )
        if self.crossings is not None and self.interval > 1:
            raise ValueError(f"crossings asks for an event per clock, but interval is {self.interval}; leave one of them out")
        if self.interval > 1 and self.adders == "ternary":
            raise ValueError("adders: ternary has no effect on folded layers; leave it out, or set interval to 1")
        return self


class CsimConfig(Section):
    """The C simulation."""

    events: Annotated[int, Unit("events")] = Field(20_000, ge=1, description="of the test sample, in addition to all corner vectors")


class Config(Section):
    """A run, from data to firmware."""

    name: ModelName = Field(description=f"of the model, in C++ and HDL: {KINDS['model name'].rule}")
    version: int = Field(1, ge=1, lt=2**31, description="part of every symbol: NAME_vVERSION")
    seed: int = Field(
        1, ge=0, lt=2**32, description="of weights, batches and noise; the same configuration, data and seed give the same bytes"
    )
    data: DataConfig = DataConfig()
    inputs: InputsConfig = InputsConfig()
    model: ModelConfig
    training: TrainingConfig = TrainingConfig()
    hls: HlsConfig = HlsConfig()
    csim: CsimConfig = CsimConfig()
    rtl: RtlConfig = RtlConfig()
    trigger: TriggerConfig = TriggerConfig()
    budget: BudgetConfig = BudgetConfig()

    @property
    def rtl_part(self) -> str:
        """The part that the RTL is made for."""
        return self.rtl.part or self.hls.part

    @property
    def rtl_clock_period(self) -> float:
        """The clock of the RTL in ns."""
        return self.rtl.clock_period or (CROSSING if self.rtl.crossings is not None else self.hls.clock_period)

    @model_validator(mode="after")
    def _combines(self) -> Self:
        for reason in contradictions(self):
            raise ValueError(reason)
        return self

    @property
    def project(self) -> str:
        """`NAME_vVERSION`: top function, C++ namespace and file stem."""
        return f"{self.name}_v{self.version}"
