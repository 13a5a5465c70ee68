"""Resources of a netlist, counted by kind and as a share of a part."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from l1ae.results import Count, Positive
from l1ae.synth._netlist import Netlist, lut_size
from l1ae.synth._pack import packed_luts
from l1ae.synth._parts import Part

__all__ = ["Resources", "count_resources", "percent_of"]

# LUTs that a distributed memory occupies (AMD UG574 and UG474, chapter 'Distributed RAM').
_MEMORY_LUTS = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM512X1S": 8, "RAM32X1D": 2, "RAM64X1D": 2,
    "RAM128X1D": 4, "RAM256X1D": 8, "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Resources:
    """Counts of a synthesised netlist, before placement.

    `luts_by_size[k - 1]` LUTs with k inputs; `luts` their sum; `luts_packed` the estimate after pairing two into one LUT.
    Neither contains the LUTs used as memory (`memory_luts`) or as shift register (`shift_registers`, one each).
    `inverters` are absorbed by other cells and cost nothing. `carry4` counts blocks of four bits; two of one chain
    share a CARRY8. `bram36` counts blocks of 36 kbit, one of 18 kbit as a half. `other`: cells of no other kind.
    """

    luts_by_size: tuple[Count, ...]
    luts: Count
    luts_packed: Count
    flip_flops: Count
    latches: Count
    carry4: Count
    carry8: Count
    muxes: Count
    shift_registers: Count
    memory_luts: Count
    dsp: Count
    bram36: Positive
    uram: Count
    inverters: Count
    other: Mapping[str, Count]


def count_resources(netlist: Netlist) -> Resources:
    """Count the cells of a netlist and estimate its packing."""
    types = netlist.types
    by_size = tuple(types[f"LUT{size}"] for size in range(1, 7))
    memories = {name: count for name, count in types.items() if name in _MEMORY_LUTS}
    known = {name for name in types if lut_size(name) or name in ("CARRY4", "INV", "GND", "VCC") or name in _MEMORY_LUTS}
    known |= {name for name in types if re.match(r"FD|LD|MUXF|SRL|DSP48|RAMB|URAM", name)}
    return Resources(
        luts_by_size=by_size,
        luts=sum(by_size),
        luts_packed=packed_luts(netlist),
        flip_flops=_starting(types, "FD"),
        latches=_starting(types, "LD"),
        carry4=types["CARRY4"],
        carry8=sum((len(chain) + 1) // 2 for chain in netlist.carry_chains),
        muxes=_starting(types, "MUXF"),
        shift_registers=_starting(types, "SRL"),
        memory_luts=sum(_MEMORY_LUTS[name] * count for name, count in memories.items()),
        dsp=_starting(types, "DSP48"),
        bram36=_starting(types, "RAMB36") + _starting(types, "RAMB18") / 2,
        uram=_starting(types, "URAM"),
        inverters=types["INV"],
        other={name: count for name, count in sorted(types.items()) if name not in known},
    )


def percent_of(part: Part, resources: Resources) -> dict[str, float]:
    """Per cent of the part: LUT (raw and packed, each with memory and shift registers), FF, carry, DSP, BRAM and URAM."""
    extra = resources.memory_luts + resources.shift_registers
    used = {
        "luts": (resources.luts + extra, part.luts),
        "luts_packed": (resources.luts_packed + extra, part.luts),
        "flip_flops": (resources.flip_flops, part.flip_flops),
        "carry": (resources.carry8 if part.carry_bits == 8 else resources.carry4, part.carry),
        "dsp": (resources.dsp, part.dsp),
        "bram36": (resources.bram36, part.bram36),
        "uram": (resources.uram, part.uram),
    }
    return {name: 100.0 * count / total for name, (count, total) in used.items() if total}


def _starting(types: Counter[str], prefix: str) -> int:
    return sum(count for name, count in types.items() if name.startswith(prefix))
