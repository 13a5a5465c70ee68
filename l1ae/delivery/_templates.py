"""Templates of the deliveries, filled in."""

from importlib.resources import files
from typing import Any

import jinja2

from l1ae.names import comment, tcl

__all__ = ["render", "template_text"]


def template_text(name: str) -> str:
    """A file below `templates` as it is."""
    return (files("l1ae.delivery") / "templates" / name).read_text()


def render(template: str, **values: Any) -> str:
    """Fill in a template, named by its path below `templates`; a missing value is an error.

    Filters `tcl(kind)` and `comment` check and quote strings (`l1ae.names`).
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"tcl": tcl, "comment": comment}
    return environment.get_template(template).render(values)
