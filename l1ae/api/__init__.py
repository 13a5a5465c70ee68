"""What a notebook or a script needs, in one place: docs/api.md. All of it can be reached as `l1ae.NAME`.

Each name is imported when it is first used: a store is opened without what makes firmware.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from l1ae.api._contract import load_contract
    from l1ae.api._data import Store, open_data, open_store
    from l1ae.api._make import estimate, run
    from l1ae.api._names import config_names, layout, layout_names, load_config
    from l1ae.api._rates import working_points
    from l1ae.api._run import LoadedRun, load_run
    from l1ae.contract import Contract
    from l1ae.errors import UserError
    from l1ae.evaluation import ScoreSet, history_figure, roc_figure, score_figure
    from l1ae.registry import extensions, register
    from l1ae.report import efficiency_figure, rate_figure

__all__ = [
    "Contract",
    "LoadedRun",
    "ScoreSet",
    "Store",
    "UserError",
    "config_names",
    "efficiency_figure",
    "estimate",
    "extensions",
    "history_figure",
    "layout",
    "layout_names",
    "load_config",
    "load_contract",
    "load_run",
    "open_data",
    "open_store",
    "rate_figure",
    "register",
    "roc_figure",
    "run",
    "score_figure",
    "working_points",
]

_HOMES = {
    "l1ae.api._contract": ("load_contract",),
    "l1ae.api._data": ("Store", "open_data", "open_store"),
    "l1ae.api._make": ("estimate", "run"),
    "l1ae.api._names": ("config_names", "layout", "layout_names", "load_config"),
    "l1ae.api._rates": ("working_points",),
    "l1ae.api._run": ("LoadedRun", "load_run"),
    "l1ae.contract": ("Contract",),
    "l1ae.errors": ("UserError",),
    "l1ae.evaluation": ("ScoreSet", "history_figure", "roc_figure", "score_figure"),
    "l1ae.registry": ("extensions", "register"),
    "l1ae.report": ("efficiency_figure", "rate_figure"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'l1ae.api' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
