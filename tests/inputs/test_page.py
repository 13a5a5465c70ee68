"""docs/layouts.md says what the code does."""

import re
from pathlib import Path
from typing import get_args

import yaml

from l1ae.config import Config, InputsConfig
from l1ae.documents import validate
from l1ae.inputs import AddedColumn, Feature, Group, Layout, Role, layout_names, named_layout

PAGE = (Path(__file__).parent.parent.parent / "docs" / "layouts.md").read_text()
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def test_every_named_layout_stands_there_with_its_columns():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert rows == {name: str(named_layout(name).size) for name in layout_names()}


def test_every_key_is_explained():
    keys = {key for line in re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE) for key in re.findall(r"`(\w+)`", line)}
    assert keys >= {*Group.model_fields, *Feature.model_fields}
    assert all(f"`{role}`" in PAGE for role in Role)


def test_every_kind_of_added_column_is_explained():
    kinds = {kind for record in get_args(get_args(AddedColumn)[0]) for kind in get_args(record.model_fields["kind"].annotation)}
    section = PAGE.split("## Columns that firmware computes")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| (\w+) \|", section, re.MULTILINE)) - {"kind"} == kinds
    keys = {key for record in get_args(get_args(AddedColumn)[0]) for key in record.model_fields}
    assert all(f"`{key}`" in section or key == "kind" for key in keys)


def test_the_examples_work():
    inputs, tables, added, layout, model = BLOCKS
    assert InputsConfig.model_validate(tables["inputs"]).selected.size == 19
    assert InputsConfig.model_validate(added["inputs"]).columns.names[57:] == ("dphi_mu_met", "eta_mu", "ht", "n_jet30")
    chosen = InputsConfig.model_validate(inputs["inputs"]).selected
    assert chosen.size == 2 + 2 * (12 + 6 + 4)
    assert validate(Layout, layout, "page").size == 2 * 4 + 16
    assert model["inputs"] == {"layout": f"{layout['name']}.yaml"}
    assert Config.model_validate(model | {"inputs": {"layout": layout}}).inputs.automatic
