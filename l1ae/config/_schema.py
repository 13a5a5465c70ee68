"""The typed, frozen description of a run. Every key of a configuration file is a field here, with its unit."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from l1ae.inputs import FixedFormat, Format, InputSpec, ObjectGroup, RegionSpec, calo_layer1_spec, ugt_input_spec

__all__ = ["Config", "CsimConfig", "DataConfig", "HlsConfig", "InputsConfig", "ModelConfig", "PhaseConfig", "TrainingConfig"]

Triple = tuple[int, int, int]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class DataConfig(_Section):
    """Where the events come from and how they are divided."""

    source: str = Field("shipped", description="'shipped', or a folder with background.h5 and one store per signal")
    train: float = Field(0.4, gt=0, lt=1, description="fraction of background source events")
    validation: float = Field(0.1, gt=0, lt=1, description="fraction of background source events")
    split_seed: int = 1

    @model_validator(mode="after")
    def _leaves_a_test_sample(self) -> Self:
        if self.train + self.validation >= 1:
            raise ValueError(f"train + validation = {self.train + self.validation} leaves nothing to test on; their sum must be below 1")
        return self


class GroupPreprocessing(_Section):
    """Overrides of one object group's preprocessing: a triple (pT, eta, phi) for all slots, or one triple per slot."""

    offset: Triple | tuple[Triple, ...] | None = None
    shift: Triple | tuple[Triple, ...] | None = None


