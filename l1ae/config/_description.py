"""A network that somebody else made, described in plain words: YAML for structure and formats, npz for the arrays.

| key | value |
|---|---|
| `weights` | npz file with the arrays that the keys below name, relative to the description; not needed without arrays |
| `hardware` | the inputs, and their type: `width` in bits with `signed` (default true), or `type` |
| | `size`: their number; or `layout`, what they are (a name, a YAML file or its content), and `select`; it has a type by itself |
| `preprocessing` | `(hw - offset) >> shift`: `offset` (numbers), `shift` (integers, a negative one multiplies), `work`, `result`, `gate`, |
| | `present`; or `(hw - offset) / divide` (powers of two), exact and then cast; not needed where the layers read the codes |
| `layers` | in the order of computation; each has `name`, `kind`, and the keys of its kind |
| `score` | `input`, `type`, `threshold`: the trigger bit is score >= threshold, an integer in LSB of `type`; of a vector `function` makes |
| | the score, outside of the network: `squares`, `absolute`, `sum` or `max` of its elements, exact before the cast |

The tensors are called `hw` (the codes), `inputs` (after the preprocessing, if there is one) and by the names of the layers. All formats are
written as in C++, `ap_fixed<14,6,AP_RND_CONV,AP_SAT>`, `ap_uint<4>`, or without the prefixes; nothing said means TRN and WRAP, as
there. A code of the port is an integer in LSB of its type, `hw` in the formula above the number that it stands for: with
`type: "ap_fixed<16,6>"` code 3 is 3 / 1024.

| kind | keys | result |
|---|---|---|
| `dense` | `input`, `kernel` (n_in, n_out), `kernel_type`, `bias`, `bias_type`, `accumulator`, `wraps`, `result` | `x @ kernel + bias` |
| | `transposed`, `round_weights` | |
| `convolution` | those of `dense`; kernel (rows, columns, channels, filters), `shape`, `stride` | no padding, channels last |
| `relu` | `input`, `result` | max(x, 0), cast |
| `quantize` | `input`, `result` | the cast alone |
| `batch_norm` | `input`, `scale`, `scale_type`, `bias`, `bias_type`, `round_weights`, `result` | x * scale + bias, exact, then cast |
| | instead of scale and bias `gamma`, `beta`, `mean`, `variance`, `epsilon` | |
| `clamp` | `input`, `low`, `high`, `result` | min(max(x, low), high), cast |
| `activation` | `input`, `function` (`sigmoid`, `tanh`, `softplus`, `softsign`), `table_size`, `table_type`, `result` | hls4ml's table |
| `add`, `subtract`, `multiply` | `inputs` (two of one size), `result` | exact, then cast |
| `concatenate` | `inputs` (two), `result` | the elements of both, cast |
| `select` | `input`, `index` | element `index[i]` of the input, 0 where it is -1 |
| `pool` | `input`, `windows` (n, k), `function` `sum` or `max`, `result` | over the elements of each window, exact |
| `sum` | `inputs` (one or two), `halvings`, `result` | of all elements, times 2**-halvings, exact |
| `bins` | `input`, `index`, `edges` (a row per bin), `result` | how many of its edges a code reaches: 0, 1, ... |
| `lookup` | `input`, `index` (a row per table), `bits`, `codes`, `result`, `function` | the entry at an address of any number of codes |
| `table` | `input`, `codes`, `bits`, `result`, `function` | the entry of each element, in a table for all or, with `bits`, in its own |
| `dot` | `inputs` (one, for its square, or two), `accumulator`, `wraps`, `result` | sum of the products |
| `squared_error`, `absolute_error` | `inputs` (two), `masked`, `result` | exact sum of differences; `masked`: without empty slots |

`accumulator` is hls4ml's `accum_t`: products and bias are cast to its LSB, and the sum wraps where `wraps` is true; where it
is false (the default) the model is refused if any input could make it. `result` is the type in which the sum leaves the
layer; without it, it leaves as it is. Weights are real numbers, integers included, on the grid of their type; with
`round_weights: true` decimal ones are rounded to it as a C++ constant of that type is, by the type's own mode (AP_TRN: towards
minus infinity). hls4ml's strategy Resource writes kernels as (n_out, n_in): a kernel of that shape is turned around, a square one
where `transposed` says so. `offset_type` rounds decimal offsets likewise.

Bins and tables are integers. `edges` are codes of the input, rising, in LSB of its type: lists, each of which may be the name of an
array, or one array (bins, edges). Bin k counts those of element `index[k]` (by default of element k), and its `result` is by default the
narrowest type. The address of table i is made of the lowest `bits[i][j]` bits of elements `index[i][j]`, the first in the highest bits;
an empty row is a constant, and one number is the `bits` of every code. `codes` are entries in LSB of `result`: an array (tables, entries),
or all tables one after the other. A `table` for all elements has an entry for every bit pattern of the input, one of an element
2**bits for its lowest bits. `function` says in words what the entries are.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from l1ae.documents import read_yaml, validate
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Format, Layout, find_layout
from l1ae.names import Text
from l1ae.schema import Unit

__all__ = [
    "ActivationDescription",
    "BatchNormDescription",
    "BinsDescription",
    "ClampDescription",
    "ConcatenateDescription",
    "ConvolutionDescription",
    "DenseDescription",
    "Description",
    "DescriptionFile",
    "DotDescription",
    "ElementwiseDescription",
    "ErrorDescription",
    "HardwareDescription",
    "LayerDescription",
    "LookupDescription",
    "PoolDescription",
    "PreprocessingDescription",
    "QuantizeDescription",
    "ReluDescription",
    "ScoreDescription",
    "SelectDescription",
    "SumDescription",
    "TableDescription",
    "load_description",
]

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="C++ and HDL identifier")]
Code = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
Integers = Annotated[Code | tuple[Code, ...] | str, Field(description="one for all, a list, or the name of an array")]
Real = Annotated[float, Field(ge=-(2**31), lt=2**31, allow_inf_nan=False)]
Reals = Annotated[Real | tuple[Real, ...] | str, Field(description="one for all, a list, or the name of an array")]
Function = Annotated[Text, Field(min_length=1, description="what the entries are, in words")]
Integer = Annotated[int, Field(strict=True)]
Width = Annotated[int, Field(strict=True, ge=1, le=31)]
Flag = Annotated[bool, Field(strict=True)]

_MAX_INPUTS = 1024


def _rows(value: Any) -> Any:
    """Rows as tuples. One message, instead of one for each of the types that a row may have."""
    if isinstance(value, str):
        return value
    rows = value if isinstance(value, list | tuple) else ()
    wrong = [row for row in rows if not isinstance(row, str) and not _are_codes(row)]
    if wrong or not rows:
        raise ValueError(
            f"{value if wrong == [] else wrong[0]!r} is no row; give a list with one row for each element, each a list of integers or the "
            "name of an array, or the name of one array"
        )
    return tuple(row if isinstance(row, str) else tuple(row) for row in rows)


def _are_codes(row: Any) -> bool:
    return isinstance(row, list | tuple) and all(type(code) is int and -(2**31) <= code < 2**31 for code in row)


def _one_or_rows(value: Any) -> Any:
    return value if type(value) is int and 1 <= value <= 31 else _rows(value)


Rows = Annotated[tuple[tuple[int, ...] | str, ...] | str, PlainValidator(_rows)]
OneOrRows = Annotated[int | tuple[tuple[int, ...] | str, ...] | str, PlainValidator(_one_or_rows)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class HardwareDescription(_Part):
    """The input port: the columns of a layout, or `size` inputs that nobody named. Every word that fits is a valid input."""

    layout: Layout | None = Field(None, description="what the inputs are; in the file a name, a YAML file relative to it, or its content")
    select: dict[str, Integer | tuple[str, ...]] = Field({}, description="a part of the layout, as in a configuration")
    size: Annotated[int | None, Unit("inputs")] = Field(
        None, strict=True, ge=1, le=_MAX_INPUTS, description="their number, where nobody named them"
    )
    width: Annotated[Width | None, Unit("bits")] = Field(None, description="of each input, an integer")
    signed: Flag | None = Field(None, description="with `width`; default true")
    type: Format | None = Field(None, description="instead of `width`, for fractional types; a code is an integer in its LSB")

    @model_validator(mode="after")
    def _size_and_type(self) -> Self:
        if (self.layout is None) == (self.size is None):
            raise ValueError("give either layout, which says what the inputs are, or size, their number")
        if self.layout is None and self.select:
            raise ValueError("select takes a part of a layout, and there is none; remove it")
        if self.type is not None and (self.width is not None or self.signed is not None):
            raise ValueError(f"type {self.type} says width and sign; remove width and signed")
        if self.signed is not None and self.width is None:
            raise ValueError("signed belongs to width; give both, or type")
        if self.layout is None and self.width is None and self.type is None:
            raise ValueError("without a layout the inputs need width, their number of bits, or type")
        if self.type is not None and self.type.width > 31:
            raise ValueError(f"type {self.type} has more than 31 bits, and a code is an integer of 32 with sign; choose a narrower type")
        if (named := self.columns) is not None and named.size > _MAX_INPUTS:
            raise ValueError(f"layout '{named.name}' has {named.size} columns, more than {_MAX_INPUTS}; take a part of it with select")
        return self

    @property
    def columns(self) -> Layout | None:
        """The part of the layout that `select` leaves. Raises `ValueError` (pydantic's kind of error) for what it does not have."""
        if self.layout is None or not self.select:
            return self.layout
        try:
            return self.layout.select(self.select)
        except UserError as error:
            raise ValueError(str(error)) from error

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        columns = self.columns
        return columns.size if columns is not None else self.size or 0

    @property
    def port(self) -> FixedFormat:
        """Type of each input; the narrowest for a layout's codes where the description gives none."""
        if self.type is not None:
            return FixedFormat(self.type.signed, self.type.width, self.type.integer)
        columns = self.columns
        if self.width is None and columns is not None:
            low, high = columns.code_range
            return FixedFormat.covering(int(low.min()), int(high.max()), 0)
        assert self.width is not None
        return FixedFormat(self.signed is not False, self.width, self.width)


class PreprocessingDescription(_Part):
    """`(hw - offset) >> shift`, the difference cast to `work`, the bits shifted within `work`, the result cast to `result`.

    With `divide` instead the quotient is exact until the cast to `result`.
    """

    offset: Reals = Field(0.0, description="in units of the number that a code stands for")
    offset_type: Format | None = Field(None, description="of the firmware's constants: decimal offsets are rounded to it")
    shift: Integers | None = Field(None, description="a negative shift moves bits to the left; None: 0")
    divide: Integers | None = Field(None, description="powers of two")
    work: Format | None = Field(None, description="type of the difference, within which bits are shifted")
    result: Format = Field(description="type of the network's inputs")
    gate: Integers = Field(-1, description="index of the hardware input whose code 0 empties this input's slot; -1 for none")
    present: tuple[Flag, ...] | str | None = Field(None, description="false where an input is always 0; None: all are there")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.divide is not None and (self.shift is not None or self.work is not None):
            raise ValueError("divide is exact and needs neither shift nor work; remove them, or divide")
        if self.divide is None and self.work is None:
            raise ValueError("shift needs work, the type within which bits move; give it, or divide, which loses no bit")
        return self


class _Layer(_Part):
    name: Name = Field(description="of the layer, which others read it by")


class _OneInput(_Layer):
    input: str = Field(description="the layer that it reads; `inputs`: the preprocessed inputs, `hw`: the hardware codes")

    @property
    def sources(self) -> tuple[str, ...]:
        """Tensors that the layer reads."""
        return (self.input,)


class _SeveralInputs(_Layer):
    inputs: tuple[str, ...] = Field(min_length=2, max_length=2, description="the layers that it reads")

    @property
    def sources(self) -> tuple[str, ...]:
        """Tensors that the layer reads."""
        return self.inputs


class DenseDescription(_OneInput):
    """`x @ kernel + bias`."""

    kind: Literal["dense"] = Field(description="a product with a matrix")
    kernel: str = Field(description="name of the array")
    kernel_type: Format = Field(description="type of the weights, on whose grid they must lie")
    transposed: Flag | None = Field(None, description="the kernel's outputs are its first axis; None: where its shape says so")
    round_weights: Flag = Field(False, description="decimal weights are rounded to their type, as C++ does with constants")
    bias: str | None = Field(None, description="name of the array")
    bias_type: Format | None = Field(None, description="type of the bias")
    accumulator: Format = Field(description="type of the sum; every product is cast to its LSB before it is added")
    wraps: Flag = Field(False, description="the deployed accumulator wraps where it overflows")
    result: Format | None = Field(None, description="type in which the sum leaves the layer; as it is without one")


class ConvolutionDescription(DenseDescription):
    """Two-dimensional convolution without padding; zeros come from a `select` before it."""

    kind: Literal["convolution"] = Field(description="a product with a window that moves")  # type: ignore[assignment]
    shape: tuple[Integer, Integer, Integer] = Field(description="rows, columns, channels of the input")
    stride: Annotated[tuple[Integer, Integer], Unit("rows, columns")] = Field((1, 1), description="from one window to the next")


class ReluDescription(_OneInput):
    """`max(x, 0)`, cast to `result`."""

    kind: Literal["relu"] = Field(description="what is below 0 becomes 0")
    result: Format = Field(description="type that the result is cast to")


class QuantizeDescription(_OneInput):
    """Cast to `result`."""

    kind: Literal["quantize"] = Field(description="a cast")
    result: Format = Field(description="type that the result is cast to")


class BatchNormDescription(_OneInput):
    """`x * scale + bias` for each element, or each channel where the arrays are shorter (channels last); exact, then cast to `result`.

    `scale = gamma / sqrt(variance + epsilon)` and `bias = beta - mean * scale` where these are given instead.
    """

    kind: Literal["batch_norm"] = Field(description="a normalisation")
    scale: str | None = Field(None, description="name of the array")
    bias: str | None = Field(None, description="name of the array")
    gamma: str | None = Field(None, description="name of the array; None: 1")
    beta: str | None = Field(None, description="name of the array; None: 0")
    mean: str | None = Field(None, description="name of the array")
    variance: str | None = Field(None, description="name of the array")
    epsilon: float = Field(0.001, gt=0, le=1, allow_inf_nan=False, description="added to the variance")
    scale_type: Format = Field(description="type of the scale")
    bias_type: Format = Field(description="type of the bias")
    round_weights: Flag = Field(False, description="decimal constants are rounded to their type, as C++ does")
    result: Format | None = Field(None, description="type that the exact result is cast to; as it is without one")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        learned = [name for name in ("gamma", "beta", "mean", "variance") if getattr(self, name) is not None]
        if (self.scale is None) != (self.bias is None) or (self.scale is None) == (not learned):
            raise ValueError("give scale and bias, as the firmware has them, or gamma, beta, mean and variance")
        if learned and (self.mean is None or self.variance is None):
            raise ValueError("without scale and bias it needs mean and variance; give both")
        return self


class ClampDescription(_OneInput):
    """`min(max(x, low), high)`, cast to `result`."""

    kind: Literal["clamp"] = Field(description="limits")
    low: Real | None = Field(None, description="least value, real")
    high: Real | None = Field(None, description="largest value, real")
    result: Format = Field(description="type that the result is cast to")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both; a cast alone is kind quantize")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}; swap them")
        return self


