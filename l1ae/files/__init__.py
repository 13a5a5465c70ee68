"""Files that one program leaves for another: whole or absent, held by one at a time, read with their type."""

from l1ae.files._lock import held
from l1ae.files._read import DamagedError, json_content, read_json
from l1ae.files._scratch import scratch
from l1ae.files._write import is_full, replacing, write_bytes, write_json, write_text

__all__ = [
    "DamagedError",
    "held",
    "is_full",
    "json_content",
    "read_json",
    "replacing",
    "scratch",
    "write_bytes",
    "write_json",
    "write_text",
]
