"""The report says which seeds a signal's menu lacks, and what its pure efficiency is against."""

import json
from pathlib import Path

from l1ae.report._blocks import Notice
from l1ae.report._trigger import _efficiencies, _menu
from l1ae.trigger import TriggerResult

EXAMPLE = Path(__file__).parent.parent / "trigger" / "example_recorded.json"
NOTE = "pure efficiency against the 2 of 3 seeds of the menu that the sample has"


def test_missing_seeds_are_named():
    content = json.loads(EXAMPLE.read_text())
    content["menu"]["missing"] = {"a4l": ["L1_SingleMu22"]}
    for point in content["working_points"]:
        if "a4l" in point["efficiency"]:
            point["efficiency"]["a4l"]["note"] = NOTE
    result = TriggerResult.model_validate(content)
    notices = [block.text for block in (*_efficiencies(result), *_menu(result)) if isinstance(block, Notice)]
    assert len([text for text in notices if NOTE in text]) == 1
    assert [text for text in notices if text.startswith("Seeds of the menu that ") and text.endswith("does not have: L1_SingleMu22.")]