class ActivationDescription(_OneInput):
    """A function as hls4ml's table computes it: addressed by the input in steps of its range, in `table_type`, cast to `result`."""

    kind: Literal["activation"] = Field(description="a function by hls4ml's table")
    function: Literal["sigmoid", "tanh", "softplus", "softsign"] = Field(description="which one")
    table_size: Annotated[int, Unit("entries")] = Field(1024, strict=True, ge=16, le=1 << 16, description="of the table, a power of two")
    table_type: Format = Field(FixedFormat(True, 18, 8), description="type of the entries")
    result: Format = Field(description="type that the entry is cast to")

    @model_validator(mode="after")
    def _is_a_power(self) -> Self:
        if self.table_size & (self.table_size - 1):
            raise ValueError(f"table_size {self.table_size} is no power of two; give such a table as kind table, with its codes")
        return self


class ElementwiseDescription(_SeveralInputs):
    """The exact sum, difference or product of the elements, cast to `result`."""

    kind: Literal["add", "subtract", "multiply"] = Field(description="element by element")
    result: Format = Field(description="type that the exact result is cast to")


class ConcatenateDescription(_SeveralInputs):
    """The elements of both inputs, cast to `result`."""

    kind: Literal["concatenate"] = Field(description="one behind the other")
    result: Format = Field(description="type that all elements are cast to")


