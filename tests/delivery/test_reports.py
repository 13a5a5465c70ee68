"""Reports of every layout: typed values, None for what they do not say, and errors that name file and line."""

import re
import shutil
from pathlib import Path

import pytest

from l1ae.delivery._reports import Amount
from l1ae.delivery._reports_hls import read_cosim, read_csynth
from l1ae.delivery._reports_text import number, quantity
from l1ae.delivery._reports_vivado import read_power, read_timing, read_utilization
from l1ae.errors import UserError

REPORTS = Path(__file__).parent / "reports"
READERS = {"csynth": read_csynth, "cosim": read_cosim, "utilization": read_utilization, "timing": read_timing, "power": read_power}


def reader_of(name):
    return next(read for kind, read in READERS.items() if kind in name)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (" 1,182,240 ", 1182240),
        ("0.5", 0.5),
        ("-0.333", -0.333),
        ("24*", 24),
        ("0", 0),
        ("1.350e+03", 1350),
        *((text, None) for text in ("", "-", "---", "?", "undef", "NA", "N/A", "~0", "<0.01", "inf")),
    ],
)
def test_a_number_or_none(cell, value):
    assert number(cell) == value


@pytest.mark.parametrize("cell", ["12x4", "1 2", "zero", "\ufffd", "0x10", "1,23", "0,4.42", "nan", "1_000"])
def test_no_number(cell):
    with pytest.raises(ValueError, match="is no number"):
        number(cell)


@pytest.mark.parametrize(("cell", "value"), [("6.912 ns", 6.912), ("1.350 us", 1350), ("350 ps", 0.35), ("?", None), ("4.0", 4.0)])
def test_a_time_in_ns(cell, value):
    assert quantity(cell) == (None if value is None else pytest.approx(value))


# -- C synthesis -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("vivado_hls_2020.1_csynth.xml", "Vivado HLS 2020.1"),
        ("vivado_hls_2020.1_csynth.rpt", "Vivado HLS 2020.1"),
        ("vitis_hls_2023.2_csynth.xml", "Vitis HLS 2023.2"),
    ],
)
def test_synthesis_says_the_same_in_every_layout(name, tool):
    report = read_csynth(REPORTS / name)
    assert (report.origin.label, report.origin.stage) == (tool, "csynth")
    assert (report.origin.part, report.origin.design) == ("xcvu9p-flga2104-2L-e", "dnn_ae_v1")
    assert (report.target_clock_ns, report.estimated_clock_ns, report.uncertainty_ns) == (5.0, 4.338, 0.62)
    assert report.slack_ns == 0.042
    assert (report.latency_min, report.latency_max, report.interval_min, report.interval_max) == (17, 18, 1, 1)
    assert report.resources["lut"] == Amount(60213, 1182240)
    assert report.resources["ff"] == Amount(9213, 2364480)
    assert report.resources["dsp"] == Amount(12, 6840)
    # three halves of 36 kbit
    assert report.resources["bram"] == Amount(1.5, 2160)


def test_what_synthesis_does_not_say_is_none_and_not_zero():
    assert read_csynth(REPORTS / "vivado_hls_2020.1_csynth.xml").resources["uram"] == Amount(None, 960)
    assert read_csynth(REPORTS / "vitis_hls_2023.2_csynth.xml").resources["uram"] == Amount(0, 960)
    for suffix in ("xml", "rpt"):
        report = read_csynth(REPORTS / f"vitis_hls_2024.2_csynth.{suffix}")
        assert (report.origin.label, report.latency_min, report.latency_max) == ("Vitis HLS 2024.2", None, None)
        assert report.interval_max == 1
    assert report.resources["uram"] == Amount(None, 0)
    assert report.resources["uram"].share is None
    assert report.resources["lut"].share == pytest.approx(1.06195, abs=1e-5)


def test_a_report_without_version_says_so(tmp_path):
    text = (REPORTS / "vitis_hls_2023.2_csynth.xml").read_text()
    path = tmp_path / "csynth.xml"
    path.write_text(re.sub(r"<ReportVersion>.*</ReportVersion>", "", text, flags=re.DOTALL))
    assert read_csynth(path).origin.label == "HLS, version not in the report"


# -- cosimulation ------------------------------------------------------------------------------------------------------


def test_cosimulation():
    old, new, failing = (
        read_cosim(REPORTS / f"{name}.rpt") for name in ("vivado_hls_2020.1_cosim", "vitis_hls_2024.2_cosim", "vitis_hls_2024.1_cosim_fail")
    )
    assert (old.passed, old.latency_min, old.latency_avg, old.latency_max) == (True, 17, 17, 18)
    assert (old.interval_min, old.interval_avg, old.interval_max) == (1, 1, 1)
    assert (new.passed, new.latency_max, new.interval_max) == (True, 17, None)
    assert (failing.passed, failing.latency_max) == (False, None)
    assert old.origin.label == "HLS cosimulation with xsim, version not in the report"


