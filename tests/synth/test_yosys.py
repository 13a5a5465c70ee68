import json

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.synth import PathKind, analyse_timing, part_of, percent_of, synthesise
from l1ae.tools import _yosys, run_yosys

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


@pytest.mark.slow
def test_a_cached_result_is_not_made_again(part, tmp_path, monkeypatch, caplog):
    first = synthesise({"square.v": SQUARE}, "square", part, dsp=True, memory_gb=4, cache=tmp_path)
    assert (first.resources.dsp, first.resources.luts, first.cached) == (1, 0, False)
    monkeypatch.setattr("l1ae.synth._yosys.run_yosys", lambda *_, **__: pytest.fail("yosys ran"))
    again = synthesise({"square.v": SQUARE}, "square", part, dsp=True, memory_gb=4, cache=tmp_path)
    assert again.cached
    assert again.resources == first.resources
    assert again.netlist == first.netlist
    other = synthesise({"square.v": SQUARE}, "square", part_of("xcku15p"), dsp=True, memory_gb=4, cache=tmp_path)
    assert (other.cached, other.part, first.part) == (True, "xcku15p", part.name)
    for change in ({"dsp": False}, {"part": part_of("xc7vx690t")}, {"sources": {"square.v": SQUARE + "\n"}}):
        arguments = {"sources": {"square.v": SQUARE}, "part": part, "dsp": True, **change}
        with pytest.raises(pytest.fail.Exception, match="yosys ran"):
            synthesise(top="square", memory_gb=4, cache=tmp_path, **arguments)
    (entry,) = tmp_path.glob("*.synth")
    entry.write_bytes(b"{}\n")
    with pytest.raises(pytest.fail.Exception, match="yosys ran"):
        synthesise({"square.v": SQUARE}, "square", part, dsp=True, memory_gb=4, cache=tmp_path)
    assert "is damaged" in caplog.text


@pytest.mark.slow
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


def test_yosys_counts_the_written_netlist_alike(blocks, tmp_path):
    blocks.write_netlist(tmp_path / "netlist.json")
    log = run_yosys("read_json netlist.json\ntee -o counts.json stat -json\n", tmp_path, memory_gb=2, timeout=60).log
    assert (tmp_path / "yosys.log").read_text() == log
    counts = json.loads((tmp_path / "counts.json").read_text())["modules"]["\\blocks"]["num_cells_by_type"]
    assert tuple(counts.get(f"LUT{size}", 0) for size in range(1, 7)) == blocks.resources.luts_by_size
    assert (counts["FDRE"], counts["CARRY4"]) == (blocks.resources.flip_flops, blocks.resources.carry4)


@pytest.mark.slow
def test_a_generated_pipeline_keeps_its_registers(part, tmp_path):
    pytest.importorskip("alkaid")
    from alkaid.codegen import RTLModel
    from alkaid.trace import FVArray, HWConfig, trace

    generator = np.random.default_rng(3)
    inputs = FVArray.from_kif(np.full(8, 1), np.full(8, 3), np.full(8, 2), hwconf=HWConfig(1, 1, -1), solver_options={"hard_dc": 2})
    hidden = np.maximum(inputs @ (generator.integers(-7, 8, (8, 4)) / 8), 0).quantize(0, 3, 3, "SAT", "RND")
    model = RTLModel(trace(inputs, list(hidden)), tmp_path / "rtl", "net", flavor="verilog", latency_cutoff=3)
    model.write()
    folder = tmp_path / "rtl" / "src"
    sources = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.v") if not path.name.endswith("_wrapper.v")}
    result = synthesise(sources, "net", part, dsp=False, memory_gb=4, cache=None)
    resources = result.resources
    # 8 inputs of 6 bits and 4 outputs of 6 bits are registered; constant and equal bits of the stages between are removed
    assert 8 * 6 + 4 * 6 <= resources.flip_flops <= model.reg_bits
    assert (resources.dsp, resources.bram36, resources.other) == (0, 0, {})
    assert 0.6 * resources.luts <= resources.luts_packed < resources.luts
    band = analyse_timing(result.netlist, part, kinds=[PathKind.REGISTER_TO_REGISTER])
    assert 1 < band.optimistic.ns < band.typical.ns < band.pessimistic.ns < 30
    # nothing stands in front of the first registers or behind the last
    direct = analyse_timing(result.netlist, part, kinds=[PathKind.INPUT_TO_REGISTER, PathKind.INPUT_TO_OUTPUT])
    assert direct.typical.ns == pytest.approx(0.35 + 0.125)
