"""Each proof holds for what is right, and notices every single fault that is put in."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from alkaid.types import QInterval

from l1ae.contract import Contract, Convolution, Dense, Dot, Elementwise, Gather, Pool, Quantize, Relu, Sum, Table
from l1ae.errors import CheckFailedError
from l1ae.rtl import Clock, unroll
from l1ae.rtl._opcodes import GIVEN, Opcode
from l1ae.rtl.proofs._linear import prove_linear
from l1ae.rtl.proofs._stages import prove_stages
from l1ae.rtl.proofs._text import prove_text

from ...hls.networks import Network

PART = "xcvu13p-flga2577-2-e"
BINARY = (Opcode.ADD, Opcode.SUBTRACT)


def small():
    """Dense layers, a convolution with padding, rounding before and after, tables and squares; one layer wraps."""
    b = Network(seed=5)
    b.inputs(6, np.array([0, 1, 2, -1, 1, 1]), np.array([0, 0, 0, -1, -1, -1]), "fixed<12,10>", form="fixed<8,5,RND_CONV,SAT>")
    padded = np.array([[-1, 0, 1, 2], [-1, 3, 4, 5], [-1, -1, -1, -1]])
    b.put(Gather, "padded", "inputs", size=12, form=b["inputs"].format, index=padded.ravel())
    b.convolution("conv", "padded", (3, 4, 1), (2, 2), 2, (1, 2))
    b.put(Relu, "conv_relu", "conv", size=b["conv"].size, form="ufixed<6,3,RND,SAT>")
    b.put(Pool, "pool", "conv_relu", size=4, fraction=3, windows=np.arange(8).reshape(4, 2), function="sum")
    b.dense("enc", "pool", 3)
    b.put(Quantize, "latent", "enc", size=3, form="fixed<6,4,RND_CONV,SAT>")
    b.put(Table, "table", "latent", size=3, form="ufixed<6,3>", codes=np.arange(64) * 5 % 64, function="test", max_error=0.0)
    b.put(Elementwise, "rest", "table", "latent", size=3, form="fixed<9,6>", function="subtract")
    b.dense("wrapping", "rest", 2, form="fixed<8,3>", wraps=True)
    b.put(Dot, "norm", "latent", size=1, fraction=4)
    b.put(Sum, "all", "rest", "norm", size=1, fraction=5, halvings=1)
    b.put(Sum, "total", "all", "wrapping", size=1, fraction=5)
    b.score("total", 100)
    return b.contract("small_v1")


@pytest.fixture(scope="module", params=["binary", "ternary"])
def design(request):
    """A contract, and its pipeline at a clock that makes several stages."""
    contract = small()
    return contract, unroll(contract, Clock(3.0), PART, request.param)


@pytest.fixture(scope="module")
def binary():
    contract = small()
    return contract, unroll(contract, Clock(3.0), PART, "binary")


def with_operation(contract, name, **values):
    operations = tuple(replace(o, **values) if o.name == name else o for o in contract.operations)
    changed = object.__new__(Contract)  # a contract that is checked again could refuse the fault
    object.__setattr__(changed, "project", contract.project)
    object.__setattr__(changed, "operations", operations)
    return changed


def test_a_right_design_is_proven(design):
    contract, unrolled = design
    layers = {layer.name: layer for layer in prove_linear(contract, unrolled.graph).layers}
    assert set(layers) == {"padded", "conv", "pool", "enc", "rest", "wrapping", "all", "total"}
    assert {name for name, layer in layers.items() if not layer.proven} == {"wrapping"}
    assert layers["wrapping"].reason == "its accumulator wraps"
    assert (layers["padded"].lines, layers["padded"].adders) == (0, 0)
    assert prove_stages(unrolled.graph, unrolled.pipeline).stages == len(unrolled.pipeline.stages) > 1
    assert prove_text(unrolled.project, unrolled.pipeline, contract.score.format).files == len(unrolled.pipeline.stages) + 1


def test_every_line_of_verilog_is_read(design):
    contract, unrolled = design
    files = [text for name, text in unrolled.project.files.items() if re.search(r"_(stage\d+|core)\.v$", name)]
    words = re.compile(r"^ *(wire|reg|assign|always|end$|small_v1_stage\d+ |stage\d+_in)", re.MULTILINE)
    assert prove_text(unrolled.project, unrolled.pipeline, contract.score.format).lines == sum(len(words.findall(text)) for text in files)


@pytest.mark.parametrize("layer", ["conv", "enc"])
def test_every_weight_and_bias_counts(binary, layer):
    contract, unrolled = binary
    operation = contract[layer]
    for values in ("weights", "bias"):
        right = getattr(operation, values)
        for k in range(right.size):
            wrong = right.copy()
            wrong.flat[k] += 1
            with pytest.raises(CheckFailedError, match=f"layer '{layer}', output|layer '{layer}': output"):
                prove_linear(with_operation(contract, layer, **{values: wrong}), unrolled.graph)


def test_the_message_names_coefficient_and_output(binary):
    contract, unrolled = binary
    dense = contract["enc"]
    assert isinstance(dense, Dense)
    weights = dense.weights.copy()
    weights[2, 1] += 4
    lsb = dense.weight_format.lsb
    message = (
        f"layer 'enc': output 1: the graph multiplies input 2 by {dense.weights[2, 1] * lsb:g}, the contract by {weights[2, 1] * lsb:g}"
    )
    with pytest.raises(CheckFailedError, match=f"^{re.escape(message)}$"):
        prove_linear(with_operation(contract, "enc", weights=weights), unrolled.graph)


def with_line(unrolled, i, **values):
    ops = list(unrolled.graph.logic.ops)
    ops[i] = ops[i]._replace(**values)
    return replace(unrolled.graph, logic=unrolled.graph.logic._replace(ops=ops))


def lines_of(graph, layer, opcodes):
    return [i for i, op in enumerate(graph.logic.ops) if graph.layers[i] == layer and op.opcode in opcodes]


@pytest.mark.parametrize("layer", ["conv", "enc", "pool", "rest", "all", "total"])
def test_every_shift_and_sign_counts(design, layer):
    contract, unrolled = design
    lines = lines_of(unrolled.graph, layer, (*BINARY, Opcode.SUM))
    assert lines
    for i in lines:
        op = unrolled.graph.logic.ops[i]
        shift = op.data[-1]
        faults = [{"data": (*op.data[:-1], shift + 1)}, {"data": (*op.data[:-1], shift - 1)}]
        faults += [{"opcode": BINARY[op.opcode == Opcode.ADD]}] if op.opcode in BINARY else [{"data": (1 - op.data[0], *op.data[1:])}]
        for fault in faults:
            with pytest.raises(CheckFailedError, match=f"^layer '{layer}'"):
                prove_linear(contract, with_line(unrolled, i, **fault))


def test_every_constant_counts(binary):
    contract, unrolled = binary
    lines = lines_of(unrolled.graph, "enc", (Opcode.ADD_CONSTANT,)) + lines_of(unrolled.graph, "conv", (Opcode.ADD_CONSTANT,))
    assert lines
    for i in lines:
        value, fraction = unrolled.graph.logic.ops[i].data
        with pytest.raises(CheckFailedError, match=r"^layer '(enc|conv)'"):
            prove_linear(contract, with_line(unrolled, i, data=(value + 1, fraction)))


def reached(contract, graph, line, source):
    """Values of a line at all corners of a tensor's bounds, and one LSB beside them: its extremes and its finest step."""
    interval, elements = contract.intervals[source], graph.tensors[source]
    lsb, free = 2.0**-interval.fraction, [k for k, e in enumerate(elements) if e.index is not None]
    corners = np.array(list(product(*([interval.low[k], interval.high[k]] for k in free))), float)
    points = np.concatenate([corners, interval.low[free].astype(float) + np.eye(len(free)) * (interval.high > interval.low)[free]]) * lsb
    known = {elements[k].index: points[:, n] for n, k in enumerate(free)}

    def value(i):
        op = graph.logic.ops[i]
        if i in known:
            return known[i]
        match op.opcode:
            case Opcode.NEGATIVE:
                return -value(op.addr[0])
            case Opcode.ADD | Opcode.SUBTRACT:
                return value(op.addr[0]) + (1 if op.opcode == Opcode.ADD else -1) * value(op.addr[1]) * 2.0 ** op.data[0]
            case Opcode.CAST:
                return value(op.addr[0]) * 2.0 ** op.data[0]
            case Opcode.ADD_CONSTANT:
                return value(op.addr[0]) + op.data[0] * 2.0 ** -op.data[1]
            case Opcode.SUM:
                signs, shifts = 2 * np.array(op.data[::2]) - 1, op.data[1::2]
                return sum(sign * value(a) * 2.0**shift for a, sign, shift in zip(op.addr, signs, shifts, strict=True))
        raise AssertionError(op)

    return value(line)


