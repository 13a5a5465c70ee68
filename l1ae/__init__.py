"""From collision data to trigger firmware: quantized autoencoders, verified to the last bit.

What a notebook needs is here; each name is imported when it is first used, so that `import l1ae` costs nothing.

>>> import l1ae
>>> l1ae.open_store("zerobias").layout.size
57
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from l1ae.api import (
        Contract,
        LoadedRun,
        ScoreSet,
        Store,
        UserError,
        config_names,
        efficiency_figure,
        estimate,
        extensions,
        history_figure,
        layout,
        layout_names,
        load_config,
        load_contract,
        load_run,
        open_data,
        open_store,
        rate_figure,
        register,
        roc_figure,
        run,
        score_figure,
        working_points,
    )

__all__ = [
    "Contract",
    "LoadedRun",
    "ScoreSet",
    "Store",
    "UserError",
    "__version__",
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

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'l1ae' has no attribute '{name}'")
    return getattr(importlib.import_module("l1ae.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
