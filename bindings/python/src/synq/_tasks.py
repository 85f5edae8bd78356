"""Coroutines of the host: begun at once, and a task only for what has to wait."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any


class CancelledError(Exception):
    """A coroutine was cancelled. asyncio's own is no Exception, and here it ends one channel only."""


class EndError(Exception):
    """A coroutine asked for the end of the program."""


def begin(coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    """A task that has run as far as it could without waiting."""
    loop = asyncio._get_running_loop()
    if loop is None:
        coroutine.close()
        raise RuntimeError(f"{name} is async, and no event loop runs on this thread")
    return _begin(coroutine, loop, name)


if sys.version_info >= (3, 12):

    def _begin(
        coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, name: str
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task.__new__(asyncio.Task)
        try:
            task.__init__(coroutine, loop=loop, name=name, eager_start=True)  # type: ignore[misc]
        except (KeyboardInterrupt, SystemExit):
            # It goes its way to the thread that polls, and nobody will ask this task for it again.
            task.exception()
            raise
        return task

else:
    # Older tasks hand their first step to the loop's call_soon. Here the step is kept back and taken at
    # once, so the task is asyncio's own in all that a handler can see: current_task, its context,
    # cancellation, timeouts.

    def _begin(
        coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, name: str
    ) -> asyncio.Task[Any]:
        if asyncio.current_task(loop) is not None:  # a step cannot be taken inside of another's
            return loop.create_task(coroutine, name=name)
        step: Callable[[], object] | None = None
        context: Context | None = None

        def keep_step(callback: Any, *arguments: Any, **named: Any) -> Any:
            nonlocal step, context
            owner = getattr(callback, "__self__", None)
            if isinstance(owner, asyncio.Task) and owner.get_coro() is coroutine:
                step, context = callback, named["context"]
                return None
            # A finalizer of the host's, which ran while the task was made.
            return call_soon(callback, *arguments, **named)

        if "call_soon" in getattr(loop, "__dict__", {}):  # the host has put its own there
            return loop.create_task(coroutine, name=name)
        call_soon = loop.call_soon
        try:
            loop.call_soon = keep_step  # type: ignore[assignment,method-assign]
        except AttributeError:  # a loop that takes no attributes
            return loop.create_task(coroutine, name=name)
        try:
            task = asyncio.Task(coroutine, loop=loop, name=name)
        finally:
            del loop.call_soon
        assert step is not None and context is not None
        try:
            context.run(step)
        except (KeyboardInterrupt, SystemExit):
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
