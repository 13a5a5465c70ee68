"""A network that somebody else made, described in plain words: YAML for structure and formats, npz for the arrays.

| key | value |
|---|---|
| `weights` | npz file with the arrays that the keys below name, relative to the description; not needed without arrays |
| `hardware` | the input port: `size`, `width` in bits, `signed` (default true); codes are integers |
| `preprocessing` | `(hw - offset) >> shift`: `offset`, `shift` (integers, negative shifts multiply), `work`, `result`, `gate`, `present` |
| `layers` | in the order of computation; each has `name`, `kind`, and the keys of its kind |
| `score` | `input`, `type`, `threshold`: the trigger bit is score >= threshold, an integer in LSB of `type` |

The tensors are called `hw` (the codes), `inputs` (after the preprocessing) and by the names of the layers. All formats are
written as in C++, `ap_fixed<14,6,AP_RND_CONV,AP_SAT>` or without the prefixes; nothing said means TRN and WRAP, as there.

| kind | keys | result |
|---|---|---|
| `dense` | `input`, `kernel` (n_in, n_out), `kernel_type`, `bias`, `bias_type`, `accumulator`, `wraps`, `result` | `x @ kernel + bias` |
| `convolution` | those of `dense`; kernel (rows, columns, channels, filters), `shape`, `stride` | no padding, channels last |
| `relu` | `input`, `result` | max(x, 0), cast |
| `quantize` | `input`, `result` | the cast alone |
| `add`, `subtract`, `multiply` | `inputs` (two of one size), `result` | exact, then cast |
| `concatenate` | `inputs` (two), `result` | the elements of both, cast |
| `select` | `input`, `index` | element `index[i]` of the input, 0 where it is -1 |
| `pool` | `input`, `windows` (n, k), `function` `sum` or `max`, `result` | over the elements of each window, exact |
| `dot` | `inputs` (one, for its square, or two), `accumulator`, `wraps`, `result` | sum of the products |
| `squared_error`, `absolute_error` | `inputs` (two), `masked`, `result` | exact sum of differences; `masked`: without empty slots |

`accumulator` is hls4ml's `accum_t`: products and bias are cast to its LSB, and the sum wraps where `wraps` is true; where it
is false (the default) the model is refused if any input could make it. `result` is the type in which the sum leaves the
layer; without it, it leaves as it is. Weights are real numbers, integers included, on the grid of their type.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from l1ae.documents import read_yaml, validate
from l1ae.errors import UserError
from l1ae.inputs import Format

__all__ = [
    "ConcatenateDescription",
    "ConvolutionDescription",
    "DenseDescription",
    "Description",
    "DotDescription",
    "ElementwiseDescription",
    "ErrorDescription",
    "HardwareDescription",
    "LayerDescription",
    "PoolDescription",
    "PreprocessingDescription",
    "QuantizeDescription",
    "ReluDescription",
    "ScoreDescription",
    "SelectDescription",
    "load_description",
]

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="C++ and HDL identifier")]
Code = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
Integers = Annotated[Code | tuple[Code, ...] | str, Field(description="one for all, a list, or the name of an array")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class HardwareDescription(_Part):
    """The input port: `size` integers of `width` bits. Every word that fits is a valid input."""

    size: int = Field(ge=1)
    width: int = Field(ge=1, le=31)
    signed: bool = True


class PreprocessingDescription(_Part):
    """`(hw - offset) >> shift`, the difference cast to `work`, the bits shifted within `work`, the result cast to `result`."""

    offset: Integers = 0
    shift: Integers = Field(0, description="a negative shift moves bits to the left")
    work: Format
    result: Format
    gate: Integers = Field(-1, description="index of the hardware input whose code 0 empties this input's slot; -1 for none")
    present: tuple[bool, ...] | str | None = Field(None, description="false where an input is always 0; None: all are there")


class _Layer(_Part):
    name: Name


class _OneInput(_Layer):
    input: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Tensors that the layer reads."""
        return (self.input,)


class _SeveralInputs(_Layer):
    inputs: tuple[str, ...] = Field(min_length=2, max_length=2)

    @property
    def sources(self) -> tuple[str, ...]:
        """Tensors that the layer reads."""
        return self.inputs


class DenseDescription(_OneInput):
    """`x @ kernel + bias`."""

    kind: Literal["dense"]
    kernel: str = Field(description="name of the array")
    kernel_type: Format
    bias: str | None = Field(None, description="name of the array")
    bias_type: Format | None = None
    accumulator: Format
    wraps: bool = False
    result: Format | None = None


