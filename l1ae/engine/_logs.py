"""What Dask has to say: where it concerns the user, in the log of l1ae; the rest of it in that log, too, when everything is asked for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["log", "quiet"]

log = logging.getLogger("l1ae")

# those that Dask gives handlers to, and those that its threads use
_NAMES = ("distributed", "distributed.client", "distributed.gc", "dask_jobqueue", "tornado", "tornado.application", "asyncio")
_TOLD = {
    "distributed.nanny.memory": "exceeded",
    "distributed.nanny": "Restarting worker",
}


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        told = _TOLD.get(record.name)
        if told is None or told not in message:
            log.debug("%s: %s", record.name, message)
        elif record.name == "distributed.nanny":
            log.warning("a worker ended before its task; another one is started")
        else:
            log.warning("%s", message)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask from writing to the terminal."""
    forward = _Forward(logging.WARNING)
    loggers = [logging.getLogger(name) for name in _NAMES]
    before = [(logger, logger.handlers, logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [forward], False
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