@pytest.mark.parametrize(("layer", "source"), [("conv", "padded"), ("enc", "pool")])
def test_a_line_with_one_bit_less_is_found_if_the_bit_is_needed(design, layer, source):
    contract, unrolled = design
    needed = 0
    for i in lines_of(unrolled.graph, layer, (*BINARY, Opcode.SUM)):
        signed, integer, fraction = unrolled.graph.logic.ops[i].qint.kif
        values, step = reached(contract, unrolled.graph, i, source), 2.0**-fraction
        below = QInterval(-(2.0 ** (integer - 1)) * signed, 2.0 ** (integer - 1) - step, step)
        coarse = QInterval(-(2.0**integer) * signed, 2.0**integer - 2 * step, 2 * step)
        for qint in (below, coarse):
            graph = with_line(unrolled, i, qint=qint)
            if values.min() >= qint.min and values.max() <= qint.max and not np.any(values % qint.step):
                prove_linear(contract, graph)
                continue
            needed += 1
            with pytest.raises(CheckFailedError, match=f"layer '{layer}': line {i} (of .* overflows|drops bits)"):
                prove_linear(contract, graph)
    assert needed > 10


def test_a_line_that_is_not_linear_is_found(binary):
    contract, unrolled = binary
    (i, *_) = lines_of(unrolled.graph, "enc", BINARY)
    with pytest.raises(CheckFailedError, match=f"layer 'enc': line {i} is no linear operation"):
        prove_linear(contract, with_line(unrolled, i, opcode=Opcode.BIT_BINARY, data=(0, 1)))


