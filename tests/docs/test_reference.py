"""The reference has every key that a file may have and every public name, each with what it is."""

import re
from pathlib import Path

from _reference._api import api_pages, public_modules, public_names
from _reference._files import WRITTEN
from _reference._keys import PAGES, KeyPage, description_of, key_pages, keys_of
from _reference._words import default_text, limits_text, type_text, units_in
from pydantic import BaseModel, Field

from l1ae.config import BudgetConfig, Config, HlsConfig
from l1ae.pipeline import STAGES
from l1ae.records import RESULT_FILES
from l1ae.schema import Unit

from .shown import pages

KEYS = [(name, key) for name, page in PAGES.items() for key in keys_of(page)]
QUANTITIES = re.compile(r"(^|_)(ns|khz|gev|bits|epochs|events|cycles)$")
"""Ends of names of keys whose numbers are no pure numbers."""


def test_a_link_to_a_page_that_a_clone_lacks_says_what_makes_it():
    found, silent = 0, []
    for page in pages():
        for link in re.finditer(r"\]\([\w./]*reference/(?:keys|files|api)/[^)]*\)(.{0,80})", page.read_text(), re.DOTALL):
            found += 1
            if not re.match(r"\s\(in a clone made by\s`make reference`\)", link[1]):
                silent.append(f"{page.name}: {link[0]}")
    assert found >= 5
    assert silent == []


def test_every_key_says_what_it_is():
    assert [f"{key.section.__name__} ({page}): {key.path}" for page, key in KEYS if not description_of(key.field)] == []


def test_a_quantity_has_a_unit():
    quantities = [(page, key) for page, key in KEYS if QUANTITIES.search(key.path.rpartition(".")[2])]
    numbers = [(page, key) for page, key in quantities if "number" in type_text(key.field.annotation)]
    assert len(numbers) > 30
    assert [f"{key.section.__name__} ({page}): {key.path}" for page, key in numbers if not units_in(key.field)] == []


def test_a_key_without_a_word_is_found():
    class Mute(BaseModel):
        latency_ns: float = 1.0
        said: int = Field(1, description="something")

    found = {key.path: description_of(key.field) for key in keys_of(KeyPage("mute", "", {"": Mute}))}
    assert found == {"latency_ns": "", "said": "something"}


def test_every_key_of_a_run_is_on_its_page():
    """By the paths that `--set` takes, from the nested defaults of pydantic and not from the walk of the page."""
    text = key_pages()["keys/configuration.md"]

    def paths(model: BaseModel, prefix: str = ""):
        for name in type(model).model_fields:
            yield f"{prefix}{name}"
            if isinstance(value := getattr(model, name), BaseModel) and name != "layout":
                yield from paths(value, f"{prefix}{name}.")

    config = Config.model_validate({"name": "a", "model": {"architecture": "dense_ae", "score": "squared_error"}})
    missing = [path for path in paths(config) if f"`{path}`" not in text]
    assert missing == []


def test_types_limits_defaults_and_units_in_words():
    clock = HlsConfig.model_fields["clock_uncertainty"]
    assert (type_text(clock.annotation), limits_text(clock), default_text(clock)) == ("number", "≥ 0, < 100", "`12.5`")
    assert units_in(BudgetConfig.model_fields["latency_ns"]) == ["ns"]
    assert type_text(HlsConfig.model_fields["backend"].annotation) == "`Vitis`, `Vivado`"
    assert type_text(tuple[int, ...]) == "list of whole numbers"
    assert type_text(dict[str, tuple[str, ...] | None]) == "by name: list of texts"
    assert default_text(Config.model_fields["name"]) == "needed"
    assert Unit("ns").symbol == "ns"


def test_every_public_name_is_described_once():
    """Sphinx describes what the `__all__` of a package names, but for what is excluded, which is described elsewhere."""
    pages, described = api_pages(), {}
    for module in public_modules():
        text = pages[f"api/{module}.md"]
        assert f".. automodule:: {module}\n   :members:" in text
        excluded = re.search(r":exclude-members: (.*)", text)
        elsewhere = set(excluded[1].split(", ")) if excluded else set()
        for name in public_names(module):
            if name in elsewhere:
                place = re.search(rf"- `{name}`: see \[`([\w.]+)`\]", text)[1]
                assert name in public_names(place)
                assert f"- `{name}`: see" not in pages[f"api/{place}.md"]
            else:
                described.setdefault(name, set()).add(module)
    for name in public_names("l1ae"):
        assert described.get(name), f"{name} is described nowhere"


def test_every_public_package_has_a_page():
    root = Path(__file__).parents[2] / "l1ae"
    packages = {"l1ae." + ".".join(path.parent.relative_to(root).parts) for path in root.rglob("__init__.py") if path.parent != root}
    public = {name for name in packages if "._" not in name and public_names(name)}
    assert {"l1ae.config", "l1ae.trigger", "l1ae.rtl.proofs"} <= public <= set(public_modules())


def test_every_file_of_a_run_is_described():
    places = {place for place, _, _ in WRITTEN}
    assert {file.place for file in RESULT_FILES} <= places
    assert {stage.name.split("/")[0] for stage in STAGES} - {place.split("/")[0] for place in places} <= {"delivery"}
