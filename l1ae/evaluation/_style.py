"""The look of all figures: the field's conventions (mplhep), a colour-blind-safe palette, nothing global."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from l1ae.files import write_bytes, write_text
from l1ae.inputs import Axis, Feature

__all__ = [
    "BACKGROUND_COLOUR",
    "PALETTE",
    "VARIANT_LABELS",
    "colours",
    "feature_label",
    "figure_pdf",
    "figure_svg",
    "frame_label",
    "new_figure",
    "sample_label",
    "save_figure",
    "stamp",
    "styled",
    "with_unit",
]

PALETTE = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#92dadd")
"""Colours of arXiv:2107.02270 (10-colour set, its greys taken out), chosen to be told apart by colour-blind readers."""

BACKGROUND_COLOUR = "#94a4a2"

VARIANT_LABELS = {"float": "floating point", "quantized": "quantized (Keras)", "fixed": "fixed point (firmware)"}

SAMPLE_LABELS = {
    "background": "Background",
    "a4l": r"A $\rightarrow$ 4$\ell$",
    "lq": r"LQ $\rightarrow$ b$\tau$",
    "h0": r"h$^0$ $\rightarrow$ $\tau\tau$",
    "hc": r"h$^\pm$ $\rightarrow$ $\tau\nu$",
    "hcpair": r"h$^+$h$^-$ $\rightarrow$ $\tau\nu\tau\nu$",
}

_SYMBOLS = {"pt": "$p_T$", "et": "$E_T$", "eta": r"$\eta$", "phi": r"$\phi$", "z0": "$z_0$"}

_OVERRIDES: dict[Any, Any] = {
    "font.size": 14,
    "font.sans-serif": ["TeX Gyre Heros", "Helvetica", "Arial", "DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "mathtext.default": "regular",
    "axes.linewidth": 1.2,
    "axes.labelpad": 6,
    "lines.linewidth": 1.8,
    "legend.fontsize": 12,
    "legend.title_fontsize": 12,
    "xtick.major.size": 8,
    "xtick.minor.size": 4,
    "ytick.major.size": 8,
    "ytick.minor.size": 4,
    "svg.fonttype": "path",
    "svg.hashsalt": "l1ae",
    "pdf.fonttype": 42,
    "figure.dpi": 100,
    "savefig.dpi": 200,
}


@contextmanager
def styled() -> Iterator[None]:
    """The style of all figures while the block runs; fonts are resolved when drawing, so saving needs it too."""
    with mpl.rc_context({**mplhep.style.CMS, **_OVERRIDES}):
        yield


class _StyledFigure(Figure):
    """A figure that is drawn in the style of all figures by whoever draws it, and shown by notebooks without pyplot."""

    def draw(self, renderer: Any) -> None:
        with styled():
            super().draw(renderer)

    def savefig(self, *arguments: Any, **options: Any) -> None:
        with styled():
            super().savefig(*arguments, **options)

    def _repr_svg_(self) -> str:
        return figure_svg(self)


def new_figure(width: float = 7.0, height: float = 5.6) -> Figure:
    """An empty figure of `width` x `height` inches that belongs to no global state."""
    return _StyledFigure(figsize=(width, height), layout="constrained")


def frame_label(axes: Axes, right: str = "") -> None:
    """`l1ae` above the frame on the left, `right` on the right. Whether events are simulated or recorded is for `stamp` to say."""
    axes.annotate(
        "l1ae", (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", weight="bold", size="large", annotation_clip=False
    )
    if right:
        axes.annotate(right, (1, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", ha="right")


def stamp(figure: Figure, origin: str) -> None:
    """Behind the `l1ae` of the first panel, what the events are by their store, such as `simulation` or `sample ZeroBias`."""
    text = origin if len(origin) <= _STAMP_LETTERS else f"{origin[: _STAMP_LETTERS - 1].rstrip()}…"
    if text:
        figure.axes[0].annotate(
            text.replace("$", r"\$"),
            (0, 1),
            (46, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            style="italic",
            size=12,
            annotation_clip=False,
        )


_STAMP_LETTERS = 24


def sample_label(name: str) -> str:
    """How a sample is written in a legend; unknown names stay as they are.

    matplotlib would set what is between two `$` as a formula, and leave out of legends what begins with `_`.
    """
    if name in SAMPLE_LABELS:
        return SAMPLE_LABELS[name]
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")


def feature_label(feature: Feature | Axis) -> str:
    """How a feature, or an axis of an image, is written in a figure: its name, with the symbols that are usual."""
    return " ".join(_SYMBOLS.get(word, word) for word in feature.name.split("_"))


def with_unit(label: str, unit: str) -> str:
    """`label [unit]`; the label alone for pure numbers."""
    return f"{label} [{unit}]" if unit else label


def colours(names: list[str]) -> dict[str, str]:
    """One colour per signal, in the order given."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def figure_svg(figure: Figure) -> str:
    """The figure as SVG text; equal figures give equal bytes. Letters are outlines, so no font is needed."""
    buffer = io.StringIO()
    with styled():
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def figure_pdf(figure: Figure) -> bytes:
    """The figure as PDF, fonts embedded; equal figures give equal bytes."""
    buffer = io.BytesIO()
    with styled():
        FigureCanvasPdf(figure)
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def save_figure(folder: Path, name: str, figure: Figure) -> None:
    """NAME.svg and NAME.pdf in `folder`: how every stage leaves a figure."""
    write_text(folder / f"{name}.svg", figure_svg(figure))
    write_bytes(folder / f"{name}.pdf", figure_pdf(figure))
