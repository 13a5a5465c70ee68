"""Added columns as an adder graph: every tensor of it is the contract's, over the port's whole range and at the steps of conditions."""

import numpy as np

from l1ae.agreement import corner_vectors
from l1ae.config import InputsConfig

from ..contract.test_added import P2GT, added_contract, of_layout
from ..inputs.added import ADD, LAYOUT, events
from .exactness import assert_exact, vectors


def test_no_tensor_differs_in_the_graph():
    contract = added_contract(of_layout("ugt", ADD))
    assert_exact(contract, "ternary", np.concatenate([vectors(contract), events(500, seed=21)]))


def test_no_tensor_differs_where_angles_are_signed_and_slots_have_valid_bits():
    kinds = {name: P2GT[name] for name in ("dphi", "eta_jet")}
    assert_exact(added_contract(of_layout("p2gt", kinds, select={"jet": 1, "mu": 0})))


def test_corner_vectors_stand_on_both_sides_of_a_threshold():
    contract = added_contract(InputsConfig.model_validate({"add": {"n": ADD["n_jet30"]}}))
    found = corner_vectors(contract)
    for column in LAYOUT.positions("jet", "pt"):
        assert {59, 60} <= set(found[:, column].tolist())
    for column in LAYOUT.positions("jet", "eta"):
        assert {57, 58} <= set(found[:, column].tolist())
