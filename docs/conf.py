"""Sphinx: `make docs` builds the pages into build/docs; a warning is an error."""

import inspect
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from docutils import nodes  # noqa: E402
from pygments.lexers import YamlLexer  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

from l1ae import __version__  # noqa: E402

project = "l1ae"
author = "the authors of l1ae"
copyright = author
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_notebooks", "_reference", "_static"]
nitpicky = False
show_warning_types = True
# words in plain docstrings that several objects have as a name; cells of a shell in notebooks, which are shown as they are
suppress_warnings = ["ref.python", "misc.highlighting_failure"]

html_theme = "furo"
html_title = f"l1ae {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 4

# The notebooks of the tutorials are run from empty; what fails in one fails the build.
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_use_ivar = True
add_module_names = False

# `make linkcheck` asks the network; publishers and DOIs refuse programs, and anchors of GitHub are made by scripts.
linkcheck_anchors = False
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_ignore = [r"http://127\.0\.0\.1.*"]

copybutton_exclude = ".linenos, .gp, .go"


_IN_A_NUMBER = re.compile(r"(?<=[\d%]) (?=± ?\d|\+\d[\d.]* ?−|−\d|%|kHz|ns\b|GeV)|(?<=±) (?=\d)")


def _as_rest(text: str) -> str:
    """A docstring as reStructuredText that says the same: `code` is literal, and `|eta|` in plain text no substitution."""
    parts = re.split(r"(`+[^`]+`+)", text)
    return "".join(f"``{part.strip('`')}``" if part.startswith("`") else part.replace("|", r"\|") for part in parts)


def _plain_text(_app: Sphinx, what: str, _name: str, obj: object, _options: object, lines: list[str]) -> None:
    if what in {"property", "attribute"} and isinstance(text := getattr(obj, "__doc__", None), str):
        # napoleon takes what is before the first colon of these for a type
        lines[:] = inspect.cleandoc(text).split("\n")
    lines[:] = _as_rest("\n".join(lines)).split("\n")


def _keep_numbers_whole(_app: Sphinx, tree: nodes.document) -> None:
    """A number stays on one line with its errors and its unit."""
    for text in list(tree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.literal | nodes.literal_block):
            whole = _IN_A_NUMBER.sub("\u00a0", text.astext())
            if whole != text.astext():
                text.parent.replace(text, nodes.Text(whole))


def setup(app: Sphinx) -> None:
    """Say how notebooks run, and write the pages that are made from the code before any page is read."""
    from _notebooks import prepare
    from _reference import write_pages

    prepare()

    app.connect("builder-inited", lambda _: write_pages(HERE / "reference"))
    app.connect("autodoc-process-docstring", _plain_text)
    app.connect("doctree-read", _keep_numbers_whole)
    for name in ("yaml-reference", "yaml-description"):
        # blocks of docs/import.md that tests find by these names
        app.add_lexer(name, YamlLexer)
