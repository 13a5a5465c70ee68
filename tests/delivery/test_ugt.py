import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l1ae.delivery import Source
from l1ae.delivery._ugt import UGT, checks, files
from l1ae.delivery._ugt_vectors import Filling, read_orbit, read_scores
from l1ae.errors import UserError
from l1ae.inputs import named_layout

from .every_input import every_input_contract
from .ghdl import bench, run, sources_of
from .records import record_at_vertex
from .tiny import layout_events, tiny_contract, tiny_events

SMALL = Filling(crossings=12, colliding=6, train=3, abort_gap=2)
LONG = Filling(crossings=400, colliding=200, train=3, abort_gap=2)
VECTORS = "vectors/TestVector_{}_000.txt"


def write(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def points(*thresholds: int) -> dict[str, object]:
    return {"working_points": [{"name": f"{k} kHz", "threshold": threshold} for k, threshold in enumerate(thresholds)]}


@pytest.fixture(scope="module")
def small(tiny_rtl_source) -> dict[str, bytes]:
    return files(replace(tiny_rtl_source, events=tiny_events(10), working_points=points(1200, 900, 600)), SMALL)


@pytest.fixture(scope="module")
def every(tiny_config) -> Source:
    """A source whose network reads every input, with working points at and next to scores that occur."""
    from l1ae.rtl import Clock, unroll

    contract, events = every_input_contract(), tiny_events(200)
    config = tiny_config.model_copy(update={"name": "every", "version": 2})
    scores = np.sort(contract.evaluate(events)["score"][:, 0])
    occurring = [int(scores[20]), int(scores[100]), int(scores[100]) + 1, int(scores[180])]
    project = unroll(contract, Clock(config.rtl_clock_period, config.rtl.clock_uncertainty), part=config.rtl_part).project
    return Source(contract, config, events, {}, project, points(*occurring))


def test_golden(small, tiny_rtl_source, golden):
    rtl = {f"firmware/hdl/tiny_v3/rtl/{Path(name).name}": tiny_rtl_source.rtl.files[name] for name in tiny_rtl_source.rtl.vhdl}
    assert {name: content.decode() for name, content in small.items() if "/rtl/" in name} == rtl
    golden("ugt", {name: content for name, content in small.items() if name not in rtl})


def test_the_same_source_gives_the_same_bytes(small, tiny_rtl_source):
    assert files(replace(tiny_rtl_source, events=tiny_events(10), working_points=points(1200, 900, 600)), SMALL) == small


def test_a_whole_orbit_is_delivered(tiny_rtl_source):
    made = UGT.files(tiny_rtl_source)
    vectors = read_orbit(made["vectors/TestVector_tiny_v3_000.txt"])
    assert len(vectors.index) == 3564
    assert (made["vectors/TestVector_tiny_v3_000.txt"].count(b"\n")) == 3564
    expected = np.zeros(3564, np.bool_)
    expected[Filling().pattern.nonzero()[0][:200]] = tiny_rtl_source.answers[1]
    np.testing.assert_array_equal(vectors.algorithms[:, 0], expected)


def test_vivado_hls_names_its_ports_otherwise(tiny_rtl_source):
    config = tiny_rtl_source.config
    source = replace(tiny_rtl_source, config=config.model_copy(update={"hls": config.hls.model_copy(update={"backend": "Vivado"})}))
    text = files(source, SMALL)["firmware/hdl/tiny_v3/tiny_v3_hls_wrapper.vhd"].decode()
    assert "hw_V_ap_vld " in text
    assert "score_0_V_ap_vld " in text
    assert "Vivado HLS" in text


def test_streams_have_no_hls_wrapper(tiny_rtl_source):
    config = tiny_rtl_source.config
    source = replace(tiny_rtl_source, config=config.model_copy(update={"hls": config.hls.model_copy(update={"io_type": "io_stream"})}))
    made = files(source, SMALL)
    assert not any("hls" in name for name in made)
    with pytest.raises(UserError, match="neither RTL nor an HLS project of io_parallel"):
        files(replace(source, rtl=None), SMALL)


def test_without_rtl_the_hls_core_is_wrapped(tiny_source, tmp_path):
    made = files(tiny_source, SMALL)
    assert [name for name in made if name.endswith(".dep")] == ["firmware/cfg/tiny_v3_hls.dep"]
    assert not any("rtl" in name for name in made)
    assert not failed(write(made, tmp_path))


def test_without_an_hls_project_the_rtl_is_wrapped(tiny_rtl_source, tmp_path):
    made = files(replace(tiny_rtl_source, hls=None), SMALL)
    assert [name for name in made if name.endswith(".dep")] == ["firmware/cfg/tiny_v3.dep"]
    assert not failed(write(made, tmp_path))


@pytest.mark.parametrize(("clock", "interval", "text"), [(25.0, 1, "5 crossings, 125 ns"), (5.0, 3, "one crossing in 3")])
def test_the_readme_says_what_latency_the_trigger_sees(tiny_rtl_source, clock, interval, text):
    design = replace(tiny_rtl_source.rtl.design, clock_period=clock, interval=interval)
    readme = files(replace(tiny_rtl_source, rtl=replace(tiny_rtl_source.rtl, design=design)), SMALL)["README.md"].decode()
    assert text in readme
    assert ("costs a whole crossing" in readme) == (clock < 25)


def test_what_cannot_be_delivered(tiny_source, tiny_rtl_source):
    with pytest.raises(UserError, match="neither RTL nor an HLS project"):
        files(replace(tiny_source, hls=None), SMALL)
    with pytest.raises(UserError, match="nobody said what this network's inputs are"):
        files(replace(tiny_rtl_source, contract=replace(tiny_rtl_source.contract, layout=None)), SMALL)
    with pytest.raises(UserError, match="threshold 2147483648 is no integer of VHDL"):
        files(replace(tiny_rtl_source, working_points=points(2**31)), SMALL)


def test_a_delivery_passes_its_checks(small, tmp_path):
    found = list(checks(write(small, tmp_path), tiny_contract()))
    assert len(found) == 5
    assert all(check.passed for check in found), found
    assert "0 differing crossings of 24 in 2 orbits" in {check.detail for check in found}


def failed(folder: Path, contract=None) -> dict[str, str]:
    return {check.name: check.detail for check in checks(folder, contract or tiny_contract()) if not check.passed}


def test_another_contract_fails(small, tmp_path):
    found = failed(write(small, tmp_path), tiny_contract(seed=6))
    assert "MODEL_DIGEST is c3b3c4958b36e2c0" in found["constants of tiny_v3_pkg.vhd"]
    assert set(found) == {"test vectors name the contract", "constants of tiny_v3_pkg.vhd", "test vectors"}


@pytest.mark.parametrize(
    ("path", "old", "new", "name", "detail"),
    [
        ("firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", 'x"c3b3', 'x"c3b4', "constants of tiny_v3_pkg.vhd", "not c3b3c4958b36e2c0"),
        ("firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", 'x"00000003"', 'x"00000004"', "constants of tiny_v3_pkg.vhd", "MODEL_VERSION"),
        ("firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", "1 => 900", "1 => 901", "thresholds of tiny_v3_pkg.vhd", "1: 901"),
        ("firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", "integer := 900", "integer := 899", "constants of tiny_v3_pkg.vhd", "MODEL_THRESHOLD"),
        ("vectors/vectors.json", '"threshold": 600', '"threshold": 1', "test vectors", "of TestVector_tiny_v3_000.txt"),
        ("firmware/cfg/tiny_v3.dep", "tiny_v3_wrapper.vhd", "tiny_v4_wrapper.vhd", "sources are listed", "listed, but not there"),
        ("firmware/cfg/tiny_v3.dep", "src --vhdl2008 tiny_v3/tiny_v3_wrapper.vhd\n", "", "sources are listed", "there, but not listed"),
    ],
)
def test_a_changed_file_fails(small, tmp_path, path, old, new, name, detail):
    folder = write(small, tmp_path)
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))
    assert detail in failed(folder)[name]


