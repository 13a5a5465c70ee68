"""What comes out of a search: front, configurations, verification, page."""

import logging

from l1ae.errors import UserError
from l1ae.results import save_result
from l1ae.search._files import SearchFolder
from l1ae.search._front import front_of, write_front
from l1ae.search._page import write_search_page
from l1ae.search._results import Front
from l1ae.search._storage import Ledger
from l1ae.search._study import Study
from l1ae.search._verify import verify_front

__all__ = ["finish_search"]

_log = logging.getLogger("l1ae")


def finish_search(study: Study, folder: SearchFolder, ledger: Ledger, *, verify: bool = True, workers: int = 1) -> Front:
    """Write front.json, the configurations of its points and front.html; with `verify` the points are made, `workers` at a time.

    Raises `UserError` when no trial is within the budget; the page says which ones there were.
    """
    trials = folder.trials()
    front = front_of(study, trials, ledger)
    write_front(study, folder, front, trials)
    if not front.points:
        write_search_page(study, folder, front, trials)
        reason = next(iter(front.reasons), "there was no trial")
        raise UserError(
            f"'{folder.path}': none of the {len(trials)} candidates is within the budget of '{study.path}' (most often: {reason}); allow "
            "more, change the space, or give it more trials with --trials and --resume"
        )
    if verify and study.config.verify:
        _log.info("the front has %d points, which are made down to synthesis", len(front.points))
        front = verify_front(
            folder,
            front,
            study.config.budget,
            most=study.config.verify,
            workers=workers,
            progress=lambda name: _log.info("%s: made and compared", name),
        )
        save_result(folder.front, front)
    write_search_page(study, folder, front, trials)
    return front
