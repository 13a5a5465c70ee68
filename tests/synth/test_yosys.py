from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.synth import part_of, percent_of, synthesise
from l1ae.tools import _yosys

LOOP = "module loop(input a, output y); wire t; assign t = ~(a & y); assign y = t ^ a; endmodule"
SQUARE = "module square(input [7:0] a, output [15:0] p); assign p = a * a; endmodule"


def test_every_operation_of_the_blocks_has_its_known_cost(blocks):
    resources = blocks.resources
    # an 8 bit sum: 8 LUT2 and carry blocks for 9 bits; a parity of 7: two LUTs; and6: one LUT6; the twins: two LUT3 in one LUT
    assert resources.luts_by_size[1] >= 8
    assert resources.luts_by_size[2] >= 2
    assert resources.luts_by_size[5] >= 1
    assert (resources.luts, resources.flip_flops, resources.carry4, resources.carry8) == (13, 9, 3, 2)
    assert resources.luts_packed == 12
    assert not resources.dsp
    assert not resources.bram36
    assert not resources.other
    assert blocks.seconds > 0
    assert 0.05 < blocks.peak_gb < 2


def test_shares_are_those_of_the_part(blocks, part):
    shares = percent_of(part, blocks.resources)
    assert shares["luts"] == pytest.approx(100 * 13 / 1182240)
    assert shares["carry"] == pytest.approx(100 * 2 / 147780)
    assert percent_of(part_of("xc7vx690t"), blocks.resources)["carry"] == pytest.approx(100 * 3 / 108300)
    assert "uram" not in percent_of(part_of("xc7vx690t"), blocks.resources)


def test_a_cached_result_is_not_made_again(part, tmp_path, monkeypatch, caplog):
    first = synthesise({"square.v": SQUARE}, "square", part, dsp=True, memory_gb=4, cache=tmp_path)
    assert (first.resources.dsp, first.resources.luts, first.cached) == (1, 0, False)
    monkeypatch.setattr("l1ae.synth._yosys.run_yosys", lambda *_, **__: pytest.fail("yosys ran"))
    again = synthesise({"square.v": SQUARE}, "square", part, dsp=True, memory_gb=4, cache=tmp_path)
    assert again.cached
    assert again.resources == first.resources
    assert again.netlist == first.netlist
    for change in ({"dsp": False}, {"part": part_of("xc7vx690t")}, {"sources": {"square.v": SQUARE + "\n"}}):
        arguments = {"sources": {"square.v": SQUARE}, "part": part, "dsp": True, **change}
        with pytest.raises(pytest.fail.Exception, match="yosys ran"):
            synthesise(top="square", memory_gb=4, cache=tmp_path, **arguments)
    (entry,) = tmp_path.glob("*.synth")
    entry.write_bytes(b"{}\n")
    with pytest.raises(pytest.fail.Exception, match="yosys ran"):
        synthesise({"square.v": SQUARE}, "square", part, dsp=True, memory_gb=4, cache=tmp_path)
    assert "is damaged" in caplog.text


def test_a_combinational_loop_is_refused_and_the_log_kept(part, tmp_path):
    with pytest.raises(UserError, match=r"module 'loop' has a combinational loop; break it with a register"):
        synthesise({"loop.v": LOOP}, "loop", part, dsp=False, memory_gb=4, cache=tmp_path)
    assert "found logic loop" in (tmp_path / "failed-loop.log").read_text()
    assert not list(tmp_path.glob("*.synth"))


def test_too_little_memory_says_so(part):
    with pytest.raises(UserError, match=r"needs more than the 0\.10 GB it was given"):
        synthesise({"loop.v": LOOP}, "loop", part, dsp=False, memory_gb=0.1, cache=None)


def test_errors_of_the_sources_are_shown(part):
    with pytest.raises(UserError, match=r"yosys refused the design: bad\.v:1: ERROR: syntax error"):
        synthesise({"bad.v": "modul bad;"}, "bad", part, dsp=False, memory_gb=4, cache=None)


def test_too_little_time_stops_it(part):
    with pytest.raises(UserError, match=r"did not finish within 0 s"):
        synthesise({"loop.v": LOOP}, "loop", part, dsp=False, memory_gb=4, cache=None, timeout=0.1)


def test_a_missing_yosys_names_the_remedy(part, monkeypatch):
    monkeypatch.setattr(_yosys.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"yosys is missing; install it with `pip install 'l1ae\[rtl\]'`"):
        synthesise({}, "one", part, dsp=False, memory_gb=4, cache=None)


def test_the_netlist_can_be_written_for_yosys(blocks, tmp_path):
    blocks.write_netlist(tmp_path / "netlist.json")
    script = "read_verilog -lib +/xilinx/cells_sim.v\nread_json netlist.json\nhierarchy -check -top blocks\nstat\n"
    log = _yosys.run_yosys(script, tmp_path, memory_gb=2, timeout=60).log
    assert "LUT3" in log
    assert Path(tmp_path / "yosys.log").read_text() == log
