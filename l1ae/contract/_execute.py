"""Running the kernels of a model over many events: which are needed, which are fused, in which memory."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from l1ae.contract._kernels import Context, Kernel, compile_kernel, fused_kernel, hardware_type
from l1ae.contract._ops import Operation

__all__ = ["Plan", "make_plan", "one_blas_thread"]

Array = npt.NDArray[Any]

# Bytes of one thread's workspace, and events per step; measured with benchmarks/contract_speed.py. Larger steps leave the
# cache; smaller ones make numpy calls so short that two threads wait for each other.
_WORKSPACE = 4 << 20
_CHUNKS = 240, 4080

# numpy's ufunc buffers are multiples of this; rows whose length is a power of two would share cache lines.
_UNIT = 16

_LONGEST_CHAIN = 3
"""Operations that one kernel does."""


@dataclass(frozen=True)
class _Step:
    name: str
    inputs: tuple[str, ...]
    kernel: Kernel


@dataclass(frozen=True)
class Plan:
    """The kernels that some tensors need, in order, and the arrays that they fill."""

    steps: tuple[_Step, ...]
    sizes: Mapping[str, int]
    types: Mapping[str, np.dtype[Any]]
    hardware: str

    @property
    def chunk(self) -> int:
        """Events per step."""
        per_event = sum(size * self.types[name].itemsize for name, size in self.sizes.items())
        least, most = _CHUNKS
        return min(max(_WORKSPACE // per_event // _UNIT * _UNIT, least), most)

    def workspace(self, events: int) -> dict[str, Array]:
        """Memory for up to `events` events. Used again for each chunk: fresh memory costs as much as the arithmetic.

        Call it in the thread that uses it: where rows are shorter than numpy's buffer, numpy copies whatever it
        broadcasts along them, three times slower.
        """
        np.setbufsize(self.chunk)
        return {name: np.empty((size, events), self.types[name]) for name, size in self.sizes.items()}

    def run(self, hardware: npt.NDArray[np.integer], workspace: Mapping[str, Array]) -> dict[str, Array]:
        """All tensors of the plan, each (size, events), for hardware codes (events, inputs); they live in `workspace`."""
        tensors = {name: array[:, : len(hardware)] for name, array in workspace.items()}
        tensors[self.hardware][:] = hardware.T
        for step in self.steps:
            step.kernel([tensors[name] for name in step.inputs], tensors[step.name])
        return tensors


def make_plan(operations: Sequence[Operation], context: Context, names: Sequence[str]) -> Plan:
    """Compile what `names` need. An operation and those before it that nothing else needs become one kernel where there is one."""
    needed = _needed(operations, names)
    uses = Counter([name for operation in needed for name in operation.inputs] + list(names))
    by_name = {operation.name: operation for operation in needed}
    steps: dict[str, _Step] = {}
    for operation in needed[1:]:
        for chain in _chains(operation, by_name, uses):
            if (fused := fused_kernel(chain, context)) is not None:
                for inner in chain[:-1]:
                    steps.pop(inner.name, None)
                steps[operation.name] = _Step(operation.name, chain[0].inputs, fused)
                break
        else:
            steps[operation.name] = _Step(operation.name, operation.inputs, compile_kernel(operation, context))
    kept = [needed[0].name, *steps]
    return Plan(
        tuple(steps.values()),
        {name: by_name[name].size for name in kept},
        {name: context.type_of(name) for name in kept} | {needed[0].name: hardware_type(context.largest(needed[0].name))},
        needed[0].name,
    )


def _chains(operation: Operation, by_name: Mapping[str, Operation], uses: Mapping[str, int]) -> Iterator[list[Operation]]:
    """The operation with the two and with the one before it, each read by nothing but the next."""
    chain = [operation]
    while len(chain) < _LONGEST_CHAIN and len(chain[0].inputs) == 1 and uses[chain[0].inputs[0]] == 1:
        chain = [by_name[chain[0].inputs[0]], *chain]
    yield from (chain[start:] for start in range(len(chain) - 1))


def _needed(operations: Sequence[Operation], names: Sequence[str]) -> list[Operation]:
    """The hardware input, and the operations on which `names` depend, in order."""
    wanted = {operations[0].name, *names}
    for operation in reversed(operations):
        if operation.name in wanted:
            wanted.update(operation.inputs)
    return [operation for operation in operations if operation.name in wanted]


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> Any:
    """Context in which a matrix product uses the calling thread only; finding the libraries takes long, so it is done once."""
    return _controller().limit(limits=1, user_api="blas")
