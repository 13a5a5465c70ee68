import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l1ae.contract import Contract, HardwareInput, Quantize, Threshold
from l1ae.delivery import Source
from l1ae.delivery._emp import EMP, checks, files
from l1ae.delivery._emp_buffers import read_buffer
from l1ae.delivery._emp_links import Links, answers_of, events_of, frames_of
from l1ae.delivery._ugt_vectors import WorkingPoint
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, named_layout
from l1ae.rtl import Clock, unroll
from l1ae.rtl_results import Design

from .every_input import every_input_contract
from .ghdl import HDL, bench, run, sources_of
from .tiny import layout_events, tiny_contract, tiny_events

POINTS = (WorkingPoint(0, "a", 600), WorkingPoint(14, "b", 1200))


def design(**changes) -> Design:
    values = {
        "name": "x_v1", "inputs": 57, "input_bits": 13, "score_bits": 18, "score_signed": False, "score_fraction": 4, "threshold": 9,
        "latency": 5, "interval": 1, "clock_period": 2.77, "part": "p", "digest": "d",
    }  # fmt: skip
    return Design(**(values | changes))


def points(*thresholds: int) -> dict[str, object]:
    return {"working_points": [{"name": f"{k} kHz", "threshold": threshold} for k, threshold in enumerate(thresholds)]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (16, 2, 9, 9, 8)),  # 57 words in 8 frames of 2 x 4
        ({"clock_period": 25 / 9}, (16, 2, 9, 9, 8)),
        ({"clock_period": 2.79}, (16, 3, 6, 6, 5)),
        ({"clock_period": 5.0}, (16, 3, 6, 6, 5)),
        ({"interval": 9}, (16, 2, 9, 9, 8)),
        ({"interval": 10}, (16, 1, 9, 18, 15)),
        ({"inputs": 252, "input_bits": 10}, (16, 7, 9, 9, 9)),
        ({"input_bits": 17}, (32, 4, 9, 9, 8)),
        ({"input_bits": 33, "inputs": 18}, (64, 2, 9, 9, 9)),
        ({"inputs": 1}, (16, 1, 9, 9, 1)),
        ({"inputs": 117}, (16, 4, 9, 9, 8)),
        ({"inputs": 228}, (16, 7, 9, 9, 9)),
        ({"inputs": 228, "clock_period": 5.0}, (16, 10, 6, 6, 6)),
        ({"inputs": 62, "input_bits": 18}, (32, 4, 9, 9, 8)),
    ],
)
def test_as_few_links_as_one_event_per_crossing_needs(changes, expected):
    links = Links.of(design(**changes))
    assert (links.slot, links.links, links.frames, links.period, links.beats) == expected
    assert links.beats <= links.period


def test_words_that_fit_into_no_frame_are_refused():
    with pytest.raises(UserError, match="inputs of 65 bits"):
        Links.of(design(input_bits=65))
    with pytest.raises(UserError, match="after 1029 frames"):
        _ = Links.of(design(latency=1020)).capacity


@pytest.mark.parametrize("period", [6, 9])
def test_a_buffer_holds_the_last_answer_and_no_more_events_than_that(period):
    for latency in range(60):
        links = Links.of(design(latency=latency, clock_period=25 / period))
        assert links.period == period
        answered = [k for k in range(1024) if k * period + links.delay < 1024]
        assert links.capacity == len(answered)
        assert len(frames_of(np.zeros((links.capacity, 57), np.int64), links, "x").data) <= 1024


