"""What a cell printed is shown as it was printed."""

import importlib.util
from pathlib import Path

import pytest
from nbformat.v4 import new_output


@pytest.fixture(scope="module")
def joined():
    path = Path(__file__).parents[2] / "docs" / "_notebooks" / "__init__.py"
    spec = importlib.util.spec_from_file_location("notebooks_of_the_site", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.joined


def piece(name, text):
    return new_output("stream", name=name, text=text)


def test_a_line_that_arrives_in_pieces_is_one(joined):
    pieces = [piece("stdout", "first li"), piece("stdout", "ne\nsecond\n"), piece("stderr", "log"), piece("stdout", "third\n")]
    assert [(one["name"], one["text"]) for one in joined(pieces)] == [
        ("stdout", "first line\nsecond\n"),
        ("stderr", "log"),
        ("stdout", "third\n"),
    ]


def test_a_figure_stays_where_it_is(joined):
    figure = new_output("display_data", data={"text/plain": "figure"})
    assert [one["output_type"] for one in joined([piece("stdout", "a"), figure, piece("stdout", "b")])] == [
        "stream",
        "display_data",
        "stream",
    ]
