"""A search as one HTML page."""

from collections.abc import Sequence

from l1ae.search._files import SearchFolder
from l1ae.search._results import Front, Trial
from l1ae.search._study import Study

__all__ = ["write_search_page"]


def write_search_page(study: Study, folder: SearchFolder, front: Front, trials: Sequence[Trial]) -> None:
    """Write front.html."""
