"""The report of a run: one HTML file for people who never saw the code."""

from l1ae.report._write import write_report

__all__ = ["write_report"]