class InputsConfig(_Section):
    """How hardware integers become network inputs: `(hw - offset) >> shift`, cast to `network`."""

    view: Literal["objects", "regions"] = Field("objects", description="19 trigger objects, or the 18 x 14 calorimeter image")
    network: Format = Field(ugt_input_spec().network, description="default: fixed<12,6,RND_CONV,SAT>; regions: ufixed<10,6,RND_CONV,SAT>")
    groups: dict[str, GroupPreprocessing] = Field({}, description="objects only; keys: met, eg, mu, jet")
    shift: int | None = Field(None, ge=-16, le=16, description="regions only: right shift of every energy; default 4")

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults_of_regions(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("view") != "regions":
            return content
        base = calo_layer1_spec()
        return {"network": base.network, "shift": base.region_shift} | {key: value for key, value in content.items() if value is not None}

    @field_validator("groups")
    @classmethod
    def _known_groups(cls, value: dict[str, GroupPreprocessing]) -> dict[str, GroupPreprocessing]:
        known = [group.name for group in ugt_input_spec().groups]
        for name in value:
            if name not in known:
                raise ValueError(f"unknown object group '{name}'; the groups are {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _keys_of_the_view(self) -> Self:
        if self.view == "regions" and self.groups:
            raise ValueError(f"groups ({', '.join(self.groups)}) belong to view: objects; regions have one 'shift' for all")
        if self.view == "objects" and self.shift is not None:
            raise ValueError("'shift' belongs to view: regions; objects have a shift per group under 'groups'")
        return self

    def spec(self) -> InputSpec | RegionSpec:
        """The `InputSpec` with these overrides, or the `RegionSpec`, as `view` says."""
        if self.view == "regions":
            assert self.shift is not None, "filled in by the validator"
            return calo_layer1_spec(str(self.network), self.shift)
        base = ugt_input_spec(str(self.network))
        groups = []
        for group in base.groups:
            change = self.groups.get(group.name, GroupPreprocessing())
            groups.append(ObjectGroup.model_validate(group.model_dump() | change.model_dump(exclude_none=True)))
        return InputSpec(groups=tuple(groups), network=self.network)


class ModelConfig(_Section):
    """Architecture, bit widths and score of the network."""

    architecture: Literal["dense_ae", "dense_vae"]
    encoder: tuple[int, ...] = Field((32, 16), description="nodes of the hidden encoder layers")
    latent: int = Field(3, ge=1)
    decoder: tuple[int, ...] = Field((16, 32), description="nodes of the hidden decoder layers")
    batch_norm: bool = Field(True, description="normalise in the float network; folded before quantization")
    weight_bits: int = Field(8, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    latent_bits: int = Field(10, ge=2, le=16)
    output_bits: int = Field(12, ge=2, le=16)
    score: Literal["squared_error", "mu2", "kl"]
    score_type: Format = FixedFormat.parse("ufixed<18,14,TRN,SAT>")
    table_type: Format = Field(FixedFormat.parse("ufixed<18,10,RND_CONV,SAT>"), description="output of the exp table of the KL score")
    target_fpr: float = Field(1e-3, gt=0, lt=1, description="false-positive rate on validation background that sets the default threshold")

    @field_validator("score_type", "table_type")
    @classmethod
    def _saturates(cls, value: FixedFormat) -> FixedFormat:
        if value.overflow == "WRAP":
            raise ValueError(f"'{value}' would wrap a large score to a small one; give it an overflow mode, for example SAT")
        return value

    @model_validator(mode="after")
    def _score_fits(self) -> Self:
        if (self.score == "squared_error") != (self.architecture == "dense_ae"):
            fitting = "squared_error" if self.architecture == "dense_ae" else "mu2 or kl"
            raise ValueError(f"score '{self.score}' does not exist for architecture '{self.architecture}'; choose {fitting}")
        return self


class PhaseConfig(_Section):
    """Schedule of one phase of the training: Adam, early stopping, learning rate halved on plateaus."""

    epochs: int = Field(ge=0)
    learning_rate: float = Field(gt=0)
    patience: int = Field(8, ge=1, description="epochs without improvement of the validation loss before the training stops")
    decay_patience: int = Field(3, ge=1, description="epochs without improvement before the learning rate is halved")
    min_improvement: float = Field(1e-3, ge=0, lt=1, description="smallest relative gain in validation loss that counts as improvement")


class FloatPhase(PhaseConfig):
    """Pre-training in floating point."""

    epochs: int = Field(40, ge=0)
    learning_rate: float = Field(3e-3, gt=0)


class QuantizedPhase(PhaseConfig):
    """Quantization-aware fine-tuning; 0 epochs give post-training quantization."""

    epochs: int = Field(15, ge=0)
    learning_rate: float = Field(3e-4, gt=0)


class TrainingConfig(_Section):
    """Loss and schedule."""

    batch_size: int = Field(1024, ge=1)
    beta: float = Field(
        0.5,
        ge=0,
        le=1,
        description="VAE: loss = (1 - beta) x squared error summed over the inputs + beta x KL summed over the latent space",
    )
    hidden_quantile: float = Field(
        0.999, gt=0, le=1, description="fraction of training events in which no activation of a hidden layer saturates, at least"
    )
    output_quantile: float = Field(0.9999, gt=0, le=1, description="the same for the latent space and the outputs")
    float_phase: FloatPhase = FloatPhase()
    quantized_phase: QuantizedPhase = QuantizedPhase()


class HlsLayerConfig(_Section):
    """What one layer of the HLS project does differently."""

    reuse_factor: int = Field(ge=1)


class HlsConfig(_Section):
    """The HLS project. What only the network can tell, for example which reuse factors a layer has, `l1ae hls` checks."""

    backend: Literal["Vitis", "Vivado"] = "Vitis"
    part: str = "xcvu9p-flga2104-2L-e"
    clock_period: float = Field(5.0, gt=0, description="ns")
    clock_uncertainty: float = Field(12.5, ge=0, lt=100, description="percent of the clock period")
    strategy: Literal["Latency", "Resource", "distributed_arithmetic"] = "Latency"
    io_type: Literal["io_parallel", "io_stream"] = "io_parallel"
    reuse_factor: int = Field(1, ge=1, description="products that share one multiplier")
    layers: dict[str, HlsLayerConfig] = Field({}, description="by name of the layer")

    def reuse_of(self, layer: str) -> int:
        """The reuse factor of a layer."""
        return self.layers[layer].reuse_factor if layer in self.layers else self.reuse_factor

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


class CsimConfig(_Section):
    """The C simulation."""

    events: int = Field(20_000, ge=1, description="events of the test sample, in addition to all corner vectors")


class Config(_Section):
    """A run, from data to firmware."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="C++ and HDL identifier")
    version: int = Field(1, ge=1, description="part of every symbol: NAME_vVERSION")
    seed: int = Field(1, ge=0)
    data: DataConfig = DataConfig()
    inputs: InputsConfig = InputsConfig()
    model: ModelConfig
    training: TrainingConfig = TrainingConfig()
    hls: HlsConfig = HlsConfig()
    csim: CsimConfig = CsimConfig()

    @property
    def project(self) -> str:
        """`NAME_vVERSION`: top function, C++ namespace and file stem."""
        return f"{self.name}_v{self.version}"
