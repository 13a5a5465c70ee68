"""Memory of an import in a process of its own, for files that are one row group each."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .published import columns_of, make_events, published_list

SCRIPT = """
import pathlib, sys
from l1ae.data import import_record
from l1ae.inputs import named_layout
result = import_record([pathlib.Path(sys.argv[1])], pathlib.Path(sys.argv[2]), named_layout("cms_l1_record"), sample="zb")
peak = next(line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(result.events, peak.split()[1])
"""


def write_many(folder, rows):
    """The same 500 events again and again, with numbers of their own."""
    for name, columns in columns_of(make_events(500, seed=1), published_list).items():
        table = pa.concat_tables([pa.table(columns)] * (rows // 500))
        if name == "info":
            table = table.set_column(table.schema.get_field_index("order"), "order", pa.array(np.arange(rows)))
        target = folder / {"info": "event_info"}.get(name, name)
        target.mkdir(parents=True)
        pq.write_table(table.combine_chunks(), target / "00000.parquet", compression="snappy", row_group_size=rows)
    return folder


@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the largest memory of a process is read from /proc")
def test_memory_does_not_grow_with_the_number_of_events(tmp_path):
    peaks = []
    for rows in (150_000, 600_000):
        folder = write_many(tmp_path / str(rows) / "train", rows)
        command = [sys.executable, "-P", "-c", SCRIPT, str(folder), str(tmp_path / "out.h5")]
        events, peak = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        assert events == rows
        peaks.append(peak / 1024)
    # 600,000 events are 140 MB as codes alone
    assert peaks[1] < peaks[0] + 40, peaks