def test_a_cosimulation_that_did_not_run_neither_passed_nor_failed(tmp_path):
    path = tmp_path / "dnn_cosim.rpt"
    path.write_text((REPORTS / "vivado_hls_2020.1_cosim.rpt").read_text().replace("Pass", "  NA"))
    report = read_cosim(path)
    assert (report.passed, report.latency_max, report.origin.design) == (None, None, "dnn")


# -- Vivado ------------------------------------------------------------------------------------------------------------


def test_utilisation_of_series_7_after_synthesis():
    report = read_utilization(REPORTS / "vivado_2020.1_utilization_synth.rpt")
    assert (report.origin.label, report.origin.stage, report.origin.part) == ("Vivado 2020.1", "synth", "xc7vx690tffg1927-2")
    assert report.resources == {
        "lut": Amount(51207, 433200),
        "ff": Amount(10511, 866400),
        "bram": Amount(1.5, 1470),
        "dsp": Amount(0, 3600),
    }


def test_utilisation_of_ultrascale_after_routing():
    report = read_utilization(REPORTS / "vivado_2023.1_utilization_route.rpt", "synth")
    # the state of the design counts, not the name of the file
    assert (report.origin.label, report.origin.stage, report.origin.part) == ("Vivado 2023.1", "route", "xcvu9p-flga2104-2L-e")
    assert report.resources["lut"] == Amount(48100, 1182240)
    assert report.resources["uram"] == Amount(0, 960)
    assert report.resources["dsp"] == Amount(4, 6840)


def test_utilisation_beyond_the_part():
    report = read_utilization(REPORTS / "vivado_2024.2_utilization_place.rpt")
    assert report.origin.stage == "place"
    assert report.resources["lut"] == Amount(93312, 77760)
    assert report.resources["lut"].share == pytest.approx(1.2)
    assert report.resources["bram"] == Amount(None, 144)
    assert "uram" not in report.resources


def test_timing():
    met = read_timing(REPORTS / "vivado_2020.1_timing_synth.rpt", "synth")
    assert (met.origin.stage, met.origin.part) == ("synth", "xc7vx690t-ffg1927-2")
    assert (met.wns_ns, met.tns_ns, met.setup_failing, met.whs_ns, met.ths_ns, met.hold_failing) == (0.412, 0, 0, 0.082, 0, 0)
    assert (met.met, dict(met.clocks), met.uncertainty_ns) == (True, {"clk": 25.0}, None)
    failing = read_timing(REPORTS / "vivado_2023.1_timing_route.rpt")
    assert (failing.origin.stage, failing.origin.part) == ("route", "xcvu9p-flga2104-2L")
    assert (failing.wns_ns, failing.tns_ns, failing.setup_failing, failing.whs_ns) == (-0.333, -13.146, 57, 0.031)
    assert (failing.met, failing.uncertainty_ns) == (False, 0.635)


def test_no_path_is_no_slack_of_zero():
    report = read_timing(REPORTS / "vivado_2024.2_timing_route.rpt")
    assert (report.wns_ns, report.tns_ns, report.setup_failing, report.whs_ns, report.hold_failing) == (None,) * 5
    assert dict(report.clocks) == {"ap_clk": 5.0, "virtual": 25.0}


def test_power():
    report = read_power(REPORTS / "vivado_2020.1_power_route.rpt")
    assert (report.total_w, report.dynamic_w, report.static_w, report.confidence) == (1.711, 0.442, 1.269, "Low")
    assert (report.origin.stage, report.origin.label) == ("route", "Vivado 2020.1")
    hot = read_power(REPORTS / "vivado_2024.2_power_route.rpt")
    assert (hot.total_w, hot.confidence) == (13.045, "Medium")


# -- damage ------------------------------------------------------------------------------------------------------------

ALL = sorted(path.name for path in REPORTS.iterdir() if path.name != "README.md")


def test_every_file_is_read():
    assert len(ALL) == 16
    for name in ALL:
        reader_of(name)(REPORTS / name)


