"""The handlers of a channel class that are about its topics and not about one client: fetch_presence and
presence_changed."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable
from typing import Any

from . import _ffi
from ._library import Library, check
from ._tasks import begin, result_of
from .encoding import to_bytes
from .errors import ClosedError


class PresenceHandlers:
    """What a class says about who is here."""

    def __init__(self, kind: type, lib: Library, log: logging.Logger) -> None:
        self._lib = lib
        self._log = log
        self.fetch = _of_class(kind, "fetch_presence")
        self.changed = _of_class(kind, "presence_changed")
        self.is_async = inspect.iscoroutinefunction(self.fetch)
        if inspect.iscoroutinefunction(self.changed):
            raise TypeError(f"{kind.__qualname__}.presence_changed must be a plain function")
        self._tasks: set[asyncio.Task[Any]] = set()

    def run_fetch(self, fetch: int, topic: bytes, presences: Any) -> int:
        assert self.fetch is not None
        try:
            result = self.fetch(topic.decode("utf-8", "replace"), presences)
            if self.is_async:
                task = begin(result, "fetch_presence")
                if not task.done():
                    self._tasks.add(task)
                    task.add_done_callback(lambda done: self._completed(fetch, done))
                    return _ffi.OK
                result = result_of(task)
            self._finish(fetch, result)
        except Exception as error:
            self._failed(fetch, error)
        return _ffi.OK

    def run_changed(self, topic: bytes, key: bytes, is_present: bool) -> None:
        assert self.changed is not None
        try:
            self.changed(topic.decode("utf-8", "replace"), key.decode("utf-8", "replace"), is_present)
        except Exception as error:
            self._log.error("presence_changed failed: %r", error, exc_info=error)

    def _completed(self, fetch: int, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        try:
            self._finish(fetch, result_of(task))
        except Exception as error:
            self._failed(fetch, error)

    def _finish(self, fetch: int, result: Any) -> None:
        text = to_bytes({} if result is None else result)
        check(self._lib.synq_fetch_finish_text(fetch, text, len(text)))

    def _failed(self, fetch: int, error: Exception) -> None:
        self._log.error("fetch_presence failed: %r", error, exc_info=error)
        with contextlib.suppress(ClosedError):
            check(self._lib.synq_fetch_fail(fetch, repr(error).replace("\0", "").encode()))

    def cancel(self) -> None:
        """Gives up what waits for something."""
        for task in list(self._tasks):
            task.cancel()


def _of_class(kind: type, name: str) -> Callable[..., Any] | None:
    found = inspect.getattr_static(kind, name, None)
    if found is None:
        return None
    if not isinstance(found, (staticmethod, classmethod)):
        raise TypeError(
            f"{kind.__qualname__}.{name} is of no one client: make it a @staticmethod or @classmethod"
        )
    function: Callable[..., Any] = getattr(kind, name)
    return function
