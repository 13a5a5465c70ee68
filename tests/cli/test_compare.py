"""What `l1ae compare` prints and writes, and how it fails."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import l1ae.comparison
from l1ae.cli import _compare
from l1ae.comparison import ComparedRun, Comparison, Quantity, Setting, Threshold
from l1ae.errors import UserError
from l1ae.evaluation import Estimate


def _run(name, lut):
    rate = Estimate(0.9, 0.8, 1.0)
    cost = {"rtl": {"lut": Quantity(lut, "open synthesis", "yosys")}}
    auc = {"a4l": Estimate(0.9, 0.89, 0.91)}
    return ComparedRun(name, f"runs/{name}", name, "ab" * 32, None, (), (), Threshold(17, 1.0625, rate, None), "8", 999, 50, cost, auc, "")


@pytest.fixture
def stages(monkeypatch):
    """`l1ae.comparison` without the judging, which takes seconds."""
    found = Comparison((_run("one", 415), _run("[b]two", 64000)), (Setting("model.latent", ("3", "5")),), ("a sentence",), "", 60, 1)
    monkeypatch.setattr(l1ae.comparison, "compare", lambda runs, *, replicas, seed: found)
    monkeypatch.setattr(_compare, "_load", lambda: l1ae.comparison)
    monkeypatch.setenv("COLUMNS", "200")
    return found


def test_tables_warnings_and_files(stages, tmp_path):
    page = tmp_path / "page.html"
    found = CliRunner().invoke(_compare.compare, ["one", "two", "-o", str(page)])
    assert found.exit_code == 0, found.output
    for text in (
        "415 (open synthesis)",
        "64,000 (open synthesis)",
        "[b]two",
        "17 (1.0625)",
        "0.90 ± 0.10",
        "model.latent",
        "not alike: a sentence",
    ):
        assert text in found.output, text
    assert page.is_file()
    assert l1ae.comparison.load_comparison(tmp_path / "page.json") == stages


def test_nothing_is_written_unless_asked_for(stages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(_compare.compare, ["one", "two"]).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("output", "message"), [("page.json", "must end in .html"), ("none/page.html", "is no folder; make it first")])
def test_a_wrong_output_is_a_mistake_before_anything_is_computed(stages, output, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(l1ae.comparison, "compare", lambda *_, **__: pytest.fail("computed"))
    found = CliRunner().invoke(_compare.compare, ["one", "two", "-o", output])
    assert isinstance(found.exception, UserError)
    assert found.exception.exit_code == 2
    assert message in str(found.exception)
    assert list(Path().iterdir()) == []