def test_words_are_where_the_table_says():
    """Word by word, from the description in `Links`."""
    links, events = Links.of(design()), tiny_events(4)
    buffer = frames_of(events, links, "x")
    for i, event in enumerate(events.tolist()):
        for w, code in enumerate(event):
            frame, lane = i * 9 + w // 8, w % 8
            word = int(buffer.data[frame, lane // 4]) >> (16 * (lane % 4)) & 0xFFFF
            assert word == code % 65536
    starts, found = events_of(buffer, links)
    np.testing.assert_array_equal(starts, [0, 9, 18, 27])
    np.testing.assert_array_equal(found, events)
    flags = ["".join(str(int(flag)) for flag in row) for row in buffer.flags[:11, 1]]
    assert flags == ["1101", *["0001"] * 6, "0011", "0000", "0101", "0001"]


@pytest.mark.parametrize("changes", [{"input_bits": 17}, {"input_bits": 40}, {"input_bits": 64}, {"interval": 30}, {"inputs": 3}])
def test_events_survive_any_packing(changes):
    links = Links.of(design(**changes))
    top = 2 ** (min(links.bits, 63) - 1)
    events = np.random.default_rng(3).integers(-top, top, (7, links.words))
    np.testing.assert_array_equal(events_of(frames_of(events, links, "x"), links)[1], events)


def test_an_answer_is_where_the_table_says():
    contract, links, events = tiny_contract(), Links.of(design()), tiny_events(40)
    inputs = frames_of(events, links, "x")
    outputs = answers_of(contract, POINTS, inputs, links)
    scores = contract.evaluate_reference(events)["score"][:, 0].tolist()
    where = (9 * np.arange(40) + 8 + 5 + 1).tolist()
    for frame, score in zip(where, scores, strict=True):
        word = score | (score >= 900) << 32 | (score >= 600) << 33 | (score >= 1200) << 47 | 3 << 48
        assert outputs.data[frame, 0] == word
    assert np.count_nonzero(outputs.data) == 40
    np.testing.assert_array_equal(np.flatnonzero(outputs.flags[:, 0, 3]), where)
    np.testing.assert_array_equal(np.flatnonzero(outputs.flags[:, 0, 0]), where[:1])
    assert len(outputs.data) == where[-1] + 1


def test_a_negative_score_is_in_twos_complement():
    contract, links = every_input_contract(), Links.of(design())
    events = tiny_events(40)
    outputs = answers_of(contract, (), frames_of(events, links, "x"), links)
    scores = (outputs.data[links.delay :: 9, 0] & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
    assert scores.min() < 0
    np.testing.assert_array_equal(scores, contract.evaluate(events)["score"][:, 0])


def test_words_without_a_sign_that_fill_their_slot():
    form = FixedFormat.parse("ufixed<16,16>")
    low, high = np.zeros(1, np.int64), np.full(1, 2**16 - 1)
    hw = HardwareInput(name="hw", inputs=(), format=form, size=1, low=low, high=high)
    score = Quantize(name="score", inputs=("hw",), format=form, size=1)
    trigger = Threshold(name="trigger", inputs=("score",), format=FixedFormat.parse("ufixed<1,1>"), size=1, threshold=40_000)
    contract, links = Contract("x_v1", (hw, score, trigger)), Links.of(design(inputs=1, input_bits=16))
    events = np.array([[1], [39_999], [40_000], [65_535]])
    outputs = answers_of(contract, (), frames_of(events, links, "x"), links)
    words = outputs.data[links.delay :: links.period, 0]
    assert [int(word) & 0x1FFFFFFFF for word in words] == [1, 39_999, 1 << 32 | 40_000, 1 << 32 | 65_535]


def test_what_does_not_fit_into_an_answer_is_refused():
    links = Links.of(design())
    many = tuple(WorkingPoint(k, "x", k) for k in range(16))
    with pytest.raises(UserError, match="16 working points do not fit into the answer"):
        answers_of(tiny_contract(), many, frames_of(tiny_events(2), links, "x"), links)


def test_incomplete_packets_are_named():
    links = Links.of(design())
    buffer = frames_of(tiny_events(3), links, "x")
    for frame, flag in [(3, 3), (7, 2), (9, 1)]:
        flags = buffer.flags.copy()
        flags[frame, :, flag] ^= True
        with pytest.raises(UserError, match=f"a.txt: frame {frame} does not belong to a packet of 8 frames"):
            events_of(replace(buffer, flags=flags), links, "a.txt")
    flags = buffer.flags.copy()
    flags[3, 1, 3] = False
    with pytest.raises(UserError, match="the links differ in their metadata"):
        events_of(replace(buffer, flags=flags), links, "a.txt")
    with pytest.raises(UserError, match="it has 2 links instead of 3"):
        events_of(buffer, Links.of(design(clock_period=5.0)), "a.txt")


# -- the delivery ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tiny_rtl_source) -> dict[str, bytes]:
    return files(replace(tiny_rtl_source, events=tiny_events(12), working_points=points(1200, 900, 600)))


def write(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def failed(folder: Path, contract=None) -> dict[str, str]:
    return {check.name: check.detail for check in checks(folder, contract or tiny_contract()) if not check.passed}


def test_golden(small, tiny_rtl_source, golden):
    rtl = {f"firmware/hdl/tiny_v3/rtl/{Path(name).name}": tiny_rtl_source.rtl.files[name] for name in tiny_rtl_source.rtl.vhdl}
    assert {name: content.decode() for name, content in small.items() if "/rtl/" in name} == rtl
    golden("emp", {name: content for name, content in small.items() if name not in rtl})


def test_the_same_source_gives_the_same_bytes(small, tiny_rtl_source):
    assert files(replace(tiny_rtl_source, events=tiny_events(12), working_points=points(1200, 900, 600))) == small


def test_a_delivery_passes_its_checks(tiny_rtl_source, tmp_path):
    found = list(checks(write(EMP.files(tiny_rtl_source), tmp_path), tiny_contract()))
    assert len(found) == 5
    assert all(check.passed for check in found), found
    content = json.loads((tmp_path / "buffers/buffers.json").read_text())
    assert [entry["events"] for entry in content["buffers"]] == [169, 31]


def test_without_rtl_there_is_nothing_to_deliver(tiny_source):
    with pytest.raises(UserError, match="run `l1ae rtl` first"):
        files(tiny_source)


@pytest.mark.parametrize(
    ("path", "old", "new", "name", "detail"),
    [
        ("firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", 'x"c3b3', 'x"c3b4', "constants of tiny_v3_pkg.vhd", "not c3b3c4958b36e2c0"),
        ("firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", "2 => 600", "2 => 601", "thresholds of tiny_v3_pkg.vhd", "2: 601"),
        ("buffers/tiny_v3_000_out.txt", "0111 00030000000000ab", "0111 00030000000000aa", "buffers", "; the first is frame 29"),
        ("buffers/tiny_v3_000_out.txt", "0111 00030000000000ab", "0011 00030000000000ab", "buffers", "1 differing frames"),
        ("buffers/tiny_v3_000_in.txt", "00000057fff3006f", "00000000000001ff", "buffers", "; the first is frame 11"),
        ("buffers/tiny_v3_000_in.txt", "00000057fff3006f", "00000057FFF3006F", "buffers", "written again, it is another file"),
        ("buffers/tiny_v3_000_in.txt", "ID: tiny_v3", "ID: tiny_v4", "buffers", "which is not this contract's"),
        ("buffers/buffers.json", '"latency": 5', '"latency": 4', "buffers", "24 differing frames"),
        ("buffers/buffers.json", '"latency": 5', '"latency": 6', "buffers", "the last answer is due in frame 78"),
        ("buffers/buffers.json", '"events"', "events", "buffers", "is damaged or missing"),
        ("firmware/cfg/tiny_v3_emp.dep", "addrtab emp_payload.xml\n", "", "sources are listed", "there, but not listed"),
        ("firmware/cfg/tiny_v3_emp.dep", "l1ae_framer.vhd", "framer.vhd", "sources are listed", "listed, but not there"),
    ],
)
def test_a_changed_file_fails(small, tmp_path, path, old, new, name, detail):
    folder = write(small, tmp_path)
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))
    assert detail in failed(folder)[name]


def test_events_that_are_missing_from_both_buffers_fail(small, tiny_rtl_source, tmp_path):
    """The first seven events of twelve with their answers: the two files fit each other."""
    folder = write(small, tmp_path)
    short = files(replace(tiny_rtl_source, events=tiny_events(12)[:7], working_points=points(1200, 900, 600)))
    for name in ("in", "out"):
        (folder / f"buffers/tiny_v3_000_{name}.txt").write_bytes(short[f"buffers/tiny_v3_000_{name}.txt"])
    assert failed(folder)["buffers"] == "tiny_v3_000_in.txt: 7 events, and buffers/buffers.json says 12; deliver again"


def test_another_contract_fails(small, tmp_path):
    found = failed(write(small, tmp_path), tiny_contract(seed=6))
    assert set(found) == {"buffers name the contract", "constants of tiny_v3_pkg.vhd", "buffers"}


# -- simulation ------------------------------------------------------------------------------------------------------


def simulate(source: Source, made: dict[str, bytes], folder: Path, fault: tuple[str, str, str] | None = None) -> list[int]:
    """Frames in which `emp_payload` does not give what the first output buffer says."""
    name = source.contract.project
    texts = {path: made[path].decode() for path in sources_of(made, f"{name}_emp.dep")}
    if fault:
        path = f"firmware/hdl/{name}/{fault[0]}"
        assert fault[1] in texts[path], "the fault is not in the text"
        texts[path] = texts[path].replace(fault[1], fault[2])
    (folder / "input.txt").write_bytes(made[f"buffers/{name}_000_in.txt"])
    links = len(read_buffer(made[f"buffers/{name}_000_in.txt"]).channels)
    packages = ("emp_packages.vhd", (HDL / "emp_packages.vhd").read_text())
    run(folder, "emp_bench", [packages, *texts.items(), ("emp_bench.vhd", bench("emp_bench.vhd", **{"LINKS - 1": str(links - 1)}))])
    found = (folder / "output.txt").read_text().lower().splitlines()
    expected = made[f"buffers/{name}_000_out.txt"].decode().lower().splitlines()[4:]
    assert len(found) == len(expected)
    return [k for k, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b]


@pytest.fixture(scope="module")
def every(tiny_config) -> Source:
    """Every input read, a signed score, 360 MHz, working points at and next to scores that occur."""
    contract, events = every_input_contract(), tiny_events(100)
    config = tiny_config.model_copy(update={"name": "every", "version": 2})
    scores = np.sort(contract.evaluate(events)["score"][:, 0])
    occurring = [int(scores[10]), int(scores[50]), int(scores[50]) + 1, int(scores[90])]
    project = unroll(contract, Clock(2.77, config.rtl.clock_uncertainty), part=config.rtl_part).project
    return Source(contract, config, events, None, project, points(*occurring))


def test_the_payload_answers_a_buffer_frame_by_frame(tiny_rtl_source, tmp_path):
    source = replace(tiny_rtl_source, working_points=points(1200, 900, 600))
    made = files(source)
    assert read_buffer(made["buffers/tiny_v3_000_out.txt"]).data.size == 1020
    assert simulate(source, made, tmp_path) == []
    digest = source.provenance.short_digest.upper()
    registers = (tmp_path / "registers.txt").read_text().split("\n")
    assert registers[:4] == ["10 00000003", f"10 {digest[:8]}", f"10 {digest[8:]}", f"10 {900:08X}"]


def test_the_payload_reads_every_input_at_360_mhz(every, tmp_path):
    made = files(every)
    assert len(read_buffer(made["buffers/every_v2_000_in.txt"]).channels) == 2
    assert simulate(every, made, tmp_path) == []


def test_the_phase_2_trigger_whose_widest_column_makes_the_port(tiny_config, tmp_path):
    """Valid bits of 1 bit beside positions of 18: every word has the port's width, two of them in a frame."""
    layout = named_layout("p2gt").select({"jet": 2, "mu": 1})
    contract, events = every_input_contract(layout), layout_events(layout, 100, seed=5)
    config = tiny_config.model_copy(update={"name": "every", "version": 2})
    project = unroll(contract, Clock(2.77, config.rtl.clock_uncertainty), part=config.rtl_part).project
    median = int(np.median(contract.evaluate(events)["score"]))
    source = Source(contract, config, events, None, project, points(median))
    made = files(source)
    description = json.loads(made["buffers/buffers.json"])["links"]
    assert (description["words"], description["bits"], description["slot"], description["links"]) == (21, 18, 32, 2)
    assert all(check.passed for check in checks(write(made, tmp_path), contract))
    assert simulate(source, made, tmp_path) == []


@pytest.mark.parametrize(("inputs", "bits"), [(117, 13), (228, 18), (1024, 31)])
def test_many_inputs_come_back_from_their_frames(inputs, bits):
    links, rng = Links.of(design(inputs=inputs, input_bits=bits)), np.random.default_rng(6)
    events = rng.integers(-(1 << bits - 1), 1 << bits - 1, (7, inputs))
    starts, found = events_of(frames_of(events, links, "x"), links)
    np.testing.assert_array_equal(starts, links.period * np.arange(7))
    np.testing.assert_array_equal(found, events)


def test_folded_rtl_is_time_multiplexed(every, tmp_path):
    from l1ae.rtl import fold

    project = fold(every.contract, 12, Clock(5.0, 0), every.config.rtl_part).project
    source = replace(every, rtl=project, events=every.events[:20])
    made = files(source)
    assert "over 2 boards" in made["README.md"].decode()
    assert simulate(source, made, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("every_v2_emp.vhd", "constant LANE : natural := link * SLOTS + i;", "constant LANE : natural := i * LANES / SLOTS + link;"),
        (
            "every_v2_emp.vhd",
            "d(link).data(i * SLOT + INPUT_WIDTH - 1 downto i",
            "d(link).data((i + 1) * SLOT - 1 downto SLOT - INPUT_WIDTH + i",
        ),
        ("every_v2_emp.vhd", "resize(signed(code), 32)", "resize(unsigned(code), 32)"),
        ("every_v2_emp.vhd", "valid and orbits(LATENCY)", "valid and orbit"),
        ("every_v2_emp.vhd", "MODEL_VERSION(15 downto 0) & points", 'x"0001" & points'),
        ("l1ae_score_comparison.vhd", "signed(score) >= threshold", "signed(score) > threshold"),
        ("l1ae_framer.vhd", "if in_valid = '1' and beat = word / LANES then", "if in_valid = '1' and beat = (word + 1) / LANES then"),
        ("emp_payload.vhd", "q => q(0)", "q => q(1)"),
    ],
)
def test_a_fault_in_the_vhdl_is_seen(every, tmp_path, path, old, new):
    made = files(replace(every, events=every.events[:20]))
    fault = (path, old, new)
    if path == "emp_payload.vhd":
        made[f"firmware/hdl/every_v2/{path}"] = made[f"firmware/hdl/every_v2/{path}"].replace(b"for i in 1 to", b"for i in 2 to")
    assert simulate(every, made, tmp_path, fault) != []