class SelectDescription(_OneInput):
    """Wires."""

    kind: Literal["select"] = Field(description="slices, padding, transpositions")
    index: tuple[Code, ...] | str = Field(
        description="element that each one of the result takes, -1: it is 0; a list, or the name of an array"
    )


class PoolDescription(_OneInput):
    """Sum or maximum over windows, exact."""

    kind: Literal["pool"] = Field(description="windows")
    windows: str = Field(description="name of the integer array (n, k): the elements in each window")
    function: Literal["sum", "max"] = Field(description="of the elements of a window")
    result: Format = Field(description="type that the exact result is cast to")


class SumDescription(_SeveralInputs):
    """Sum of all elements of all inputs, times 2**-halvings, exact."""

    kind: Literal["sum"] = Field(description="all elements")
    inputs: tuple[str, ...] = Field(min_length=1, max_length=2, description="one or two layers that it reads")
    halvings: int = Field(0, strict=True, ge=0, le=1000, description="the sum is multiplied by 2 to minus this")
    result: Format = Field(description="type that the exact sum is cast to")


class BinsDescription(_OneInput):
    """How many of its edges the code of an element reaches."""

    kind: Literal["bins"] = Field(description="bins by thresholds")
    index: tuple[Code, ...] | str | None = Field(None, description="the element that each bin reads; None: all, in their order")
    edges: Annotated[Rows, Unit("codes")] = Field(
        description="one rising row for each bin, a list or the name of an array; or one array of all"
    )
    result: Format | None = Field(None, description="an unsigned integer; None: the narrowest that holds the most edges")


