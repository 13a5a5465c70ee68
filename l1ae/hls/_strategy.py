"""Which combinations of strategy, interface and network hls4ml and the HLS tools can build.

Every rule was found by building the combination: what hls4ml would change silently, what stops or differs in the C
simulation, and the limits of the HLS tools. Strategies, interfaces and backends that no rule names go together.
"""

from collections.abc import Iterator
from importlib.util import find_spec

from l1ae.config import HlsConfig
from l1ae.contract import Contract, Convolution, Dense, Lookup
from l1ae.errors import UserError
from l1ae.extras import missing

__all__ = ["check_strategy", "reuse_factors"]

# hls4ml's build_prj.tcl lets the HLS tools unroll loops and partition arrays of at most this length.
_UNROLL_LIMIT = 4096

# Copies of a stream that hls4ml's `clone_stream` makes.
_STREAM_READERS = 7


def check_strategy(contract: Contract, hls: HlsConfig) -> None:
    """Raise `UserError` with the reason and the remedy when this configuration cannot work for this contract."""
    for rule in _RULES:
        for problem in rule(contract, hls):
            raise UserError(problem)


def reuse_factors(layer: Dense | Convolution, hls: HlsConfig) -> list[int]:
    """The reuse factors that strategy Resource has for a layer.

    hls4ml rounds others to the closest of its own list. Its convolution in io_parallel works with a factor up to the
    number of inputs of one position only.
    """
    import hls4ml

    n_in, n_out = layer.weights[..., 0].size, layer.weights.shape[-1]
    factors = hls4ml.backends.get_backend(hls.backend).get_valid_reuse_factors(n_in, n_out)
    most = n_in if isinstance(layer, Convolution) and hls.io_type == "io_parallel" else n_in * n_out
    return [factor for factor in factors if factor <= most]


def _layers_exist(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    names = [layer.name for layer in contract.weighted]
    for name in hls.layers:
        if name not in names:
            yield f"hls.layers.{name}: there is no layer with weights of that name; there are {', '.join(names) or 'none'}"


def _solver_is_installed(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    if hls.strategy == "distributed_arithmetic" and find_spec("da4ml") is None:
        yield str(missing("da", "da4ml"))


def _sums_are_exact(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    for layer in contract.weighted if hls.strategy == "distributed_arithmetic" else ():
        product = contract[layer.inputs[0]].format.fraction + layer.weight_format.fraction
        if layer.format.fraction < max(product, layer.bias_format.fraction):
            yield (
                f"layer '{layer.name}': its accumulator {layer.format} rounds every product to {layer.format.fraction} fractional bits; "
                f"distributed_arithmetic adds without rounding and would give other bits; choose strategy Latency or Resource"
            )


def _reuse_factors_are_valid(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    for layer in contract.weighted if hls.strategy == "Resource" else ():
        factor, valid = hls.reuse_of(layer.name), reuse_factors(layer, hls)
        if factor not in valid:
            below, above = max(v for v in valid if v < factor), min((v for v in valid if v > factor), default=None)
            n_in, n_out = layer.weights[..., 0].size, layer.weights.shape[-1]
            yield (
                f"layer '{layer.name}': strategy Resource has no reuse factor {factor} for {n_in} x {n_out} weights; "
                f"the nearest are {below}{'' if above is None else f' and {above}'}: set hls.layers.{layer.name}.reuse_factor"
            )


def _loops_unroll(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    for layer in contract.weighted if hls.strategy != "distributed_arithmetic" else ():
        reuse = hls.reuse_of(layer.name) if hls.strategy == "Resource" else 1
        if layer.weights.size > reuse * _UNROLL_LIMIT:
            remedy = "raise its reuse factor" if hls.strategy == "Resource" else "choose strategy Resource with a reuse factor"
            yield (
                f"layer '{layer.name}' has {layer.weights.size} products{f' in {reuse} steps' if reuse > 1 else ''}; the HLS tools unroll "
                f"at most {_UNROLL_LIMIT} in strategy {hls.strategy}; {remedy}, or make the layer smaller"
            )


def _arrays_partition(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    for operation in contract.operations:
        if operation.size > _UNROLL_LIMIT:
            yield (
                f"layer '{operation.name}' has {operation.size} values; the HLS tools partition arrays of at most {_UNROLL_LIMIT}; "
                f"make the layer smaller"
            )


def _tables_partition(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    for operation in contract.operations:
        most = max((sum(bits) for bits in operation.bits), default=0) if isinstance(operation, Lookup) else 0
        if 1 << most > _UNROLL_LIMIT:
            yield (
                f"layer '{operation.name}' has a table of {1 << most} entries; the HLS tools partition at most {_UNROLL_LIMIT}, and "
                f"what is not partitioned becomes block memory; address it with at most {_UNROLL_LIMIT.bit_length() - 1} bits"
            )


def _streams_are_read(contract: Contract, hls: HlsConfig) -> Iterator[str]:
    for operation in contract.operations if hls.io_type == "io_stream" else []:
        readers = sum(other.inputs.count(operation.name) for other in contract.operations) + (operation.name in contract.outputs)
        if readers > _STREAM_READERS:
            yield (
                f"layer '{operation.name}' is read {readers} times; hls4ml copies a stream {_STREAM_READERS} times at most; "
                f"choose io_type io_parallel"
            )
        if readers == 0:
            yield f"nothing reads layer '{operation.name}', and a stream must be read; leave the layer out, or choose io_type io_parallel"


_RULES = (
    _layers_exist,
    _solver_is_installed,
    _sums_are_exact,
    _reuse_factors_are_valid,
    _loops_unroll,
    _arrays_partition,
    _tables_partition,
    _streams_are_read,
)
