"""How every benchmark that make calls ends."""

import sys
from collections.abc import Callable

from l1ae.errors import UserError

__all__ = ["run"]


def run(main: Callable[[], None]) -> None:
    """Call `main`; what a user can mend is said in a line, with status 2."""
    try:
        main()
    except UserError as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        sys.exit(2)
