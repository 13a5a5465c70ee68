"""The notebooks of docs/tutorials are committed without outputs, and whole. `make docs` executes them; tests/docs parses their commands."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    """Sources of the cells of one kind."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def test_it_holds_nothing_that_a_run_left(path):
    content = json.loads(path.read_text())
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    for cell in content["cells"]:
        assert cell["metadata"].keys() <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_every_cell_of_python_parses(path):
    found = [source for source in cells(path, "code") if not source.startswith("%%")]
    assert len(found) > 5
    for source in found:
        lines = source.splitlines()
        assert all(line == "%matplotlib inline" for line in lines if line.startswith(("%", "!")))
        ast.parse("\n".join(line for line in lines if not line.startswith("%")))


def test_a_command_that_fails_ends_it(path):
    """But for cells that show a failure, which print the exit status."""
    for source in cells(path, "code"):
        first, _, rest = source.partition("\n")
        if first.startswith("%%bash"):
            assert first == "%%bash -e" or 'echo "exit status $?"' in rest


def test_it_works_in_a_folder_of_its_own(path):
    first = next(source for source in cells(path, "code"))
    assert "tempfile.mkdtemp(" in first
    assert "os.chdir(" in first


def test_pages_that_it_links_to_are_there(path):

    links = [link for source in cells(path, "markdown") for link in re.findall(r"\]\(([^)\s]+)\)", source)]
    pages = [link for link in links if not link.startswith(("http", "#"))]
    assert pages
    assert [page for page in pages if not (FOLDER / page.partition("#")[0]).is_file()] == []
    titles = [line for source in cells(path, "markdown") for line in source.splitlines() if line.startswith("#")]
    slugs = {re.sub(r"[^\w -]", "", title.lstrip("# ").lower()).replace(" ", "-") for title in titles}
    assert [link for link in links if link.startswith("#") and link[1:] not in slugs] == []
