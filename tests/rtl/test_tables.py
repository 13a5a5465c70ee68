"""Bins and tables that several codes address: tracing, proof, Verilog and VHDL, estimate, and faults that are put in."""

import re
from dataclasses import replace

import numpy as np
import pytest
from alkaid.trace.fixed_variable import FVariable

from l1ae.contract import Binning, Contract, HardwareInput, Lookup, Quantize, Sum, Table, Threshold
from l1ae.errors import CheckFailedError, UserError
from l1ae.inputs import FixedFormat
from l1ae.rtl import Clock, estimate, fold, prove_linear, prove_netlist, prove_stages, prove_tables, prove_text, simulate_rtl, unroll
from l1ae.rtl._arithmetic import HARDWARE, program
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._tables import addressed, reached
from l1ae.synth import packed_luts, part_of, synthesise

from ..levels import exhaustive, slow
from .exactness import assert_exact, vectors

PART = "xcvu9p-flga2104-2L-e"
PORT = FixedFormat(True, 10, 10)
UNSIGNED = FixedFormat(False, 4, 4)


def tree(seed=11, columns=5, port=PORT, most=9):
    """A tree of tables over bins as density models are: each column with its parent, the first alone, one constant element."""
    rng = np.random.default_rng(seed)
    edges = [np.sort(rng.choice(np.arange(1, port.high), rng.integers(1, most + 1), replace=False)) for _ in range(columns)]
    edges[1] = np.array([port.low + 3, -2, 0, 1, port.high])
    edges[2] = np.zeros(0, np.int64)
    bits = [max(len(e).bit_length(), 1) for e in edges]
    index = [(0,), (), *((int(rng.integers(k)), k) for k in range(1, columns)), (1, 0, 1)]
    widths = [tuple(bits[k] for k in row) for row in index[:-1]] + [(bits[1], 2, 1)]
    score = FixedFormat(False, 6, 5)
    tables = [rng.integers(0, 32, 1 << sum(row)) * (rng.random(1 << sum(row)) < 0.9) for row in widths]
    low, high = np.full(columns, port.low), np.full(columns, port.high)
    first = (HardwareInput(name="hw", inputs=(), format=port, size=columns, low=low, high=high),)
    bins = {"index": np.arange(columns), "edges": tuple(tuple(e.tolist()) for e in edges)}
    total = FixedFormat(False, 10, 9)
    rest = (
        Binning(name="bins", inputs=("hw",), format=UNSIGNED, size=columns, **bins),
        Lookup.of_tables(tables, index, widths, name="tables", inputs=("bins",), format=score, function="-log2 p"),
        Sum(name="sum", inputs=("tables",), format=total, size=1),
        Quantize(name="score", inputs=("sum",), format=total, size=1),
        Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=90),
    )
    return Contract("tree_v1", first + rest)


@pytest.fixture(scope="module")
def design():
    contract = tree()
    return contract, unroll(contract, Clock(25.0, 12.5, 1), PART)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 6))])
@pytest.mark.parametrize("port", ["fixed<10,10>", "ufixed<7,7>", "fixed<16,16>"])
def test_trees_of_tables(seed, port):
    port = FixedFormat.parse(port)
    contract = tree(seed, port=port) if port.signed else tree_without_signs(seed, port)
    graph = assert_exact(contract)
    assert {op.opcode for op in graph.logic.ops if graph.layers[graph.logic.ops.index(op)] == "bins"}.isdisjoint({Opcode.SUBTRACT})
    proof = prove_tables(contract, graph)
    assert [layer.name for layer in proof.layers if layer.proven] == ["bins", "tables"]


def predicted(logic, codes):
    """(N, outputs); alkaid fills its last block of rows with zeros, which a table need not hold."""
    rows = np.concatenate([codes, np.repeat(codes[:1], -len(codes) % 64, axis=0)]).astype(np.float64)
    return np.asarray(logic.predict(rows, n_threads=1)).reshape(len(rows), -1)[: len(codes)]


def tree_without_signs(seed, port):
    contract = tree(seed)
    hw, bins, *rest = contract.operations
    low, high = np.full(hw.size, port.low), np.full(hw.size, port.high)
    edges = tuple(tuple(sorted({min(max(e, port.low), port.high) for e in row})) for row in bins.edges)
    return Contract("tree_v1", (replace(hw, format=port, low=low, high=high), replace(bins, edges=edges), *rest))