def test_a_swapped_phi_in_the_vectors_fails(every, tmp_path):
    folder = write(files(every, LONG), tmp_path)
    assert not failed(folder, every.contract)
    path = folder / VECTORS.format("every_v2")
    lines = path.read_text().splitlines()
    # e/gamma 0 and 1 exchange the two digits that hold most of phi.
    number, words = next((k, words) for k, words in enumerate(line.split(" ") for line in lines) if words[9][:2] != words[10][:2])
    words[9], words[10] = words[10][:2] + words[9][2:], words[9][:2] + words[10][2:]
    lines[number] = " ".join(words)
    path.write_text("\n".join(lines) + "\n")
    assert f"; the first in crossing {number}" in failed(folder, every.contract)["test vectors"]


@pytest.mark.parametrize(
    ("kept", "detail"),
    [
        (slice(0, 7), "TestVector_tiny_v3_000.txt: 7 crossings, not 12"),
        (slice(3, None), "TestVector_tiny_v3_000.txt: its crossings are not numbered from 0 without a gap"),
        (slice(0, None, 2), "TestVector_tiny_v3_000.txt: its crossings are not numbered from 0 without a gap"),
    ],
    ids=str,
)
def test_crossings_that_are_missing_from_both_files_fail(small, tmp_path, kept, detail):
    folder = write(small, tmp_path)
    for name, head in (("", 0), ("_score", 2)):
        path = folder / f"vectors/TestVector_tiny_v3_000{name}.txt"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:head] + lines[head:][kept]))
    assert failed(folder)["test vectors"].startswith(detail)


