import pytest

from l1ae.errors import UserError
from l1ae.synth import known_parts, part_of


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("xcvu9p", "xcvu9p"),
        ("xcvu9p-flga2104-2L-e", "xcvu9p"),
        ("XCVU13P-FLGA2577-2-E", "xcvu13p"),
        ("xc7vx690tffg1927-2", "xc7vx690t"),
        ("xcku15p-ffva1760-2-e", "xcku15p"),
        ("xcau25p-ffvb676-2-e", "xcau25p"),
    ],
)
def test_full_names_are_understood(name, known):
    assert part_of(name).name == known


@pytest.mark.parametrize("name", ["xcvu99p", "xcvu9pq", "xcvu9", "", "xc7vx690"])
def test_unknown_parts_are_refused_with_the_known_ones(name):
    with pytest.raises(UserError, match=f"part '{name}' is not known; use one of .*xcvu9p.*xc7vx690t"):
        part_of(name)


def test_totals_agree_with_the_published_tables():
    # AMD DS890 and DS180: LUT, flip-flops, DSP, 36 kbit blocks, URAM
    published = {"xcvu9p": (1182240, 2364480, 6840, 2160, 960), "xc7vx690t": (433200, 866400, 3600, 1470, 0)}
    for name, totals in published.items():
        part = part_of(name)
        assert (part.luts, part.flip_flops, part.dsp, part.bram36, part.uram) == totals


def test_families_are_covered():
    families = {part_of(name).family for name in known_parts()}
    assert families == {"Virtex UltraScale+", "Kintex UltraScale+", "Artix UltraScale+", "Virtex-7"}
