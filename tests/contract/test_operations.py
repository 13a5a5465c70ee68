"""Every operation, fast and in int64, against rational arithmetic from the definition of `ap_fixed` (`exact.py`)."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l1ae.contract import Contract
from l1ae.contract import _ops as ops
from l1ae.contract._bounds import bounds, interval_of
from l1ae.inputs import FixedFormat, Overflow, Rounding

_spec = importlib.util.spec_from_file_location("exact", Path(__file__).with_name("exact.py"))
exact = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exact)

WIDE = FixedFormat(True, 60, 40)
PORT = FixedFormat(True, 6, 6)
FAST = [Rounding.RND_CONV, Rounding.RND, Rounding.TRN]

seeds = st.integers(0, 2**32 - 1)
widths = st.sampled_from([1, 3, 5, 8, 14, 22])
operations = settings(deadline=None)


def formats(overflow=tuple(Overflow), rounding=tuple(Rounding), width=widths):
    """Any format; the three fast rounding modes more often."""
    modes = st.one_of(st.sampled_from(FAST), st.sampled_from(rounding))
    return st.builds(
        lambda signed, width, point, how, over: FixedFormat(signed, width, width - point, how, over),
        st.booleans(),
        width,
        st.integers(-2, 9),
        modes,
        st.sampled_from(overflow),
    )


def hardware_input(size, form=PORT):
    low, high = np.full(size, form.low), np.full(size, form.high)
    return ops.HardwareInput(name="hw", inputs=(), format=form, size=size, low=low, high=high)


def codes_of(form, shape, rng):
    """Random codes, with the ends of the range and zero more often."""
    anything = rng.integers(form.low, form.high + 1, shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([form.low, form.high, 0], shape), anything)


def tensor(name, form, size, rng):
    """A tensor that takes random codes of `form`: a table over the hardware input."""
    codes = codes_of(form, 1 << PORT.width, rng)
    return ops.Table(name=name, inputs=("hw",), format=form, size=size, codes=codes, function="noise", max_error=0.0)


def check(*chain, events=9, seed=0):
    """The last operation, fast and in int64, equals rational arithmetic, within its bounds, and survives JSON."""
    contract = Contract.from_json(Contract("test_v1", exact.ended(*chain)).to_json())
    operation = contract[chain[-1].name]
    hardware = codes_of(contract.hardware.format, (events, contract.hardware.size), np.random.default_rng(seed))
    names = [*operation.inputs, operation.name]
    fast, slow = contract.evaluate(hardware, names), contract.evaluate_reference(hardware, names)
    sources = [contract[name].format for name in operation.inputs]
    for event in range(events):
        inputs = [[int(code) for code in slow[name][event]] for name in operation.inputs]
        expected = exact.evaluate(operation, inputs, sources)
        assert slow[operation.name][event].tolist() == expected
        assert fast[operation.name][event].tolist() == expected
    interval = contract.intervals[operation.name]
    assert np.all(slow[operation.name] >= interval.low)
    assert np.all(slow[operation.name] <= interval.high)
    return contract


def fitting(chain, make, fraction):
    """`make(format)` with the narrowest format at `fraction` that holds every partial sum."""
    known = bounds(chain)
    draft = interval_of(make(FixedFormat(True, 62, 62 - fraction)), known)
    return make(FixedFormat.covering(draft.partial_low, draft.partial_high, fraction))


def dense(source, form, weight_format, bias_format, rng, *, size=2, **options):
    return ops.Dense(
        name="y",
        inputs=(source.name,),
        format=form,
        size=size,
        weights=codes_of(weight_format, (source.size, size), rng),
        bias=codes_of(bias_format, size, rng),
        weight_format=weight_format,
        bias_format=bias_format,
        **options,
    )


@operations
@given(formats(), formats(), formats(), formats(overflow=[Overflow.WRAP]), seeds)
def test_a_dense_layer_that_wraps(source, weight, bias, accumulator, seed):
    rng = np.random.default_rng(seed)
    x = tensor("x", source, 3, rng)
    check(hardware_input(3), x, dense(x, accumulator, weight, bias, rng, wraps=True), seed=seed)


@operations
@given(formats(), formats(), formats(), st.integers(-3, 10), st.sampled_from(Rounding), seeds)
def test_a_dense_layer_that_does_not_wrap(source, weight, bias, fraction, rounding, seed):
    chain = (hardware_input(3), tensor("x", source, 3, np.random.default_rng(seed)))

    def make(form):
        return dense(chain[1], replace(form, rounding=rounding), weight, bias, np.random.default_rng(seed))

    check(*chain, fitting(chain, make, fraction), seed=seed)


def convolution(source, shape, kernel, stride, form, weight_format, rng, **options):
    weights = codes_of(weight_format, (*kernel[:2], shape[2], kernel[2]), rng)
    rows, columns = (shape[0] - kernel[0]) // stride[0] + 1, (shape[1] - kernel[1]) // stride[1] + 1
    return ops.Convolution(
        name="y",
        inputs=(source.name,),
        format=form,
        size=rows * columns * kernel[2],
        shape=shape,
        stride=stride,
        weights=weights,
        bias=codes_of(weight_format, kernel[2], rng),
        weight_format=weight_format,
        bias_format=weight_format,
        **options,
    )


@operations
@given(
    st.tuples(st.integers(2, 5), st.integers(2, 4), st.integers(1, 2)),
    st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    formats(),
    formats(),
    formats(overflow=[Overflow.WRAP]),
    seeds,
)
def test_a_convolution(shape, kernel, stride, source, weight, accumulator, seed):
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    x = tensor("x", source, size, rng)
    check(hardware_input(size), x, convolution(x, shape, kernel, stride, accumulator, weight, rng, wraps=True), events=2, seed=seed)


@pytest.mark.parametrize(("shape", "kernel", "stride"), [((19, 3, 1), (3, 3, 4), (1, 1)), ((9, 7, 2), (3, 2, 5), (2, 3))])
def test_a_convolution_equals_scipy(shape, kernel, stride):
    from scipy.signal import correlate

    rng, form = np.random.default_rng(4), FixedFormat(True, 8, 4)
    size = int(np.prod(shape))
    x = tensor("x", form, size, rng)
    layer = convolution(x, shape, kernel, stride, FixedFormat(True, 24, 16), FixedFormat(True, 6, 2), rng)
    contract = Contract("test_v1", exact.ended(hardware_input(size), x, layer))
    hardware = codes_of(PORT, (5, size), rng)
    answers = contract.evaluate(hardware, ["x", "y"])
    for image, codes in zip(answers["x"].reshape(-1, *shape), answers["y"], strict=True):
        full = [correlate(image, layer.weights[..., f], mode="valid")[..., 0] + layer.bias[f] * 2**4 for f in range(kernel[2])]
        expected = np.stack(full, axis=-1)[:: stride[0], :: stride[1]]
        np.testing.assert_array_equal(codes, expected.ravel())


@operations
@given(formats(), formats(), formats(overflow=[Overflow.WRAP]), st.booleans(), seeds)
def test_a_dot_product(first, second, accumulator, one, seed):
    rng = np.random.default_rng(seed)
    a, b = tensor("a", first, 3, rng), tensor("b", second, 3, rng)
    dot = ops.Dot(name="y", inputs=("a",) if one else ("a", "b"), format=accumulator, size=1, wraps=True)
    check(hardware_input(3), a, b, dot, seed=seed)


@operations
@given(st.sampled_from([ops.Quantize, ops.Relu]), formats(), formats(), seeds)
def test_casts(kind, source, form, seed):
    x = tensor("x", source, 4, np.random.default_rng(seed))
    check(hardware_input(4), x, kind(name="y", inputs=("x",), format=form, size=4), seed=seed)


@pytest.mark.parametrize("overflow", [Overflow.SAT, Overflow.WRAP])
@pytest.mark.parametrize("rounding", FAST)
@pytest.mark.parametrize("drop", [-6, -1, 0, 1, 3, 9])
def test_casts_at_the_limits_of_a_float32(drop, rounding, overflow):
    """Codes around +-2**24 and +-2**23, odd ones too, into formats that are as wide."""
    source = FixedFormat(True, 26, 26)
    edges = [sign * (2**bits + step) for bits in (22, 23, 24) for step in range(-5, 5) for sign in (-1, 1)]
    for largest in (2**24 - 1, 2**25 - 1):
        codes = np.resize([edge for edge in edges if abs(edge) <= largest], 1 << PORT.width)
        x = replace(tensor("x", source, 1, np.random.default_rng(0)), codes=codes)
        for width in (14, 23, 24, 25, 30):
            form = FixedFormat(True, width, width + drop, rounding, overflow)
            check(hardware_input(1), x, ops.Quantize(name="y", inputs=("x",), format=form, size=1), events=64)


@operations
@given(st.sampled_from(["add", "subtract", "multiply"]), formats(), formats(), formats(), seeds)
def test_elementwise(function, first, second, form, seed):
    rng = np.random.default_rng(seed)
    a, b = tensor("a", first, 4, rng), tensor("b", second, 4, rng)
    check(hardware_input(4), a, b, ops.Elementwise(name="y", inputs=("a", "b"), format=form, size=4, function=function), seed=seed)


@operations
@given(formats(), formats(), formats(), seeds)
def test_concatenate(first, second, form, seed):
    rng = np.random.default_rng(seed)
    a, b = tensor("a", first, 3, rng), tensor("b", second, 3, rng)
    check(hardware_input(3), a, b, ops.Concatenate(name="y", inputs=("a", "b"), format=form, size=6), seed=seed)


@operations
@given(formats(), st.lists(st.integers(-1, 3), min_size=1, max_size=8), seeds)
def test_gather(source, index, seed):
    x = tensor("x", source, 4, np.random.default_rng(seed))
    check(hardware_input(4), x, ops.Gather(name="y", inputs=("x",), format=source, size=len(index), index=np.array(index)), seed=seed)


@operations
@given(formats(width=st.integers(1, 9)), st.booleans(), st.integers(4, 9), seeds)
def test_one_table_for_each_element(form, signed, width, seed):
    """Tables of 1 to 2**width entries, of few runs or many, over ports with more bits."""
    rng = np.random.default_rng(seed)
    tables = [np.repeat(codes_of(form, 1 << bits >> few, rng), 1 << few) for bits, few in ((0, 0), (2, 0), (width, 2), (width, 0))]
    table = ops.Table.of_elements(tables, name="y", inputs=("hw",), format=form, function="noise", max_error=0.0)
    assert all(np.array_equal(a, b) for a, b in zip(table.tables, tables, strict=True))
    contract = check(hardware_input(4, FixedFormat(signed, width, width)), table, events=40, seed=seed)
    interval = contract.intervals["y"]
    assert (interval.low.tolist(), interval.high.tolist()) == ([t.min() for t in tables], [t.max() for t in tables])


def _binning(source, size, elements, rng):
    """Up to 9 edges of each element, at any of its codes, some at the ends."""
    edges = []
    for _ in range(elements):
        found = rng.integers(source.low, source.high + 1, rng.integers(0, 10))
        edges.append(tuple(np.unique(np.append(found, rng.choice([source.low, source.high], 1))).tolist()))
    index = rng.integers(0, size, elements)
    return ops.Binning(name="bins", inputs=("hw",), format=FixedFormat(False, 4, 4), size=elements, index=index, edges=tuple(edges))


@operations
@given(st.booleans(), st.integers(2, 18), seeds)
def test_binning(signed, width, seed):
    """Ports whose codes are looked up and ports with too many of them."""
    port = FixedFormat(signed, width, width)
    check(hardware_input(3, port), _binning(port, 3, 5, np.random.default_rng(seed)), events=30, seed=seed)


def _lookup(form, size, elements, rng, widest=4):
    """Tables of none, one, two and more codes, of which some address with fewer bits than they have."""
    index = [tuple(rng.integers(0, size, count).tolist()) for count in rng.integers(0, 4, elements)]
    bits = [tuple(rng.integers(1, widest + 1, len(part)).tolist()) for part in index]
    tables = [codes_of(form, 1 << sum(part), rng) for part in bits]
    return ops.Lookup.of_tables(tables, index, bits, name="y", inputs=("hw",), format=form, function="noise")


@operations
@given(formats(), st.booleans(), seeds)
def test_lookup(form, signed, seed):
    rng = np.random.default_rng(seed)
    lookup = _lookup(form, 4, 6, rng)
    again = check(hardware_input(4, FixedFormat(signed, 5, 5)), lookup, events=40, seed=seed)
    assert all(np.array_equal(a, b) for a, b in zip(again["y"].tables, lookup.tables, strict=True))


def test_bounds_of_a_lookup_are_those_of_the_addresses_that_are_reached():
    """Two bins of 3 and 2 values: 6 of 8 addresses; the others hold more than any input gives."""
    edges = ((1, 5), (2,))
    binning = ops.Binning(name="bins", inputs=("hw",), format=FixedFormat(False, 2, 2), size=2, index=np.arange(2), edges=edges)
    table = np.array([3, -4, 1, 7, 0, 2, 100, -100])
    lookup = ops.Lookup.of_tables([table], [(0, 1)], [(2, 1)], name="y", inputs=("bins",), format=FixedFormat(True, 8, 8), function="noise")
    interval = Contract("test_v1", exact.ended(hardware_input(2), binning, lookup)).intervals["y"]
    assert (interval.low.tolist(), interval.high.tolist()) == ([-4], [7])


@operations
@given(formats(width=st.integers(1, 12)), st.booleans(), st.integers(3, 17), st.integers(0, 2), seeds)
def test_bins_tables_and_their_sum_in_one_kernel(form, signed, width, halvings, seed):
    """The whole chain, of which nothing between is asked for, against the reference, which knows no chains."""
    rng, port = np.random.default_rng(seed), FixedFormat(signed, width, width)
    bins = _binning(port, 4, 6, rng)
    lookup = replace(_lookup(form, 6, 7, rng), inputs=("bins",))
    chain = (hardware_input(4, port), bins, lookup)

    def total(to):
        return ops.Sum(name="sum", inputs=("y",), format=to, size=1, halvings=halvings)

    contract = Contract("test_v1", exact.ended(*chain, fitting(chain, total, form.fraction + halvings)))
    hardware = codes_of(port, (500, 4), rng)
    for name in ("y", "sum"):
        assert np.array_equal(contract.evaluate(hardware, [name])[name], contract.evaluate_reference(hardware, [name])[name])


@operations
@given(st.sampled_from(["sum", "max"]), formats(), st.integers(0, 3), st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1), seeds)
def test_pool(function, source, more, windows, seed):
    chain = (hardware_input(5), tensor("x", source, 5, np.random.default_rng(seed)))

    def make(form):
        return ops.Pool(name="y", inputs=("x",), format=form, size=len(windows), windows=np.array(windows), function=function)

    check(*chain, fitting(chain, make, source.fraction + more), seed=seed)


@operations
@given(
    st.integers(1, 2),
    formats(width=st.integers(1, 16)),
    formats(width=st.integers(1, 16)),
    st.sampled_from(["triples", "none", "any", "without"]),
    st.integers(0, 2),
    seeds,
)
def test_reconstruction_error(power, first, second, gates, more, seed):
    rng = np.random.default_rng(seed)
    chain = (hardware_input(6), tensor("a", first, 6, rng), tensor("b", second, 6, rng))
    gate = {"triples": np.arange(6) // 3 * 3, "any": rng.integers(-1, 6, 6)}.get(gates, np.full(6, -1))
    present = np.ones(6, bool) if gates == "without" else rng.random(6) < 0.8
    inputs = ("a", "b") if gates == "without" else ("a", "b", "hw")
    difference = FixedFormat(True, 50, 50 - max(first.fraction, second.fraction))
    widest = difference.fraction * power + more

    def make(form):
        return ops.ReconstructionError(
            name="y", inputs=inputs, format=form, size=1, power=power, present=present, gate=gate, difference=difference
        )

    check(*chain, fitting(chain, make, widest), seed=seed)


@operations
@given(formats(), formats(), st.integers(0, 2), st.booleans(), seeds)
def test_sum(first, second, halvings, one, seed):
    rng = np.random.default_rng(seed)
    chain = (hardware_input(3), tensor("a", first, 3, rng), tensor("b", second, 3, rng))
    fraction = (first.fraction if one else max(first.fraction, second.fraction)) + halvings

    def make(form):
        return ops.Sum(name="y", inputs=("a",) if one else ("a", "b"), format=form, size=1, halvings=halvings)

    check(*chain, fitting(chain, make, fraction), seed=seed)


@operations
@given(
    formats(width=st.sampled_from([5, 9, 18])),
    formats(),
    st.sampled_from([4, 10, 13, 16]),
    st.booleans(),
    st.sampled_from([3, 8, 300]),
    st.sampled_from([(0, 0), (0, 1), (6, 0), (3, 3), (2, 5), (-1, 0)]),
    seeds,
)
def test_preprocess(work, form, width, triples, largest_offset, fractions, seed):
    """`fractions`: fractional bits of the port and of the offset."""
    rng = np.random.default_rng(seed)
    port = FixedFormat(bool(seed % 2), width, width - fractions[0])
    operation = ops.Preprocess(
        name="y",
        inputs=("hw",),
        format=form,
        size=6,
        offset=rng.integers(-largest_offset, largest_offset, 6),
        shift=rng.integers(-6, 9, 6),
        present=rng.random(6) < 0.8,
        gate=np.arange(6) // 3 * 3 if triples else rng.integers(-1, 6, 6),
        work=work,
        offset_fraction=fractions[1],
    )
    check(hardware_input(6, port), operation, seed=seed, events=20)


@pytest.mark.parametrize("work", ["fixed<18,13>", "fixed<14,10,RND,SAT>", "fixed<24,13>"])
def test_preprocess_as_deployed_with_its_truncation_and_a_negative_shift(work):
    """`(hw - offset) >> shift` in `ap_fixed<18,13>`, which drops bits, against the formula in plain integers."""
    form, port = FixedFormat.parse("ap_fixed<14,6,AP_RND_CONV,AP_SAT>"), FixedFormat(True, 13, 13)
    offset, shift = np.array([0, 72, -5, 288, 0, 11]), np.array([6, 7, 5, 9, -1, 0])
    gate = np.array([0, 0, 0, 3, 3, 3])
    operation = ops.Preprocess(
        name="y",
        inputs=("hw",),
        format=form,
        size=6,
        offset=offset,
        shift=shift,
        present=np.ones(6, bool),
        gate=gate,
        work=FixedFormat.parse(work),
    )
    check(hardware_input(6, port), operation, events=300)


def test_number_types_from_float32_to_int64_are_all_taken():
    """The widths above reach every number type, so that each path is compared."""
    rng = np.random.default_rng(0)
    reached = set()
    for width in (3, 14, 22, 30):
        form = FixedFormat(True, width, 4)
        x = tensor("x", form, 3, rng)
        chain = (hardware_input(3), x)
        layer = fitting(chain, lambda wide, x=x, form=form: dense(x, wide, form, form, np.random.default_rng(1)), 2 * form.fraction)
        reached.add(check(*chain, layer).evaluated_in()["y"])
    assert reached == {"float32", "float64", "int64"}


def test_narrow_formats_never_fall_back_to_int64(monkeypatch):
    """What a trigger uses has a float path; the fallback would be correct, and ten times slower."""
    rng, form, narrow = np.random.default_rng(2), FixedFormat(True, 8, 4), FixedFormat(True, 6, 4, Rounding.RND_CONV, Overflow.SAT)
    hw = hardware_input(6)
    gate = {"present": np.ones(6, bool), "gate": np.array([0, 0, 2, 2, -1, 4])}
    chain = [
        hw,
        ops.Preprocess(
            name="pre",
            inputs=("hw",),
            format=form,
            size=6,
            offset=np.arange(6),
            shift=np.array([3, 2, 1, 0, -1, 4]),
            **gate,
            work=FixedFormat(True, 10, 8),
        ),
        replace(convolution(hw, (2, 3, 1), (2, 2, 3), (1, 1), FixedFormat(True, 8, 6), narrow, rng, wraps=True), name="c", inputs=("pre",)),
        ops.Relu(name="r", inputs=("c",), format=narrow, size=6),
        ops.Quantize(name="q", inputs=("c",), format=FixedFormat(True, 5, 4, Rounding.RND, Overflow.WRAP), size=6),
        replace(
            dense(ops.Relu(name="r", inputs=(), format=narrow, size=6), FixedFormat(True, 8, 7), narrow, narrow, rng, wraps=True), name="d"
        ),
        ops.Elementwise(name="e", inputs=("r", "q"), format=narrow, size=6, function="multiply"),
        ops.Concatenate(name="k", inputs=("d", "e"), format=narrow, size=8),
        ops.Gather(name="g", inputs=("k",), format=narrow, size=7, index=np.array([-1, 0, 1, 2, 3, 4, 5])),
        ops.Pool(name="p", inputs=("g",), format=FixedFormat(True, 9, 7), size=2, windows=np.array([[0, 1], [2, 6]]), function="sum"),
        ops.Dot(name="n", inputs=("p",), format=FixedFormat(False, 18, 14), size=1),
        ops.ReconstructionError(
            name="w",
            inputs=("pre", "r", "hw"),
            format=FixedFormat(False, 20, 12),
            size=1,
            power=2,
            difference=FixedFormat(True, 9, 5),
            **gate,
        ),
        ops.Sum(name="s", inputs=("n", "w"), format=FixedFormat(False, 22, 13), size=1, halvings=1),
        ops.Threshold(name="t", inputs=("s",), format=FixedFormat(False, 1, 1), size=1, threshold=9),
    ]
    contract = Contract("test_v1", tuple(chain))
    names = [operation.name for operation in chain]
    hardware = codes_of(PORT, (200, 6), rng)
    expected = contract.evaluate_reference(hardware, names)
    monkeypatch.setattr("l1ae.contract._reference.apply", None)
    for name, codes in contract.evaluate(hardware, names).items():
        np.testing.assert_array_equal(codes, expected[name], err_msg=name)
