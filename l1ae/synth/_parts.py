"""The FPGAs that synthesis knows: resources, the family name of yosys and the table of logic delays, as data."""

import re
from dataclasses import dataclass

from l1ae.errors import UserError

__all__ = ["Part", "known_parts", "part_of"]


@dataclass(frozen=True)
class Part:
    """One device. `luts` counts six-input LUTs, `carry` blocks of `carry_bits` bits (one per slice or half slice).

    `bram36` counts blocks of 36 kbit, `uram` blocks of 288 kbit. `yosys_family` is the value of `synth_xilinx -family`,
    `delays` names the table of logic delays.
    """

    name: str
    family: str
    yosys_family: str
    delays: str
    carry_bits: int
    luts: int
    flip_flops: int
    carry: int
    dsp: int
    bram36: int
    uram: int


def _ultrascale_plus(name: str, family: str, *, luts: int, dsp: int, bram36: int, uram: int) -> Part:
    """A CLB has 8 LUTs, 16 flip-flops and one CARRY8 (AMD UG574, chapter 1)."""
    return Part(name, family, "xcup", "ultrascale+", 8, luts, 2 * luts, luts // 8, dsp, bram36, uram)


def _series_7(name: str, family: str, *, luts: int, dsp: int, bram36: int) -> Part:
    """A slice has 4 LUTs, 8 flip-flops and one CARRY4 (AMD UG474, chapter 1)."""
    return Part(name, family, "xc7", "series 7", 4, luts, 2 * luts, luts // 4, dsp, bram36, 0)


# AMD DS890 (UltraScale architecture and product overview) and DS180 (7 series overview).
_PARTS = {
    part.name: part
    for part in (
        _ultrascale_plus("xcvu7p", "Virtex UltraScale+", luts=788160, dsp=4560, bram36=1440, uram=640),
        _ultrascale_plus("xcvu9p", "Virtex UltraScale+", luts=1182240, dsp=6840, bram36=2160, uram=960),
        _ultrascale_plus("xcvu13p", "Virtex UltraScale+", luts=1728000, dsp=12288, bram36=2688, uram=1280),
        _ultrascale_plus("xcku15p", "Kintex UltraScale+", luts=522720, dsp=1968, bram36=984, uram=128),
        _ultrascale_plus("xcau15p", "Artix UltraScale+", luts=77760, dsp=576, bram36=144, uram=0),
        _ultrascale_plus("xcau25p", "Artix UltraScale+", luts=141120, dsp=1200, bram36=300, uram=0),
        _series_7("xc7vx690t", "Virtex-7", luts=433200, dsp=3600, bram36=1470),
    )
}


def known_parts() -> tuple[str, ...]:
    """Names that `part_of` accepts."""
    return tuple(_PARTS)


def part_of(name: str) -> Part:
    """The part of a device name or of a vendor's full name, `xcvu9p-flga2104-2L-e` or `xc7vx690tffg1927-2`.

    Package, speed and temperature grade are not used: the delays are those of speed grade -2
    on UltraScale+ and -1 on Series 7. Raises `UserError` for an
    unknown device.
    """
    text = name.strip().lower()
    for known, part in _PARTS.items():
        # Series 7 writes the package right behind the device, UltraScale+ behind a hyphen.
        if re.fullmatch(rf"{known}(-.*|[a-z]{{3}}\d.*)?", text):
            return part
    raise UserError(f"part '{name}' is not known; use one of {', '.join(_PARTS)}, with or without package and speed grade")
