"""Every combination that cannot work is refused with reason and remedy before any work; what is refused was seen to fail."""

import inspect

import hls4ml
import numpy as np
import pytest
from pydantic import ValidationError

from l1ae.config import HlsConfig
from l1ae.contract import Contract, Quantize, Sum
from l1ae.errors import UserError
from l1ae.hls import check_strategy, convert, to_model_graph
from l1ae.hls._strategy import reuse_factors

from .networks import Network, TableNetwork, everything


@pytest.fixture(scope="module")
def contract():
    return everything()


def _refused(contract, match, **hls):
    with pytest.raises(UserError, match=match):
        check_strategy(contract, HlsConfig(**hls))
    with pytest.raises(UserError, match=match):
        convert(contract, HlsConfig(**hls), np.zeros((1, contract.hardware.size), int))


def test_an_unknown_layer_is_refused(contract):
    layers = {"encoder": {"reuse_factor": 2}}
    _refused(
        contract, "hls.layers.encoder: there is no layer with weights of that name; there are conv, pointwise, enc, dec", layers=layers
    )


def test_distributed_arithmetic_without_its_solver(contract, monkeypatch):
    monkeypatch.setattr("l1ae.hls._strategy.find_spec", lambda name: None)
    _refused(
        contract,
        r"package 'da4ml' is not installed; strategy distributed_arithmetic needs it: pip install 'l1ae\[da\]'",
        strategy="distributed_arithmetic",
    )


@pytest.mark.parametrize("factor", [2, 16])
def test_distributed_arithmetic_has_no_reuse_factor(factor):
    with pytest.raises(ValidationError, match=f"reuse_factor is {factor}, but strategy distributed_arithmetic has no multipliers"):
        HlsConfig(strategy="distributed_arithmetic", reuse_factor=factor)
    with pytest.raises(ValidationError, match=rf"layers\.enc\.reuse_factor is {factor}, but .* choose strategy Resource"):
        HlsConfig(strategy="distributed_arithmetic", layers={"enc": {"reuse_factor": factor}})


@pytest.mark.parametrize(("backend", "reason"), [("Catapult", "have no namespace"), ("oneAPI", "SYCL tasks between pipes")])
def test_backends_that_would_not_give_the_contract(backend, reason):
    with pytest.raises(ValidationError, match=f"backend {backend} is not supported: .*{reason}.* 2 bits wide.* Choose Vitis or Vivado"):
        HlsConfig(backend=backend)


def test_why_those_backends_are_refused():
    """The day hls4ml changes this, the refusal goes."""
    from hls4ml.backends.fpga.fpga_types import ACFixedPrecisionDefinition
    from hls4ml.model.types import FixedPrecisionType
    from hls4ml.writer import catapult_writer

    one_bit = type("OneBit", (FixedPrecisionType, ACFixedPrecisionDefinition), {})(1, 1, False)
    assert one_bit.definition_cpp() == "ac_fixed<2,1,false>"
    assert "amespace" not in inspect.getsource(catapult_writer)


