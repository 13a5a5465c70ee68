"""A picture of a page's first screen, as a browser shows it.

    python benchmarks/screenshot.py PAGE.html PICTURE.png [--width 1400] [--height 900] [--dark] [--at SECTION] [--whole]

Needs Chromium (`apt-get install chromium`; another place with --browser) and playwright (extra `dev`). The picture has at most 256 colours,
which a page with text and figures hardly shows and makes it a third of the size.
"""

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from l1ae.errors import UserError
from l1ae.files import write_bytes

FLAGS = ("--no-sandbox", "--disable-gpu")


def shown(page: Path, arguments: argparse.Namespace) -> bytes:
    """The page as PNG. Raises `UserError` without a browser."""
    if arguments.browser is None:
        raise UserError("there is no Chromium here; install it (apt-get install chromium), or name one with --browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.browser, args=FLAGS)
        size = {"width": arguments.width, "height": arguments.height}
        tab = browser.new_page(viewport=size, color_scheme="dark" if arguments.dark else "light")
        tab.goto(page.resolve().as_uri() + (f"#{arguments.at}" if arguments.at else ""))
        tab.wait_for_timeout(200)
        picture = tab.screenshot(full_page=arguments.whole)
        browser.close()
    return picture


def smaller(picture: bytes) -> bytes:
    """The same in a palette."""
    buffer = io.BytesIO()
    reduced = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--at", default="", help="a section of the page, by its anchor")
    parser.add_argument("--whole", action="store_true", help="the page from top to bottom")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    arguments = parser.parse_args()
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(arguments.picture, smaller(shown(arguments.page, arguments)))
    print(arguments.picture)


if __name__ == "__main__":
    main()