def test_products_that_are_rounded_are_not_covered(binary):
    contract, unrolled = binary
    form = replace(contract["conv"].format, width=contract["conv"].format.width - 2)
    proof = prove_linear(with_operation(contract, "conv", format=form), unrolled.graph)
    assert next(layer.reason for layer in proof.layers if isinstance(contract[layer.name], Convolution)) == "every product is rounded"


# -- pipeline ------------------------------------------------------------------------------------------------------


def with_stages(pipeline, changed):
    return replace(pipeline, stages=tuple(changed.get(k, stage) for k, stage in enumerate(pipeline.stages)))


def changed_stage(stage, **values):
    return replace(stage, logic=stage.logic._replace(**values))


@pytest.fixture(scope="module")
def counted():
    """A sum with weights and one without, of bits: alkaid makes tables of six of them each."""
    b = Network(seed=5)
    b.inputs(14, np.zeros(14, int), np.full(14, -1), "fixed<12,10>", form="fixed<8,5,RND_CONV,SAT>")
    b.put(Quantize, "bits", "inputs", size=14, form="ufixed<1,1,RND_CONV,SAT>")
    b.dense("enc", "bits", 2)
    b.put(Sum, "number", "bits", size=1, fraction=0)
    b.put(Sum, "total", "enc", "number", size=1, fraction=b["enc"].format.fraction)
    b.score("total", 100)
    contract = b.contract("counted_v1")
    return contract, unroll(contract, Clock(5.0), PART, "binary")


def test_tables_that_count_bits_are_proven(counted):
    contract, unrolled = counted
    graph = unrolled.graph
    assert all(layer.proven for layer in prove_linear(contract, graph).layers)
    for layer in ("enc", "number"):
        assert len(lines_of(graph, layer, (Opcode.TABLE,))) >= 2
    hardware = np.random.default_rng(2).integers(-64, 64, (500, 14))
    found, names = graph.evaluate(hardware, ["enc", "number"]), ["enc", "number"]
    for name, codes in contract.evaluate(hardware, names).items():
        np.testing.assert_array_equal(found[name], codes * contract[name].format.lsb)


def test_every_entry_of_a_table_that_counts_bits_counts(counted):
    contract, unrolled = counted
    graph = unrolled.graph
    (line, *_) = lines_of(graph, "number", (Opcode.TABLE,))
    tables = list(graph.logic.lookup_tables)
    number = graph.logic.ops[line].data[0]
    right = tables[number]
    for entry in range(len(right.table)):
        wrong = right.table.copy()
        wrong[entry] ^= 1
        tables[number] = type(right)(wrong, right.spec)
        with pytest.raises(CheckFailedError, match=f"layer 'number': line {line} is a table whose entries are no sum"):
            prove_linear(contract, replace(graph, logic=graph.logic._replace(lookup_tables=tuple(tables))))


