"""From collision data to trigger firmware: quantized autoencoders, verified to the last bit.

What a notebook needs is here; each name is imported when it is first used, so that `import l1ae` costs nothing.

>>> import l1ae
>>> l1ae.open_store("zerobias").layout.size
57
"""

from typing import TYPE_CHECKING

from l1ae.lazy import on_first_use

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
else:
    __getattr__ = on_first_use(
        __name__,
        **{
            "api._contract": "load_contract",
            "api._data": "Store open_data open_store",
            "api._make": "estimate run",
            "api._names": "config_names layout layout_names load_config",
            "api._rates": "working_points",
            "api._run": "LoadedRun load_run",
            "contract": "Contract",
            "errors": "UserError",
            "evaluation": "ScoreSet history_figure roc_figure score_figure",
            "registry": "extensions register",
            "report": "efficiency_figure rate_figure",
        },
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


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