def test_distributed_arithmetic_does_not_round_products(contract):
    match = r"layer 'conv': its accumulator fixed<9,6,RND_CONV,WRAP> rounds every product to 3 fractional bits; .* Latency or Resource"
    _refused(contract, match, strategy="distributed_arithmetic")
    check_strategy(everything(exact_products=True), HlsConfig(strategy="distributed_arithmetic"))


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize(("n_in", "n_out"), [(40, 5), (3, 2), (6, 9), (16, 64), (7, 11)])  # fmt: skip
def test_the_reuse_factors_are_those_that_hls4ml_leaves_alone(tmp_path, io_type, n_in, n_out):
    network = Network()
    network.inputs(n_in, np.zeros(n_in, int), np.full(n_in, -1), "fixed<12,12>", form="fixed<12,12>")
    network.dense("layer", "inputs", n_out)
    network.dense("sum", "layer", 1)
    network.score("sum", 0)
    contract, layer = network.contract(), network["layer"]
    hls = HlsConfig(strategy="Resource", io_type=io_type)
    valid = reuse_factors(layer, hls)
    for factor in [1, valid[len(valid) // 2], n_in * n_out]:
        chosen = hls.model_copy(update={"layers": HlsConfig(layers={"layer": {"reuse_factor": factor}}).layers})
        graph = to_model_graph(contract, chosen, tmp_path)
        assert graph.graph["layer"].get_attr("reuse_factor") == factor
    backend = hls4ml.backends.get_backend("Vitis")
    for factor in sorted(set(range(1, n_in * n_out + 1)) - set(valid))[:20]:
        assert backend.get_closest_reuse_factor(backend.get_valid_reuse_factors(n_in, n_out), factor) != factor
        chosen = HlsConfig(strategy="Resource", io_type=io_type, layers={"layer": {"reuse_factor": factor}})
        with pytest.raises(UserError, match=f"layer 'layer': strategy Resource has no reuse factor {factor} for {n_in} x {n_out} weights"):
            check_strategy(contract, chosen)


def test_a_factor_between_names_its_neighbours(contract):
    layers = {"conv": {"reuse_factor": 3}, "pointwise": {"reuse_factor": 3}, "dec": {"reuse_factor": 5}}
    match = r"layer 'enc': .* no reuse factor 7 for 40 x 5 weights; the nearest are 5 and 8: set hls.layers.enc.reuse_factor"
    _refused(contract, match, strategy="Resource", layers=layers | {"enc": {"reuse_factor": 7}})
    check_strategy(contract, HlsConfig(strategy="Resource", layers=layers | {"enc": {"reuse_factor": 8}}))


def test_a_convolution_in_parallel_reuses_within_one_position(contract):
    """hls4ml accepts the factor, and its `conv_2d_resource_cl` stops the C simulation with an assertion."""
    layers = {"conv": {"reuse_factor": 18}}
    _refused(contract, r"layer 'conv': .* no reuse factor 18 for 6 x 3 weights; the nearest are 6: set", strategy="Resource", layers=layers)
    check_strategy(contract, HlsConfig(strategy="Resource", io_type="io_stream", layers=layers))


def _large(size, n_out):
    network = Network()
    network.inputs(size, np.zeros(size, int), np.full(size, -1), "fixed<12,12>", form="fixed<12,12>")
    network.dense("enc", "inputs", n_out)
    network.dense("sum", "enc", 1)
    network.score("sum", 0)
    return network.contract()


def test_a_layer_too_large_to_unroll_is_refused():
    contract = _large(57, 80)
    _refused(contract, "layer 'enc' has 4560 products; the HLS tools unroll at most 4096 in strategy Latency; choose strategy Resource")
    _refused(contract, "layer 'enc' has 4560 products; .* in strategy Resource; raise its reuse factor", strategy="Resource")
    check_strategy(contract, HlsConfig(strategy="Resource", layers={"enc": {"reuse_factor": 3}}))
    check_strategy(contract, HlsConfig(strategy="distributed_arithmetic"))
    _refused(contract, "layer 'enc' has 4560 products", layers={"enc": {"reuse_factor": 3}})


def test_a_tensor_too_large_to_partition_is_refused():
    match = "layer 'hw' has 4097 values; the HLS tools partition arrays of at most 4096; make the layer smaller"
    _refused(_large(4097, 1), match, strategy="distributed_arithmetic")


def _with_casts(contract, name, count):
    """`count` further readers of a tensor, which nobody reads themselves."""
    operations, source = list(contract.operations), contract[name]
    for k in range(count):
        operations.insert(2, Quantize(name=f"cast{k}", inputs=(name,), format=source.format, size=source.size))
    return Contract(contract.project, tuple(operations))


def test_a_stream_with_too_many_readers_is_refused(contract):
    many = _with_casts(contract, "inputs", 5)
    _refused(
        many, "layer 'inputs' is read 9 times; hls4ml copies a stream 7 times at most; choose io_type io_parallel", io_type="io_stream"
    )
    check_strategy(many, HlsConfig())


def test_a_stream_that_nobody_reads_is_refused(contract):
    dead = _with_casts(contract, "inputs", 1)
    _refused(dead, "nothing reads layer 'cast0', and a stream must be read; leave the layer out", io_type="io_stream")
    check_strategy(dead, HlsConfig())


def test_a_table_too_large_for_logic_is_refused():
    """The array that `config_array_partition` leaves whole would become block memory."""

    def contract(bits):
        network = TableNetwork()
        network.port(3, "fixed<8,8>")
        network.lookup("pairs", "hw", [(0, 1), (2,)], [(8, bits), (3,)], "fixed<4,4>")
        network.put(Sum, "total", "pairs", size=1, fraction=0)
        network.score("total", 0)
        return network.contract()

    match = "layer 'pairs' has a table of 8192 entries; the HLS tools partition at most 4096, .* address it with at most 12 bits"
    _refused(contract(5), match)
    check_strategy(contract(4), HlsConfig())
