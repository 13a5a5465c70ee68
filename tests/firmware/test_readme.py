"""The diagrams of firmware/README.md are what the models do, which the benches compare with the hardware."""

from pathlib import Path

import pytest

from .cases import FramerCase, FramerModel, TriggerCase, TriggerModel

README = Path(__file__).parents[2] / "firmware" / "README.md"


def _diagrams():
    for block in README.read_text().split("```"):
        rows = [line.split() for line in block.strip().splitlines()]
        if rows and rows[0][:1] == ["edge"]:
            yield {row[0]: row[1:] for row in rows}


DIAGRAMS = list(_diagrams())
# The core of the first diagram hands on its event: e0, e1 and e3 are their scores.
EVENTS = {"e0": 70, "e1": 50, "e3": 49}


def test_all_are_found():
    assert len(DIAGRAMS) == 4


@pytest.mark.parametrize(("diagram", "case"), [(0, (2, 1)), (1, (2, 1)), (2, (0, 3))])
def test_trigger(diagram, case):
    rows, model = DIAGRAMS[diagram], TriggerModel(TriggerCase(8, 0, case[0], 50, interval=case[1]))
    for edge in range(7):
        event = EVENTS.get(rows["in_event"][edge], 0) if "in_event" in rows else 255
        inputs = {"rst": int(rows["rst"][edge]) if "rst" in rows else 0, "in_valid": int(rows["in_valid"][edge])}
        shown = model.step(**inputs, in_event=event, threshold_write=0, threshold_in=0)
        for name in set(rows) & set(shown):
            assert int(rows[name][edge]) == shown[name], (name, edge)


def test_framer():
    rows, model = DIAGRAMS[3], FramerModel(FramerCase(6, 2, 8))
    for edge in range(7):
        shown = model.step(0, int(rows["in_valid"][edge]), int(rows["in_first"][edge]), 0)
        assert int(rows["out_valid"][edge]) == shown["out_valid"], edge
