"""Records of other distributions are found, and refused with the distribution's name and what to do."""

import inspect
import re
import sys

import pytest

import l1ae
from l1ae.contract import LAYERS, check_score
from l1ae.data import READERS
from l1ae.delivery import TARGETS
from l1ae.errors import UserError
from l1ae.families import LOSSES, SCORES, Body, Firmware, Loss, Score
from l1ae.registry import HOMES, extensions, loaded_distributions

from .pages import ROOT


def distribution(folder, points, module="", name="l1ae-other"):
    """A folder with a module and the metadata of a distribution, as an installation leaves them."""
    info = folder / f"{name.replace('-', '_')}-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n")
    groups = {group: "\n".join(f"{key} = {value}" for key, value in found.items()) for group, found in points.items()}
    (info / "entry_points.txt").write_text("\n".join(f"[{group}]\n{text}" for group, text in groups.items()))
    (folder / "l1ae_other.py").write_text(module)
    return folder


SCORE = """
from l1ae.families import Body, Score
def score(name="half", **changes):
    given = {
        "name": name, "title": "t", "text": "t", "source": "s", "bodies": frozenset({Body.VARIATIONAL}), "outputs": (1, 2),
        "real": lambda inputs, outputs, mask: 0.5 * (outputs[0] ** 2).sum(axis=1),
        "firmware": lambda builder, outputs, table: builder.sum("half", builder.dot("whole", outputs[0]), halvings=1),
    }
    return Score(**given | changes)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    def make(points, module="", name="l1ae-other"):
        monkeypatch.syspath_prepend(distribution(tmp_path / name, points, module, name))

    return make


def test_a_score_of_another_distribution_is_known_by_name_and_imported_when_it_is_used(install):
    own = set(SCORES)
    install({"l1ae.scores": {"half": "l1ae_other:HALF"}}, SCORE + "HALF = score()")
    assert set(SCORES) == own | {"half"}
    assert len(SCORES) == len(own) + 1
    assert "l1ae_other" not in sys.modules
    assert SCORES["half"].title == "t"
    check_score(SCORES["half"])
    assert SCORES.origin("half") == "l1ae-other 2.0"
    assert SCORES.origin("mu2") is None
    assert loaded_distributions() == {"l1ae-other": "2.0"}


def test_without_the_distribution_its_score_is_gone():
    assert "half" not in SCORES
    with pytest.raises(KeyError):
        SCORES["half"]


@pytest.mark.parametrize(
    ("module", "value", "why"),
    [
        ("import nothing_of_that_name", "HALF", r"l1ae_other:HALF cannot be imported \(ModuleNotFoundError: No module named 'nothing_of"),
        ("1 / 0", "HALF", r"cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("", "HALF", r"cannot be imported \(AttributeError: module 'l1ae_other' has no attribute 'HALF'\)"),
        ("HALF = 3", "HALF", "it is a int, but must be a l1ae.families.Score"),
        (SCORE + "HALF = score('other')", "HALF", "its record is called 'other'; name record and entry point alike"),
        (SCORE + "HALF = score(text='')", "HALF", "title, text and source must say in words"),
        (SCORE + "HALF = score(bodies=frozenset())", "HALF", "bodies must name at least one l1ae.families.Body"),
        (SCORE + "HALF = score(real=None)", "HALF", "it needs outputs, and both formulas"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_with_the_distribution_and_the_remedy(install, module, value, why):
    install({"l1ae.scores": {"half": f"l1ae_other:{value}"}}, module)
    start = r"^distribution l1ae-other 2.0, entry point 'half' of group 'l1ae.scores': "
    with pytest.raises(UserError, match=f"{start}.*{why}.*; repair it, or remove it with pip uninstall l1ae-other$"):
        SCORES["half"]
    (found,) = extensions()
    assert (found.kind, found.name, found.origin) == ("scores", "half", "l1ae-other 2.0")
    assert found.problem
    assert SCORES["mu2"].name == "mu2", "a damaged one stands in nobody's way who does not use it"
    assert l1ae.load_config("dnn_vae").model.score


@pytest.mark.parametrize(
    ("group", "name", "registry"),
    [("scores", "mu2", SCORES), ("targets", "ugt", TARGETS), ("readers", "table", READERS), ("losses", "reconstruction", LOSSES)],
)
def test_a_name_of_l1ae_is_refused(install, group, name, registry):
    install({f"l1ae.{group}": {name: "l1ae_other:RECORD"}})
    wanted = f"distribution l1ae-other 2.0, entry point '{name}' of group 'l1ae.{group}': l1ae itself has that name already; repair it, or"
    with pytest.raises(UserError, match=wanted):
        list(registry)


def test_one_name_in_two_distributions_is_refused_with_both(install):
    install({"l1ae.scores": {"half": "l1ae_other:HALF"}}, SCORE + "HALF = score()", "l1ae-first")
    install({"l1ae.scores": {"half": "l1ae_other:HALF"}}, SCORE + "HALF = score()", "l1ae-second")
    with pytest.raises(UserError, match=r"distribution l1ae-second 2.0, entry point 'half' .*: l1ae-first 2.0 has that name already"):
        _ = SCORES["half"]


def _score(**changes):
    scope = {}
    exec(SCORE, scope)
    return scope["score"](**changes)


def test_what_is_registered_in_a_process_is_checked_alike():
    l1ae.register(_score())
    assert SCORES.origin("half") == "this process"
    with pytest.raises(UserError, match="cannot register 'half' among the scores: the name 'half' is taken; give it another one"):
        l1ae.register(_score())
    l1ae.register(_score(title="again"), replace=True)
    assert SCORES["half"].title == "again"
    with pytest.raises(UserError, match="cannot register 'mu2' among the scores: the name 'mu2' is taken"):
        l1ae.register(_score(name="mu2"), replace=True)
    with pytest.raises(UserError, match=r"cannot register a dict; give a l1ae\.families\.Score or Loss"):
        l1ae.register({})


def test_every_kind_has_a_registry_and_lists_its_records():
    for kind, (home, name) in HOMES.items():
        registry = getattr(__import__(home, fromlist=[name]), name)
        assert registry.kind == kind
        assert all(key == record.name for key, record in registry.items())
    assert tuple(READERS)[-1] == "table", "what takes any file is asked last"


def test_a_registered_reader_is_asked_before_the_one_that_takes_any_file():
    from dataclasses import replace

    l1ae.register(replace(READERS["record"], name="mine"))
    assert tuple(READERS)[-2:] == ("mine", "table")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "L1"}, "'L1' is no name of a column in history.csv"),
        ({"bodies": frozenset({Body.DENSITY})}, "bodies must name at least one l1ae.families.Body that is trained in epochs"),
        ({"replaces": "nothing"}, "replaces is 'nothing', but the terms of l1ae are reconstruction, kl"),
        ({"name": "kl"}, "the name 'kl' is taken"),
        ({"title": ""}, "title and source must say"),
        ({"term": 1}, "term must be a function"),
    ],
)
def test_a_loss_that_lacks_something_is_refused(changes, why):
    given = {"name": "mine", "title": "t", "source": "s", "bodies": frozenset({Body.AUTOENCODER}), "term": lambda batch, outputs: 0.0}
    with pytest.raises(UserError, match=why):
        l1ae.register(Loss(**given | changes))


def test_the_two_formulas_of_every_score_of_l1ae_agree_and_a_wrong_one_is_found():
    for score in SCORES.own.values():
        check_score(score)
    with pytest.raises(UserError, match=r"network of body variational with 1 outputs: real gives .*, firmware .* for event"):
        check_score(_score(real=lambda inputs, outputs, mask: 0.501 * (outputs[0] ** 2).sum(axis=1)))
    with pytest.raises(UserError, match=r"real gives an array of shape \(500, 3\), but must give one number per event"):
        check_score(_score(real=lambda inputs, outputs, mask: outputs[0]))
    with pytest.raises(UserError, match="firmware ends in 3 numbers, but a score is one"):
        check_score(_score(firmware=lambda builder, outputs, table: outputs[0]))


def test_a_layer_must_be_one_of_keras_and_registered_under_its_package():
    import keras

    from l1ae.contract import Layer

    class Mine(keras.layers.Layer):
        pass

    with pytest.raises(UserError, match="kind must be a class of Keras layers, not <class 'int'>"):
        l1ae.register(Layer(int, lambda builder, name, layer, inputs: name))
    with pytest.raises(UserError, match=r"decorate Mine with @keras\.saving\.register_keras_serializable"):
        l1ae.register(Layer(Mine, lambda builder, name, layer, inputs: name))
    assert "Mine" not in LAYERS
    assert isinstance(SCORES["mu2"], Score)


def test_the_page_has_the_operations_of_a_score_with_their_arguments():
    """Names and defaults; types are left out there."""
    page = (ROOT / "docs" / "extending.md").read_text()
    listed = dict(re.findall(r"^\| `(\w+)\(([^`]*)\)` \|", page, re.MULTILINE))
    methods = {name: method for name, method in vars(Firmware).items() if not name.startswith("_") and callable(method)}
    assert set(listed) == set(methods)
    for name, method in methods.items():
        named = [f"*{one.name}" if one.kind is one.VAR_POSITIONAL else one.name for one in inspect.signature(method).parameters.values()]
        assert [argument.partition("=")[0] for argument in listed[name].split(", ")] == named[1:]
