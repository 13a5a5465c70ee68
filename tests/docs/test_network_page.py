"""The network that docs/howto/network.md trains, on fewer crossings: its score is the contract's."""

import re

import pytest

from .shown import ROOT

PAGE = (ROOT / "docs" / "howto" / "network.md").read_text()


def block(first_line: str) -> str:
    """The block of code that begins with a line."""
    return next(text for text in re.findall(r"^```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if text.startswith(first_line))


@pytest.mark.slow
def test_the_script_ends_with_equal_scores(small_zero_bias, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(f"{block('# mine.yaml')}data: {{source: {small_zero_bias}}}\n")
    names: dict = {}
    exec(compile(block("# train.py"), "train.py", "exec"), names)
    least, most, lsb = map(float, re.findall(r"[\d.e-]+(?= to| below|$)", capsys.readouterr().out.splitlines()[-1]))
    assert 0 <= least <= most < lsb == 1 / 16
    everywhere = ((names["found"] - names["inputs"]) ** 2).sum(axis=1)
    assert (everywhere - names["contract"].scores(names["events"].hw) >= lsb).mean() > 0.5, "empty slots would count"
