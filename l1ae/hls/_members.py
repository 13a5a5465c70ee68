"""C++ members of a layer's configuration struct that only the converter can write: wires, gates, bins, tables, operators.

They are text and not arrays of constants: an index or an edge that the HLS tool reads from an array becomes a multiplexer, and every
element of an array that is read at once costs a copy of it. The entries of an address of several codes are the exception: an array of
constants that is partitioned completely, so that the tool makes logic of it and no memory.
"""

import textwrap
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from l1ae.contract import Binning, Lookup, Table
from l1ae.inputs import FixedFormat

__all__ = ["connections", "count_edges", "filled", "look_up", "look_up_addresses", "member"]

_INLINE = "        #pragma HLS INLINE\n"

_SET = (
    "    template <class to_T, class code_T> static void set(to_T &to, code_T code) {\n"
    f"{_INLINE}        to.range() = ap_int<to_T::width + 1>(code);\n    }}\n"
)
"""Gives `to` the bits of an integer."""


def member(head: str, body: str) -> str:
    """A static function of one statement."""
    return f"    {head} {{\n{_INLINE}        {body}\n    }}\n"


def connections(index: npt.NDArray[np.int64]) -> str:
    """C++ member that wires element `index[i]` of an array to element i of another, 0 where it is -1."""
    if np.array_equal(index, np.arange(len(index))):
        loop = [f"for (unsigned i = 0; i < {len(index)}; i++) {{", "    #pragma HLS UNROLL", "    to[i] = from[i];", "}"]
        body = "".join(f"        {line}\n" for line in loop)
    else:
        body = _statements([f"to[{i}] = {f'from[{k}]' if k >= 0 else '0'};" for i, k in enumerate(index)])
    head = "    template <class from_T, class to_T> static void connect(from_T *from, to_T *to) {\n        #pragma HLS INLINE\n"
    return f"{head}{body}    }}\n"


def filled(present: npt.NDArray[np.bool_], gate: npt.NDArray[np.int64]) -> str:
    """C++ member that says which inputs carry information: `present`, and the code of the slot's gate (-1: none) is not 0."""
    conditions = ["false" if not here else "true" if k < 0 else f"hw[{k}] != 0" for here, k in zip(present, gate, strict=True)]
    body = _statements([f"used[{i}] = {condition};" for i, condition in enumerate(conditions)])
    return f"    template <class hw_T> static void filled(hw_T *hw, bool *used) {{\n        #pragma HLS INLINE\n{body}    }}\n"


def look_up(table: Table) -> str:
    """C++ members that find the entry of each element in its own table, as comparisons with the codes at which it changes.

    Elements with one table share a function.
    """
    codes, kind = [int(code) for code in table.codes], _native(table.codes, 32)
    functions: dict[str, str] = {}
    calls, first = [], 0
    for k, (bits, starts) in enumerate(zip(table.bits, table.starts, strict=True)):
        body = _comparisons(starts, codes[first : first + len(starts)])
        first += len(starts)
        name = functions.setdefault(body, f"entry{len(functions)}")
        calls.append(f"set(to[{k}], {name}(from[{k}].range({bits - 1}, 0)));" if bits else f"set(to[{k}], {body});")
    text = "".join(f"    static {kind} {name}(unsigned hw) {{\n{_INLINE}{_wrapped(body)}    }}\n" for body, name in functions.items())
    return f"{text}{_SET}{_elements('look_up', _statements(calls))}"


