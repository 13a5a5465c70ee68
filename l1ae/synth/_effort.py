"""What a synthesis will need, before it starts: memory and time from the expected number of LUTs."""

from dataclasses import dataclass
from pathlib import Path

from l1ae.errors import UserError

__all__ = ["Effort", "available_memory_gb", "check_effort", "estimate_effort"]

# Upper envelopes of runs with pyosys 0.70 on networks of 2k to 68k LUTs, listed in `estimate_effort`.
_BASE_GB = 0.25
_GB_PER_LUT = 3.5e-5
_BASE_SECONDS = 5.0
_SECONDS_PER_LUT = 4.0e-3
_SECONDS_PER_LUT_SQUARED = 2.6e-7


@dataclass(frozen=True)
class Effort:
    """Expected peak memory in GB (1e9 bytes) and wall time in seconds."""

    gigabytes: float
    seconds: float


def estimate_effort(luts: float) -> Effort:
    """Memory and time that `synthesise` needs for a design of about `luts` raw LUTs, on one core of a current server.

    An upper envelope of measured runs (raw LUT, s, GB): (1,861, 10, 0.21), (10,203, 36, 0.4), (14,264, 70, 0.62),
    (22,267, 133, 0.7), (23,650, 97, 0.91), (32,738, 122, 1.0), (33,731, 141, 1.3), (68,038, 1465, 2.1). Runs of equal
    size differ by a factor of two in time, and by more where other programs share the cores.
    """
    return Effort(_BASE_GB + _GB_PER_LUT * luts, _BASE_SECONDS + _SECONDS_PER_LUT * luts + _SECONDS_PER_LUT_SQUARED * luts**2)


def check_effort(luts: float, memory_gb: float) -> Effort:
    """The expected effort; raises `UserError` when a design of about `luts` LUTs does not fit into `memory_gb`."""
    effort = estimate_effort(luts)
    if effort.gigabytes > memory_gb:
        raise UserError(
            f"synthesis of about {luts:,.0f} LUTs needs about {effort.gigabytes:.1f} GB of memory and {effort.seconds / 60:.0f} minutes,"
            f" and {memory_gb:.1f} GB are available; use a machine with more memory, or make the design smaller (fewer bits,"
            " more pruning, time-multiplexed layers)"
        )
    return effort


def available_memory_gb(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Memory in GB (1e9 bytes) that a new process can use: what Linux calls available, or what a container allows.

    What a container has read from files counts as used there, but is given back when a process needs the memory. Sources:
    proc(5), MemAvailable; memory.max, memory.current and inactive_file in memory.stat of cgroup v2. Raises `UserError` where
    there is no MemAvailable.
    """
    lines = meminfo.read_text().splitlines() if meminfo.is_file() else []
    available = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    if not available:
        raise UserError(f"'{meminfo}' does not tell the available memory; synthesis needs Linux, whose kernel does")
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()) != "max":
        available.append(max(int(text) - int(used.read_text()) + _reclaimable(cgroup / "memory.stat"), 0))
    return min(available) / 1e9


def _reclaimable(stat: Path) -> int:
    """Bytes of files that were read and not used since."""
    lines = stat.read_text().splitlines() if stat.is_file() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
