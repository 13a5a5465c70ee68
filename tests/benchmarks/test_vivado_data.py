"""Reading a synthetic archive in the layout of alkaid's test data."""

import io
import tarfile

import pytest
from vivado_data import Utilization, parse_utilization, read_archive

from l1ae.errors import UserError

UTILIZATION = """Utilization Design Information
| Site Type                  | Used | Fixed | Prohibited | Available | Util% |
| CLB LUTs*                  | 4855 |     0 |          0 |   1728000 |  0.28 |
|   LUT as Logic             | 4635 |     0 |          0 |   1728000 |  0.27 |
|   LUT as Memory            |  220 |     0 |          0 |    791040 |  0.03 |
| CLB Registers              | 3420 |     0 |          0 |   3456000 |  0.10 |
|   Register as Flip Flop    | 3420 |     0 |          0 |   3456000 |  0.10 |
| CARRY8                     |  666 |     0 |          0 |    216000 |  0.31 |
| DSPs      |   80 |     0 |          0 |     12288 |  0.65 |
"""
TIMING = """| Design Timing Summary
    WNS(ns)      TNS(ns)  TNS Failing Endpoints
    -------      -------  ---------------------
     -0.160       -1.000                      3
"""
COUNTER = """module model(input wire clk, input wire [3:0] a, output reg [3:0] y);
    always @(posedge clk) y <= y + a;
endmodule
"""


@pytest.fixture
def archive(tmp_path):
    texts = {
        "data/vivado_model/build_vivado_prj.tcl": 'set project_name "model"\n',
        "data/vivado_model/src/model.v": COUNTER,
        "data/vivado_model/src/model.xdc": "# a comment\nset clock_period 3.5\n",
        "data/vivado_model/output_model/reports/model_post_synth_util.rpt": UTILIZATION,
        "data/vivado_model/output_model/reports/model_post_route_util.rpt": UTILIZATION.replace("4635", "5640"),
        "data/vivado_model/output_model/reports/model_post_route_timing.rpt": TIMING,
        "data/quartus_model/build_quartus_prj.tcl": 'set project_name "other"\n',
        "data/quartus_model/src/other.v": COUNTER,
    }
    path = tmp_path / "test_data.tar.xz"
    with tarfile.open(path, "w:xz") as stream:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            stream.addfile(member, io.BytesIO(text.encode()))
    return path


def test_a_project_of_vivado_is_read(archive):
    (project,) = read_archive(archive)
    assert (project.name, project.top, dict(project.sources)) == ("vivado_model", "model", {"src/model.v": COUNTER})
    assert project.utilization["synth"] == Utilization(4635, 220, 3420, 666, 80)
    assert project.utilization["route"].lut_logic == 5640
    assert project.period == pytest.approx(3.66)


@pytest.mark.slow
def test_our_synthesis_stands_beside_every_stage(archive, tmp_path):
    from rtl_calibration import Limits, compare_project

    (project,) = read_archive(archive)
    rows = compare_project(project, tmp_path, Limits(1, 60.0, 4.0))
    found = {(row.quantity, row.stage): (row.vivado, row.ours) for row in rows}
    assert found["FF", "routed"] == (3420, 4)
    assert found["LUT, raw", "synthesised"][0] == 4855
    assert found["LUT, raw", "routed"][0] == 5860
    assert 0 < found["slowest path, optimistic", "routed"][1] < found["slowest path, pessimistic", "routed"][1]


def test_what_a_report_does_not_say_is_unknown():
    assert parse_utilization("| DSPs | 3 | 0 |\n") == Utilization(None, None, None, None, 3)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.tar.xz"
    path.write_text("no archive")
    with pytest.raises(UserError, match="is no readable archive"):
        read_archive(path)
    with tarfile.open(path, "w:xz"):
        pass
    with pytest.raises(UserError, match="holds no Verilog with a utilization report of Vivado"):
        read_archive(path)
