"""A channel class that is registered with a server: it takes the library's callbacks and runs the
handlers."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import logging
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _ffi
from ._handlers import AUTHORIZE, CLOSE, EVENT, INIT, MESSAGE, Handler, Plan, plan
from ._library import Library, check
from ._tasks import CancelledError, EndError, begin, result_of
from .channels import Channel, SocketEdits, read
from .decoding import from_text
from .encoding import to_bytes
from .errors import ClosedError, Error
from .observable import Assigns, forget
from .responses import Answers, Deferred, of_socket

if TYPE_CHECKING:
    from .server import Server

# What nobody waits for an answer of: an error raised there is a failure, whichever its class.
_SILENT = (MESSAGE, CLOSE)

# The `user` pointer of C is a number here, and the functions that C calls live as long as this module: no
# callback can ever meet one that was freed, or an object that is gone.
registrations: dict[int, Registration] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()


class Registration:
    """The channels of one class on one server, by their sockets."""

    def __init__(
        self,
        server: Server,
        kind: type[Channel],
        lib: Library,
        interrupts: list[BaseException],
        log: logging.Logger,
        builder: Any = None,
    ) -> None:
        self.kind = kind
        self._builder = builder
        self.plan: Plan = plan(kind)
        self._events = self.plan.events
        self._server = weakref.ref(server)
        self._lib = lib
        self._log = log
        #: Where a handler's KeyboardInterrupt or SystemExit waits until the poll returns.
        self.interrupts = interrupts
        self._answers: Answers = of_socket(lib)
        # Where the library puts the text of a payload. One will do, because one thread runs all callbacks.
        self._text = ctypes.c_char_p()
        self._text_out = ctypes.byref(self._text)
        self._get_text = lib.synq_value_get_text
        self._channels: dict[int, Channel] = {}
        #: The async handlers that have begun and wait for something, and their roles.
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._cancelled = False
        with _lock:
            self.number = next(_numbers)
        registrations[self.number] = self

    @property
    def is_async(self) -> bool:
        """Whether it needs an event loop."""
        return self.plan.is_async

    # -- the callbacks of the library, each on a thread that polls

    def authorize(self, socket: int, topic: bytes, params: int) -> int:
        channel = self._adopt(socket, topic, params)
        handler = self.plan.authorize
        if handler is None:
            return _ffi.OK
        code = self._run(channel, handler, AUTHORIZE, (channel.params,))
        if code != _ffi.OK:
            self._channels.pop(socket, None)
        return code

    def init(self, socket: int, topic: bytes, params: int) -> int:
        channel = self._channels.get(socket) or self._adopt(socket, topic, params)
        handler = self.plan.init
        if handler is None:
            return _ffi.OK
        return self._run(channel, handler, INIT, (channel.params,))

    def handle_event(self, socket: int, event: bytes, payload: int) -> int:
        channel = self._channels[socket]
        handler = self._events.get(event)
        if handler is not None:
            return self._run(channel, handler, event, (self._read(payload),) if handler.takes else ())
        handler = self.plan.handle_event
        if handler is not None:
            return self._run(channel, handler, event, (event.decode("utf-8", "replace"), self._read(payload)))
        name = event.decode("utf-8", "replace")
        self._answers.error(socket, Error("unknown_event", f"there is no event {name}"))
        return _ffi.OK

    def handle_message(self, socket: int, topic: bytes, message: bytes, payload: int) -> int:
        channel = self._channels[socket]
        handler = self.plan.messages.get(message)
        if handler is not None:
            return self._run(channel, handler, message, (self._read(payload),) if handler.takes else ())
        handler = self.plan.handle_message
        if handler is None:
            self._log.warning(
                "%s: no handler for the message %r", channel.topic, message.decode("utf-8", "replace")
            )
            return _ffi.OK
        arguments = (
            message.decode("utf-8", "replace"),
            self._read(payload),
            topic.decode("utf-8", "replace"),
        )
        return self._run(channel, handler, message, arguments)

    def before_close(self, socket: int, reason: bytes) -> None:
        channel = self._channels.pop(socket, None)
        handler = self.plan.before_close
        if channel is not None and handler is not None:
            self._run(channel, handler, CLOSE, (reason.decode("utf-8", "replace"),))

    def new_state(self, socket: int, state: int, version: int) -> int:
        return self._build(socket, "new_state", lambda: (read(self._lib, state), version))

    def update_state(self, socket: int, old: int, new: int, version: int) -> int:
        return self._build(
            socket, "update_state", lambda: (read(self._lib, old), read(self._lib, new), version)
        )

    def _build(self, socket: int, name: str, arguments: Callable[[], tuple[Any, ...]]) -> int:
        try:
            message = getattr(self._builder, name)(*arguments())
            if not (isinstance(message, tuple) and len(message) == 2 and isinstance(message[0], str)):
                raise TypeError(f"{name} returned {message!r}: expected the event's name and its payload")
            text = to_bytes(message[1])
            check(self._lib.synq_socket_state_message_text(socket, message[0].encode(), text, len(text)))
        except Exception as error:
            return self._crash(self._channels[socket], name, error)
        return _ffi.OK

    def _read(self, value: int) -> Any:
        if self._get_text(value, b"", self._text_out, None):
            return read(self._lib, value)
        return from_text((self._text.value or b"").decode())

    # -- running handlers

    def _adopt(self, socket: int, topic: bytes, params: int) -> Channel:
        channel = self.kind.__new__(self.kind)
        channel._lib = self._lib
        channel._socket = socket
        server = self._server()
        if server is not None:
            channel.server = server
        channel.topic = topic.decode("utf-8", "replace")
        channel.params = read(self._lib, params)
        channel.assigns = Assigns(SocketEdits(self._lib, socket), partial(_load, self._lib, socket))
        channel.__init__()  # type: ignore[misc]
        self._channels[socket] = channel
        return channel

    def _run(self, channel: Channel, handler: Handler, what: str | bytes, arguments: tuple[Any, ...]) -> int:
        try:
            if handler.takes < len(arguments):
                arguments = arguments[: handler.takes]
            if handler.decode is not None:
                arguments = self._decoded(handler, arguments)
            result = handler.function(channel, *arguments)
            if handler.is_async:
                task = begin(result, handler.name)
                if not task.done():
                    return self._wait(channel, handler, what, task)
                result = result_of(task)
            if result is None and channel._deferred is None:
                return _ffi.OK
            return self._answer(channel, handler, result)
        except Error as error:
            return self._declared(channel, handler, what, error)
        except Exception as error:
            return self._crash(channel, what, error)

    def _decoded(self, handler: Handler, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        assert handler.decode is not None
        # The payload is the only argument, or the one after the name.
        place = 0 if len(arguments) == 1 else 1
        return (*arguments[:place], handler.decode(arguments[place]), *arguments[place + 1 :])

    def _answer(self, channel: Channel, handler: Handler, result: Any) -> int:
        deferred = channel._deferred
        if deferred is not None:
            channel._deferred = None
            if result is not None and result is not deferred:
                raise TypeError(f"{handler.name} deferred its response and returned {result!r} too")
            return _ffi.OK
        if result is None:
            return _ffi.OK
        if self._has_response(handler, result):
            self._answers.respond(channel._socket, result)
        return _ffi.OK

    def _has_response(self, handler: Handler, result: Any) -> bool:
        """Whether what a handler returned is a response. Raises for what its kind of handler cannot
        return."""
        if handler.role is AUTHORIZE:
            if result is False:
                raise Error("unauthorized", "this topic may not be joined")
            if isinstance(result, tuple):
                raise TypeError(
                    f"{handler.name} returned {result!r}: expected None, True, False or a payload"
                )
            return result is not True
        if handler.role is not EVENT:
            raise TypeError(f"{handler.name} returned {result!r}: expected None, there is no one to answer")
        return True

    def _declared(self, channel: Channel, handler: Handler, what: str | bytes, error: Error) -> int:
        try:
            deferred = channel._deferred
            if deferred is not None:
                channel._deferred = None
                deferred.error(error)
                return _ffi.OK
            if handler.role in _SILENT:
                return self._crash(channel, what, error)
            self._answers.error(channel._socket, error)
        except Exception as failure:
            return self._crash(channel, what, failure)
        self._refused(channel, handler)
        return _ffi.OK

    def _refused(self, channel: Channel, handler: Handler) -> None:
        if handler.role is INIT:
            forget(channel.assigns)
        elif handler.role is AUTHORIZE:
            self._channels.pop(channel._socket, None)

    def _crash(self, channel: Channel, what: str | bytes, error: BaseException) -> int:
        deferred = channel._deferred
        if deferred is not None:  # it ends with the channel
            deferred._open = False
            channel._deferred = None
        self._report(channel, what, error)
        forget(channel.assigns)
        return _ffi.CRASH

    def _report(self, channel: Channel, what: str | bytes, error: BaseException) -> None:
        name = what if isinstance(what, str) else what.decode("utf-8", "replace")
        extra = {"topic": channel.topic, "event": name}
        if isinstance(error, EndError) or (self._cancelled and isinstance(error, CancelledError)):
            self._log.info("%s: %s was cancelled, because the server stops", channel.topic, name, extra=extra)
            return
        self._log.error("%s: %s failed: %r", channel.topic, name, error, exc_info=error, extra=extra)

    # -- async handlers

    def _wait(self, channel: Channel, handler: Handler, what: str | bytes, task: asyncio.Task[Any]) -> int:
        """The handler has to wait for something: its answer is put off."""
        name = what if isinstance(what, str) else what.decode("utf-8", "replace")
        task.set_name(f"{channel.topic} {name}")
        self._tasks[task] = handler.role
        task.add_done_callback(self._tasks.pop)
        try:
            deferred = channel.defer()
        except Exception:
            task.cancel()
            raise
        channel._deferred = None
        task.add_done_callback(partial(self._completed, channel, handler, what, deferred))
        return _ffi.OK

    def _completed(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        deferred: Deferred,
        task: asyncio.Task[Any],
    ) -> None:
        """What `_run` does when a handler returns or raises, for one that had to wait."""
        try:
            result = result_of(task)
            answered = result is not None and self._has_response(handler, result)
        except Error as error:
            if handler.role in _SILENT:
                self._late_crash(channel, handler, what, deferred, error)
            else:
                self._finish(channel, handler, what, deferred, partial(deferred.error, error))
                self._refused(channel, handler)
        except Exception as error:
            self._late_crash(channel, handler, what, deferred, error)
        else:
            self._finish(
                channel, handler, what, deferred, partial(deferred.resolve, result if answered else None)
            )

    def _finish(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        deferred: Deferred,
        answer: Callable[[], None],
    ) -> None:
        try:
            answer()
        except ClosedError:
            self._log.debug("%s: the channel ended while %s waited", channel.topic, handler.name)
            if handler.role is AUTHORIZE:
                self._channels.pop(channel._socket, None)
        except Exception as error:
            self._late_crash(channel, handler, what, deferred, error)

    def _late_crash(
        self, channel: Channel, handler: Handler, what: str | bytes, deferred: Deferred, error: Exception
    ) -> None:
        self._crash(channel, what, error)
        if handler.role is AUTHORIZE:
            self._channels.pop(channel._socket, None)
        with contextlib.suppress(ClosedError):
            deferred._end(repr(error))

    def cancel(self, *, closing: bool = False) -> None:
        """Cancels the async handlers that wait for something; those of before_close too if `closing`."""
        self._cancelled = True
        for task, role in list(self._tasks.items()):
            if closing or role is not CLOSE:
                task.cancel()


def _load(lib: Library, socket: int) -> dict[str, Any]:
    value = lib.synq_socket_all_assigns(socket)
    if value is None:
        return {}
    assigns: dict[str, Any] = read(lib, value)
    return assigns
