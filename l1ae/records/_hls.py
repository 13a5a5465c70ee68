"""What was written for HLS: hls/summary.json."""

from dataclasses import dataclass

from l1ae.results import Count, Digest, Positive

__all__ = ["HlsSummary"]


@dataclass(frozen=True)
class HlsSummary:
    """An HLS project, its part and clock; nothing about latency and resources, which only a vendor tool knows.

    `multiplications` per event with a weight that is not 0; `digest` of all files.
    """

    project: str
    backend: str
    part: str
    clock_period_ns: Positive
    clock_uncertainty_percent: Positive
    reuse_factor: Count
    layer_reuse_factors: dict[str, Count]
    strategy: str
    io_type: str
    files: Count
    digest: Digest
    multiplications: Count
