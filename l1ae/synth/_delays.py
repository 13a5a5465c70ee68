"""Logic delays of the device families in picoseconds, and what a net is assumed to cost before placement."""

from collections.abc import Mapping
from dataclasses import dataclass

from l1ae.synth._parts import Part

__all__ = ["SCENARIOS", "DelayTable", "Triple", "delay_table"]

SCENARIOS = ("optimistic", "typical", "pessimistic")
Triple = tuple[float, float, float]
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class DelayTable:
    """Delays in ps; a triple is (optimistic, typical, pessimistic).

    `lut[k]`: through a LUT of k inputs (pin chosen by the router: the fastest, the mean, the slowest of the pins it uses).
    Carry blocks have `carry_bits` bits; `carry_s_o[i][j]` is S[i] to O[i + j], `carry_s_co` S[i] to CO[i + j], `carry_di_co`
    DI[i] to CO[i + j], `carry_di_o` DI[i] to O[i + 1 + j]; `carry_ci_*` and `carry_init_*` from CI and CYINIT to every
    output; `link` from CO of one block to CI of the next; `select` from a LUT to S. `leave` and `direct`: from an output to
    the wiring, and to the flip-flop of the same place, by kind of cell. A net costs `net_base + net_fanout * log2(readers)`.
    """

    source: str
    lut: Mapping[int, Triple]
    clock_to_q: float
    setup: float
    bypass: float
    control_setup: float
    select: float
    link: float
    leave: Mapping[str, float]
    direct: Mapping[str, float]
    mux_data: float
    mux_select: float
    carry_bits: int
    carry_s_o: Rows
    carry_s_co: Rows
    carry_di_o: Rows
    carry_di_co: Rows
    carry_ci_o: tuple[float, ...]
    carry_ci_co: tuple[float, ...]
    carry_init_o: tuple[float, ...]
    carry_init_co: tuple[float, ...]
    memory_clock_to_q: float
    memory_setup: float
    block_clock_to_q: float
    block_setup: float
    dsp_half: float
    net_base: Triple
    net_fanout: Triple


def delay_table(part: Part) -> DelayTable:
    """The delays of a part's family."""
    return _TABLES[part.delays]


def _pins(delays: tuple[float, ...]) -> dict[int, Triple]:
    """From the delays of the pins, fastest first. The fastest pin is only free where the LUT is not shared, so the mean and
    the slowest leave it out unless all pins are used.
    """
    table = {}
    for size in range(1, 7):
        used = delays if size == 6 else delays[1 : size + 1]
        table[size] = (delays[0], sum(used) / len(used), used[-1])
    return table


def _scaled(rows: Rows, factor: float) -> Rows:
    return tuple(tuple(factor * value for value in row) for row in rows)


_ULTRASCALE_PLUS = DelayTable(
    source="RapidWright, timing/ultrascaleplus/intrasite_delay_terms.txt (delay model 0.5, speed grade -2; Maidee et al., FPT 2019)",
    lut=_pins((35, 50, 90, 100, 125, 150)),
    clock_to_q=77,
    setup=25,
    bypass=100,
    control_setup=100,
    select=15,
    link=46,
    leave={"LUT": 0, "CARRY": 30, "MUX": 32},
    direct={"LUT": 50, "CARRY": 25, "MUX": 32},
    mux_data=95,
    mux_select=77,
    carry_bits=8,
    carry_s_o=(
        (65, 96, 134, 139, 206, 240, 226, 241), (56, 117, 123, 204, 237, 224, 238), (58, 86, 167, 200, 188, 202),
        (61, 149, 184, 172, 187), (63, 95, 129, 137), (58, 131, 138), (56, 85), (56,),
    ),
    carry_s_co=(
        (71, 109, 115, 186, 216, 201, 217, 199), (91, 98, 184, 213, 199, 214, 197), (63, 148, 176, 162, 177, 168),
        (133, 159, 146, 162, 170), (70, 103, 113, 163), (105, 113, 166), (61, 124), (124,),
    ),
    carry_di_o=(
        (81, 109, 115, 178, 208, 196, 211), (99, 102, 162, 196, 183, 198), (94, 150, 186, 174, 188), (147, 182, 170, 185),
        (84, 115, 123), (102, 107), (93,), (),
    ),
    carry_di_co=(
        (57, 83, 90, 182, 184, 170, 186, 140), (73, 78, 144, 172, 158, 173, 127), (69, 134, 160, 148, 163, 117),
        (131, 157, 144, 160, 113), (59, 87, 98, 100), (74, 82, 95), (69, 67), (60,),
    ),
    carry_ci_o=(56, 76, 67, 82, 86, 116, 103, 116),
    carry_ci_co=(52, 42, 57, 60, 92, 77, 92, 23),
    carry_init_o=(110, 132, 131, 135, 193, 228, 216, 231),
    carry_init_co=(107, 105, 110, 177, 203, 191, 206, 160),
    memory_clock_to_q=312,
    memory_setup=81,
    block_clock_to_q=1003,
    block_setup=300,
    dsp_half=810,
    net_base=(150, 350, 650),
    net_fanout=(0, 80, 100),
)  # fmt: skip

# Kintex-7 against Artix-7, both speed grade -1, in routed Vivado reports: S[2] to CO[3] 235 against 378 ps, CI to CO[3] 58
# against 114, CI to O[0] 139 against 222. The largest ratio is used for all arcs of prjxray's Artix-7 data.
_RATIO = 0.63
_SERIES_7 = DelayTable(
    source="Artix-7 arcs of prjxray (in yosys' xilinx/cells_sim.v) times 0.63, the Kintex-7 ratio; LUT 53 ps and clock to Q"
    " 269 ps as Vivado reports for Kintex-7, speed grade -1",
    lut=dict.fromkeys(range(1, 7), (53.0, 53.0, 53.0)),
    clock_to_q=269,
    setup=25,
    bypass=100,
    control_setup=404 * _RATIO,
    select=0,
    link=0,
    leave={"LUT": 0, "CARRY": 0, "MUX": 0},
    direct={"LUT": 0, "CARRY": 0, "MUX": 0},
    mux_data=223 * _RATIO,
    mux_select=296 * _RATIO,
    carry_bits=4,
    carry_s_o=_scaled(((223, 400, 523, 582), (205, 558, 618), (226, 330), (227,)), _RATIO),
    carry_s_co=_scaled(((340, 433, 512, 508), (469, 548, 528), (292, 378), (380,)), _RATIO),
    carry_di_o=_scaled(((407, 556, 615), (537, 596), (438,), ()), _RATIO),
    carry_di_co=_scaled(((379, 465, 540, 526), (445, 520, 507), (356, 398), (385,)), _RATIO),
    carry_ci_o=_scaled(((222, 334, 239, 313),), _RATIO)[0],
    carry_ci_co=_scaled(((271, 157, 228, 114),), _RATIO)[0],
    carry_init_o=_scaled(((482, 598, 584, 642),), _RATIO)[0],
    carry_init_co=_scaled(((536, 494, 592, 580),), _RATIO)[0],
    memory_clock_to_q=1472 * _RATIO,
    memory_setup=173 * _RATIO,
    block_clock_to_q=1800,
    block_setup=500,
    dsp_half=1500,
    net_base=(300, 600, 1000),
    net_fanout=(0, 120, 150),
)

_TABLES = {"ultrascale+": _ULTRASCALE_PLUS, "series 7": _SERIES_7}
