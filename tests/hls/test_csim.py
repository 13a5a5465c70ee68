"""The C simulation agrees to the last bit, and every planted fault is found and named."""

import os
import re
from itertools import pairwise, product

import numpy as np
import pytest

from l1ae.contract import Quantize, Sum, Threshold
from l1ae.errors import CheckFailedError, UserError
from l1ae.hls import simulate

from ..levels import exhaustive
from .networks import Network, everything, tables


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "backend"),
    exhaustive(list(product(("squared_error", "mu2", "kl"), ("Vitis", "Vivado"))), (("squared_error", "Vitis"), ("kl", "Vivado"))),
)
def test_no_bit_differs(written, hardware, score, backend):
    contract, folder = written(score, backend)
    report = simulate(contract, folder, backend, hardware)
    assert report.passed
    assert report.verdict == f"C simulation: 0 mismatches in {len(hardware)} events"
    assert report.corner_vectors > 1000
    assert [tensor.name for tensor in report.layers] == [operation.name for operation in contract.operations[1:]]
    assert [tensor.name for tensor in report.outputs] == ["score", "trigger"]


_FACTORS = {"conv": 3, "pointwise": 3, "enc": 8, "dec": 10}  # both kinds that hls4ml has: up to the inputs' number, and above


def _layers(**factors):
    return {"layers": {name: {"reuse_factor": factor} for name, factor in factors.items()}}


CONFIGURATIONS = [
    {"backend": "Vitis"},
    {"backend": "Vivado"},
    {"strategy": "Resource", **_layers(**_FACTORS)},
    {"backend": "Vivado", "strategy": "Resource", "io_type": "io_stream", **_layers(**_FACTORS | {"conv": 18, "enc": 200})},
    {"strategy": "distributed_arithmetic"},
    {"backend": "Vivado", "strategy": "distributed_arithmetic", "io_type": "io_stream"},
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "hls",
    exhaustive(CONFIGURATIONS, CONFIGURATIONS[2:4]),
    ids=lambda hls: "-".join(str(value) for key, value in hls.items() if key != "layers"),
)
def test_no_bit_of_any_operation_differs_in_any_strategy(project_on_disk, random_codes, hls):
    contract = everything(exact_products=hls.get("strategy") == "distributed_arithmetic")
    report = simulate(contract, project_on_disk(contract, **hls), hls.get("backend", "Vitis"), random_codes(contract))
    assert report.passed, report.first_mismatch
    assert [tensor.name for tensor in report.layers] == [operation.name for operation in contract.operations[1:]]
    without_constants = hls.get("strategy") == "distributed_arithmetic"
    assert report.types_compared == (41 if without_constants else 53)


@pytest.mark.slow
def test_events_that_wrap_are_counted(project_on_disk, random_codes):
    """A score of 4 bits is the sum of 0 to 28 that it should be in 13 of 29 cases: counted by hand, in the report of the simulation."""
    b = Network(seed=2)
    b.inputs(4, np.zeros(4, int), np.full(4, -1), "fixed<12,12>", form="ufixed<3,3,TRN,SAT>")
    b.put(Sum, "total", "inputs", size=1, fraction=0)
    b.put(Quantize, "score", "total", size=1, form="ufixed<4,4>")
    b.put(Threshold, "trigger", "score", size=1, form="ufixed<1,1>", threshold=3)
    contract = b.contract()
    hardware = random_codes(contract)
    report = simulate(contract, project_on_disk(contract), "Vitis", hardware)
    totals = np.clip(hardware - contract["inputs"].offset, 0, 7).sum(axis=1)
    assert report.passed
    assert report.wrapped == {"score": int((totals > 15).sum())}
    assert 0 < report.wrapped["score"] < len(hardware)
    assert report.wrapped_text == f"score wraps in {report.wrapped['score']:,} of 3,000"


def _edit(folder, path, pattern, replacement):
    file = folder / path
    text, count = re.subn(pattern, replacement, file.read_text(), count=1)
    assert count == 1, f"{pattern} not in {path}"
    file.write_text(text)


def _header(folder, name):
    (found,) = (folder / "firmware" / "weights").glob(f"{name}[0-9]*.h")
    return found.relative_to(folder)


def _narrower_accumulator(folder, layer):
    _edit(
        folder,
        "firmware/defines.h",
        rf"typedef ap_fixed<(\d+),(\d+)> {layer}_accum_t",
        lambda m: f"typedef ap_fixed<{int(m[1]) - 1},{int(m[2]) - 1}> {layer}_accum_t",
    )


