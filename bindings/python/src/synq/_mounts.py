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
from ._logs import failed, printable
from ._slow import slow_is_told
from ._tasks import CancelledError, begin, result_of
from .channels import read
from .connection import Connection
from .errors import ClosedError, Error

Connect = Callable[[Connection, dict[str, str]], Any]
CheckOrigin = Callable[[str], Any]

#: By their `user` numbers, as `_registration.registrations`.
mounts: dict[int, Mount] = {}
_numbers = itertools.count(1)


class Mount:
    """A path with a rule of its own."""

    #: Whether a stop gives up what still waits at once, and not when its time is over.
    ends_at_once = True

    def __init__(
        self,
        lib: Library,
        connect: Connect | None,
        check_origin: CheckOrigin | None,
        interrupts: list[BaseException],
        log: logging.Logger,
    ) -> None:
        self._lib = lib
        self._connect = connect
        self._check_origin = check_origin
        self.interrupts = interrupts
        self._log = log
        self._checks_later = inspect.iscoroutinefunction(check_origin)
        #: Whether `connect` is to be called: an async check_origin is asked there, because C's cannot wait.
        self.connects = connect is not None or self._checks_later
        self.is_async = inspect.iscoroutinefunction(connect) or self._checks_later
        self._tasks: set[asyncio.Task[Any]] = set()
        #: The server stops: who is not connected yet will not be, so nothing is decided any more.
        self.is_stopping = False
        self.number = next(_numbers)
        mounts[self.number] = self

    def check_origin(self, origin: bytes) -> int:
        if self._checks_later:
            return _ffi.OK
        assert self._check_origin is not None
        try:
            return _ffi.OK if self._check_origin(origin.decode("utf-8", "replace")) else _ffi.REFUSE
        except Exception as error:
            failed(self._log, "check_origin failed", error)
            return _ffi.CRASH

    def connect(self, handle: int, params: int) -> int:
        connection = Connection(handle)
        try:
            with slow_is_told(self._log, "connect"):
                result = self._decide(connection, read(self._lib, params))
        except Exception as error:
            return self._failed(connection, error)
        if not self.is_async:
            return self._code(connection, result)
        with slow_is_told(self._log, "connect"):
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

    def _decide(self, connection: Connection, params: dict[str, str]) -> Any:
        if self._checks_later:
            return self._check_and_decide(connection, params)
        assert self._connect is not None
        return self._connect(connection, params)

    async def _check_and_decide(self, connection: Connection, params: dict[str, str]) -> Any:
        assert self._check_origin is not None
        origin = connection.header("origin")
        if origin is not None and not await self._check_origin(origin):
            self._log.warning(
                "refusing a connection: check_origin does not allow the origin %s", printable(repr(origin))
            )
            return False
        result = None if self._connect is None else self._connect(connection, params)
        return await result if inspect.isawaitable(result) else result

    def _finish(self, connection: Connection, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        decision = self._decision(connection, task)
        with contextlib.suppress(ClosedError):  # the client has gone meanwhile, or its time was over
            check(self._lib.synq_connection_finish(connection._handle, decision))

    def _decision(self, connection: Connection, task: asyncio.Task[Any]) -> int:
        try:
            return self._code(connection, result_of(task))
        except CancelledError:  # the server stops
            return _ffi.REFUSE
        except Exception as error:
            return self._failed(connection, error)

    def _code(self, connection: Connection, result: Any) -> int:
        if connection._is_refused or result is False:
            return _ffi.REFUSE
        if result is None or result is True:
            with contextlib.suppress(ClosedError):  # the client has gone meanwhile
                connection._keep_objects()
            return _ffi.OK
        self._log.warning(
            "refusing a connection: connect returned a value of type %s, expected None, True or False",
            type(result).__qualname__,
        )
        return _ffi.REFUSE

    def _failed(self, connection: Connection, error: Exception) -> int:
        if isinstance(error, Error):
            with contextlib.suppress(ClosedError):
                connection.refuse(403, error.message)
            return _ffi.REFUSE
        failed(self._log, "connect failed", error)
        return _ffi.REFUSE if connection._is_refused else _ffi.CRASH

    def cancel(self, *, closing: bool = False) -> None:
        """Gives up the decisions that wait for something."""
        for task in list(self._tasks):
            task.cancel()