def test_a_table_of_more_than_bits_is_not_linear(counted):
    contract, unrolled = counted
    ops = unrolled.graph.logic.ops
    (line, *_) = lines_of(unrolled.graph, "number", (Opcode.TABLE,))
    (address,) = ops[line].addr
    # two bits of the address are the same bit
    changed = with_line(unrolled, address, addr=(ops[address].addr[0], ops[ops[address].addr[0]].addr[1]))
    with pytest.raises(CheckFailedError, match="is a table of more than single bits beside each other"):
        prove_linear(contract, changed)


def test_swapped_registers_are_found(binary):
    _, unrolled = binary
    tried = 0
    for k, stage in enumerate(unrolled.pipeline.stages[:-1]):
        outputs, ranges = list(stage.logic.out_idxs), [stage.logic.ops[i].qint for i in stage.logic.out_idxs]
        pairs = [(a, b) for a in range(len(outputs)) for b in range(a) if ranges[a] == ranges[b]]
        for a, b in pairs[:1]:
            swapped = list(outputs)
            swapped[a], swapped[b] = outputs[b], outputs[a]
            with pytest.raises(CheckFailedError, match=r"stage \d+, line \d+ of layer"):
                prove_stages(unrolled.graph, with_stages(unrolled.pipeline, {k: changed_stage(stage, out_idxs=swapped)}))
            tried += 1
    assert tried > 4


def moved_early(early, late, i):
    """Both stages with line i of the later one in the earlier: it reads the registers of the same numbers, one clock too early."""
    op = late.logic.ops[i]
    ops = [*early.logic.ops, op]
    logic = early.logic._replace(ops=ops, out_idxs=[*early.logic.out_idxs, len(ops) - 1])
    lines = list(late.logic.ops)
    lines[i] = op._replace(addr=(), opcode=Opcode.INPUT, data=(len(early.logic.out_idxs),))
    return replace(early, logic=logic, layers=(*early.layers, late.layers[i])), changed_stage(late, ops=lines)


def test_a_line_one_stage_too_early_is_found(binary):
    _, unrolled = binary
    stages = unrolled.pipeline.stages
    tried = 0
    for k in range(1, len(stages)):
        early, late = stages[k - 1], stages[k]
        for i, op in enumerate(late.logic.ops):
            reads = [late.logic.ops[a] for a in op.addr]
            if op.opcode in GIVEN or any(other.opcode != Opcode.INPUT for other in reads):
                continue
            if any(early.logic.out_idxs[other.data[0]] == a for a, other in zip(op.addr, reads, strict=True)):
                continue  # by chance the same line in the earlier stage
            first, second = moved_early(early, late, i)
            # where its new value is by chance one that the graph has, the line that reads it is the wrong one
            with pytest.raises(CheckFailedError, match=rf"stage ({k - 1}|{k}), line"):
                prove_stages(unrolled.graph, with_stages(unrolled.pipeline, {k - 1: first, k: second}))
            tried += 1
    assert tried > 10


def test_a_line_left_out_or_made_twice_is_found(binary):
    _, unrolled = binary
    lines = ((k, s, i) for k, s in enumerate(unrolled.pipeline.stages) for i, op in enumerate(s.logic.ops) if len(set(op.addr)) == 2)
    k, stage, i = next(lines)
    twice = replace(stage, logic=stage.logic._replace(ops=[*stage.logic.ops, stage.logic.ops[i]]), layers=(*stage.layers, "x"))
    with pytest.raises(CheckFailedError, match="computes nothing that the graph does, or does it twice"):
        prove_stages(unrolled.graph, with_stages(unrolled.pipeline, {k: twice}))
    wired = list(stage.logic.ops)
    wired[i] = wired[i]._replace(addr=wired[i].addr[::-1])
    with pytest.raises(CheckFailedError, match=f"stage {k}, line {i}"):
        prove_stages(unrolled.graph, with_stages(unrolled.pipeline, {k: changed_stage(stage, ops=wired)}))
    with pytest.raises(CheckFailedError, match=r"is in no stage|score"):
        prove_stages(unrolled.graph, replace(unrolled.pipeline, stages=unrolled.pipeline.stages[:-1]))


