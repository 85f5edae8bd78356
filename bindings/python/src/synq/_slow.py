"""Handlers that keep everything else waiting."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from ._logs import printable

#: A handler that runs longer without a pause is named in a warning.
SLOW_SECONDS = 0.5
clock = time.perf_counter


def tell_slow(log: logging.Logger, what: str, seconds: float) -> None:
    """One line about a handler that has run for so long."""
    log.warning(
        "%s ran for %.1f s, and nothing else did meanwhile: all handlers share one thread. Wait in an `async "
        "def`, or work elsewhere (asyncio.to_thread) and answer by `defer`",
        printable(what),
        seconds,
    )


@contextlib.contextmanager
def slow_is_told(log: logging.Logger, what: str) -> Iterator[None]:
    started = clock()
    try:
        yield
    finally:
        seconds = clock() - started
        if seconds > SLOW_SECONDS:
            tell_slow(log, what, seconds)
