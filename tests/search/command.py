"""`l1ae search` with trainings and estimates that are pretended: `python -m tests.search.command LOG SECONDS search STUDY ...`."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.search.pretended import forecast, logged

__all__ = ["PretendedSearch"]


@dataclass(frozen=True)
class PretendedSearch:
    """The command of these words; every training takes `seconds` and writes a line to `log`. Pages have no pictures."""

    log: Path
    seconds: float
    words: tuple[str, ...]

    def __call__(self) -> object:
        """Run it in this process."""
        import l1ae.search as package
        from l1ae.cli._main import _cli
        from l1ae.search import _check, _driver, _page

        package.run_search = partial(package.run_search, function=logged(self.log, self.seconds))
        _check.forecast = _driver.forecast = forecast
        _page.figure_svg = lambda figure, **options: "<svg/>"
        return type(_cli).main(_cli, list(self.words), standalone_mode=False)


if __name__ == "__main__":
    import l1ae.cli._main as entry

    log, seconds, *words = sys.argv[1:]
    sys.argv = ["l1ae", *words]
    entry._cli.main = lambda **options: PretendedSearch(Path(log), float(seconds), tuple(words))()  # type: ignore[method-assign]
    entry.main()
