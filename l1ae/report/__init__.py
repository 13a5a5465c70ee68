"""Reports: one HTML file from whatever a run folder holds, and the parts that pages are made of."""

from l1ae.report._at_rate import worst_title
from l1ae.report._blocks import Block, Facts, Notice, Paragraph, Picture, Section, Table, Tile, Tiles, drawn
from l1ae.report._page import json_path, write_page
from l1ae.report._text import count, number, percent, sample
from l1ae.report._trigger_figures import efficiency_figure, periods_figure, pileup_figure, rate_figure
from l1ae.report._write import GLOSSARY, write_report

__all__ = [
    "GLOSSARY",
    "Block",
    "Facts",
    "Notice",
    "Paragraph",
    "Picture",
    "Section",
    "Table",
    "Tile",
    "Tiles",
    "count",
    "drawn",
    "efficiency_figure",
    "json_path",
    "number",
    "percent",
    "periods_figure",
    "pileup_figure",
    "rate_figure",
    "sample",
    "worst_title",
    "write_page",
    "write_report",
]
