"""Files that one program leaves for another: whole or absent, held by one at a time, read with their type."""

from l1ae.files._arrays import array_header, array_names, read_arrays, unpacked_bytes
from l1ae.files._leftovers import in_hand, remove_in_hand
from l1ae.files._lock import held
from l1ae.files._read import DamagedError, json_content, read_json
from l1ae.files._scratch import scratch
from l1ae.files._user_cache import user_cache
from l1ae.files._write import is_full, remove_left, replacing, write_bytes, write_json, write_text

__all__ = [
    "DamagedError",
    "array_header",
    "array_names",
    "held",
    "in_hand",
    "is_full",
    "json_content",
    "read_arrays",
    "read_json",
    "remove_in_hand",
    "remove_left",
    "replacing",
    "scratch",
    "unpacked_bytes",
    "user_cache",
    "write_bytes",
    "write_json",
    "write_text",
]
