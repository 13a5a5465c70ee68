"""Errors that a user can act on, and the exit status that each one becomes on the command line."""

__all__ = ["CheckFailedError", "L1aeError", "MissingExtraError", "UserError"]


class L1aeError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UserError(L1aeError):
    """A mistake in what the user gave us. The message names the value, the place and the remedy.

    >>> try:
    ...     l1ae.layout("ugtt")
    ... except l1ae.UserError as error:
    ...     str(error).partition(";")[0]
    "unknown layout 'ugtt'"
    """

    exit_code = 2


class MissingExtraError(UserError):
    """A package of an extra is not installed (`l1ae.extras`)."""


class CheckFailedError(L1aeError):
    """A verification that ran to its end and found a disagreement, for example one differing bit."""
