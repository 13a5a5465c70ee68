"""docs/search.md: its tables are those of the schema, and its example is a study."""

import re
from pathlib import Path

import pytest
import study_keys

from l1ae.config import BudgetConfig
from l1ae.search import ObjectiveConfig, StudyConfig, load_study

from ..search.conftest import CONFIGS

PAGE = study_keys.PAGE.read_text()


def test_the_keys_are_those_of_the_schema():
    assert study_keys.filled(PAGE) == PAGE, "run `python benchmarks/study_keys.py`"


@pytest.mark.parametrize("name", study_keys.SECTIONS)
def test_every_key_is_there(name):
    table = re.search(rf"<!-- keys of {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)[1]
    known = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    section = study_keys.SECTIONS[name]
    assert set(known) == (set(study_keys.BUDGET) if section is BudgetConfig else set(section.model_fields))


def test_values_and_defaults_in_words():
    lines = {line.split("`")[1]: line for line in study_keys.table(StudyConfig).splitlines()[2:]}
    assert lines["trials"].startswith("| `trials` | whole number ≥ 1, ≤ 1,000,000 | `100` |")
    assert lines["objectives"].startswith("| `objectives` | list of objective, see below | needed |")
    assert "| `khz` | number > 0, ≤ 40,000 | `1.0` |" in study_keys.table(ObjectiveConfig)


def test_other_limits_of_a_budget_are_refused():
    """The page lists four."""
    content = {"name": "a", "models": {"m": {"base": "x"}}, "objectives": [{"quantity": "lut"}]}
    for name in BudgetConfig.model_fields:
        study = content | {"budget": {name: 5}}
        if name in study_keys.BUDGET:
            assert StudyConfig.model_validate(study)
        else:
            with pytest.raises(ValueError, match=f"budget.{name}: a search knows"):
                StudyConfig.model_validate(study)


def test_the_example_is_a_study(tmp_path: Path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "density_forest.yaml").write_text((CONFIGS / "density_forest.yaml").read_text())
    place = tmp_path / "studies" / "small.yaml"
    place.write_text(re.search(r"```yaml\n(name: small\n.*?)```", PAGE, re.DOTALL)[1])
    study = load_study(place)
    assert list(study.models["forest"].dimensions) == [
        "shape",
        "model.density.trees.0.smoothing",
        "model.density.trees.1.bins",
        "model.table_type",
    ]
