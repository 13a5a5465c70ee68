"""Every page with the function that makes it."""

from collections.abc import Callable
from pathlib import Path

from _reference._api import api_pages
from _reference._files import file_pages
from _reference._keys import key_pages

__all__ = ["write_pages"]

_MAKERS: tuple[Callable[[], dict[str, str]], ...] = (key_pages, file_pages, api_pages)


def write_pages(folder: Path) -> None:
    """Write the pages below `folder`; one that is as it was is not touched, so that Sphinx does not read it again."""
    pages = {name: text for maker in _MAKERS for name, text in maker().items()}
    for name, text in pages.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
    for folder_of in {(folder / name).parent for name in pages}:
        for left in folder_of.glob("*.md"):
            if str(left.relative_to(folder)) not in pages:
                left.unlink()
