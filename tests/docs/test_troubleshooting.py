"""The messages of the page on troubleshooting are messages that there are."""

import re

from .shown import ROOT

PAGE = (ROOT / "docs" / "howto" / "troubleshooting.md").read_text()
KNOWN = {re.sub(r"\s+", " ", line[6:]) for line in (ROOT / "docs" / "messages.md").read_text().splitlines() if line.startswith("- [")}


def test_messages_are_quoted_as_they_are():
    sections = re.split(r"^\| message \|.*\n\|---.*\n", PAGE, flags=re.MULTILINE)[1:]
    rows = [line for section in sections for line in section.split("\n\n")[0].splitlines() if line.startswith("| ")]
    quoted = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    raised = [text for text in quoted if not text.startswith(("`", "a search"))]
    assert len(raised) > 15
    assert [text for text in raised if text not in KNOWN] == []