def _flip_weight_bit(folder):
    """Change the lowest bit of one weight of the first layer."""
    path = folder / "firmware" / "weights" / "w3.h"
    head, values, tail = re.fullmatch(r"(.*= \{)([^}]*)(\}.*)", path.read_text(), re.DOTALL).groups()
    numbers = values.split(", ")
    numbers[100] = f"{float(numbers[100]) + (1 if int(float(numbers[100]) * 128) % 2 == 0 else -1) / 128:.7f}"
    path.write_text(head + ", ".join(numbers) + tail)


FAULTS = {
    "weight bit": (_flip_weight_bit, "enc0"),
    "accumulator of the first layer": (lambda folder: _narrower_accumulator(folder, "enc0"), "enc0"),
    "accumulator of a deep layer": (lambda folder: _narrower_accumulator(folder, "out"), "out"),
    "rounding mode": (
        lambda folder: _edit(
            folder, "firmware/defines.h", r"ap_ufixed<8,3,AP_RND_CONV,AP_SAT,0> layer4_t", "ap_ufixed<8,3,AP_RND,AP_SAT,0> layer4_t"
        ),
        "enc0_relu",
    ),
    "shift": (
        lambda folder: _edit(folder, "firmware/weights/shift2.h", r"= \{(\d+)", lambda m: f"= {{{int(m[1]) + 1}"),
        "inputs",
    ),
    "offset": (
        lambda folder: _edit(folder, "firmware/weights/offset2.h", r"= \{0, 0, 72", "= {0, 0, 71"),
        "inputs",
    ),
    "square in the score": (
        lambda folder: _edit(folder, "firmware/parameters.h", r"total \+= d \* d;", "total += d;"),
        "squared_error",
    ),
    "threshold": (
        lambda folder: _edit(folder, _header(folder, "threshold"), r"= \{[\d.]+\}", "= {16000.0}"),
        "trigger",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", exhaustive(FAULTS, ("weight bit", "accumulator of a deep layer", "threshold")))
def test_a_planted_fault_is_found_and_its_layer_named(written, hardware, fault):
    contract, folder = written("squared_error")
    plant, layer = FAULTS[fault]
    plant(folder)
    report = simulate(contract, folder, "Vitis", hardware)
    assert not report.passed
    named = [report.first_mismatch.layer] if report.first_mismatch else []
    named += [mismatch.layer for mismatch in report.type_mismatches]
    assert named[0] == layer
    assert layer in (str(report.first_mismatch) + "".join(map(str, report.type_mismatches)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("defines.h", "ap_ufixed<8,3,AP_RND_CONV,AP_SAT,0> layer4_t", "ap_ufixed<8,3,AP_RND_ZERO,AP_SAT,0> layer4_t"),
        ("nnet_utils/nnet_l1ae.h", "value = hw[i] - offset[i];", "value = hw[i] + offset[i];"),
    ],
    ids=["rounding of a type", "operator in the library"],
)
def test_a_fault_is_found_where_the_project_was_compiled_before(written, hardware, tmp_path, monkeypatch, name, old, new):
    """A change that leaves a file's length and time as they were."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    contract, folder = written("squared_error")
    seconds = [simulate(contract, folder, "Vitis", hardware).seconds.compile for _ in range(2)]
    assert seconds[1] < seconds[0] / 2
    header = folder / "firmware" / name
    before = header.stat()
    _edit(folder, f"firmware/{name}", re.escape(old), new)
    os.utime(header, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not simulate(contract, folder, "Vitis", hardware).passed


@pytest.mark.slow
def test_the_first_mismatch_tells_event_layer_and_both_values(written, hardware):
    contract, folder = written("mu2")
    _flip_weight_bit(folder)
    mismatch = simulate(contract, folder, "Vitis", hardware).first_mismatch
    expected = contract.evaluate_reference(hardware, ["enc0"])["enc0"] * contract["enc0"].format.lsb
    assert (mismatch.layer, mismatch.corner) == ("enc0", False)
    assert mismatch.contract == expected[mismatch.event, mismatch.element]
    assert mismatch.simulation != mismatch.contract
    assert str(mismatch) == (
        f"layer 'enc0', event {mismatch.event}, element {mismatch.element}: "
        f"contract {mismatch.contract!r}, C simulation {mismatch.simulation!r}"
    )


@pytest.mark.slow
def test_pieces_say_what_all_events_say(written, hardware):
    """One piece is in memory at a time: the next is asked for when the last is compared."""
    contract, folder = written("squared_error")
    _flip_weight_bit(folder)
    whole = simulate(contract, folder, "Vitis", hardware)
    cut = [0, 1, len(hardware) // 3, len(hardware)]
    pieces = simulate(contract, folder, "Vitis", (hardware[start:stop] for start, stop in pairwise(cut)))
    assert whole.mismatches > 0
    for name in ("events", "mismatches", "first_mismatch", "outputs", "layers", "corner_vectors"):
        assert getattr(pieces, name) == getattr(whole, name), name


@pytest.mark.slow
def test_a_project_that_does_not_compile_is_an_error(written, hardware):
    contract, folder = written("mu2")
    _edit(folder, "firmware/parameters.h", r"struct config3", "struct konfig3")
    with pytest.raises(CheckFailedError, match="does not compile"):
        simulate(contract, folder, "Vitis", hardware)


def test_a_missing_project_is_an_error(make_network, tmp_path, hardware):
    with pytest.raises(UserError, match=r"there is no HLS project .* run `l1ae hls` first"):
        simulate(make_network("mu2").contract, tmp_path, "Vitis", hardware)


def test_a_project_of_another_contract_is_an_error(written, make_network, hardware):
    _, folder = written("mu2")
    with pytest.raises(UserError, match="made from another contract; run `l1ae hls` again"):
        simulate(make_network("kl", hidden=(6, 5)).contract, folder, "Vitis", hardware)


def _in_parameters(pattern, replacement):
    return lambda folder: _edit(folder, "firmware/parameters.h", pattern, replacement)


def _in_header(pattern, replacement):
    return lambda folder: _edit(folder, "firmware/nnet_utils/nnet_l1ae.h", pattern, replacement)


# Faults, and all the layers that they make wrong first: those that have a right input.
FAULTS_OF_OPERATIONS = {
    "gate": ([_in_parameters(r"used\[3\] = hw\[3\]", "used[3] = hw[6]")], {"inputs"}),
    "absent input": ([_in_parameters(r"used\[4\] = false", "used[4] = true")], {"inputs"}),
    "wire": ([_in_parameters(r"to\[5\] = from\[0\]", "to[5] = from[1]")], {"padded"}),
    "accumulator of a convolution": (
        [
            lambda folder: _edit(
                folder, "firmware/defines.h", r"ap_fixed<9,6,AP_RND_CONV,AP_WRAP,0> conv_accum_t", "ap_fixed<9,6> conv_accum_t"
            )
        ],
        {"conv"},
    ),
    "concatenation": ([_in_header(r"res\[CONFIG_T::n_a \+ i\] = b\[i\]", "res[CONFIG_T::n_a + i] = b[0]")], {"pooled"}),
    "pooling": (
        [_in_parameters(r"x > pooled", "x < pooled"), _in_header(r"pooled = windows\[i \*", "pooled = windows[0 *")],
        {"pool_max", "pool_sum"},
    ),
    "operator": ([_in_parameters(r"res = a - b;", "res = b - a;")], {"rest"}),
    "scores": (
        [
            _in_parameters(r"total \+= d \* d;", "total += d;"),
            _in_parameters(r"total -= d;", "total += d;"),
            _in_header(r"res_T product = a\[i\] \* b\[i\];", "res_T product = a[i] * a[i];"),
            _in_header(r"scaled.range\(\) = total.range\(\);", "scaled = total;"),
        ],
        {"squared", "absolute", "overlap", "half"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", exhaustive(FAULTS_OF_OPERATIONS, ("gate", "accumulator of a convolution", "scores")))
def test_faults_planted_in_any_operation_are_found(project_on_disk, random_codes, fault):
    contract = everything()
    folder = project_on_disk(contract)
    plants, layers = FAULTS_OF_OPERATIONS[fault]
    for plant in plants:
        plant(folder)
    report = simulate(contract, folder, "Vitis", random_codes(contract))
    wrong = {tensor.name for tensor in report.layers if tensor.mismatches}
    assert layers <= wrong
    first = {name for name in wrong if not wrong & set(contract[name].inputs)}
    assert first == layers
    assert report.first_mismatch.layer in layers


# -- bins and tables -------------------------------------------------------------------------------------------------

CONFIGURATIONS_OF_TABLES = [
    {"backend": "Vitis"},
    {"backend": "Vivado", "io_type": "io_stream"},
    {"backend": "Vivado", "strategy": "Resource"},
    {"strategy": "distributed_arithmetic"},
]


@pytest.mark.slow
@pytest.mark.parametrize("port", ["fixed<9,9>", pytest.param("ufixed<9,9>", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("hls", exhaustive(CONFIGURATIONS_OF_TABLES, CONFIGURATIONS_OF_TABLES[:2]), ids=lambda hls: "-".join(hls.values()))
def test_no_bit_of_bins_and_tables_differs(project_on_disk, random_codes, hls, port):
    """Without preprocessing and without weights, of signed and of unsigned codes."""
    contract = tables(port)
    report = simulate(contract, project_on_disk(contract, **hls), hls.get("backend", "Vitis"), random_codes(contract))
    assert report.passed, report.first_mismatch or report.type_mismatches
    assert [tensor.name for tensor in report.layers] == [operation.name for operation in contract.operations[1:]]


def _edit_struct(layer, pattern, replacement, occurrence):
    """Change one of the places where a pattern occurs in a layer's configuration struct."""

    def plant(folder):
        path = folder / "firmware" / "parameters.h"
        text = path.read_text()
        start = text.index(f"\n// {layer}\n")
        end = text.index("\n};", start)
        match = list(re.finditer(pattern, text[start:end]))[occurrence]
        changed = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
        path.write_text(text[: start + match.start()] + changed + text[start + match.end() :])

    return plant


def _next(match):
    """The number of the second group plus 1."""
    return f"{match[1]}{int(match[2]) + 1}"


def _entry(layer, entries, address):
    """Another entry at an address of the first table of so many entries."""
    return _edit_struct(layer, rf"(entries\[{entries}\] = \{{\s+(?:-?\d+,\s+){{{address}}})(-?\d+)", _next, 0)


# Faults, and all the layers that they make wrong first.
FAULTS_OF_TABLES = {
    "a bin edge, and an entry of a table over signed codes": (
        [_edit_struct("bins", r"(hw < )(-?\d+)", _next, 7), _entry("direct", 512, 511)],
        {"bins", "direct"},
    ),
    "the edge at the end of the port, and the place of a code in an address": (
        [_edit_struct("bins", r"hw < 255", "hw < 254", 0), _edit_struct("direct", r"<< 3 \|", "<< 2 |", 0)],
        {"bins", "direct"},
    ),
    "which input is binned": ([_edit_struct("bins", r"from\[4\]", "from[3]", 0)], {"bins"}),
    "an entry of a table of three codes": ([_entry("pairs", 512, 0b001_010_001)], {"pairs"}),
    "an entry of a table of one code": ([_entry("pairs", 8, 0b001)], {"pairs"}),
    "a constant element": ([_edit_struct("pairs", r"(set\(to\[0\], )(-?\d+)", _next, 0)], {"pairs"}),
    "an address bit left out": ([_edit_struct("pairs", r"bits<3>\(", "bits<2>(", 2)], {"pairs"}),
    "two codes of an address exchanged": ([_edit_struct("pairs", r"from\[(\d)\](.*?)from\[(\d)\]", r"from[\3]\2from[\1]", 1)], {"pairs"}),
    "an entry and an edge of deep layers": (
        [_entry("second", 1024, 0), _edit_struct("deep", r"(hw < )(-?\d+)", _next, -1)],
        {"second", "deep"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", exhaustive(FAULTS_OF_TABLES, ("which input is binned", "an entry and an edge of deep layers")))
def test_a_fault_in_a_bin_or_a_table_is_found_by_the_corner_vectors_alone(project_on_disk, fault):
    """No real events at all: whatever the sample holds, the fault is found."""
    contract = tables()
    folder = project_on_disk(contract)
    plants, layers = FAULTS_OF_TABLES[fault]
    for plant in plants:
        plant(folder)
    report = simulate(contract, folder, "Vitis", np.zeros((0, contract.hardware.size), np.int32))
    wrong = {tensor.name for tensor in report.layers if tensor.mismatches}
    assert {name for name in wrong if not wrong & set(contract[name].inputs)} == layers
    assert report.first_mismatch.layer in layers
    assert report.first_mismatch.corner
