import pytest

from l1ae.errors import UserError
from l1ae.synth import available_memory_gb, check_effort, estimate_effort


# measured with pyosys 0.70 on networks: raw LUT, seconds, GB
@pytest.mark.parametrize(
    ("luts", "seconds", "gigabytes"),
    [
        (1861, 10, 0.21),
        (10203, 36, 0.4),
        (14264, 70, 0.62),
        (23650, 97, 0.91),
        (22267, 133, 0.7),
        (23321, 116, 0.8),
        (32738, 122, 1.0),
        (33731, 141, 1.3),
        (68038, 1465, 2.1),
    ],
)
def test_the_estimate_covers_the_measured_runs_without_excess(luts, seconds, gigabytes):
    effort = estimate_effort(luts)
    assert gigabytes <= effort.gigabytes < 2 * gigabytes
    assert seconds <= effort.seconds < 4 * seconds


def test_a_design_that_does_not_fit_is_refused_with_numbers():
    with pytest.raises(
        UserError, match=r"about 240,000 LUTs needs about 8\.6 GB of memory and \d+ minutes, and 4\.0 GB are available; use"
    ):
        check_effort(240_000, 4.0)
    assert check_effort(10_000, 4.0) == estimate_effort(10_000)


def test_memory_is_the_smaller_of_machine_and_container(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    assert available_memory_gb(meminfo, tmp_path) == pytest.approx(8.192)
    (tmp_path / "memory.current").write_text("1000000000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory_gb(meminfo, tmp_path) == pytest.approx(8.192)
    (tmp_path / "memory.max").write_text("4000000000\n")
    assert available_memory_gb(meminfo, tmp_path) == pytest.approx(3.0)
    (tmp_path / "memory.stat").write_text("anon 300000000\ninactive_file 600000000\nactive_file 100000000\n")
    assert available_memory_gb(meminfo, tmp_path) == pytest.approx(3.6)


def test_a_machine_that_does_not_tell_is_an_error(tmp_path):
    with pytest.raises(UserError, match="does not tell the available memory"):
        available_memory_gb(tmp_path / "meminfo", tmp_path)
