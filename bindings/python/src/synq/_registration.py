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
from ._handlers import AUTHORIZE, CLOSE, CLOSE_TOPIC, INIT, OPEN_TOPIC, Plan, assigns_of, plan
from ._library import Library, check
from ._logs import printable
from ._options import Options
from ._presences import PresenceHandlers
from ._running import Runner
from ._topics import SharedTopic, members
from ._turns import Turns
from .channels import Channel, SocketEdits, read
from .connection import objects
from .decoding import from_text
from .encoding import plain, to_bytes
from .errors import ClosedError, Error, LibraryError
from .observable import Assigns
from .responses import Deferred, nobody

if TYPE_CHECKING:
    from .server import Server


class UnreadableError(Error):
    """A payload that Python cannot read: a number with more digits than it takes."""


# The `user` pointer of C is a number here, and the functions that C calls live as long as this module: no
# callback can ever meet one that was freed, or an object that is gone.
registrations: dict[int, Registration] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()


class Registration(Runner):
    """The channels of one class on one server, by their sockets."""

    def __init__(
        self,
        server: Server,
        kind: type[Channel],
        lib: Library,
        interrupts: list[BaseException],
        log: logging.Logger,
        given: Options,
    ) -> None:
        super().__init__(lib, log, given.finish_seconds)
        self.kind = kind
        self.pattern = given.pattern
        #: Whether its clients get a state; None if a message builder decides what they get.
        has_state = bool(given.track or given.presence)
        self.has_state = None if hasattr(given.message_builder, "new_state") else has_state
        self._builder = given.message_builder
        #: The assigns that the library keeps.
        self._shared = frozenset(given.shared)
        self._tracked = frozenset(given.track)
        self._kept = self._tracked - self._shared
        self._assigns = assigns_of(kind)
        self.plan: Plan = plan(kind)
        if not given.shared and (self.plan.open_topic or self.plan.close_topic):
            raise TypeError(f"{kind.__qualname__} has open_topic or close_topic, and no `shared` assigns")
        #: The topics that somebody refers to, and the topic's own instances of the class while they are open.
        self._topics: weakref.WeakValueDictionary[str, SharedTopic] = weakref.WeakValueDictionary()
        self._open: dict[str, Channel] = {}
        self._events = self.plan.events
        self.presences = PresenceHandlers(kind, lib, log)
        self._server = weakref.ref(server)
        #: Where a handler's KeyboardInterrupt or SystemExit waits until the poll returns.
        self.interrupts = interrupts
        # Where the library puts the text of a payload. One will do, because one thread runs all callbacks.
        self._text = ctypes.c_char_p()
        self._text_out = ctypes.byref(self._text)
        self._get_text = lib.synq_value_get_text
        with _lock:
            self.number = next(_numbers)
        registrations[self.number] = self

    @property
    def is_async(self) -> bool:
        """Whether it needs an event loop."""
        return self.plan.is_async or self.presences.is_async

    def serves(self, topic: str) -> bool:
        """Whether its pattern matches, as one of perhaps several."""
        if self.pattern.endswith("*"):
            return topic.startswith(self.pattern[:-1])
        return topic == self.pattern

    # -- the callbacks of the library, each on a thread that polls

    def authorize(self, socket: int, topic: bytes, params: int) -> int:
        try:
            channel = self._adopt(socket, topic, params)
        except UnreadableError as error:
            self._answers.error(socket, error)
            return _ffi.OK
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
        try:
            if handler is not None:
                return self._run(channel, handler, event, (self._read(payload),) if handler.takes else ())
            name = event.decode("utf-8", "replace")
            handler = self.plan.handle_event
            if handler is not None:
                return self._run(channel, handler, event, (name, self._read(payload)))
        except UnreadableError as error:
            self._answers.error(socket, error)
            return _ffi.OK
        self._answers.error(socket, Error("unknown_event", f"there is no event {name}"))
        return _ffi.OK

    def handle_message(self, socket: int, topic: bytes, message: bytes, payload: int) -> int:
        channel = self._channels[socket]
        handler = self.plan.messages.get(message)
        if handler is not None:
            return self._run(channel, handler, message, (self._read(payload),) if handler.takes else ())
        name = message.decode("utf-8", "replace")
        handler = self.plan.handle_message
        if handler is None:
            self._log.warning(
                "%s: no handler for the message %s", printable(channel.topic), printable(repr(name))
            )
            return _ffi.OK
        arguments = (name, self._read(payload), topic.decode("utf-8", "replace"))
        return self._run(channel, handler, message, arguments)

    def before_close(self, socket: int, reason: bytes) -> None:
        channel = self._channels.pop(socket, None)
        if channel is None:
            return
        ending = partial(self._close, channel, reason.decode("utf-8", "replace"))
        if channel._synq_task is None:
            ending()
            return
        # Callbacks run one at a time, so this one waits until the handler has ended.
        channel._synq_turns.channel_ends()
        self._let_finish(channel._synq_task)
        try:
            late = channel._put_off()
        except LibraryError:  # nobody waits for this one either
            late = nobody()
        channel._synq_task.add_done_callback(lambda _: ending(late))

    def _close(self, channel: Channel, reason: str, late: Deferred | None = None) -> None:
        code = _ffi.OK
        if self.plan.before_close is not None:
            code = self._run(channel, self.plan.before_close, CLOSE, (reason,), late)
        if late is not None and channel._synq_task is None:
            with contextlib.suppress(ClosedError):
                if code == _ffi.OK:
                    late.resolve(None)
                else:
                    late._end("before_close failed")

    def _let_finish(self, task: asyncio.Task[Any]) -> None:
        """The channel of the task has ended: it may come to its end, but not for ever."""
        if self.is_stopping or self._finish_seconds is None:
            return  # a stop cancels it when its time is over
        timer = task.get_loop().call_later(self._finish_seconds, task.cancel)
        task.add_done_callback(lambda _: timer.cancel())

    # -- topics with shared assigns

    def open_topic(self, socket: int, topic: bytes) -> int:
        name = topic.decode("utf-8", "replace")
        channel = self._open[name] = self._topic_channel(name)
        assert channel._synq_shared is not None
        channel._synq_shared.begin()
        self._bind(channel, socket)
        if self.plan.open_topic is None:
            return _ffi.OK
        code = _ffi.CRASH
        try:
            code = self._run(channel, self.plan.open_topic, OPEN_TOPIC, ())
        finally:
            if code != _ffi.OK:
                self._topic_is_closed(name)
        return code

    def close_topic(self, socket: int, topic: bytes) -> None:
        channel = self._open.pop(topic.decode("utf-8", "replace"), None)
        if channel is not None and self.plan.close_topic is not None:
            self._bind(channel, socket)
            self._run(channel, self.plan.close_topic, CLOSE_TOPIC, ())

    def _topic_is_closed(self, topic: str) -> None:
        self._open.pop(topic, None)

    def of_topic(self, name: str, socket: int) -> Channel:
        """The topic's own instance, for an update that runs with this socket."""
        channel = self._open.get(name)
        if channel is None:  # opened before anything could tell
            channel = self._open[name] = self._topic_channel(name)
        self._bind(channel, socket)
        return channel

    def is_held(self, name: str, turns: Turns) -> bool:
        """Whether the topic's turn is that of these turns."""
        shared = self._topics.get(name)
        return shared is not None and shared.belongs_to(turns)

    def _shared_topic(self, name: str) -> SharedTopic | None:
        if not self._shared:
            return None
        shared = self._topics.get(name)
        if shared is None:
            shared = SharedTopic(self._lib, self._assigns, self._shared, self._tracked)
            self._topics[name] = shared
        return shared

    def _topic_channel(self, name: str) -> Channel:
        channel = self.kind.__new__(self.kind)
        channel._lib = self._lib
        server = self._server()
        if server is not None:
            channel.server = server
        channel.topic = name
        channel.params = None
        channel._synq_shared = shared = self._shared_topic(name)
        assert shared is not None
        channel.assigns = shared.assigns
        return channel

    def _bind(self, channel: Channel, socket: int) -> None:
        """The topic has a socket of its own for each of its callbacks."""
        channel._socket = socket
        channel._synq_turns = Turns(partial(_is_gone, self._lib, socket))
        channel._synq_edits = SocketEdits(self._lib, socket, channel._synq_turns)

    def new_state(self, socket: int, state: int, version: int) -> int:
        return self._build(socket, "new_state", lambda: (read(self._lib, state), version))

    def update_state(self, socket: int, old: int, new: int, version: int) -> int:
        return self._build(
            socket, "update_state", lambda: (read(self._lib, old), read(self._lib, new), version)
        )

    def fetch_presence(self, fetch: int, topic: bytes, presences: int) -> int:
        return self.presences.run_fetch(fetch, topic, self._read(presences))

    def cancel(self, *, closing: bool = False) -> None:
        self.presences.cancel()
        super().cancel(closing=closing)

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
        try:
            return from_text((self._text.value or b"").decode())
        except ValueError as failure:
            raise UnreadableError("invalid_payload", str(failure)) from None

    def _adopt(self, socket: int, topic: bytes, params: int) -> Channel:
        channel = self.kind.__new__(self.kind)
        channel._lib = self._lib
        channel._socket = socket
        server = self._server()
        if server is not None:
            channel.server = server
        channel.topic = topic.decode("utf-8", "replace")
        channel.params = self._read(params)
        turns = channel._synq_turns = Turns(partial(_is_gone, self._lib, socket))
        edits = channel._synq_edits = SocketEdits(self._lib, socket, turns)
        shared = channel._synq_shared = self._shared_topic(channel.topic)
        channel.assigns = self._assigns(
            edits, partial(_load, self._lib, socket, self._shared), self._kept, turns, topic=shared
        )
        number = self._lib.synq_socket_connection_data(socket)
        if number is not None:
            self._take_objects(channel.assigns, objects.get(number, {}))
        turns.begin()
        try:
            channel.__init__()  # type: ignore[misc]
        finally:
            turns.end()
        self._channels[socket] = channel
        return channel

    def _take_objects(self, assigns: Assigns, found: dict[str, Any]) -> None:
        """Assigns of the connection that are more than JSON."""
        for name, value in found.items():
            if name in self._shared:
                continue  # the topic's: a connection has none
            if name in self._kept:
                plain(value, f"/{name}")  # the library has the JSON form, if there is one
            else:
                assigns._own[name] = value


def _load(lib: Library, socket: int, shared: frozenset[str]) -> dict[str, Any] | None:
    value = lib.synq_socket_all_assigns(socket)
    if shared:
        return members(lib, value, lambda name: name not in shared)
    return None if value is None else read(lib, value)


def _is_gone(lib: Library, socket: int) -> bool:
    return lib.synq_socket_topic(socket) is None
