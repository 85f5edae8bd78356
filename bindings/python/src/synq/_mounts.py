"""Who may connect: the functions of a socket that is mounted."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import logging
from collections.abc import Callable
from typing import Any

from . import _ffi
from ._library import Library, check
from ._tasks import CancelledError, begin, result_of
from .channels import read
from .connection import Connection
from .errors import ClosedError, Error

Connect = Callable[[Connection, dict[str, str]], Any]
CheckOrigin = Callable[[str], bool]

#: By their `user` numbers, as `_registration.registrations`.
mounts: dict[int, Mount] = {}
_numbers = itertools.count(1)


class Mount:
    """A path with a rule of its own."""

    def __init__(
        self,
        lib: Library,
        connect: Connect | None,
        check_origin: CheckOrigin | None,
        interrupts: list[BaseException],
        log: logging.Logger,
    ) -> None:
        if inspect.iscoroutinefunction(check_origin):
            raise TypeError("check_origin must be a plain function; an async connect can see the origin too")
        self._lib = lib
        self._connect = connect
        self._check_origin = check_origin
        self.interrupts = interrupts
        self._log = log
        self.is_async = inspect.iscoroutinefunction(connect)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.number = next(_numbers)
        mounts[self.number] = self

    def check_origin(self, origin: bytes) -> int:
        assert self._check_origin is not None
        try:
            return _ffi.OK if self._check_origin(origin.decode("utf-8", "replace")) else _ffi.REFUSE
        except Exception as error:
            self._log.error("check_origin failed: %r", error, exc_info=error)
            return _ffi.CRASH

    def connect(self, handle: int, params: int) -> int:
        assert self._connect is not None
        connection = Connection(handle)
        try:
            result = self._connect(connection, read(self._lib, params))
        except Exception as error:
            return self._failed(connection, error)
        if not self.is_async:
            return _ffi.REFUSE if result is False else _ffi.OK
        task = begin(result, "connect")
        if task.done():
            return self._decision(connection, task)
        try:
            check(self._lib.synq_connection_defer(handle))
        except Exception:
            task.cancel()
            raise
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(connection, done))
        return _ffi.OK

    def _finish(self, connection: Connection, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        decision = self._decision(connection, task)
        with contextlib.suppress(ClosedError):  # the client has gone meanwhile, or its time was over
            check(self._lib.synq_connection_finish(connection._handle, decision))

    def _decision(self, connection: Connection, task: asyncio.Task[Any]) -> int:
        try:
            return _ffi.REFUSE if result_of(task) is False else _ffi.OK
        except CancelledError:  # the server stops
            return _ffi.REFUSE
        except Exception as error:
            return self._failed(connection, error)

    def _failed(self, connection: Connection, error: Exception) -> int:
        if isinstance(error, Error):
            with contextlib.suppress(ClosedError):
                connection.refuse(403, error.message)
            return _ffi.REFUSE
        self._log.error("connect failed: %r", error, exc_info=error)
        return _ffi.CRASH

    def cancel(self, *, closing: bool = False) -> None:
        """Gives up the decisions that wait for something."""
        for task in list(self._tasks):
            task.cancel()
