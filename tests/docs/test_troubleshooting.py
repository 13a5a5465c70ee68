"""The messages of the page on troubleshooting are messages that there are."""

import re

from l1ae.extras import EXTRAS

from ..messages import messages
from .shown import ROOT

PAGE = (ROOT / "docs" / "howto" / "troubleshooting.md").read_text()
TEXTS = [re.sub(r"\s+", " ", message.text) for message in messages() if len(message.text) > 12]
TEXTS += [f"the package '…' is not installed; {extra.needed_by} it: pip install 'l1ae[{name}]'" for name, extra in EXTRAS.items()]
KNOWN = [re.compile(".*".join(map(re.escape, text.split("…")))) for text in TEXTS]
"""What fills a message in is anything, as a page may say more of it than the sources."""


def test_messages_are_quoted_as_they_are():
    sections = re.split(r"^\| message \|.*\n\|---.*\n", PAGE, flags=re.MULTILINE)[1:]
    rows = [line for section in sections for line in section.split("\n\n")[0].splitlines() if line.startswith("| ")]
    quoted = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    raised = [text for text in quoted if not text.startswith(("`", "a search"))]
    assert len(raised) > 15
    assert [text for text in raised if not any(known.fullmatch(text) for known in KNOWN)] == []


def test_another_message_is_none():
    assert not any(known.fullmatch("the logic takes too long; take a faster FPGA") for known in KNOWN)