class LookupDescription(_OneInput):
    """The entry at an address that the lowest bits of some elements make; a table per element of the result."""

    kind: Literal["lookup"] = Field(description="tables of several elements")
    index: Rows = Field(description="for each table the elements that make its address, the first one the highest bits")
    bits: Annotated[OneOrRows, Unit("bits")] = Field(description="lowest bits of each of these elements; one number for all")
    codes: Annotated[tuple[Code, ...] | str, Unit("codes")] = Field(
        description="entries in LSB of `result`: an array (tables, entries), or all tables one after the other"
    )
    result: Format = Field(description="type of the entries")
    function: Function = "as described"


class TableDescription(_OneInput):
    """The entry of each element in a table over its bits, one for all or with `bits` one for each."""

    kind: Literal["table"] = Field(description="tables of one element")
    codes: Annotated[tuple[Code, ...] | str, Unit("codes")] = Field(description="entries in LSB of `result`")
    bits: Annotated[Integers | None, Unit("bits")] = Field(
        None, description="lowest bits of each element, for tables of their own; without: one table over all bits"
    )
    result: Format = Field(description="type of the entries")
    function: Function = "as described"


class DotDescription(_SeveralInputs):
    """Sum over the elements of a x b, or of a^2 when there is one input."""

    kind: Literal["dot"] = Field(description="a sum of products")
    inputs: tuple[str, ...] = Field(min_length=1, max_length=2, description="two layers, or one, whose squares are added")
    accumulator: Format = Field(description="type of the sum; every product is cast to its LSB before it is added")
    wraps: Flag = Field(False, description="the deployed accumulator wraps where it overflows")
    result: Format | None = Field(None, description="type in which the sum leaves the layer; as it is without one")