def test_missing_vectors_fail(small, tmp_path):
    folder = write(small, tmp_path)
    (folder / "vectors/TestVector_tiny_v3_001_score.txt").unlink()
    assert "TestVector_tiny_v3_001_score.txt" in failed(folder)["test vectors"]
    (folder / "vectors/vectors.json").write_text("{}")
    assert "is damaged or missing" in failed(folder)["test vectors"]


# -- simulation ------------------------------------------------------------------------------------------------------


def simulate(source: Source, made: dict[str, bytes], folder: Path, fault: tuple[str, str, str] | None = None) -> int:
    """Crossings in which the wrapper of the RTL does not answer as the vector file says, after the latency of the design."""
    name = source.contract.project
    texts = {path: made[path].decode() for path in sources_of(made, f"{name}.dep")}
    return _play(source, made, folder, texts, f"{name}_wrapper", fault)


def _play(source, made, folder, texts, wrapper, fault=None) -> int:
    name, latency = source.contract.project, source.rtl.design.latency
    if fault:
        path, old, new = fault
        assert old in texts[f"firmware/hdl/{name}/{path}"], "the fault is not in the text"
        texts[f"firmware/hdl/{name}/{path}"] = texts[f"firmware/hdl/{name}/{path}"].replace(old, new)
    (folder / "vectors.txt").write_bytes(made[VECTORS.format(name)])
    run(folder, "ugt_bench", [*texts.items(), ("ugt_bench.vhd", bench("ugt_bench.vhd", WRAPPER=wrapper, NAME=name))])
    rows = [line.split() for line in (folder / "answers.txt").read_text().splitlines()]
    vectors = read_orbit(made[VECTORS.format(name)])
    _, scores = read_scores(source.contract, made[VECTORS.format(name).replace(".txt", "_score.txt")])
    assert len(rows) == len(vectors.index)
    assert all(row[0][0] == "0" for row in rows[:latency])
    width, count = source.contract.score.format.width, len(source.working_points["working_points"])
    wrong = 0
    for crossing, (flags, bits, score, version, digest) in enumerate(rows[latency:]):
        expected_bits = "".join(str(int(vectors.algorithms[crossing, bit])) for bit in reversed(range(count)))
        expected = (
            f"1{int(scores[crossing] >= source.contract.threshold)}",
            expected_bits,
            f"{scores[crossing] & ((1 << width) - 1):0{width}b}",
            f"{source.provenance.version:08X}",
            source.provenance.short_digest.upper(),
        )
        wrong += (flags, bits, score, version, digest) != expected
    return wrong


def test_the_wrapper_answers_one_orbit_as_the_vectors_say(tiny_rtl_source, tmp_path):
    source = replace(tiny_rtl_source, working_points=points(1200, 900, 600))
    made = files(source)
    assert read_orbit(made[VECTORS.format("tiny_v3")]).algorithms[:, 1].sum() > 10
    assert simulate(source, made, tmp_path) == 0


