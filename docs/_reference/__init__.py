"""The pages of the reference that are made from the code when the site is built."""

from _reference._write import write_pages

__all__ = ["write_pages"]