@pytest.mark.parametrize(("low", "high", "step"), [(-512, 511, 1), (0, 2047, 1), (-40, 90, 1), (-64, 60, 4), (0, 3, 1), (5, 300, 5)])
def test_bins_count_the_edges_that_are_reached(low, high, step):
    """Against comparisons, for every value; edges everywhere, at the ends, at powers of two, and beyond the range."""
    rng = np.random.default_rng(low & 0xFF)
    values = np.arange(low, high + 1, step)
    some = [np.sort(rng.choice(np.arange(low - 9, high + 10), n, replace=False)) for n in (1, 2, 5, min(40, high - low))]
    powers = np.array([e for e in (-256, -64, -1, 0, 1, 2, 64, 128, 256, 1024) if low - 9 <= e <= high + 9])
    for edges in (*some, powers, np.array([high]), np.array([low]), np.array([low + 1]), np.array([high + 5])):
        x = FVariable(float(low), float(high), float(step), hwconf=HARDWARE)
        logic = program([x], [reached(x, edges.tolist())])
        found = predicted(logic, values[:, None])[:, 0]
        np.testing.assert_array_equal(found, (values[:, None] >= edges).sum(axis=1), err_msg=str(edges))
        carry = {Opcode.ADD, Opcode.SUBTRACT, Opcode.ADD_CONSTANT}
        assert carry.isdisjoint(op.opcode for op in logic.ops)


@pytest.mark.parametrize("widths", [(3,), (2, 3), (4, 4), (3, 3, 3), (5, 6), (1, 1, 1, 6, 2), (7, 7)])
def test_tables_at_the_address_that_codes_make(widths):
    """Entries of addresses that no code reaches are not looked at; codes may be wider than what counts of them."""
    rng = np.random.default_rng(sum(widths))
    highest = [int(rng.integers(1, 1 << (n + 1))) for n in widths]
    entries = rng.integers(-20, 40, 1 << sum(widths)) / 4
    variables = [FVariable(0.0, float(high), 1.0, hwconf=HARDWARE) for high in highest]
    logic = program(variables, [addressed(list(zip(variables, widths, strict=True)), entries)])
    codes = rng.integers(0, np.array(highest) + 1, (4000, len(widths)))
    address = np.zeros(4000, np.int64)
    for column, bits in zip(codes.T, widths, strict=True):
        address = address * 2**bits + column % 2**bits
    np.testing.assert_array_equal(predicted(logic, codes)[:, 0], entries[address])
    assert sum(op.opcode == Opcode.ADD for op in logic.ops) <= 2 * sum(widths)


def test_everything_about_a_tree_is_proven(design):
    contract, made = design
    assert len(made.pipeline.stages) == 1
    layers = {layer.name: layer for layer in prove_tables(contract, made.graph).layers}
    assert layers["bins"].inputs == 1024 * 5
    assert layers["tables"].inputs >= sum(len(row) > 0 for row in contract["tables"].index)
    assert all(layer.proven for layer in (*layers.values(), *prove_linear(contract, made.graph).layers))
    prove_stages(made.graph, made.pipeline)
    prove_text(made.project, made.pipeline, contract.score.format)


def test_too_many_codes_are_reported_as_not_tried():
    contract = tree(port=FixedFormat(True, 24, 24))
    proof = prove_tables(contract, assert_exact(contract))
    assert [(layer.name, layer.proven) for layer in proof.layers] == [("bins", False), ("tables", True)]
    assert "16777216 combinations" in proof.layers[0].reason


def test_another_edge_or_entry_or_order_of_the_address_is_named(design):
    contract, made = design
    hw, bins, tables, *rest = contract.operations
    edges = tuple((*row[:-1], row[-1] + 1) if k == 0 else row for k, row in enumerate(bins.edges))
    codes = tables.codes.copy()
    codes[1] += 1
    index = tuple(row[::-1] if k == 4 else row for k, row in enumerate(tables.index))
    for k, wrong in ((1, replace(bins, edges=edges)), (2, replace(tables, codes=codes)), (2, replace(tables, index=index))):
        operations = (hw, *[wrong if k == i + 1 else op for i, op in enumerate((bins, tables))], *rest)
        with pytest.raises(CheckFailedError, match=rf"layer '{wrong.name}', output \d+: for \w+\[\d+\] = -?\d+.* the graph gives"):
            prove_tables(Contract("tree_v1", operations), made.graph)