class ConvolutionDescription(DenseDescription):
    """Two-dimensional convolution without padding; zeros come from a `select` before it."""

    kind: Literal["convolution"]  # type: ignore[assignment]
    shape: tuple[int, int, int] = Field(description="rows, columns, channels of the input")
    stride: tuple[int, int] = (1, 1)


class ReluDescription(_OneInput):
    """`max(x, 0)`, cast to `result`."""

    kind: Literal["relu"]
    result: Format


class QuantizeDescription(_OneInput):
    """Cast to `result`."""

    kind: Literal["quantize"]
    result: Format


class ElementwiseDescription(_SeveralInputs):
    """The exact sum, difference or product of the elements, cast to `result`."""

    kind: Literal["add", "subtract", "multiply"]
    result: Format


class ConcatenateDescription(_SeveralInputs):
    """The elements of both inputs, cast to `result`."""

    kind: Literal["concatenate"]
    result: Format


class SelectDescription(_OneInput):
    """Wires."""

    kind: Literal["select"]
    index: tuple[int, ...] | str


class PoolDescription(_OneInput):
    """Sum or maximum over windows, exact."""

    kind: Literal["pool"]
    windows: str = Field(description="name of the integer array (n, k): the elements in each window")
    function: Literal["sum", "max"]
    result: Format


class DotDescription(_SeveralInputs):
    """Sum over the elements of a x b, or of a^2 when there is one input."""

    kind: Literal["dot"]
    inputs: tuple[str, ...] = Field(min_length=1, max_length=2)
    accumulator: Format
    wraps: bool = False
    result: Format | None = None


class ErrorDescription(_SeveralInputs):
    """Sum of |a - b| or (a - b)^2, exact; `masked`: over the inputs that carry information, both of the hardware's size."""

    kind: Literal["squared_error", "absolute_error"]
    masked: bool = False
    result: Format


LayerDescription = (
    DenseDescription
    | ConvolutionDescription
    | ReluDescription
    | QuantizeDescription
    | ElementwiseDescription
    | ConcatenateDescription
    | SelectDescription
    | PoolDescription
    | DotDescription
    | ErrorDescription
)


class ScoreDescription(_Part):
    """The score, cast to `type`, and the threshold in its LSB.

    CMSSW shows a score of type `ap_ufixed<18,14>` times 16, which is this integer. None: the threshold follows from the
    configuration's `model.target_fpr`.
    """

    input: str
    type: Format
    threshold: int | None = None


class _Head(_Part):
    weights: str | None = None
    hardware: HardwareDescription
    preprocessing: PreprocessingDescription
    layers: tuple[dict[str, Any], ...] = Field(min_length=1)
    score: ScoreDescription


class Description(_Part):
    """The whole network; `path` is where it was read."""

    path: Path
    weights: Path | None
    hardware: HardwareDescription
    preprocessing: PreprocessingDescription
    layers: tuple[LayerDescription, ...]
    score: ScoreDescription


_KINDS: dict[str, type[LayerDescription]] = {
    "dense": DenseDescription,
    "convolution": ConvolutionDescription,
    "relu": ReluDescription,
    "quantize": QuantizeDescription,
    "add": ElementwiseDescription,
    "subtract": ElementwiseDescription,
    "multiply": ElementwiseDescription,
    "concatenate": ConcatenateDescription,
    "select": SelectDescription,
    "pool": PoolDescription,
    "dot": DotDescription,
    "squared_error": ErrorDescription,
    "absolute_error": ErrorDescription,
}


def load_description(path: Path) -> Description:
    """Read a description. The arrays are not opened.

    Raises `UserError` naming file, layer, key and what would have been right.
    """
    head = validate(_Head, read_yaml(path), str(path))
    if head.weights is not None and (Path(head.weights).is_absolute() or ".." in Path(head.weights).parts):
        raise UserError(f"{path}: weights '{head.weights}' must lie in the description's folder or below, so that both travel together")
    return Description(
        path=path,
        weights=None if head.weights is None else path.parent / head.weights,
        hardware=head.hardware,
        preprocessing=head.preprocessing,
        layers=tuple(_layer(item, position, path) for position, item in enumerate(head.layers)),
        score=head.score,
    )


def _layer(item: dict[str, Any], position: int, path: Path) -> LayerDescription:
    where = f"{path}: layer '{item.get('name', position)}'"
    kind = item.get("kind")
    if kind not in _KINDS:
        raise UserError(f"{where}: kind {kind!r} is unknown; the kinds are {', '.join(_KINDS)}")
    return validate(_KINDS[kind], item, where)