class ErrorDescription(_SeveralInputs):
    """Sum of |a - b| or (a - b)^2, exact; `masked`: over the inputs that carry information, both of the hardware's size."""

    kind: Literal["squared_error", "absolute_error"] = Field(description="an error over the inputs")
    masked: Flag = Field(False, description="empty slots count as nothing")
    result: Format = Field(description="type that the exact sum is cast to")


LayerDescription = (
    DenseDescription
    | ConvolutionDescription
    | ReluDescription
    | QuantizeDescription
    | BatchNormDescription
    | ClampDescription
    | ActivationDescription
    | ElementwiseDescription
    | ConcatenateDescription
    | SelectDescription
    | PoolDescription
    | SumDescription
    | BinsDescription
    | LookupDescription
    | TableDescription
    | DotDescription
    | ErrorDescription
)


class ScoreDescription(_Part):
    """The score, cast to `type`, and the threshold in its LSB.

    CMSSW shows a score of type `ap_ufixed<18,14>` times 16, which is this integer. None: the threshold follows from the
    configuration's `model.target_fpr`. `function` makes one number of a vector that leaves the network.
    """

    input: str = Field(description="the layer that is the score")
    function: Literal["squares", "absolute", "sum", "max"] | None = Field(
        None, description="makes one number of a vector that leaves the network"
    )
    type: Format = Field(description="type that the score is cast to")
    threshold: Annotated[Integer | None, Unit("LSB of the score")] = Field(
        None, description="smallest score that triggers; without: from `model.target_fpr` of the configuration"
    )


