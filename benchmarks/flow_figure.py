"""The picture at the top of README.md: `python benchmarks/flow_figure.py` writes docs/images/flow.svg.

Boxes carry their own background, and lines have a grey that stands out from white and from black, so that the picture needs to know
nothing of the page that shows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from l1ae.files import write_text

__all__ = ["FIGURE", "svg"]

FIGURE = Path(__file__).parents[1] / "docs" / "images" / "flow.svg"
WIDTH, HEIGHT = 1060, 356
GREY = "#7d8590"
"""Of lines: 3.8 to 1 on white, 5.0 to 1 on GitHub's dark page."""
LEADING, TITLE = 19, 25


@dataclass(frozen=True)
class Box:
    """A rectangle with a title and lines below it; positions and sizes in pixels, from the upper left corner of the picture."""

    x: int
    y: int
    width: int
    height: int
    colour: str
    title: str
    lines: tuple[str, ...] = ()

    @property
    def middle(self) -> int:
        """Height of its middle."""
        return self.y + self.height // 2

    @property
    def right(self) -> int:
        """Its right edge."""
        return self.x + self.width

    def svg(self) -> Iterator[str]:
        """Rectangle and texts, centred."""
        yield f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="9" fill="{self.colour}"/>'
        x, top = self.x + self.width / 2, self.y + (self.height - TITLE - LEADING * len(self.lines)) / 2 + 18
        yield f'<text x="{x:g}" y="{top:g}" class="title">{escape(self.title)}</text>'
        for number, line in enumerate(self.lines):
            yield f'<text x="{x:g}" y="{top + TITLE - 2 + LEADING * number:g}">{escape(line)}</text>'


BLUE, VIOLET, GREEN, RUST = "#1f5c99", "#6b3fa0", "#1d6b45", "#94481f"
COLLISIONS = Box(
    x=10,
    y=72,
    width=228,
    height=152,
    colour=BLUE,
    title="Collisions",
    lines=("Pythia 8, detector model,", "or your own files;", "hardware integers of", "the trigger's objects"),
)
MODEL = Box(
    x=296,
    y=72,
    width=200,
    height=152,
    colour=VIOLET,
    title="Model",
    lines=("autoencoders, encoders,", "trees and tables; float,", "then trained on with the", "bits of the firmware"),
)
CONTRACT = Box(
    x=554,
    y=48,
    width=214,
    height=200,
    colour=RUST,
    title="Contract",
    lines=(
        "every weight an integer,",
        "every tensor a fixed-point",
        "format; for any input no",
        "accumulator overflows:",
        "proven, not sampled",
    ),
)
FIRMWARE = (
    Box(850, 10, 200, 64, GREEN, "HLS project", ("C++ for Vitis and Vivado",)),
    Box(850, 82, 200, 64, GREEN, "Verilog, VHDL", ("II 1, LUTs and ns known",)),
    Box(850, 154, 200, 64, GREEN, "Emulator", ("for CMSSW",)),
    Box(850, 226, 200, 64, GREEN, "Test vectors", ("global trigger, EMP",)),
)
REPORT = Box(296, 282, 472, 64, BLUE, "Rates and report", ("what it keeps at 0.25 to 10 kHz, beside simpler triggers",))


def arrow(points: Sequence[tuple[int, int]]) -> str:
    """A line with a tip at its end."""
    path = " ".join(f"{'M' if number == 0 else 'L'}{x} {y}" for number, (x, y) in enumerate(points))
    return f'<path d="{path}" class="line" marker-end="url(#tip)"/>'


def equals(x: int, y: int) -> str:
    """The sign of a comparison of every bit, on a line."""
    sign = f'<path d="M{x - 5} {y - 3}h10M{x - 5} {y + 3}h10" stroke="#fff" stroke-width="2.2"/>'
    return f'<circle cx="{x}" cy="{y}" r="11" fill="{GREEN}"/>{sign}'


def connections() -> Iterator[str]:
    """Lines from left to right, and down to the report."""
    yield arrow([(COLLISIONS.right, COLLISIONS.middle), (MODEL.x - 4, MODEL.middle)])
    yield arrow([(MODEL.right, MODEL.middle), (CONTRACT.x - 4, CONTRACT.middle)])
    for box in FIRMWARE:
        yield arrow([(CONTRACT.right, CONTRACT.middle), (792, CONTRACT.middle), (792, box.middle), (box.x - 4, box.middle)])
        yield equals(820, box.middle)
    yield arrow([(124, COLLISIONS.y + COLLISIONS.height), (124, REPORT.middle), (REPORT.x - 4, REPORT.middle)])
    yield arrow([(661, CONTRACT.y + CONTRACT.height), (661, REPORT.y - 4)])
    yield equals(836, REPORT.middle + 8)
    yield f'<text x="856" y="{REPORT.middle + 13}" class="note">every bit is compared</text>'


def svg() -> str:
    """The picture."""
    style = (
        "text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#fff;text-anchor:middle}"
        f".title{{font-size:17px;font-weight:600}}.note{{fill:{GREY};text-anchor:start}}.line{{stroke:{GREY};stroke-width:2.2;fill:none}}"
    )
    tip = f'<marker id="tip" viewBox="0 0 10 10" refX="7" refY="5" markerWidth="5.5" markerHeight="5.5" orient="auto">\
<path d="M0 0L10 5L0 10z" fill="{GREY}"/></marker>'
    words = "Collisions train a model, which becomes a contract of integers; all firmware is made of it and equals it in every bit."
    boxes = (COLLISIONS, MODEL, CONTRACT, *FIRMWARE, REPORT)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">',
        f"<style>{style}</style><defs>{tip}</defs>",
        *connections(),
        *(line for box in boxes for line in box.svg()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_text(FIGURE, svg())
