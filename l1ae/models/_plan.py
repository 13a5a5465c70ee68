"""Which layers a configured network has, their names, and how they are connected.

The names are the ones that every later stage (contract, HLS project, RTL, reports) uses.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from l1ae.config import Config, ConvolutionConfig, LayerBits
from l1ae.errors import UserError
from l1ae.families import Body, Front
from l1ae.inputs import Layout

__all__ = [
    "INPUTS",
    "ConcatenateStep",
    "ConvolutionStep",
    "DenseStep",
    "Plan",
    "PoolStep",
    "ReshapeStep",
    "SliceStep",
    "SpreadStep",
    "Step",
    "WeightStep",
    "auxiliary_plans",
    "code_step",
    "firmware_plan",
    "output_steps",
    "weight_steps",
]

INPUTS = "inputs"
"""Name of the input layer."""

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One tensor of the network: `sources` are the steps (or `INPUTS`) that it is made of, `shape` is its own, per event."""

    name: str
    sources: tuple[str, ...]
    shape: Shape


Plan = tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class WeightStep(Step):
    """A layer with weights and what follows it: a ReLU (`hidden`) or nothing, and a quantizer of `bits` bits.

    `weights` says what kind of number a weight is, `weight_bits` its width where it is "fixed". `normalised` hidden
    layers may have BatchNormalization in the float network; the code has none, which would undo what is asked of it.
    """

    hidden: bool
    bits: int
    weight_bits: int
    weights: Literal["fixed", "ternary", "binary"] = "fixed"
    bias: bool = True
    normalised: bool = True

    @property
    def activation(self) -> str:
        """Name of the layer that follows: a ReLU, or a plain quantizer."""
        return f"{self.name}_relu" if self.hidden else f"{self.name}_q"

    @property
    def batch_norm(self) -> str:
        """Name of the BatchNormalization that the float network may have in between."""
        return f"{self.name}_bn"


@dataclass(frozen=True, kw_only=True)
class DenseStep(WeightStep):
    """A dense layer of shape[0] nodes."""