@pytest.fixture(scope="module")
def every_files(every) -> dict[str, bytes]:
    return files(every, LONG)


def test_every_input_is_cut_from_the_right_bits(every, every_files, tmp_path):
    assert simulate(every, every_files, tmp_path) == 0


def _source_on(layout, tiny_config, events):
    from l1ae.rtl import Clock, unroll

    contract = every_input_contract(layout)
    config = tiny_config.model_copy(update={"name": "every", "version": 2})
    median = int(np.median(contract.evaluate(events)["score"]))
    project = unroll(contract, Clock(config.rtl_clock_period, config.rtl.clock_uncertainty), part=config.rtl_part).project
    return Source(contract, config, events, {}, project, points(median))


def test_the_public_record_from_its_words_to_the_answer(tiny_config, tmp_path):
    """117 inputs: taus, a sum with the forward calorimeter, muons at the vertex; the orbit decodes to the events."""
    layout = record_at_vertex()
    source = _source_on(layout, tiny_config, layout_events(layout, 60, seed=3))
    made = files(source, Filling(crossings=100, colliding=60, train=3, abort_gap=2))
    head = made["firmware/hdl/every_v2/every_v2_wrapper.vhd"].decode()
    assert "e/gamma, jets, taus\n" in head
    assert "energy sums; the network reads etmhf\n" in head
    assert not failed(write(made, tmp_path), source.contract)
    assert simulate(source, made, tmp_path) == 0


def test_charges_and_other_numbers_of_all_objects_are_cut_from_the_right_bits(tiny_config, tmp_path):
    layout = named_layout("ugt_full").select(
        {"features": ["pt", "quality", "charge", "index", "tower_count"], "mu": 2, "tau": 1, "eg": 0, "jet": 2}
    )
    source = _source_on(layout, tiny_config, layout_events(layout, 60, seed=4))
    made = files(source, Filling(crossings=100, colliding=60, train=3, abort_gap=2))
    text = made["firmware/hdl/every_v2/every_v2_inputs.vhd"].decode()
    assert "resize(signed(std_logic_vector'((mu(1)(34) and mu(1)(35)) & mu(1)(35))), INPUT_WIDTH)); -- mu1_charge" in text
    assert "(e/gamma are not read)" in made["firmware/hdl/every_v2/every_v2_wrapper.vhd"].decode()
    assert simulate(source, made, tmp_path) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("every_v2_inputs.vhd", "resize(signed(eg(0)(16 downto 9))", "resize(unsigned(eg(0)(16 downto 9))"),
        ("every_v2_inputs.vhd", "resize(signed(mu(2)(31 downto 23))", "resize(unsigned(mu(2)(31 downto 23))"),
        ("every_v2_inputs.vhd", "mu(1)(9 downto 0)", "mu(1)(52 downto 43)"),
        ("every_v2_inputs.vhd", "eg(1)(24 downto 17)", "eg(2)(24 downto 17)"),
        ("every_v2_inputs.vhd", "jet(9)(10 downto 0)", "jet(10)(10 downto 0)"),
        ("every_v2_inputs.vhd", "etm(19 downto 12)", "etm(18 downto 11)"),
        ("l1ae_score_comparison.vhd", "signed(score) >= threshold", "signed(score) > threshold"),
        ("l1ae_score_comparison.vhd", "signed(score) >= threshold", "to_integer(unsigned(score)) >= threshold"),
        ("every_v2_wrapper.vhd", "etm => etm", "etm => etmhf"),
    ],
)
def test_a_fault_in_the_vhdl_is_seen(every, every_files, tmp_path, path, old, new):
    assert simulate(every, every_files, tmp_path, (path, old, new)) > 0


