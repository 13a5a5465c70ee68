"""`make reference`: the pages that are made from the code, without the rest of the site."""

from pathlib import Path

from _reference import write_pages

write_pages(Path(__file__).parents[1] / "reference")