@dataclass(frozen=True, kw_only=True)
class ConvolutionStep(WeightStep):
    """A convolution with shape[2] filters."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Literal["valid", "same"]


@dataclass(frozen=True, kw_only=True)
class PoolStep(Step):
    """Sum or maximum over non-overlapping windows."""

    window: tuple[int, int]
    function: Literal["sum", "max"]


@dataclass(frozen=True, kw_only=True)
class SpreadStep(Step):
    """Nearest-neighbour upsampling by `factors`, then `pad` rows of zeros above and columns of zeros to the left."""

    factors: tuple[int, int]
    pad: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class SliceStep(Step):
    """Elements [start, stop) of a flat tensor."""

    start: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class ReshapeStep(Step):
    """The same elements in another shape."""


@dataclass(frozen=True, kw_only=True)
class ConcatenateStep(Step):
    """Flat tensors one after the other."""


class _Planner:
    """Appends steps and knows the last one's name and shape."""

    def __init__(self, config: Config, source: str, shape: Shape) -> None:
        self._config = config
        self.steps: list[Step] = []
        self.last, self.shape = source, shape

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self.last, self.shape = step.name, step.shape

    def continue_from(self, name: str, shape: Shape) -> None:
        """Branch off: the next step's source is an earlier tensor."""
        self.last, self.shape = name, shape

    def _widths(self, name: str, bits: int) -> dict[str, Any]:
        model = self._config.model
        change = model.layers.get(name, LayerBits())
        return {
            "bits": change.activation_bits or bits,
            "weight_bits": change.weight_bits or model.weight_bits,
            "weights": change.weights or "fixed",
        }

    def dense(self, name: str, units: int, *, hidden: bool, bits: int | None = None, normalised: bool = True) -> None:
        """A dense layer on the flattened tensor."""
        if len(self.shape) > 1:
            self.reshape(f"{self.last}_flat", (prod(self.shape),))
        widths = self._widths(name, bits or self._config.model.activation_bits)
        self._add(DenseStep(name=name, sources=(self.last,), shape=(units,), hidden=hidden, normalised=normalised, **widths))

    def hidden(self, prefix: str, sizes: Iterable[int]) -> None:
        """Dense layers with ReLU, prefix0, prefix1, ..."""
        for index, units in enumerate(sizes):
            self.dense(f"{prefix}{index}", units, hidden=True)

    def reshape(self, name: str, shape: Shape) -> None:
        """The same elements in another shape; no step when the shape is the same."""
        if shape != self.shape:
            self._add(ReshapeStep(name=name, sources=(self.last,), shape=shape))

    def slice(self, name: str, start: int, stop: int) -> None:
        """Some elements of a flat tensor."""
        self._add(SliceStep(name=name, sources=(self.last,), shape=(stop - start,), start=start, stop=stop))

    def pool(self, name: str, window: tuple[int, int], function: Literal["sum", "max"]) -> None:
        """Pooling of an image."""
        rows, columns, channels = self.shape
        shape = (rows // window[0], columns // window[1], channels)
        self._add(PoolStep(name=name, sources=(self.last,), shape=shape, window=window, function=function))

    def convolution(self, name: str, layer: ConvolutionConfig, *, hidden: bool = True, bits: int | None = None, bias: bool = True) -> None:
        """Upsampling and zeros, convolution with ReLU, pooling; those that do nothing are left out."""
        if layer.upsample != (1, 1) or layer.pad != (0, 0):
            rows, columns = (n * f + p for n, f, p in zip(self.shape[:2], layer.upsample, layer.pad, strict=True))
            shape = (rows, columns, self.shape[2])
            self._add(SpreadStep(name=f"{name}_up", sources=(self.last,), shape=shape, factors=layer.upsample, pad=layer.pad))
        self._add(
            ConvolutionStep(
                name=name,
                sources=(self.last,),
                shape=(*_positions(name, self.shape, layer), layer.filters),
                hidden=hidden,
                kernel=layer.kernel,
                stride=layer.stride,
                padding=layer.padding,
                bias=bias,
                normalised=bias,
                **self._widths(name, bits or self._config.model.activation_bits),
            )
        )
        if layer.pool != (1, 1):
            self.pool(f"{name}_pool", layer.pool, layer.pooling)

    def concatenate(self, name: str, sources: tuple[str, ...], size: int) -> None:
        """Flat tensors one after the other."""
        self._add(ConcatenateStep(name=name, sources=sources, shape=(size,)))

    @property
    def plan(self) -> Plan:
        """The steps so far."""
        return tuple(self.steps)


def _positions(name: str, shape: Shape, layer: ConvolutionConfig) -> tuple[int, int]:
    """Rows and columns of a convolution's output."""
    result = []
    for size, kernel, stride, axis in zip(shape[:2], layer.kernel, layer.stride, ("rows", "columns"), strict=True):
        if layer.padding == "valid" and kernel > size:
            raise UserError(f"layer '{name}': its kernel has {kernel} {axis}, its input only {size}; use a smaller kernel or padding: same")
        result.append(-(-size // stride) if layer.padding == "same" else (size - kernel) // stride + 1)
    if layer.pool[0] > result[0] or layer.pool[1] > result[1]:
        raise UserError(f"layer '{name}': the pooling window {layer.pool} is larger than the image {tuple(result)}; use a smaller one")
    return result[0], result[1]


def firmware_plan(config: Config) -> Plan:
    """The layers that become firmware: an autoencoder, the encoder of a variational one, or a student."""
    planner = _Planner(config, INPUTS, (config.inputs.columns.size,))
    family = config.model.family
    assert family.front is not None, "an imported network has no plan"
    assert family.body is not None
    _FRONTS[family.front](planner, config)
    _BODIES[family.body](planner, config)
    _check_names(config, planner.plan)
    return planner.plan


def _check_names(config: Config, plan: Plan) -> None:
    known = [step.name for step in weight_steps(plan)]
    for name in config.model.layers:
        if name not in known:
            raise UserError(f"model.layers names '{name}'; the layers of '{config.name}' are {', '.join(known)}")


def _add_convolutions(planner: _Planner, config: Config) -> None:
    """The image of what arrives; added columns, which are no part of it, join what is left of it."""
    port, size = config.inputs.selected, config.inputs.columns.size
    if size > port.size:
        planner.slice("image_inputs", 0, port.size)
    planner.reshape("image", (*_image(port), 1))
    for index, layer in enumerate(config.model.convolutions):
        planner.convolution(f"conv{index}", layer)
    if size > port.size:
        planner.reshape(f"{planner.last}_flat", (prod(planner.shape),))
        image, length = planner.last, planner.shape[0]
        planner.continue_from(INPUTS, (size,))
        planner.slice("added_inputs", port.size, size)
        planner.concatenate("image_and_added", (image, planner.last), length + size - port.size)


def _image(layout: Layout) -> tuple[int, int]:
    """Rows and columns of the inputs as a convolution sees them."""
    if layout.image is None:
        raise UserError(
            f"the groups of layout '{layout.name}' have unlike features, so that they make no image; choose one group, or the same "
            "features of all, with inputs.select, or leave convolutions out"
        )
    return layout.image


def _add_objects(planner: _Planner, config: Config) -> None:
    """Every object of a kind passes the same layers, and the results are added (Deep Sets, arXiv:1703.06114, theorem 2).

    These layers have no bias, so that an empty slot, whose features are 0, adds nothing.
    """
    layout = config.inputs.columns
    parts, total = [], 0
    for group in layout.groups:
        name, where = group.name, layout.where(group.name)
        planner.continue_from(INPUTS, (layout.size,))
        planner.slice(f"{name}_inputs", where.start, where.stop)
        if group.gated_kind and (count := group.slots) > 1:
            planner.reshape(f"{name}_objects", (count, 1, len(group.features)))
            for index, filters in enumerate(config.model.objects):
                planner.convolution(f"{name}_phi{index}", ConvolutionConfig(filters=filters, kernel=(1, 1)), bias=False)
            planner.pool(f"{name}_sum", (count, 1), "sum")
            planner.reshape(f"{name}_set", (config.model.objects[-1],))
        parts.append(planner.last)
        total += planner.shape[0]
    planner.concatenate("objects", tuple(parts), total)


def _add_latent_autoencoder(planner: _Planner, config: Config) -> None:
    model = config.model
    planner.hidden("ext", model.extractor)
    planner.dense("features", model.features, hidden=True)
    planner.hidden("enc", model.encoder)
    _add_code(planner, config)
    planner.hidden("dec", model.decoder)
    planner.dense("out", model.features, hidden=False, bits=model.output_bits)


def _add_code(planner: _Planner, config: Config) -> None:
    model = config.model
    planner.dense("latent", model.latent, hidden=model.latent_activation == "relu", bits=model.latent_bits, normalised=False)


def _add_student(planner: _Planner, config: Config) -> None:
    planner.hidden("enc", config.model.encoder)
    planner.dense("output", 1, hidden=True, bits=config.model.output_bits)


def _add_autoencoder(planner: _Planner, config: Config) -> None:
    planner.hidden("enc", config.model.encoder)
    _add_code(planner, config)
    _add_decoder(planner, config)


def _add_variational_encoder(planner: _Planner, config: Config) -> None:
    model = config.model
    planner.hidden("enc", model.encoder)
    if len(planner.shape) > 1:
        planner.reshape(f"{planner.last}_flat", (prod(planner.shape),))
    last, shape = planner.last, planner.shape
    for name in ("mu", "log_var"):
        planner.continue_from(last, shape)
        planner.dense(name, model.latent, hidden=False, bits=model.latent_bits)


def _add_decoder(planner: _Planner, config: Config) -> None:
    """From the latent space back to the inputs: dense, or dense and then convolutions on `decoder_shape`."""
    model, size = config.model, config.inputs.columns.size
    planner.hidden("dec", model.decoder)
    if model.decoder_shape is None or model.deconvolution_out is None:
        planner.dense("out", size, hidden=False, bits=model.output_bits)
        return
    planner.dense("dec_image", prod(model.decoder_shape), hidden=True)
    planner.reshape("dec_reshaped", model.decoder_shape)
    for index, layer in enumerate(model.deconvolutions):
        planner.convolution(f"deconv{index}", layer)
    planner.convolution("out", model.deconvolution_out, hidden=False, bits=model.output_bits)
    shape = _image(config.inputs.selected)
    if prod(planner.shape) != size or planner.shape[0] != shape[0]:
        raise UserError(
            f"model.deconvolution_out makes an image of {planner.shape}, the inputs are {shape}; "
            "change decoder_shape, upsample, pad or kernels"
        )
    planner.reshape("out_flat", (size,))


_FRONTS: Mapping[Front, Callable[[_Planner, Config], None]] = {
    Front.FLAT: lambda planner, config: None,
    Front.CONVOLUTIONS: _add_convolutions,
    Front.OBJECTS: _add_objects,
}
_BODIES: Mapping[Body, Callable[[_Planner, Config], None]] = {
    Body.AUTOENCODER: _add_autoencoder,
    Body.VARIATIONAL: _add_variational_encoder,
    Body.FEATURES: _add_latent_autoencoder,
    Body.STUDENT: _add_student,
}


def auxiliary_plans(config: Config) -> dict[str, Plan]:
    """Graphs that are trained beside the firmware, in floating point, by the name and size of their input.

    "decoder" of a variational autoencoder (latent -> inputs), "expander" of a feature extractor (features -> embedding),
    "teacher" of a student (inputs -> inputs).
    """
    model, size, body = config.model, config.inputs.columns.size, config.model.family.body
    if body is Body.VARIATIONAL:
        planner = _Planner(config, "latent", (model.latent,))
        _add_decoder(planner, config)
        return {"decoder": planner.plan}
    if body is Body.FEATURES:
        planner = _Planner(config, "features", (model.features,))
        *hidden, last = config.training.vicreg.expander
        planner.hidden("expander", hidden)
        planner.dense("embedding", last, hidden=False)
        return {"expander": planner.plan}
    if body is Body.STUDENT:
        planner = _Planner(config, INPUTS, (size,))
        planner.hidden("teacher", model.teacher)
        planner.dense("teacher_out", size, hidden=False)
        return {"teacher": planner.plan}
    return {}


def weight_steps(plan: Plan) -> tuple[WeightStep, ...]:
    """The steps that have weights, in order."""
    return tuple(step for step in plan if isinstance(step, WeightStep))


def output_steps(config: Config, plan: Plan) -> tuple[Step, ...]:
    """The steps whose tensors the graph returns, in order: those that feed no other, and the features of a latent autoencoder."""
    used = {source for step in plan for source in step.sources}
    wanted = {"features"} if config.model.family.body is Body.FEATURES else set()
    return tuple(step for step in plan if step.name not in used or step.name in wanted)


def code_step(config: Config) -> str:
    """Name of the step whose activation is the code that regularisers act on."""
    return config.model.family.code or "latent"