@pytest.mark.slow
def test_two_models_in_one_design_keep_their_answers(tiny_rtl_source, tmp_path):
    """Both in one library, what they share listed once, as the README asks, each with its own bench."""
    from l1ae.rtl import Clock, unroll

    config = tiny_rtl_source.config
    contract = tiny_contract(version=4, seed=6)
    project = unroll(contract, Clock(config.rtl_clock_period, config.rtl.clock_uncertainty), part=config.rtl_part).project
    both = tiny_rtl_source, replace(tiny_rtl_source, contract=contract, rtl=project)
    made = [files(replace(source, working_points=points(900, 600)), LONG) for source in both]
    texts: dict[str, str] = {}
    for k, part in enumerate(made):
        for path in sources_of(part, f"tiny_v{3 + k}.dep"):
            text = "".join(line for line in part[path].decode().splitlines(keepends=True) if not line.startswith("--"))
            if text not in texts.values():
                texts[f"v{k} {path}"] = text
    assert sum("l1ae_" in path for path in texts) == 3
    answers = []
    for k, source in enumerate(both):
        name, folder = f"tiny_v{3 + k}", tmp_path / str(k)
        folder.mkdir()
        (folder / "vectors.txt").write_bytes(made[k][VECTORS.format(name)])
        run(folder, "ugt_bench", [*texts.items(), ("ugt_bench.vhd", bench("ugt_bench.vhd", WRAPPER=f"{name}_wrapper", NAME=name))])
        rows = [line.split() for line in (folder / "answers.txt").read_text().splitlines()]
        _, scores = read_scores(source.contract, made[k][VECTORS.format(name).replace(".txt", "_score.txt")])
        latency = source.rtl.design.latency
        assert [int(row[2], 2) for row in rows[latency:]] == scores[: len(rows) - latency].tolist()
        assert {row[4].lower() for row in rows} == {source.provenance.short_digest}
        answers.append(scores)
    assert (answers[0] != answers[1]).any()


HLS_CORE = """
library ieee;
use ieee.std_logic_1164.all;
entity {name} is
    port (
        ap_clk, ap_rst, ap_start : in std_logic;
        ap_done, ap_idle, ap_ready : out std_logic;
        hw_ap_vld : in std_logic;
        hw : in std_logic_vector({inputs} - 1 downto 0);
        score_0 : out std_logic_vector({score} - 1 downto 0);
        score_0_ap_vld : out std_logic;
        trigger_0 : out std_logic_vector(0 downto 0);
        trigger_0_ap_vld : out std_logic
    );
end entity;
architecture rtl of {name} is
    signal started : std_logic_vector({latency} downto 0) := (others => '0');
    signal now : std_logic_vector({score} - 1 downto 0);
begin
    core : entity work.{name}_core port map (clk => ap_clk, in_event => hw, score => now);
    process (ap_clk)
    begin
        if rising_edge(ap_clk) then
            started <= started(started'high - 1 downto 0) & (ap_start and not ap_rst and hw_ap_vld);
            score_0 <= now;
        end if;
    end process;
    score_0_ap_vld <= started(started'high);
    trigger_0 <= "0";
    trigger_0_ap_vld <= '0';
    ap_done <= '0'; ap_idle <= '0'; ap_ready <= '1';
end architecture;
"""


def test_the_wrapper_of_the_hls_core_answers_as_the_vectors_say(every, every_files, tmp_path):
    """Our RTL behind the ports that the tool is taken to make: the wrapper is ours, the core's ports are an assumption."""
    design = every.rtl.design
    core = HLS_CORE.format(name=design.name, inputs=design.inputs * design.input_bits, score=design.score_bits, latency=design.latency)
    rtl = [path for path in sources_of(every_files, "every_v2.dep") if "/rtl/" in path]
    inside = [path for path in rtl if not path.endswith(("/l1ae_trigger.vhd", "/every_v2.vhd"))]
    around = sources_of(every_files, "every_v2_hls.dep")
    texts = {path: every_files[path].decode() for path in inside} | {"core.vhd": core}
    texts |= {path: every_files[path].decode() for path in around}
    assert _play(every, every_files, tmp_path, texts, "every_v2_hls_wrapper") == 0


def test_the_vectors_say_whose_they_are(small):
    content = json.loads(small["vectors/vectors.json"])
    assert content["digest"] == tiny_contract().digest
    assert [point["bit"] for point in content["algorithms"]] == [0, 1, 2]
    texts = {name: content for name, content in small.items() if not name.endswith("0.txt") and "/rtl/" not in name}
    assert all(tiny_contract().digest.encode() in text for name, text in texts.items() if not name.endswith("1.txt"))
