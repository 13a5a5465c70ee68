"""The scripts for Vivado: what is delivered, and that they run, judge and fail as they should in every version of the tools."""

import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from l1ae.config import Config
from l1ae.delivery._source import Source
from l1ae.delivery._vivado import checks, files
from l1ae.delivery._vivado_dry_run import TOOLS, DryRun, Tools, dry_run, tclsh
from l1ae.errors import UserError

from ..levels import exhaustive
from .tiny import tiny_contract, tiny_events

# What the tools find if no scenario says otherwise: LUT 1000, FF 2000, DSP 0, BRAM 0.5, URAM 0, WNS 0.123, latency 2, II 1.
BUDGET = {
    "latency_ns": 30.0,
    "latency_cycles": 6,
    "interval": 1,
    "lut": 1000,
    "ff": 2500,
    "dsp": 0,
    "bram": 0.5,
    "uram": 0,
    "slack_ns": 0.1,
}
VIVADO_HLS, VITIS_HLS, VITIS_RUN = TOOLS[0], TOOLS[1], TOOLS[3]


@dataclass(frozen=True)
class Rtl:
    """What the scripts use of an RTL project."""

    files: dict[str, str]
    verilog: tuple[str, ...]
    vhdl: tuple[str, ...]
    design: object


@dataclass(frozen=True)
class Figures:
    latency: int = 5
    interval: int = 1
    clock_period: float = 5.0


def stub(backend: str = "Vitis", *, budget: dict | None = None, hls: bool = True, rtl: bool = True, **hls_options) -> Source:
    """Sources with hardly anything in them, in the places where the real ones are."""
    config = Config.model_validate(
        {
            "name": "tiny",
            "version": 3,
            "model": {"architecture": "dense_ae", "score": "squared_error"},
            "hls": {"backend": backend, **hls_options},
            "budget": BUDGET if budget is None else budget,
        }
    )
    project = {
        "firmware/tiny_v3.cpp": b"",
        "firmware/weights/w3.h": b"",
        "tiny_v3_test.cpp": b"",
        "tb_data/tb_input_features.dat": b"1 2\n3 4\n5 6\n",
        "tb_data/tb_output_predictions.dat": b"4 0\n7 1\n9 1\n",
        # left by an earlier run, and not to be taken for this one's
        "tb_data/csim_results.log": b"4 0\n7 1\n9 1\n",
        "tb_data/rtl_cosim_results.log": b"4 0\n7 1\n9 1\n",
    }
    ports = "module tiny_v3 (\n    input  wire clk,\n    input  wire [7:0] in_event,\n    output wire out_trigger\n);\nendmodule\n"
    entity = "entity tiny_v3 is\n    port (\n  clk : in std_logic;\n  in_event : in std_logic;\n  out_trigger : out std_logic);\nend;\n"
    sources = {"verilog/core.v": "", "verilog/tiny_v3.v": ports, "vhdl/core.vhd": "", "vhdl/tiny_v3.vhd": entity}
    made = Rtl(sources, ("verilog/core.v", "verilog/tiny_v3.v"), ("vhdl/core.vhd", "vhdl/tiny_v3.vhd"), Figures())
    return Source(tiny_contract(), config, tiny_events(3), project if hls else None, made if rtl else None)


def write(folder: Path, content: dict[str, bytes]) -> Path:
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def vitis(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("vitis"), files(stub()))


@pytest.fixture(scope="module")
def vivado(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("vivado"), files(stub("Vivado")))


def changed(source: Source, tmp_path: Path, path: str, old: str, new: str) -> Path:
    """A delivery with one text in one file replaced, which must be there."""
    content = files(source)
    assert old in content[path].decode()
    return write(tmp_path, content | {path: content[path].decode().replace(old, new, 1).encode()})


def calls_of(result: DryRun, command: str) -> list[str]:
    return [call for call in result.calls if call.startswith(f"{command} ")]


def test_there_is_a_tcl_interpreter():
    """Without one nothing here is tested, so its absence is a failure and no skip."""
    assert tclsh() is not None, "apt-get install tcl"


