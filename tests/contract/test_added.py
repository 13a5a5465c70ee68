"""Added columns in the contract: the codes that numpy finds, for every word of the port, in operations that exist."""

import numpy as np
import pytest

from l1ae.config import InputsConfig
from l1ae.contract import OPERATIONS, Contract, Quantize, Threshold
from l1ae.contract._builder import Builder, add_event, add_inputs
from l1ae.contract._ops import Gather
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, named_layout

from ..inputs.added import ADD, NAMES, by_hand, events


def added_contract(inputs: InputsConfig) -> Contract:
    """What preprocesses the event, and the sum of all as a score."""
    builder, spec = Builder(), inputs.spec()
    add_inputs(builder, spec)
    form = FixedFormat.parse("fixed<14,10,TRN,SAT>")
    builder.add(Quantize(name="score", inputs=(builder.sum("total", "inputs"),), format=form, size=1))
    builder.add(Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=8))
    return Contract("added_v1", tuple(builder.operations), spec.port)


def of_layout(name, add, **more):
    """With the layout's preset, or five bits of every column left out."""
    content = {"layout": name, "add": add} | more
    inputs = InputsConfig.model_validate(content)
    groups = {group.name: {"offset": 0, "shift": 5} for group in inputs.columns.groups} if inputs.automatic else {}
    return InputsConfig.model_validate(content | {"groups": groups})


P2GT = {
    "n_jet": {"kind": "multiplicity", "group": "jet", "threshold": 800, "abs_eta": 3000},
    "ht": {"kind": "sum", "group": "jet", "bits": 18},
    "dphi": {"kind": "delta_phi", "slots": ["jet[0]", "met"]},
    "eta_jet": {"kind": "abs_eta", "slot": "jet[0]"},
}
RECORD = {
    "eta_mu": {"kind": "abs_eta", "slot": "mu[1]"},
    "n_central": {"kind": "multiplicity", "group": "mu", "abs_eta": 75},
    "dphi": {"kind": "delta_phi", "slots": ["jet[0]", "mu[0]"]},
}


@pytest.mark.parametrize(
    "inputs",
    [
        of_layout("ugt", ADD),
        of_layout("ugt", {"only": ADD["dphi_mu"]}),
        of_layout("p2gt", P2GT),
        of_layout("cms_l1_record", RECORD, select={"tau": 0}),
    ],
    ids=["ugt", "one", "p2gt", "record"],
)
def test_numpy_the_contract_and_its_reference_agree_for_every_word(inputs):
    contract, spec = added_contract(inputs), inputs.spec()
    assert not contract.wrapping
    rng = np.random.default_rng(11)
    port, (low, high) = contract.hardware, spec.port.code_range
    valid = rng.integers(low, high + 1, (4000, port.size)) * (rng.random((4000, port.size)) < 0.9)
    words = rng.integers(port.low, port.high + 1, (4000, port.size))
    for hardware in (np.where((valid < low) | (valid > high), low, valid), words):
        found = contract.evaluate(hardware, [contract.event.name, "inputs", "score"])
        reference = contract.evaluate_reference(hardware, [contract.event.name, "inputs", "score"])
        for name in found:
            np.testing.assert_array_equal(found[name], reference[name], err_msg=name)
        np.testing.assert_array_equal(found[contract.event.name], spec.event(hardware))
        np.testing.assert_array_equal(found["inputs"], spec.to_network(hardware))


def test_valid_codes_give_what_a_loop_over_slots_finds():
    contract, hardware = added_contract(of_layout("ugt", ADD)), events(500, seed=12)
    found = contract.evaluate(hardware, ["event"])["event"][:, 57:]
    np.testing.assert_array_equal(found, [by_hand(event) for event in hardware])


def test_every_column_has_the_width_of_its_feature_and_its_name():
    inputs = of_layout("ugt", ADD)
    contract = added_contract(inputs)
    assert contract.added_names == NAMES
    assert [item.format.width for item in contract.added] == [group.features[0].bits for group in inputs.columns.groups[-len(ADD) :]]
    assert {type(operation).__name__ for operation in contract.operations} <= set(OPERATIONS)
    low, high = inputs.columns.code_range
    interval = contract.intervals["event"]
    assert np.all(interval.low[57:] <= low[57:])
    assert np.all(interval.high[57:] >= high[57:])


def test_the_port_and_the_gates_are_those_of_what_arrives():
    contract = added_contract(of_layout("ugt", ADD))
    assert contract.layout == named_layout("ugt")
    assert contract.hardware.size == 57
    np.testing.assert_array_equal(contract.gate, named_layout("ugt").gate)
    plain = added_contract(InputsConfig())
    assert plain.event is plain.hardware
    assert plain.added == ()


def test_the_event_is_the_port_where_nothing_is_added():
    builder = Builder()
    assert add_event(builder, named_layout("ugt"), None) == "hw"
    assert len(builder.operations) == 1


def test_tables_over_added_columns_beside_shifts():
    table = [[0, 0], [3, 16], [40, 40], [2000, 127]]
    tables = {"ht": table, **{f"jet{k}_pt": table for k in range(10)}}
    inputs = InputsConfig.model_validate(
        {"add": {"ht": ADD["ht"]}, "select": {"met": 0, "eg": 0, "mu": 0}, "transform": {"ht": "surprise", "pt": "log2"}}
        | {"network": "ufixed<7,4,RND_CONV,SAT>", "derived": {"tables": tables}}
    )
    contract, hardware = added_contract(inputs), events(800, seed=13)[:, 27:]
    np.testing.assert_array_equal(contract.evaluate(hardware, ["inputs"])["inputs"], inputs.spec().to_network(hardware))
    assert contract.input_table.inputs == ("event",)
    assert len(contract.input_table.starts[30]) == 4


def test_a_contract_with_added_columns_survives_its_file():
    contract = added_contract(of_layout("ugt", ADD))
    again = Contract.from_json(contract.to_json())
    assert again.digest == contract.digest
    assert again.added_names == NAMES


def test_preprocessing_reads_whole_events_only():
    builder, spec = Builder(), InputsConfig().spec()
    add_inputs(builder, spec)
    wires = Gather(name="wires", inputs=("hw",), format=builder.format_of("hw"), size=57, index=np.arange(57))
    hw, inputs = builder.operations
    moved = type(inputs)(**{**inputs.__dict__, "inputs": ("wires",)})
    with pytest.raises(UserError, match="its input must be the hardware codes, alone or with columns added, not 'wires'"):
        Contract("x_v1", (hw, wires, moved, *added_contract(InputsConfig()).operations[2:]))
