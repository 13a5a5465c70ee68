"""The bits of every shipped configuration, as they were when inputs were still welded to 57 numbers and an image.

`digests.json` was written by the version before layouts, from `untrained_contract` (initial weights and a fixed calibration depend on
the configuration alone) and from the imported description: a contract that computes anything else has another digest.
"""

import json
from pathlib import Path

import pytest

from l1ae.config import load_config
from l1ae.contract import Contract, import_description
from l1ae.pipeline._models import untrained_contract

DIGESTS = json.loads((Path(__file__).parent / "digests.json").read_text())
CONFIGS = Path(__file__).parent.parent.parent / "configs"


@pytest.mark.parametrize("name", DIGESTS)
def test_a_shipped_configuration_gives_the_same_bits(name):
    config = load_config(CONFIGS / f"{name}.yaml")
    source = config.model.source
    contract = untrained_contract(config) if source is None else import_description(Path(source), config.project)
    assert contract.digest == DIGESTS[name]
    again = Contract.from_json(contract.to_json())
    assert (again.digest, again.layout) == (contract.digest, contract.layout)


def test_the_layout_is_written_beside_the_bits(make_network):
    contract = make_network("mu2").contract
    assert contract.layout.name == "ugt"
    assert Contract.from_json(contract.to_json()).layout == contract.layout
