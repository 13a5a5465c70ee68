import pytest
import yaml
from pydantic import ValidationError

from l1ae.config import InputsConfig, load_config
from l1ae.errors import UserError
from l1ae.inputs import InputSpec, named_layout

LAYOUT = {
    "name": "mine",
    "groups": [{"name": "cell", "kind": "vector", "slots": 3, "features": [{"name": "e", "role": "energy", "bits": 8}]}],
}
MODEL = {"architecture": "dense_ae", "score": "squared_error", "latent": 2}


def test_the_default_is_the_preset_of_ugt():
    found, expected = InputsConfig().spec(), InputSpec.of(named_layout("ugt"))
    assert (found.layout, str(found.network)) == (named_layout("ugt"), "fixed<12,6,RND_CONV,SAT>")
    assert (found.offset == expected.offset).all()
    assert (found.shift == expected.shift).all()
    assert found.offset.reshape(19, 3)[[0, 1, 5, 9], 2].tolist() == [72, 72, 288, 72]
    assert found.shift.reshape(19, 3)[[0, 1, 2, 3, 5, 9, 10, 11]].tolist() == [
        [6, 0, 6], [5, 6, 6], [2, 4, 4], [0, 4, 4], [5, 8, 8], [6, 6, 6], [5, 6, 6], [4, 6, 6],
    ]  # fmt: skip


def test_an_image_has_its_own_preset():
    inputs = InputsConfig(layout="calo_regions")
    assert (str(inputs.spec().network), set(inputs.spec().shift.tolist()), inputs.automatic) == ("ufixed<10,7,RND_CONV,SAT>", {3}, False)
    assert set(InputsConfig(layout="calo_regions", groups={"region": {"shift": 0}}, network="ufixed<10,10>").spec().shift.tolist()) == {0}


@pytest.mark.parametrize("layout", ["ugt", "calo_regions", "p2gt", LAYOUT])
def test_a_dump_says_everything_and_is_read_back(layout):
    inputs = InputsConfig(layout=layout)
    dump = inputs.model_dump(mode="json")
    assert dump["layout"]["groups"][0]["features"], "the columns themselves, not a name that may change its meaning"
    assert InputsConfig.model_validate(dump) == inputs


def test_what_a_preset_does_not_say_is_left_to_the_data():
    inputs = InputsConfig(layout=LAYOUT)
    assert inputs.automatic
    with pytest.raises(UserError, match="auto takes offsets and shifts from training data, and there was no training yet"):
        inputs.spec()
    derived = InputsConfig(layout=LAYOUT, derived={"offset": [1, 2, 3], "shift": [0, 1, 2]}, groups={"cell": {"shift": 5}})
    assert [values.tolist() for values in (derived.spec().offset, derived.spec().shift)] == [[1, 2, 3], [5, 5, 5]]
    explicit = InputsConfig(layout=LAYOUT, groups={"cell": {"offset": 0, "shift": [[1], [2], [3]]}})
    assert (explicit.automatic, explicit.spec().shift.tolist()) == (False, [1, 2, 3])
    assert InputsConfig(preprocessing="auto").automatic


def test_a_selection_takes_its_part_of_the_preset():
    spec = InputsConfig(select={"jet": 2, "mu": 0, "features": ["pt", "phi"]}).spec()
    assert spec.layout.names[-4:] == ("jet0_pt", "jet0_phi", "jet1_pt", "jet1_phi")
    assert spec.shift[-4:].tolist() == [6, 6, 5, 6]
    assert spec.offset[-4:].tolist() == [0, 72, 0, 72]


def test_a_file_is_named_relative_to_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(LAYOUT))
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({"name": "m", "inputs": {"layout": "mine.yaml"}, "model": MODEL}))
    monkeypatch.chdir("/")
    assert load_config(tmp_path / "run.yaml").inputs.selected.names == ("cell0", "cell1", "cell2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"view": "regions"}, "for view: regions layout: calo_regions"),
        ({"layout": "towers"}, "unknown layout 'towers'; the layouts are calo_regions, "),
        ({"groups": {"muon": {"shift": 1}}}, "unknown group 'muon'; the groups of layout 'ugt' are met, eg, mu, jet"),
        ({"groups": {"met": {"shift": [1, 2]}}}, r"group 'met': shift must be one number, one per feature \(pt, eta, phi\)"),
        ({"select": {"jet": True}}, "select: jet: True must be a number of slots, for example jet: 4, or 0 to leave the group out"),
        ({"select": {"features": "pt"}}, r"select: features: 'pt' must be a list of names, for example \[pt, phi\]"),
        ({"groups": {"jet": {"shift": 99}}}, "groups.jet.shift: 99 is beyond 30; codes have at most 30 bits"),
        ({"select": {"jet": 11}}, "inputs.select: jet: 11 must be a number of slots from 0 to 10"),
        ({"select": {"jet": 3}, "groups": {"jet": {"shift": [[1, 1, 1]] * 10}}}, "or one such row for each of its 3 slots"),
        ({"layout": LAYOUT, "preprocessing": "preset"}, "preprocessing: preset: layout 'mine' comes without one; use preprocessing: auto"),
        ({"layout": LAYOUT, "derived": {"offset": [0], "shift": [0]}}, "derived.offset has not the 3 columns of the selected layout"),
        ({"layout": LAYOUT | {"groups": []}}, "layout 'mine' has no groups"),
    ],
)
def test_what_does_not_fit_is_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        InputsConfig.model_validate(content)
