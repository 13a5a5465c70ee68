"""`l1ae search` with trainings and estimates that are pretended: `python -m tests.search.command LOG SECONDS search STUDY ...`."""

import sys
from functools import partial
from pathlib import Path

from tests.search.pretended import forecast, logged

__all__ = ["search"]


def search(log: Path, seconds: float, words: list[str]) -> object:
    """Run the command in this process; every training takes `seconds` and writes a line to `log`. Pages have no pictures."""
    import l1ae.search as package
    from l1ae.cli._main import _cli
    from l1ae.search import _check, _driver, _page

    sys.argv = ["l1ae", *words]
    package.run_search = partial(package.run_search, function=logged(log, seconds))
    _check.forecast = _driver.forecast = forecast
    _page.figure_svg = lambda figure, **options: "<svg/>"
    return type(_cli).main(_cli, words, standalone_mode=False)


if __name__ == "__main__":
    import l1ae.cli._main as entry

    log, seconds, *words = sys.argv[1:]
    entry._cli.main = lambda **options: search(Path(log), float(seconds), words)  # type: ignore[method-assign]
    entry.main()