class DescriptionFile(_Part):
    """The whole network, as its YAML file says it."""

    weights: str | None = Field(None, description="npz file of the arrays, in the folder of the description or below")
    hardware: HardwareDescription
    preprocessing: PreprocessingDescription | None = Field(
        None, description="of the hardware codes; without one layers read these, `hw`, themselves"
    )
    layers: tuple[dict[str, Any], ...] = Field(min_length=1, description="in the order of computation, each of one of the kinds below")
    score: ScoreDescription


class Description(_Part):
    """The whole network; `path` is where it was read, `files` what else it was read from or names: arrays, a layout."""

    path: Path
    weights: Path | None
    files: tuple[Path, ...]
    hardware: HardwareDescription
    preprocessing: PreprocessingDescription | None
    layers: tuple[LayerDescription, ...]
    score: ScoreDescription


_KINDS: dict[str, type[LayerDescription]] = {
    "dense": DenseDescription,
    "convolution": ConvolutionDescription,
    "relu": ReluDescription,
    "quantize": QuantizeDescription,
    "batch_norm": BatchNormDescription,
    "clamp": ClampDescription,
    "activation": ActivationDescription,
    "add": ElementwiseDescription,
    "subtract": ElementwiseDescription,
    "multiply": ElementwiseDescription,
    "concatenate": ConcatenateDescription,
    "select": SelectDescription,
    "pool": PoolDescription,
    "sum": SumDescription,
    "bins": BinsDescription,
    "lookup": LookupDescription,
    "table": TableDescription,
    "dot": DotDescription,
    "squared_error": ErrorDescription,
    "absolute_error": ErrorDescription,
}


def load_description(path: Path) -> Description:
    """Read a description. The arrays are not opened.

    Raises `UserError` naming file, layer, key and what would have been right.
    """
    content, layout = _with_layout(read_yaml(path), path)
    head = validate(DescriptionFile, content, str(path))
    weights = None if head.weights is None else _beside(path, "weights", head.weights)
    return Description(
        path=path,
        weights=weights,
        files=tuple(file for file in (weights, layout) if file is not None),
        hardware=head.hardware,
        preprocessing=head.preprocessing,
        layers=tuple(_layer(item, position, path) for position, item in enumerate(head.layers)),
        score=head.score,
    )


def _with_layout(content: Any, path: Path) -> tuple[Any, Path | None]:
    """The content with its layout read, and the layout's file where it has one."""
    hardware = content.get("hardware") if isinstance(content, dict) else None
    if not isinstance(hardware, dict) or not isinstance(name := hardware.get("layout"), str):
        return content, None
    file = _beside(path, "hardware.layout", name) if name.endswith((".yaml", ".yml")) else None
    try:
        return content | {"hardware": hardware | {"layout": find_layout(name, path.parent)}}, file
    except UserError as error:
        raise UserError(f"{path}: hardware.layout: {error}") from error


def _beside(path: Path, key: str, name: str) -> Path:
    """A file that a description names."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{path}: {key} '{name}' must lie in the description's folder or below, so that both travel together")
    return path.parent / name


def _layer(item: dict[str, Any], position: int, path: Path) -> LayerDescription:
    where = f"{path}: layer '{item.get('name', position)}'"
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UserError(f"{where}: kind {kind!r} is unknown; the kinds are {', '.join(_KINDS)}")
    return validate(_KINDS[kind], item, where)