def test_a_register_of_another_width_is_found(binary):
    _, unrolled = binary
    stage = unrolled.pipeline.stages[1]
    ops = list(stage.logic.ops)
    low, high, step = ops[0].qint
    ops[0] = ops[0]._replace(qint=QInterval(low, high * 2 + 8, step))
    with pytest.raises(CheckFailedError, match="another width"):
        prove_stages(unrolled.graph, with_stages(unrolled.pipeline, {1: changed_stage(stage, ops=ops)}))


# -- Verilog -------------------------------------------------------------------------------------------------------


# numbers that say what a line computes: not those in the names of instances, nor binary digits
NUMBERS = re.compile(r"(?<![\w'])\d+(?!')|(?<=v)\d+(?=[\[,) ])")


def test_every_number_in_the_verilog_of_a_stage_counts(design):
    """One more, in every number of the first line of each kind."""
    contract, unrolled = design
    project, tried, kinds = unrolled.project, 0, set()
    for name in (n for n in project.verilog if re.search(r"_stage\d+\.v$", n)):
        lines = project.files[name].split("\n")
        for number, line in enumerate(lines):
            kind = re.sub(r"\d+|table_\w+", "", line)
            if not line.startswith("    wire") or kind in kinds:
                continue
            kinds.add(kind)
            for place in NUMBERS.finditer(line):
                wrong = f"{line[: place.start()]}{int(place[0]) + 1}{line[place.end() :]}"
                text = "\n".join([*lines[:number], wrong, *lines[number + 1 :]])
                changed = replace(project, files={**project.files, name: text})
                with pytest.raises(CheckFailedError):
                    prove_text(changed, unrolled.pipeline, contract.score.format)
                tried += 1
    assert tried > 100


FAULTS = {
    "constant": (r"_stage\d+\.v$", r"(\d+'b1)([01])", lambda m: m[1] + "10"[int(m[2])]),
    "reduction": (r"_stage\d+\.v$", r"= \|v", "= &v"),
    "relu": (r"_stage\d+\.v$", r" & \{\d+\{~v\d+\[\d+\]\}\}", ""),
    "missing line": (r"_stage\d+\.v$", r"wire \[\d+:0\] v\d+; shift_adder [^\n]*\n", ""),
    "module": (r"_stage\d+\.v$", r"binop #", "mux #"),
    "second statement": (r"_stage\d+\.v$", r"(= model_inp\[\d+:\d+\]);", r"\1; assign v0[0:0] = 'b1;"),
    "unknown statement": (r"_stage\d+\.v$", r"endmodule", "initial $finish;\nendmodule"),
    "output": (r"_stage0\.v$", r"(model_out\[\d+:\d+\] = v)(\d+)", lambda m: m[1] + str(int(m[2]) + 1)),
    "table": (r"tables\.v$", r"(out = \d+'h)([0-9A-F])(\w*);\n", lambda m: f"{m[1]}{(int(m[2], 16) + 1) % 16:X}{m[3]};\n"),
    "register skipped": (r"_core\.v$", r"stage2_in <= stage1_out", "stage2_in <= stage0_out"),
    "input": (r"_core\.v$", r"<= in_event\[(\d+):(\d+)\]", lambda m: f"<= in_event[{int(m[1]) - 1}:{int(m[2]) - 1}]"),
    "edge": (r"_core\.v$", "posedge", "negedge"),
    "not clocked": (r"_core\.v$", r"(        stage1_in <= stage0_out;\n)(.*?    end\n)", r"\2\1"),
    "score": (r"_core\.v$", r"assign score = \{.*\};", "assign score = {stage0_out};"),
    "stage": (r"_core\.v$", r"small_v1_stage1 stage1", "small_v1_stage0 stage1"),
    "register": (r"_core\.v$", r"reg  \[(\d+):0\] stage1_in", "reg  [1:0] stage1_in"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_verilog_is_found(binary, fault):
    contract, unrolled = binary
    project = unrolled.project
    where, pattern, replacement = FAULTS[fault]
    name = next(n for n in project.verilog if re.search(where, n) and re.search(pattern, project.files[n], re.DOTALL))
    text = re.sub(pattern, replacement, project.files[name], count=1, flags=re.DOTALL if fault == "not clocked" else 0)
    assert text != project.files[name]
    changed = replace(project, files={**project.files, name: text})
    with pytest.raises(CheckFailedError):
        prove_text(changed, unrolled.pipeline, contract.score.format)
