"""Coroutines of the host: begun at once, and a task only for what has to wait."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

_EAGER = sys.version_info >= (3, 12)


class CancelledError(Exception):
    """A coroutine was cancelled. asyncio's own is no Exception, and here it ends one channel only."""


class EndError(Exception):
    """A coroutine asked for the end of the program."""


def begin(coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    """A task that has run as far as it could without waiting, where Python can do that (3.12)."""
    loop = asyncio._get_running_loop()
    if loop is None:
        coroutine.close()
        raise RuntimeError(f"{name} is async, and no event loop runs on this thread")
    if not _EAGER:
        return loop.create_task(coroutine)
    task: asyncio.Task[Any] = asyncio.Task.__new__(asyncio.Task)
    try:
        task.__init__(coroutine, loop=loop, name=name, eager_start=True)  # type: ignore[misc]
    except (KeyboardInterrupt, SystemExit):
        # It goes its way to the thread that polls, and nobody will ask this task for it again.
        task.exception()
        raise
    return task


def result_of(task: asyncio.Task[Any]) -> Any:
    """What a task that is done gave; raises what it raised."""
    try:
        return task.result()
    except asyncio.CancelledError:
        raise CancelledError("cancelled") from None
    except (KeyboardInterrupt, SystemExit) as end:
        # The loop has raised it too, and the program ends.
        raise EndError(repr(end)) from None
