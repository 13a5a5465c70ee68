"""The page of several searches."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import front
import pytest
import yaml
from pages import figures_of
from results import load

from l1ae.config import load_config
from l1ae.errors import UserError
from l1ae.files import write_json
from l1ae.results import save_result
from l1ae.search import SearchFolder, SearchView, load_study, search_tables

from ..search.conftest import CONFIGS, STUDY
from ..search.found import FRONT, MADE, TRIALS


@pytest.fixture
def study(tmp_path):
    (tmp_path / "studies").mkdir()
    for name in ("density_tree", "pair_tables"):
        (tmp_path / f"{name}.yaml").write_text((CONFIGS / f"{name}.yaml").read_text())
    models = {name: model | {"base": f"../{model['base']}"} for name, model in STUDY["models"].items()}
    path = tmp_path / "studies" / "tiny.yaml"
    path.write_text(yaml.safe_dump(STUDY | {"models": models}))
    return load_study(path)


def left(study, run: Path) -> Path:
    """The files of a search."""
    folder = SearchFolder(run / "search")
    folder.begin(study, resume=False)
    for one in TRIALS:
        folder.save(one)
    save_result(folder.front, FRONT)
    return run


def test_a_page_of_several_searches_is_of_their_files(study, tmp_path, monkeypatch):
    run = left(study, tmp_path / "run")
    output = tmp_path / "docs.md"
    monkeypatch.setattr("sys.argv", ["front.py", str(run), str(run), "-o", str(output), "--studies", str(study.path.parent)])
    front.main()
    text = output.read_text()
    ElementTree.fromstring((tmp_path / "docs.svg").read_text())
    assert "| trained | 5 | 5 |" in text
    assert "| hours of trainings, added up | 0.1 | 0.1 |" in text
    assert "`model.density.trees.0.smoothing` 75 %" in text
    assert text.count("| tiny_0001 |") == 8
    assert "What 2 points cost when they are synthesised: tiny_0002, tiny_0002 were not made" in text
    for table in search_tables(SearchView(study, FRONT, TRIALS)):
        assert f"| {' | '.join(table.header)} |" in text


def test_a_page_is_of_the_study_that_was_searched(study, tmp_path):
    run = left(study, tmp_path / "run")
    with pytest.raises(UserError, match="is of study 'tiny', of which there is none in"):
        front.read(run, tmp_path / "run")
    place = run / "search" / "study.json"
    write_json(place, json.loads(place.read_text()) | {"digest": "0" * 64})
    with pytest.raises(UserError, match=r"was made with another study than .* is now; restore it, or search again"):
        front.read(run, study.path.parent)


def test_recommended_points_become_configurations_and_rows_that_say_what_they_are(study, tmp_path, monkeypatch):
    run = left(study, tmp_path / "run")
    output = tmp_path / "docs.md"
    words = [str(run), "-o", str(output), "--studies", str(study.path.parent), "--best", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["front.py", *words])
    # the point with fewest LUTs was not made
    with pytest.raises(SystemExit):
        front.main()
    made = replace(FRONT, points=tuple(replace(one, verified=replace(MADE, lut=400 + 900 * k)) for k, one in enumerate(FRONT.points)))
    save_result(SearchFolder(run / "search").front, made)
    front.main()
    text = output.read_text()
    assert "python benchmarks/front.py runs/tiny -o docs/front.md --best configs" in text
    assert "| `best_tiny_500`, pairs | **10.0 ± 1.0 %** |" in text
    assert "| 400 | 1 clock of 25 ns |" in text
    # the other one costs more and finds less
    assert [path.name for path in tmp_path.glob("best_*.yaml")] == ["best_tiny_500.yaml"]
    config = load_config(tmp_path / "best_tiny_500.yaml")
    assert (config.name, config.model.pair_tables.epochs) == ("best_tiny_500", 8)


def test_readme_states_what_the_search_recommends():
    """That its figures are those of the search is tested where all figures are."""
    root = Path(__file__).parents[2]
    names = {path.stem for path in CONFIGS.glob("best_*.yaml")}
    rows = load("front").tables["as-configurations-configs-reported-at-1"].rows
    assert {row[0].split("`")[1] for row in rows} == names
    held = figures_of(root / "README.md").figures
    assert names == {name for name in names if any(f"| `{name}`" in one and "{front#" in one for one in held)}
