import pytest
from pydantic import ValidationError

from l1ae.config import InputsConfig
from l1ae.inputs import InputSpec, RegionSpec, calo_layer1_spec, ugt_input_spec


def test_the_view_decides_on_specification_and_defaults():
    assert InputsConfig().spec() == ugt_input_spec()
    assert isinstance(InputsConfig().spec(), InputSpec)
    regions = InputsConfig(view="regions").spec()
    assert isinstance(regions, RegionSpec)
    assert regions == calo_layer1_spec()
    assert InputsConfig(view="regions", shift=0, network="ufixed<10,10>").spec() == calo_layer1_spec("ufixed<10,10>", 0)


@pytest.mark.parametrize("view", ["objects", "regions"])
def test_a_dump_says_everything_and_is_read_back(view):
    inputs = InputsConfig(view=view)
    dump = inputs.model_dump(mode="json")
    assert dump["network"] == {"objects": "fixed<12,6,RND_CONV,SAT>", "regions": "ufixed<10,7,RND_CONV,SAT>"}[view]
    assert dump["shift"] == {"objects": None, "regions": 3}[view]
    assert InputsConfig.model_validate(dump) == inputs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"shift": 2}, "'shift' belongs to view: regions; objects have a shift per group"),
        ({"view": "regions", "groups": {"eg": {"shift": [1, 1, 1]}}}, r"groups \(eg\) belong to view: objects"),
        ({"view": "towers"}, "'objects' or 'regions'"),
    ],
)
def test_keys_of_the_other_view_are_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        InputsConfig.model_validate(content)
