"""docs/robustness.md is written campaign by campaign."""

import json
from pathlib import Path

from tests.robustness.found import Found
from tests.robustness.page import write_page


def found(kind: str, *faults: str) -> Found:
    return Found(trials=1200, refused=3, unharmed=4, kinds={kind: 5, f"{kind} twice": 6}, faults={"lost": list(faults)} if faults else {})


def test_a_campaign_that_runs_alone_changes_its_own_rows_only(tmp_path):
    page = tmp_path / "page.md"
    write_page(page, {"kills": found("hls", "a file"), "searches": found("client killed")}, 0.05)
    before = page.read_text()
    assert "| kills | 1,200 | 3 | 4 | 1 |\n| searches | 1,200 | 3 | 4 | 0 |\n" in before
    assert "- kills (a share of 0.05): hls 5, hls twice 6\n- searches (a share of 0.05): client killed 5" in before
    assert before.endswith("Faults:\n\n- kills: `a file`\n")
    write_page(page, {"searches": found("worker killed", "a: b (c)", "d")}, 1.0)
    after = page.read_text()
    assert "| kills | 1,200 | 3 | 4 | 1 |\n| searches | 1,200 | 3 | 4 | 2 |\n" in after
    assert "- kills (a share of 0.05): hls 5, hls twice 6\n- searches (all of it): worker killed 5" in after
    assert after.endswith("Faults:\n\n- kills: `a file`\n- searches: `a: b (c)`\n- searches: `d`\n")
    write_page(page, {"searches": found("client killed")}, 0.05)
    assert page.read_text() == before


def test_what_a_piece_found_is_kept_and_not_found_again(tmp_path: Path):
    place = tmp_path / "pieces" / "one.json"
    first = Found.kept(place, lambda: found("client killed", "lost"))
    assert json.loads(place.read_text())["kinds"] == {"client killed": 5, "client killed twice": 6}
    assert Found.kept(place, Found) == first
    both = Found()
    both.add(first)
    both.add(first)
    assert (both.trials, both.kinds["client killed"], both.faults) == (2400, 10, {"lost": ["lost", "lost"]})
