"""Names of a package that are imported when somebody asks for them, because what stands behind them takes long to import.

A package says of each such name in which of its modules it is (PEP 562), and a checker of types sees ordinary imports:

    if TYPE_CHECKING:
        from l1ae.evaluation._figures import roc_figure, score_figure
    else:
        __getattr__ = on_first_use(__name__, _figures="roc_figure score_figure")

`from l1ae.evaluation import roc_figure` works as ever. Who wants to be imported fast writes that line where the figure is drawn.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["on_first_use"]


def on_first_use(package: str, /, **modules: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose `modules` have these names, with spaces between. It raises `AttributeError` for others."""
    where = {name: module for module, names in modules.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(f"{package}.{where[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get