def count_edges(binning: Binning, source: FixedFormat) -> str:
    """C++ members that count the edges that the code of an element of the input, of type `source`, reaches: comparisons by halving.

    Elements with the same edges share a function.
    """
    code = f"ap_{'' if source.signed else 'u'}int<{source.width}>"
    functions: dict[tuple[int, ...], str] = {}
    calls = []
    for k, (i, edges) in enumerate(zip(binning.index.tolist(), binning.edges, strict=True)):
        name = functions.setdefault(edges, f"bin{len(functions)}") if edges else None
        calls.append(f"set(to[{k}], {name}(from[{i}].range()));" if name else f"set(to[{k}], 0);")
    text = "".join(
        f"    static int {name}({code} hw) {{\n{_INLINE}{_wrapped(_comparisons((0, *edges), range(len(edges) + 1)))}    }}\n"
        for edges, name in functions.items()
    )
    return f"{text}{_SET}{_elements('count_edges', _statements(calls))}"


def look_up_addresses(lookup: Lookup) -> str:
    """C++ members that put the bits of the address of each element together and read its table; elements with one table share it."""
    functions: dict[bytes, str] = {}
    text, calls = "", ""
    for k, (entries, index, bits) in enumerate(zip(lookup.tables, lookup.index, lookup.bits, strict=True)):
        if not index:
            calls += f"        set(to[{k}], {entries[0]});\n"
            continue
        content = entries.tobytes()
        if content not in functions:
            functions[content] = f"entry{len(functions)}"
            text += _array(functions[content], entries)
        calls += _address(k, index, bits, functions[content])
    return f"{text}{_SET}{_elements('look_up', calls)}"


def _array(name: str, entries: npt.NDArray[np.int64]) -> str:
    """Member `name`, the entry at an address. Native integers: g++ needs half a minute for a few thousand `ap_int` with values."""
    width, kind = (len(entries) - 1).bit_length(), _native(entries)
    values = textwrap.fill(", ".join(str(code) for code in entries.tolist()), 128, initial_indent=" " * 12, subsequent_indent=" " * 12)
    return (
        f"    static {kind} {name}(ap_uint<{width}> address) {{\n{_INLINE}"
        f"        static const {kind} entries[{len(entries)}] = {{\n{values}}};\n"
        "        #pragma HLS ARRAY_PARTITION variable=entries complete\n"
        "        return entries[address.to_uint()];\n    }\n"
    )


def _address(element: int, index: Sequence[int], bits: Sequence[int], table: str) -> str:
    """Read `table` at the lowest bits of the input's elements `index`, the first in the highest bits."""
    parts, low = [], sum(bits)
    address = f"ap_uint<{low}> a{element};"
    for k, width in zip(index, bits, strict=True):
        low -= width
        parts.append(f"a{element}.range({low + width - 1}, {low}) = from[{k}].range({width - 1}, 0);")
    return "".join(f"        {line}\n" for line in [f"{address} {' '.join(parts)}", f"set(to[{element}], {table}(a{element}));"])


def _native(codes: npt.NDArray[np.int64], least: int = 8) -> str:
    """The narrowest C++ integer of at least so many bits that holds all codes."""
    low, high = int(codes.min()), int(codes.max())
    for bits, name in ((8, "signed char"), (16, "short"), (32, "int")):
        if bits >= least and -(1 << bits - 1) <= low and high < 1 << bits - 1:
            return name
    return "long long"


def _elements(name: str, body: str) -> str:
    """Member that fills all elements of `to` from those of `from`."""
    return f"    template <class from_T, class to_T> static void {name}(from_T *from, to_T *to) {{\n{_INLINE}{body}    }}\n"


def _comparisons(starts: Sequence[int], codes: Sequence[int]) -> str:
    """The value of the run that holds `hw`, by halving."""
    if len(starts) == 1:
        return str(codes[0])
    half = len(starts) // 2
    return f"(hw < {starts[half]} ? {_comparisons(starts[:half], codes[:half])} : {_comparisons(starts[half:], codes[half:])})"


def _wrapped(expression: str) -> str:
    return textwrap.fill(f"return {expression};", 128, initial_indent=" " * 8, subsequent_indent=" " * 12) + "\n"


def _statements(items: list[str]) -> str:
    return "".join("        " + " ".join(items[start : start + 6]) + "\n" for start in range(0, len(items), 6))