def faulty(project, layer, pipeline, fault):
    """The project with one fault in what its Verilog says about a layer: an edge or entry of a table, or a bit of an address."""
    (stage,) = pipeline.stages
    path = next(name for name in project.verilog if name.endswith("_stage0.v"))
    text = project.files[path]
    mine = [m for m in re.finditer(r"    wire \[\d+:0\] v(\d+); [^\n]*", text) if stage.layers[int(m[1])] == layer]
    if fault == "address bit":
        for m in mine:
            slices = re.sub(
                r"= (v\d+)\[(\d+):(\d+)\];", lambda s: f"= {s[1]}[{int(s[2]) - 1}:{int(s[3]) - 1}];" if int(s[3]) else s[0], m[0]
            )
            # where two codes are put side by side: the second one bit lower
            swapped = re.sub(r"(#\((?:\d+,){6})([1-9])(,0\) op_)", lambda s: f"{s[1]}{int(s[2]) - 1}{s[3]}", slices)
            if swapped != m[0]:
                return replace(project, files={**project.files, path: text.replace(m[0], swapped)})
        raise AssertionError("no bit of an address")
    name = next(found[1] for m in mine if (found := re.search(r"(table_\w+) op_", m[0])))
    tables = next(name for name in project.verilog if name.endswith("tables.v"))
    body = re.search(rf"module {name}\(.*?endmodule", project.files[tables], re.DOTALL)[0]
    entry = list(re.finditer(r"(out = \d+'h)([0-9A-F]+);", body))[3]
    wrong = f"{entry[1]}{int(entry[2], 16) ^ 1:X};"
    changed = body[: entry.start()] + wrong + body[entry.end() :]
    return replace(project, files={**project.files, tables: project.files[tables].replace(body, changed)})


FAULTS = [("bins", "bin edge"), ("tables", "table entry"), ("bins", "address bit"), ("tables", "address bit")]


@pytest.mark.parametrize(("layer", "fault"), FAULTS)
def test_a_fault_in_the_written_tables_is_named(design, layer, fault):
    contract, made = design
    with pytest.raises(CheckFailedError, match=f"of layer '{layer}'"):
        prove_text(faulty(made.project, layer, made.pipeline, fault), made.pipeline, contract.score.format)


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "fault"), exhaustive(FAULTS, FAULTS[:1]))
def test_a_fault_in_the_written_tables_is_seen_by_simulation(design, tmp_path, layer, fault):
    contract, made = design
    wrong = faulty(made.project, layer, made.pipeline, fault)
    wrong.write(tmp_path)
    every = np.random.default_rng(3).integers(PORT.low, PORT.high + 1, (20000, 5))
    report = simulate_rtl(contract, tmp_path, every, language="verilog")
    assert report.mismatches > 0


@pytest.mark.parametrize("language", slow(["verilog", "vhdl"], ("vhdl",)))
def test_both_languages_are_the_contract(design, tmp_path, language):
    contract, made = design
    made.project.write(tmp_path)
    report = simulate_rtl(contract, tmp_path, vectors(contract, 300), language=language)
    assert (report.mismatches, report.protocol_violations) == (0, 0)


@pytest.mark.slow
def test_the_estimate_holds_what_is_synthesised():
    contract = tree(seed=4, columns=8)
    made = unroll(contract, Clock(25.0, 12.5, 1), PART)
    sources = {name: made.project.files[name] for name in made.project.verilog}
    netlist = synthesise(sources, "tree_v1", part_of(PART), dsp=False, memory_gb=4, cache=None, restructure=False).netlist
    found, carries = estimate(contract, Clock(25.0)), netlist.types["CARRY4"]
    assert found.cycles.value == 1
    assert carries < 40, "bins and tables have no carry chains"
    assert found.luts_packed.low <= packed_luts(netlist) <= found.luts_packed.high


@pytest.mark.slow
def test_the_netlist_that_is_mapped_as_written_is_the_rtl(design):
    _, made = design
    (proof,) = prove_netlist(made.project, part_of(PART), memory_gb=6, timeout=100, cache=None, restructure=False)
    assert proof.verdict == "proven"


def test_tables_alone_are_not_folded():
    with pytest.raises(UserError, match=r"has no layer with weights, and tables are not folded; use rtl\.interval 1"):
        fold(tree(), 4, Clock(5.0), PART)


def test_each_element_with_its_own_table_is_proven():
    contract = tree()
    hw, *_, total, score, trigger = contract.operations
    tables = [np.sort(np.random.default_rng(k).integers(0, 60, 1 << n)) for k, n in enumerate((10, 9, 3, 6, 7))]
    own = Table.of_elements(tables, name="own", inputs=("hw",), format=FixedFormat(False, 6, 5), function="x", max_error=0.0)
    contract = Contract("own_v1", (hw, own, replace(total, inputs=("own",)), score, trigger))
    graph = assert_exact(contract)
    (layer,) = prove_tables(contract, graph).layers
    assert (layer.proven, layer.inputs) == (True, 5 * 1024)
    codes = own.codes.copy()
    codes[-1] -= 1
    with pytest.raises(CheckFailedError, match="layer 'own', output 4: for hw"):
        prove_tables(Contract("own_v1", (hw, replace(own, codes=codes), replace(total, inputs=("own",)), score, trigger)), graph)
