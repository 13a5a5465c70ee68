"""README.md is short, and what it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_it_has_at_most_150_lines():
    assert len(README.splitlines()) <= 150


def test_what_it_links_to_is_there():
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", README) if not link.startswith("http")]
    assert len(links) > 15
    missing = [link for link in links if not (ROOT / link.partition("#")[0]).exists()]
    assert missing == []


def test_a_heading_that_it_links_to_is_there():
    for page, heading in re.findall(r"\]\(([^)\s#]*)#([^)\s]+)\)", README):
        lines = (ROOT / (page or "README.md")).read_text().splitlines()
        titles = [re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in lines if line.startswith("#")]
        assert heading in titles


def test_its_commands_are_targets_of_make():
    targets = set(re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for found in re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", README, re.MULTILINE) for name in found.split()}
    assert {"demo", "test", "rtl", "synth", "doctor"} <= named
    assert named <= {name for line in targets for name in line.split()}
