"""yosys reads the Verilog, finds as many flip-flops as the description says, and no latch."""

import pytest

from l1ae.rtl._firmware import firmware_source
from l1ae.tools import run_yosys

pytest.importorskip("pyosys", reason="needs pyosys")


def _trigger(bits, latency, interval):
    """Threshold and score, valid and trigger, one bit per edge in flight, and the counter of the interval."""
    return 2 * bits + 2 + latency + (interval - 1).bit_length()


def _framer(words, lanes, word_bits):
    """The event, valid, error, intact, and the number of the next beat."""
    return words * word_bits + 3 + ((words + lanes - 1) // lanes - 1).bit_length()


@pytest.mark.parametrize(
    ("module", "parameters", "flip_flops"),
    [
        ("l1ae_trigger", {"SCORE_BITS": 18, "CORE_LATENCY": 12}, _trigger(18, 12, 1)),
        ("l1ae_trigger", {"SCORE_BITS": 5, "CORE_LATENCY": 0, "SCORE_SIGNED": 1, "INTERVAL": 9}, _trigger(5, 0, 9)),
        ("l1ae_framer", {"WORDS": 19, "LANES": 3, "WORD_BITS": 48}, _framer(19, 3, 48)),
    ],
)
def test_flip_flops(tmp_path, module, parameters, flip_flops):
    (tmp_path / "source.v").write_text(firmware_source(f"{module}.v"))
    chosen = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
    script = f"""read_verilog source.v
hierarchy -check -top {module} {chosen}
synth -run coarse: -noabc
check -assert
select -assert-none t:$*LATCH*
select -assert-count {flip_flops} t:$_*DFF*
"""
    run_yosys(script, tmp_path, memory_gb=4, timeout=120)