@pytest.mark.parametrize("name", ALL)
def test_a_report_that_was_cut_off_is_refused_or_says_the_same(name, tmp_path):
    """Wherever a file ends, no number of it may be another one."""
    lines = (REPORTS / name).read_text().splitlines()
    whole, path = reader_of(name)(REPORTS / name), tmp_path / name
    refused = 0
    for count in range(len(lines)):
        path.write_text("\n".join(lines[:count]))
        try:
            found = reader_of(name)(path)
        except UserError:
            refused += 1
            continue
        for field in whole.__dataclass_fields__:
            if field not in {"origin", "resources", "clocks"}:
                assert getattr(found, field) in {getattr(whole, field), None}
        for resource, amount in getattr(found, "resources", {}).items():
            assert amount == whole.resources[resource]
    assert refused >= 8


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("vivado_2023.1_utilization_route.rpt", "| 48100 |", "| 481o0 |", r"route\.rpt', line 27: '481o0' is no number"),
        ("vivado_2023.1_timing_route.rpt", "-13.146", "", r"line 30: 11 values for the 12 columns"),
        ("vivado_2023.1_timing_route.rpt", "Vivado v.2023.1", "Vivado v.2018.3", r"line 3: reports of version 2018\.3 have another layout"),
        ("vivado_2023.1_timing_route.rpt", "Vivado v.2023.1", "Vivado v.next", r"line 3: 'next' is no version"),
        ("vivado_2023.1_timing_route.rpt", "Vivado v.2023.1", "Quartus 23.1", r"line 3: .* is no version of Vivado"),
        ("vivado_2023.1_timing_route.rpt", ": Routed", ": Boiled", r"line 10: 'Boiled' is no state"),
        ("vivado_2020.1_power_route.rpt", "| 0.442 ", "| 0,4.42", r"line \d+: '.*' is no number"),
        ("vivado_2020.1_power_route.rpt", "Power Report", "Timing Summary Report", r"ends without its title 'Power Report'"),
        ("vitis_hls_2023.2_csynth.xml", "<LUT>60213<", "<LUT>many<", r"csynth\.xml', line 37: 'many' is no number"),
        ("vitis_hls_2023.2_csynth.xml", "<Version>2023.2<", "<Version>12.4<", r"line 5: '12\.4' is no version"),
        ("vitis_hls_2023.2_csynth.xml", "</Resources>", "", r"line \d+: it is damaged \(mismatched tag\)"),
        ("vitis_hls_2023.2_csynth.xml", "case", "CASE", None),
        ("vivado_hls_2020.1_csynth.rpt", "|       17|", "|     17.5|", r"line 30: '17\.5' is no whole number"),
        ("vivado_hls_2020.1_csynth.rpt", "| 4.338 ns |", "| 4.3.38 ns |", r"line \d+: '4\.3\.38' is no number"),
        ("vivado_hls_2020.1_csynth.rpt", "|Total                |        3|", "|Total                |", r"line 58: the row has 5 cells"),
        ("vivado_hls_2020.1_cosim.rpt", "Pass", "Fine", r"line 11: 'Fine' is no result"),
    ],
)
def test_damage_is_named_by_file_and_line(name, old, new, message, tmp_path):
    path = tmp_path / name
    text = (REPORTS / name).read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    if message is None:
        # elements of other names are not there, which is said
        assert reader_of(name)(path).latency_max is None
        return
    with pytest.raises(UserError, match=message):
        reader_of(name)(path)


@pytest.mark.parametrize("name", ["vivado_2023.1_utilization_route.rpt", "vivado_2024.2_power_route.rpt"])
def test_a_section_that_was_announced_must_follow(name, tmp_path):
    """Else a report that ends early would say that it does not know the DSPs."""
    text = (REPORTS / name).read_text()
    (last,) = re.findall(r"^(?:3\. ARITHMETIC|1\.1 On-Chip Components)$(?=\n-)", text, flags=re.MULTILINE)
    path = tmp_path / name
    path.write_text(text[: text.rindex(last)])
    with pytest.raises(UserError, match=rf"line \d+: the section '{last}' is missing: the report is cut off"):
        reader_of(name)(path)


def test_something_else_is_no_report(tmp_path):
    for name in ("csynth.xml", "x_csynth.rpt", "x_cosim.rpt", "x_utilization.rpt", "x_timing.rpt", "x_power.rpt"):
        path = tmp_path / name
        for content in (b"", b"\x00\xff\x80" * 50, b"<profile/>", b"hello\nworld\n"):
            path.write_bytes(content)
            with pytest.raises(UserError, match=rf"'.*{re.escape(name)}', line \d+: "):
                reader_of(name)(path)


def test_reports_may_come_from_other_systems(tmp_path):
    for name in ALL:
        shutil.copy(REPORTS / name, tmp_path / name)
        (tmp_path / name).write_bytes((REPORTS / name).read_bytes().replace(b"\n", b"\r\n"))
        found, whole = (reader_of(name)(folder / name) for folder in (tmp_path, REPORTS))
        assert {key: value for key, value in vars(found).items() if key != "origin"} == {
            k: v for k, v in vars(whole).items() if k != "origin"
        }
