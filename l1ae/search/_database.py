"""Where the trials of a study are kept: databases by URL."""

from importlib.util import find_spec

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from l1ae.errors import UserError
from l1ae.extras import missing

__all__ = ["POSTGRESQL", "database_of", "shown"]

POSTGRESQL = "postgresql+psycopg"
_EXAMPLE = "postgresql://USER@HOST:5432/DATABASE"


def database_of(url: str, where: str) -> URL:
    """The database at a URL. Raises `UserError` that begins with `where`, and has no password in it, for what is none."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError) as error:
        # which part is wrong is not said: the password may be
        raise UserError(f"{where}: it is no URL of a database; write for example {_EXAMPLE}") from error
    kind = found.drivername.partition("+")[0]
    if kind in {"postgresql", "postgres"} and found.host and found.database:
        if find_spec("psycopg") is None:
            raise missing("search", "psycopg", f"{where}: '{shown(found)}': ")
        return found.set(drivername=POSTGRESQL)
    if kind == "sqlite" and found.database:
        return found
    raise UserError(f"{where}: '{shown(found)}' is no database that a search can use; write for example {_EXAMPLE}")


def shown(url: URL) -> str:
    """A URL with *** in place of its password, and without its options."""
    return url.set(query={}).render_as_string()
