"""The C-synthesis report: typed values, and None for what it does not say."""

import pytest

from l1ae.errors import UserError
from l1ae.hls import read_vendor_report

REPORT = """<?xml version="1.0"?>
<profile>
  <ReportVersion><Version>{version}</Version></ReportVersion>
  <UserAssignments>
    <unit>ns</unit><Part>xcvu9p-flga2104-2L-e</Part><TopModelName>dnn_ae_v1</TopModelName>
    <TargetClockPeriod>5.00</TargetClockPeriod><ClockUncertainty>0.62</ClockUncertainty>
  </UserAssignments>
  <PerformanceEstimates>
    <SummaryOfTimingAnalysis><unit>ns</unit><EstimatedClockPeriod>4.338</EstimatedClockPeriod></SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency>
      <unit>clock cycles</unit><Best-caseLatency>17</Best-caseLatency><Worst-caseLatency>{worst}</Worst-caseLatency>
      <Interval-min>1</Interval-min><Interval-max>1</Interval-max>
    </SummaryOfOverallLatency>
  </PerformanceEstimates>
  <AreaEstimates>
    <Resources><BRAM_18K>0</BRAM_18K><{dsp}>12</{dsp}><FF>9213</FF><LUT>60213</LUT></Resources>
    <AvailableResources><BRAM_18K>4320</BRAM_18K><{dsp}>6840</{dsp}><FF>2364480</FF><LUT>1182240</LUT><URAM>960</URAM></AvailableResources>
  </AreaEstimates>
</profile>
"""


def _write(folder, **changes):
    path = folder / "dnn_ae_v1_prj" / "solution1" / "syn" / "report" / "csynth.xml"
    path.parent.mkdir(parents=True)
    path.write_text(REPORT.format(**({"version": "2023.2", "worst": "18", "dsp": "DSP"} | changes)))


@pytest.mark.parametrize("dsp", ["DSP", "DSP48E"])
def test_values_of_both_tools(tmp_path, dsp):
    _write(tmp_path, dsp=dsp)
    report = read_vendor_report(tmp_path)
    assert (report.stage, report.tool, report.part) == ("csynth", "HLS 2023.2", "xcvu9p-flga2104-2L-e")
    assert (report.latency_cycles_min, report.latency_cycles_max, report.interval_max) == (17, 18, 1)
    assert (report.lut, report.ff, report.dsp, report.bram) == (60213, 9213, 12, 0)
    assert (report.estimated_clock_ns, report.target_clock_ns) == (4.338, 5.0)
    assert report.available["dsp"] == 6840


def test_what_the_report_does_not_say_is_none_and_not_zero(tmp_path):
    _write(tmp_path, worst="undef")
    report = read_vendor_report(tmp_path)
    assert report.latency_cycles_max is None
    assert report.uram is None
    assert report.bram == 0


def test_no_report_is_none(tmp_path):
    assert read_vendor_report(tmp_path) is None


def test_a_damaged_report_is_an_error(tmp_path):
    _write(tmp_path)
    path = next(tmp_path.rglob("csynth.xml"))
    path.write_text(path.read_text()[:200])
    with pytest.raises(UserError, match=r"csynth.xml' is damaged .* run the C synthesis again"):
        read_vendor_report(tmp_path)
