"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, what: asyncio.Future[T] | Coroutine[Any, Any, T]) -> T:
    """The result of a future, which goes on when the time is over, or of a coroutine, which is cancelled
    then. Raises asyncio.TimeoutError.

    asyncio.wait_for loses a cancellation that comes together with the result (before Python 3.12), and a
    client that was told to end would go on.
    """
    future = what if asyncio.isfuture(what) else asyncio.ensure_future(what)
    try:
        done, _ = await asyncio.wait([future], timeout=seconds)
        if not done:
            raise asyncio.TimeoutError
        return future.result()
    finally:
        if future is not what and not future.done():
            future.cancel()