@pytest.mark.parametrize("name", ["a [b] c", "{x", "$y;#", "back\\slash", 'quote"'])
def test_a_delivery_may_lie_in_any_folder(tmp_path, monkeypatch, name):
    """Brackets, braces and backslashes are patterns to Tcl's glob."""
    (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    made = dry_run(write(tmp_path / "made", files(stub())), ("hls", "hls_impl"), VITIS_HLS)
    assert made.status == 0, made.output


# what is delivered


def test_golden_copies(tiny_rtl_source, golden):
    """Of everything but hls/ and rtl/, which are copies: see the next test."""
    config = tiny_rtl_source.config.model_copy(update={"budget": stub().config.budget})
    made = files(replace(tiny_rtl_source, config=config, events=tiny_events(10)))
    golden("vivado", {path: content for path, content in made.items() if not path.startswith(("hls/", "rtl/"))})


def test_sources_are_delivered_as_they_were_made(tiny_rtl_source):
    made = files(tiny_rtl_source)
    assert {path[4:]: content for path, content in made.items() if path.startswith("hls/")} == dict(tiny_rtl_source.hls)
    rtl = tiny_rtl_source.rtl
    expected = {path: rtl.files[path].encode() for path in rtl.verilog + rtl.vhdl}
    assert {path[4:]: content for path, content in made.items() if path.startswith("rtl/")} == expected


def test_real_delivery_passes_its_checks(tiny_rtl_source, tmp_path):
    found = list(checks(write(tmp_path, files(tiny_rtl_source)), tiny_rtl_source.contract))
    assert len(found) == 1 + 2 * 4
    assert all(check.passed for check in found), found


def test_same_source_same_bytes_and_every_file_says_whose_it_is():
    source = stub()
    made = files(source)
    assert files(stub()) == made
    for path, content in made.items():
        if not path.startswith(("hls/", "rtl/")):
            beginning = "".join(content.decode().splitlines()[:5])
            assert "tiny_v3" in beginning, path
            assert source.contract.digest in beginning, path


@pytest.mark.parametrize(("hls", "rtl", "status"), [(True, False, 0), (False, True, 0)])
def test_either_design_alone(tmp_path, hls, rtl, status):
    folder = write(tmp_path, files(stub(hls=hls, rtl=rtl)))
    assert (folder / "constraints" / "hls.xdc").exists() == hls
    assert (folder / "constraints" / "rtl.xdc").exists() == rtl
    assert dry_run(folder, ["all"], VITIS_HLS).status == status
    missing = dry_run(folder, ["rtl_impl" if hls else "hls"], VITIS_HLS)
    assert missing.status == 2
    assert "in this delivery; run `l1ae" in missing.output


def test_nothing_to_deliver():
    with pytest.raises(UserError, match="neither an HLS project nor RTL to deliver; run `l1ae hls` or `l1ae rtl` first"):
        files(stub(hls=False, rtl=False))


def test_another_contract_is_noticed(vitis):
    first = next(iter(checks(vitis, tiny_contract(threshold=61))))
    assert first.passed is False


def test_missing_settings_are_said(tmp_path):
    (found,) = checks(tmp_path, tiny_contract())
    assert (found.name, found.passed) == ("settings.tcl", False)


# every generation


@pytest.mark.parametrize("tools", TOOLS, ids=lambda tools: tools.name)
@pytest.mark.parametrize("language", ["verilog", "vhdl"])
def test_all_steps_in_every_version(vitis, vivado, tools, language):
    folder = vivado if tools.backend == "Vivado" else vitis
    result = dry_run(folder, ["all"], tools, environment={"LANGUAGE": language})
    assert result.status == 0, result.output
    for step in ("hls", "hls_impl", "rtl_impl"):
        assert f"run.sh: {step} passed" in result.output
    assert "FAIL" not in result.output
    old = tools.hls == "vivado_hls"
    assert len(calls_of(result, "config_array_partition")) == old
    assert calls_of(result, "open_solution") == ["open_solution {} solution1" if old else "open_solution {-flow_target vivado} solution1"]
    assert len(calls_of(result, f"read_{'vhdl' if language == 'vhdl' else 'verilog'}")) == 2


def test_what_the_tools_are_told(vitis):
    """Against figures computed here: 5 ns, 12.5 %, a tenth of the period outside."""
    result = dry_run(vitis, ["hls", "hls_impl", "rtl_impl"], VITIS_HLS)
    part = "xcvu9p-flga2104-2L-e"
    assert calls_of(result, "set_part") == [f"set_part {{}} {part}"]
    assert calls_of(result, "create_clock") == [
        "create_clock {-period 5.0 -name default} {}",
        "create_clock {-name ap_clk -period 5.0} ap_clk",
        "create_clock {-name clk -period 5.0} clk",
    ]
    assert calls_of(result, "set_clock_uncertainty") == [
        "set_clock_uncertainty {} {12.5% default}",
        "set_clock_uncertainty {-setup 1} {0.625 ap_clk}",
        "set_clock_uncertainty {-setup 1} {0.625 clk}",
    ]
    assert calls_of(result, "set_input_delay") == [
        "set_input_delay {-clock ap_clk} {0.5 {ap_rst hw}}",
        "set_input_delay {-clock clk} {0.5 in_event}",
    ]
    assert calls_of(result, "set_output_delay") == [
        "set_output_delay {-clock ap_clk} {0.5 score}",
        "set_output_delay {-clock clk} {0.5 out_trigger}",
    ]
    assert (
        calls_of(result, "synth_design")
        == [f"synth_design {{-top tiny_v3 -part {part} -mode out_of_context -flatten_hierarchy rebuilt}} {{}}"] * 2
    )
    reports = [call.split("reports/")[1].split(".rpt")[0] for call in result.calls if "reports/" in call]
    both = ("utilization", "hierarchy", "timing", "power", "methodology")
    expected = [f"{stage}_{kind}" for stage in ("synth", "route") for kind in both] + ["route_drc", "route_status"]
    assert reports == [f"{design}_{name}" for design in ("hls", "rtl") for name in expected]
    assert calls_of(result, "write_checkpoint") == ["write_checkpoint {-force 1} synth.dcp", "write_checkpoint {-force 1} route.dcp"] * 2


def test_other_part_and_clocks(tmp_path):
    source = stub(part="xc7vx690t-ffg1927-2", clock_period=25.0, clock_uncertainty=0.0, budget=BUDGET | {"latency_ns": 125})
    result = dry_run(write(tmp_path, files(source)), ["hls", "hls_impl"], VITIS_RUN, scenario={"site_names": "Series7"})
    # no URAM in this family: what a budget limits and no report has is a failure, never 0
    assert result.status == 1
    assert re.search(r"FAIL  route budget.uram +absent <= 0", result.output)
    assert result.output.count("FAIL") == 1
    assert calls_of(result, "set_clock_uncertainty")[1] == "set_clock_uncertainty {-setup 1} {0.0 ap_clk}"
    assert "{2.5 {ap_rst hw}}" in calls_of(result, "set_input_delay")[0]


def test_local_settings_win(vitis, tmp_path):
    folder = write(tmp_path, files(stub()) | {"local.tcl": b"set rtl_part xcvu13p-flga2577-2-e\nset budget(lut) 999\n"})
    result = dry_run(folder, ["rtl_impl"], VITIS_HLS)
    assert "-part xcvu13p-flga2577-2-e" in calls_of(result, "synth_design")[0]
    assert result.status == 1
    assert re.search(r"FAIL  route budget.lut +1000 <= 999", result.output)


# what must fail, and does


@dataclass(frozen=True)
class Fault:
    """What the tools find, and what must come of it."""

    step: str
    scenario: dict
    message: str
    before: tuple[str, ...] = ()
    environment: dict = field(default_factory=dict)
    status: int = 1


FAULTS = {
    "setup": Fault("rtl_impl", {"wns": -0.001}, r"FAIL  route WNS, ns +-0.001 >= 0"),
    "hold": Fault("rtl_impl", {"whs": -0.001}, r"FAIL  route WHS, ns +-0.001 >= 0"),
    "setup of HLS": Fault("hls_impl", {"wns": -0.001}, r"FAIL  route WNS", ("hls",)),
    "setup after synthesis": Fault("rtl_impl", {"wns": -0.5}, r"FAIL  synth WNS", environment={"STAGE": "synth"}),
    "slack": Fault("rtl_impl", {"wns": 0.099}, r"FAIL  route budget.slack_ns +0.099 >= 0.1"),
    "no constrained path": Fault("rtl_impl", {"wns": "unconstrained"}, r"FAIL  route WNS, ns +absent"),
    "slack without value": Fault("rtl_impl", {"wns": ""}, r"FAIL  route WNS, ns +absent"),
    "infinite slack": Fault("rtl_impl", {"wns": "inf"}, r"FAIL  route WNS, ns +absent"),
    "LUT": Fault("rtl_impl", {"lut": 1001}, r"FAIL  route budget.lut +1001 <= 1000"),
    "LUT after synthesis": Fault("rtl_impl", {"lut": 1001}, r"FAIL  synth budget.lut", environment={"STAGE": "synth"}),
    "FF": Fault("rtl_impl", {"ff": 2501}, r"FAIL  route budget.ff +2501"),
    "DSP": Fault("hls_impl", {"dsp": 1}, r"FAIL  route budget.dsp +1 <= 0", ("hls",)),
    "BRAM": Fault("rtl_impl", {"bram": 1}, r"FAIL  route budget.bram +1 <= 0.5"),
    "URAM": Fault("rtl_impl", {"uram": 1}, r"FAIL  route budget.uram +1"),
    "unknown table": Fault("rtl_impl", {"site_names": "Unknown"}, r"FAIL  route budget.ff +absent"),
    "latency": Fault("hls", {"latency": 7}, r"FAIL  budget.latency_cycles +7 <= 6"),
    "latency in ns": Fault("hls", {"latency": 7}, r"FAIL  budget.latency_ns +35.0 <= 30.0"),
    "II": Fault("hls", {"interval": 2}, r"FAIL  budget.interval +2 <= 1"),
    "latency not known": Fault("hls", {"latency": "undef"}, r"FAIL  budget.latency_cycles +absent"),
    "routing": Fault("rtl_impl", {"route_errors": 1}, r"FAIL  nets with routing errors +1 == 0"),
    "routing not told": Fault("rtl_impl", {"route_errors": "absent"}, r"FAIL  nets with routing errors +absent"),
    "does not fit": Fault("rtl_impl", {"place": "fail"}, r"requires more LUT cells"),
    "C simulation": Fault("hls", {"csim": "fail"}, r"CSim failed"),
    "C simulation of too few events": Fault("hls", {"csim": "short"}, r"FAIL  events in csim_results.log +2 == 3"),
    "C simulation that wrote nothing": Fault("hls", {"csim": "silent"}, r"the test bench left no tb_data/csim_results.log"),
    "C synthesis": Fault("hls", {"csynth": "fail"}, r"Pre-synthesis failed"),
    "cosimulation": Fault("hls", {"cosim": "fail"}, r"co-simulation finished: FAIL"),
    "cosimulation with another result": Fault("hls", {"cosim": "differ"}, r"FAIL  events where RTL and C differ +1 == 0"),
    "cosimulation of too few events": Fault("hls", {"cosim": "short"}, r"FAIL  events in rtl_cosim_results.log"),
    "cosimulation that only reports it": Fault("hls", {"cosim": "says_fail"}, r"FAIL  cosimulation says Pass"),
    "nothing exported": Fault("hls", {"export": "none"}, r"FAIL  exported IP +0 == 1\nFAIL  exported Verilog sources +0 >= 1"),
    "export": Fault("hls", {"export": "fail"}, r"ERROR: '2211221234' is an invalid argument.*integer value\.\n(?!Vivado)"),
    "nothing to implement": Fault("hls_impl", {}, r"there is no verilog in .* run make hls first"),
    "unknown step": Fault("everything", {}, r"say what to run: tools, hls", status=2),
    "unknown step of HLS": Fault("hls", {}, r"STEPS must be of csim.*, not 'synth'", environment={"STEPS": "csim synth"}, status=2),
    "unknown language": Fault("rtl_impl", {}, r"LANGUAGE must be verilog or vhdl, not 'c'", environment={"LANGUAGE": "c"}, status=2),
    "unknown stage": Fault("rtl_impl", {}, r"STAGE must be synth or route, not 'place'", environment={"STAGE": "place"}, status=2),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fails_as_it_should(vitis, name):
    fault = FAULTS[name]
    result = dry_run(vitis, [*fault.before, fault.step], VITIS_HLS, scenario=fault.scenario, environment=fault.environment)
    assert re.search(fault.message, result.output), result.output
    assert result.status == fault.status


@pytest.mark.parametrize("tools", [VIVADO_HLS, VITIS_RUN], ids=lambda tools: tools.name)
@pytest.mark.parametrize("name", ["C simulation", "latency", "cosimulation"])
def test_fails_in_the_other_generations_too(vitis, vivado, tools, name):
    fault = FAULTS[name]
    folder = vivado if tools.backend == "Vivado" else vitis
    result = dry_run(folder, [fault.step], tools, scenario=fault.scenario)
    assert re.search(fault.message, result.output)
    assert result.status == 1


def test_export_of_vivado_hls_names_the_patch(vivado):
    result = dry_run(vivado, ["hls"], VIVADO_HLS, scenario={"export": "fail"})
    assert result.status == 1
    assert "see its answer record 76960" in result.output


def test_a_launcher_that_hides_the_failure_does_not_hide_it(vitis):
    result = dry_run(vitis, ["hls"], VITIS_RUN, scenario={"csim": "fail", "ignore_status": 1})
    assert result.status == 1
    assert "hls ended early" in result.output
    assert dry_run(vitis, ["hls"], VITIS_RUN, scenario={"ignore_status": 1}).status == 0


def test_all_stops_at_the_first_failure(vitis):
    result = dry_run(vitis, ["all"], VITIS_HLS, scenario={"csim": "fail"})
    assert result.status == 1
    assert not calls_of(result, "synth_design")


def test_stage_synth_does_not_place_and_does_not_judge_hold(vitis):
    result = dry_run(vitis, ["rtl_impl"], VITIS_HLS, scenario={"whs": -1}, environment={"STAGE": "synth"})
    assert result.status == 0
    assert not calls_of(result, "place_design")


def test_without_budget_only_timing_and_bits_are_judged(tmp_path):
    folder = write(tmp_path, files(stub(budget={})))
    result = dry_run(folder, ["all"], VITIS_HLS, scenario={"lut": 10**9, "latency": "undef", "site_names": "Unknown"})
    assert result.status == 0
    assert "budget" not in result.output


def test_steps_continue_in_the_same_folder(vitis):
    result = dry_run(vitis, ["hls"], VITIS_HLS, environment={"STEPS": "csim csynth"})
    assert [call.split()[0] for call in result.calls if "_design" in call.split()[0]] == ["csim_design", "csynth_design"]
    alone = dry_run(vitis, ["hls"], VITIS_HLS, environment={"STEPS": "cosim"})
    assert alone.status == 1
    assert "cosim_design: nothing was synthesised" in alone.output


@pytest.mark.parametrize(
    ("step", "tools", "message"), [("rtl_impl", "vivado_hls", "there is no vivado"), ("hls", "vivado", "neither vitis_hls")]
)
def test_without_the_tool(vitis, tmp_path, step, tools, message):
    """run.sh on its own, with a PATH that has only one of the tools."""
    (tmp_path / tools).write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / tools).chmod(0o755)
    result = subprocess.run(
        ["sh", vitis / "run.sh", step], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert message in result.stderr


def test_make(vitis, tmp_path):
    """`make tools` ends as run.sh does when there is no tool; `make clean` removes what was built only."""
    folder = write(tmp_path, files(stub()) | {"build/hls/passed": b""})
    result = subprocess.run(["make", "tools"], cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    command = ["make", "rtl_impl", "STAGE=place"]
    assert (
        "STAGE must be synth or route, not 'place'"
        in subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stderr
    )
    subprocess.run(["make", "clean"], cwd=folder, capture_output=True, check=True)
    assert {path.name for path in folder.iterdir()} == {path.split("/")[0] for path in files(stub())}


# tables of real reports


UTILISATION = {
    # Vivado 2020.1, series 7
    "2020": """
+-------------------+------+-------+-----------+-------+
|     Site Type     | Used | Fixed | Available | Util% |
+-------------------+------+-------+-----------+-------+
| Slice LUTs*                | 21843 |     0 |     53200 | 41.06 |
|   LUT as Logic             | 20013 |     0 |     53200 | 37.62 |
| Slice Registers            | 38379 |     0 |    106400 | 36.07 |
|   Register as Flip Flop    | 38379 |     0 |    106400 | 36.07 |
| Block RAM Tile    |  139 |     0 |       140 | 99.29 |
|   RAMB36/FIFO*    |  139 |     0 |       140 | 99.29 |
|     RAMB36E1 only |  139 |       |           |       |
| DSPs           |   58 |     0 |       220 | 26.36 |
""",
    # Vivado 2023.1: another column
    "2023": """
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
| Slice LUTs                 | 2601 |     0 |          0 |     53200 |  4.89 |
| Slice Registers            | 3001 |     0 |          0 |    106400 |  2.82 |
| Block RAM Tile    |   20.5 |     0 |          0 |       140 | 14.29 |
| DSPs      |    0 |     0 |          0 |       220 |  0.00 |
""",
}


@pytest.mark.parametrize(
    ("report", "expected"),
    [("2020", ["21843", "38379", "139", "58", "absent"]), ("2023", ["2601", "3001", "20.5", "0", "absent"])],
)
def test_tables_of_both_layouts(vitis, report, expected):
    text = (vitis / "scripts" / "implement.tcl").read_text()
    procedure = text[text.index("proc utilisation") : text.index("proc judge_resources")]
    rows = ['{"CLB LUTs" "Slice LUTs"}', '{"CLB Registers" "Slice Registers"}', '{"Block RAM Tile"}', "{DSPs}", "{URAM}"]
    script = procedure + f"\nset report {{{UTILISATION[report]}}}\n" + "\n".join(f"puts [utilisation $report {names}]" for names in rows)
    result = subprocess.run(["tclsh"], input=script, capture_output=True, text=True, check=True)
    assert result.stdout.split() == expected


# planted faults


PLANTED = {
    "command": ("scripts/implement.tcl", "report_power", "report_pwr", "vivado 2023.1 has no command 'report_pwr'"),
    "option": ("scripts/implement.tcl", "-report_unconstrained", "-report_unconstraind", "has no option '-report_unconstraind'"),
    "value of an option": ("scripts/implement.tcl", "-mode out_of_context", "-mode ooc", "'ooc' is no default or out_of_context"),
    "variable": ("scripts/implement.tcl", "$last_stage eq", "$lst_stage eq", 'can\'t read "lst_stage"'),
    "path of a script": ("scripts/implement.tcl", "checks.tcl", "check.tcl", "check.tcl"),
    "path of constraints": (
        "scripts/implement.tcl",
        "constraints $design.xdc",
        "constraint $design.xdc",
        "there is no '.*constraint/rtl.xdc'",
    ),
    "path of a report": ("scripts/implement.tcl", "file mkdir reports", "file mkdir report", "is no output"),
    "path of a source": ("settings.tcl", "verilog/core.v", "verilog/cores.v", "there is no source '.*cores.v'"),
    "name of the top": ("settings.tcl", "set project {tiny_v3}", "set project {tiny_v4}", "no source has the top 'tiny_v4'"),
    "part": ("settings.tcl", "set rtl_part {xcvu9p-flga2104-2L-e}", "set rtl_part {xcvu9p}", "'xcvu9p' is no part"),
    "order": ("scripts/implement.tcl", "    opt_design\n    place_design", "    place_design\n    opt_design", "nothing was optimised"),
    "port in constraints": ("constraints/rtl.xdc", "get_ports clk", "get_ports clock", "no port matches"),
    "clock in constraints": ("constraints/rtl.xdc", "-clock clk", "-clock clok", "there is no such clock"),
    "property in constraints": ("constraints/rtl.xdc", "DIRECTION == IN", "DIRECTON == IN", "no property 'DIRECTON'"),
    "control flow in constraints": ("constraints/rtl.xdc", "set period 5.0", "if {1} {set period 5.0}", 'invalid command name "if"'),
    "uncertainty of hold": ("constraints/rtl.xdc", "-setup $margin", "$margin", "of hold too"),
    "no clock": ("constraints/rtl.xdc", "create_clock -name", "#create_clock -name", "no clock matches"),
    "Tcl of another age": ("scripts/checks.tcl", "set judgements {}", "lmap i {1 2} {set i}", "no command 'lmap'"),
    "syntax": ("scripts/checks.tcl", "set stream [open $path r]", "set stream [open $path r", "missing close-bracket"),
}
PLANTED_HLS = {
    "command": ("scripts/hls.tcl", "set_top", "set_topp", "vitis_hls 2023.1 has no command 'set_topp'"),
    "option": ("scripts/hls.tcl", "-name_max_length", "-name_maxlength", "has no option '-name_maxlength'"),
    "variable": ("scripts/hls.tcl", "set_part $hls_part", "set_part $part", 'can\'t read "part"'),
    "path": ("scripts/hls.tcl", "add_files firmware/$project.cpp", "add_files firmwre/$project.cpp", "there is no 'firmwre/tiny_v3.cpp'"),
    "test vectors left out": ("scripts/hls.tcl", "add_files -tb tb_data", "", "no test vectors"),
    "clock left out": ("scripts/hls.tcl", "create_clock -period $hls_clock_period -name default", "", '"clock"|clock'),
    "command that Vitis HLS lost": (
        "scripts/hls.tcl",
        "open_solution -flow_target",
        "config_array_partition -maximum_size 4096; open_solution -flow_target",
        "has no option '-maximum_size'",
    ),
    "equals sign": ("scripts/hls.tcl", "-enable_dsp_full_reg=false", "-enable_dsp_full_reg false", "must follow an equals sign"),
    "report": ("scripts/hls.tcl", "syn/report/csynth.xml", "syn/reports/csynth.xml", "couldn't open"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_is_caught(tmp_path, name):
    path, old, new, message = PLANTED[name]
    result = dry_run(changed(stub(), tmp_path, path, old, new), ["rtl_impl"], VITIS_HLS)
    assert re.search(message, result.output), result.output
    assert result.status == 1


@pytest.mark.parametrize("name", PLANTED_HLS)
def test_planted_fault_in_hls_is_caught(tmp_path, name):
    path, old, new, message = PLANTED_HLS[name]
    result = dry_run(changed(stub(), tmp_path, path, old, new), ["hls"], VITIS_HLS)
    assert re.search(message, result.output), result.output
    assert result.status == 1


@pytest.mark.parametrize(
    ("step", "old", "new", "version", "knows"),
    [
        ("rtl_impl", "-flatten_hierarchy rebuilt", "-flatten_hierarchy rebuilt -retiming", "2020.1", True),
        ("rtl_impl", "-flatten_hierarchy rebuilt", "-flatten_hierarchy rebuilt -retiming", "2023.1", False),
        ("rtl_impl", "-flatten_hierarchy rebuilt", "-flatten_hierarchy rebuilt -global_retiming on", "2025.2", True),
        ("rtl_impl", "-flatten_hierarchy rebuilt", "-flatten_hierarchy rebuilt -global_retiming on", "2020.1", False),
        ("hls", "csim_design\n", "csim_design -profile\n", "2023.1", True),
        ("hls", "csim_design\n", "csim_design -profile\n", "2025.2", False),
        ("hls", "open_solution -flow_target vivado", "open_solution -flow_target vivado", "2023.1", True),
    ],
)
def test_option_that_a_version_does_not_know(tmp_path, step, old, new, version, knows):
    script = "scripts/implement.tcl" if step == "rtl_impl" else "scripts/hls.tcl"
    tools = Tools(version, "Vitis", "vitis-run" if version >= "2024.2" else "vitis_hls")
    if version == "2020.1":
        tools = replace(tools, backend="Vivado", hls="vivado_hls")
    result = dry_run(changed(stub(tools.backend), tmp_path, script, old, new), [step], tools)
    assert (result.status == 0) == knows, result.output
    assert knows or "has no option" in result.output


def test_option_that_vivado_hls_does_not_know(tmp_path):
    folder = changed(stub("Vivado"), tmp_path, "scripts/hls.tcl", "open_solution solution1", "open_solution -flow_target vivado solution1")
    result = dry_run(folder, ["hls"], VIVADO_HLS)
    assert result.status == 1
    assert "open_solution: vivado_hls 2020.1 has no option '-flow_target'" in result.output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("--mode hls --tcl", "--tcl"),
        ("--mode hls --tcl", "--mode hls -f"),
        ('"$scripts/hls.tcl" || code', '"$scripts/hls.tcl" csim=1 || code'),
    ],
)
def test_command_line_of_vitis_run_is_checked(tmp_path, old, new):
    result = dry_run(changed(stub(), tmp_path, "run.sh", old, new), ["hls"], VITIS_RUN)
    assert result.status == 1
    assert "vitis-run 2024.2 does not take" in result.output


# all typing errors of one kind


_WORD = re.compile(r"(?<=[\s\[{(])-[a-z][a-z_]+|\$\{?[a-z_]+|(?<=[\[{])[a-z_]+(?=[ \]])|(?m:(?<=^)| )\b[a-z]+_[a-z_]+\b")


def _mutants(text: str) -> list[tuple[int, str]]:
    """(position, word) of every option, variable, command and name with an underscore outside of comments and messages."""
    kept = re.sub(r'(?m)^\s*#.*$|error ".*$', lambda match: " " * len(match[0]), text)
    return [(match.end(), match[0]) for match in _WORD.finditer(kept)]


_SUITE = (
    ("all", VITIS_HLS, {}, {}, 0, ""),
    ("all", VITIS_RUN, {}, {"LANGUAGE": "vhdl"}, 0, ""),
    ("rtl_impl", VITIS_HLS, {"lut": 1001}, {"STAGE": "synth"}, 1, "synth budget.lut +1001"),
    ("rtl_impl", VITIS_HLS, {"wns": 0.05, "whs": -1, "ff": 2501, "dsp": 1, "bram": 1, "uram": 1}, {}, 1, "6 of 13 checks failed"),
    ("rtl_impl", VITIS_HLS, {"wns": "unconstrained", "route_errors": "absent", "site_names": "Unknown"}, {}, 1, "9 of 13 checks failed"),
    ("hls", VITIS_HLS, {"latency": 7, "interval": 2, "cosim": "differ"}, {}, 1, "4 of 9 checks failed"),
    ("hls", VITIS_HLS, {"latency": "undef"}, {}, 1, "2 of 9 checks failed"),
    ("hls", VITIS_HLS, {"csim": "silent"}, {}, 1, "the test bench left no"),
    ("hls", VITIS_HLS, {"cosim": "silent"}, {}, 1, "the test bench left no"),
    ("hls", VITIS_HLS, {}, {"STEPS": "csim"}, 0, "run.sh: hls passed"),
    ("hls", VITIS_HLS, {"export": "fail"}, {}, 1, "is an invalid argument"),
    ("hls_impl", VITIS_HLS, {}, {}, 1, "run make hls first"),
)


def _caught(folder: Path, backend: str) -> bool:
    suite = (
        _SUITE
        if backend == "Vitis"
        else (("hls", VIVADO_HLS, {}, {}, 0, ""), ("hls", VIVADO_HLS, {"export": "fail"}, {}, 1, "answer record"))
    )
    for step, tools, scenario, environment, status, message in suite:
        result = dry_run(folder, [step], tools, scenario=scenario, environment=environment)
        if result.status != status or not re.search(message, result.output):
            return True
    return False


def _survivors(tmp_path: Path, path: str, backend: str) -> list[str]:
    content = files(stub(backend))
    text = content[path].decode()

    def survives(number: int, position: int, word: str) -> str | None:
        folder = tmp_path / f"{backend}{number}"
        write(folder, content | {path: (text[:position] + "x" + text[position:]).encode()})
        return None if _caught(folder, backend) else f"line {text[:position].count(chr(10)) + 1}: {word}"

    with ThreadPoolExecutor(2) as pool:
        return [found for found in pool.map(lambda job: survives(job[0], *job[1]), enumerate(_mutants(text))) if found]


def test_the_suite_for_typing_errors_passes_without_one(vitis, vivado):
    assert not _caught(vitis, "Vitis")
    assert not _caught(vivado, "Vivado")


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    exhaustive(
        ["scripts/checks.tcl", "scripts/implement.tcl", "scripts/hls.tcl", "constraints/rtl.xdc", "constraints/hls.xdc"],
        ("constraints/rtl.xdc", "constraints/hls.xdc"),
    ),
)
def test_an_x_behind_any_option_variable_or_command_is_caught(tmp_path, path):
    survivors = _survivors(tmp_path, path, "Vitis")
    if path == "scripts/hls.tcl":
        # what only Vivado HLS executes
        others = _survivors(tmp_path, path, "Vivado")
        survivors = [one for one in survivors if one in others]
    assert survivors == []
