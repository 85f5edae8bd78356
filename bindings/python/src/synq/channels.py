"""The class that a host derives its channels from."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from . import _ffi
from ._handlers import EVENTS, MESSAGES, refuse_hidden_methods
from ._library import Library, check
from ._options import FINISH_SECONDS, Options, milliseconds, options
from ._turns import Turns
from .connection import text
from .decoding import from_text
from .encoding import bytes_of, plain, to_bytes
from .observable import Assigns, Edits
from .presence import ChannelPresence
from .responses import Deferred, in_callback
from .timers import Timer

if TYPE_CHECKING:
    from ._topics import SharedTopic
    from .server import Server

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound="type[Channel]")


def channel(
    pattern: str,
    *,
    track: Iterable[str] = (),
    max_version: int = 0,
    dialect: str = "synq",
    ignore_keys: Iterable[str] | None = None,
    intercept: Iterable[str] = (),
    allow_prototype_keys: bool = False,
    message_builder: Any = None,
    finish_seconds: float | None = FINISH_SECONDS,
    presence: str | None = None,
    max_presence_keys: int = 0,
    max_presence_bytes: int = 0,
    shared: Iterable[str] = (),
    linger_seconds: float = 0,
    patch_interval_seconds: float = 0,
) -> Callable[[C], C]:
    """Says which topics a Channel class serves, and which of its assigns clients see.

    `pattern`: a topic ("lobby") or a prefix that ends in "*" ("room:*"); the most specific one wins.
    `track`: the assigns to synchronise; all others never leave the server.
    `max_version`: the version after it is 0; default 1,000.
    `dialect`: whose names are spoken on the wire: "synq", "live_state", "live_view_model" or "seance".
    `ignore_keys`: members dropped from the tracked state at any depth; default ["__meta__"].
    `intercept`: broadcasts of these events go to handle_message instead of to the client.
    `allow_prototype_keys`: tracked state may have members named __proto__, constructor or prototype.
    `message_builder`: an object, or a class of which one is made, with ``new_state(state, version)`` and
    ``update_state(old, new, version)``. Each gives the message in place of the dialect's: the name of an
    event, and its payload. One that is missing leaves that message to the dialect.
    `finish_seconds`: how long an `async def` handler may go on when its client has gone; then it is
    cancelled. before_close runs after it. None: as long as it takes, until the server stops.
    `presence`: the assign that the library keeps to who is here, ``{"ann": {"metas": [...]}}``, see
    `Channel.presence`. It is tracked and shared, and clients get no presence messages.
    `max_presence_keys`, `max_presence_bytes`: of one topic, see `Channel.presence`; default 10,000 and
    4,000,000.
    `shared`: the assigns that a topic has once for all of its channels; in `track` too if clients see them.
    All handlers of a topic's channels but authorize then run one at a time.
    `linger_seconds`: how long a topic stays open when its last channel has left.
    `patch_interval_seconds`: state messages of a client are at least so far apart; what changed meanwhile is
    one patch.
    """
    chosen = options(
        pattern,
        track=track,
        max_version=max_version,
        dialect=dialect,
        ignore_keys=ignore_keys,
        intercept=intercept,
        allow_prototype_keys=allow_prototype_keys,
        message_builder=message_builder,
        finish_seconds=finish_seconds,
        presence=presence,
        max_presence_keys=max_presence_keys,
        max_presence_bytes=max_presence_bytes,
        shared=shared,
        linger_seconds=linger_seconds,
        patch_interval_seconds=patch_interval_seconds,
    )

    def decorate(kind: C) -> C:
        if not (isinstance(kind, type) and issubclass(kind, Channel)):
            raise TypeError(f"channel: {kind!r} is no class that derives from synq.Channel")
        kind.__synq_options__ = chosen
        return kind

    return decorate


@overload
def event(name: F, /) -> F: ...
@overload
def event(name: str, /, *more: str) -> Callable[[F], F]: ...
def event(name: Any, /, *more: str) -> Any:
    """Marks the method that handles an event of the client: ``@synq.event("inc")``, or ``@synq.event`` for
    the method's own name. It takes the payload as its argument, ``(self, payload)``, or members of it by
    name, ``(self, *, title: str, done: bool = False)``, or nothing, and returns the response."""
    return _mark(EVENTS, name, more)


@overload
def message(name: F, /) -> F: ...
@overload
def message(name: str, /, *more: str) -> Callable[[F], F]: ...
def message(name: Any, /, *more: str) -> Any:
    """Marks the method that handles a message of the server, as `event` does for events; it returns
    nothing."""
    return _mark(MESSAGES, name, more)


def _mark(mark: str, name: Any, more: tuple[str, ...]) -> Any:
    def decorate(function: Any) -> Any:
        setattr(function, mark, (*getattr(function, mark, ()), *names))
        return function

    if callable(name):
        names: tuple[str, ...] = (name.__name__,)
        return decorate(name)
    names = (name, *more)
    for one in names:
        if not isinstance(one, str) or not one:
            raise TypeError(f"the name of an event or message is a string that is not empty, not {one!r}")
    return decorate


class Channel:
    """One client's conversation about one topic. There is an instance for each joined channel, so
    attributes of `self` belong to this client and stay on the server. It has `assigns`, the state; the
    `topic` that was joined, with which `params`; and `server`, for what goes to other topics.

    A derived class may define these methods, each as ``def`` or ``async def``, and with or without its last
    arguments. They run one at a time. Params and the payload of an event or message may be taken by their
    members, as keyword arguments: ``init(self, *, name: str)``. What is annotated is decoded.

    ``authorize(self, params)``
        True lets the client join, and so does None of a method that returns nothing else;
        ``synq.Reply("ok", payload)`` lets in with an answer. False or a raised synq.Error refuses, and so
        does all else, with a line in the log.
    ``init(self, params)``
        Sets the first assigns; they are sent when it returns.
    ``@synq.event("name")``
        Handles one event. What it returns is the response: None is {}; ``synq.Reply`` and
        ``(status, payload)`` give it a status; bytes are a binary reply; with ``self.defer()`` it comes
        later; anything else that has a JSON form is the payload.
    ``handle_event(self, event, payload)``
        All other events. Default: the error unknown_event.
    ``@synq.message("name")``
        Handles one message of the server.
    ``handle_message(self, message, payload, topic)``
        All other messages.
    ``before_close(self, reason)``
        Runs once, when the channel is about to end.
    ``open_topic(self)``
        Runs once before the first init of a topic with `shared` assigns, and sets these. `self` is the topic:
        it has `assigns`, `topic`, `broadcast` and `publish`, and no client; `__init__` is not called for it.
        After a failure the clients that wait get the error, and the next one that joins tries again.
    ``close_topic(self)``
        Runs once when the last channel of the topic has left and `linger_seconds` have passed; then the
        shared assigns are gone. `self` is the same as in open_topic.
    ``fetch_presence(topic, presences)``, a static or class method
        Gives what is shown of keys beside their metas, ``{"ann": {"name": "Ann"}}``; asked once for all keys
        of a change.
    ``presence_changed(topic, key, is_present)``, a static or class method, not async
        The first channel came under a key, or the last one went.

    An exception other than synq.Error ends the channel with phx_error: the log has the traceback, what the
    handler assigned is dropped, the client joins again.

    An `async def` handler that still waits for something when its client has gone may go on for
    ``finish_seconds``, then it is cancelled; before_close runs when it has ended. What it publishes and
    broadcasts reaches the others.
    """

    __synq_options__: Options

    assigns: Assigns
    #: The topic that was joined.
    topic: str
    #: What the client gave when it joined.
    params: Any
    #: The server that the channel is on.
    server: Server

    # Attributes of derived classes, which are the user's, may have any other name.
    _lib: Library
    _socket: int
    _synq_turns: Turns
    _synq_edits: SocketEdits
    #: What the channels of the topic share; None where they share nothing.
    _synq_shared: SharedTopic | None = None
    _synq_deferred: Deferred | None = None
    #: The async handler that waits for something.
    _synq_task: asyncio.Task[Any] | None = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        refuse_hidden_methods(cls, Channel)

    # -- the client

    def push(self, event: str, payload: Any = None) -> None:
        """Pushes an event to this client. Any thread, any time. Bytes are a binary message."""
        name = event.encode()
        if isinstance(payload, (bytes, bytearray, memoryview)):
            check(self._lib.synq_socket_push_binary(self._socket, name, bytes(payload), len(payload)))
        else:
            encoded = _payload(payload)
            check(self._lib.synq_socket_push_text(self._socket, name, encoded, len(encoded)))

    def defer(self, *, detached: bool = False) -> Deferred:
        """Answers later, from any thread: keep what this gives and return. The channel waits, and its assigns
        can be changed until then: inside of ``with deferred:``, and in tasks that were started after this
        call. With `detached` only the answer is late and the channel goes on."""
        response = self._put_off(detached)
        if not detached:
            response._turn = self._synq_turns.defer()
            serving = self.server._get_serving()
            if serving is not None:
                response._returned = returned = threading.Event()
                serving.after_poll(returned.set)
        self._synq_deferred = response
        return response

    def _put_off(self, detached: bool = False) -> Deferred:
        """The response of the running callback, which the library now waits for."""
        out = ctypes.c_void_p()
        mode = _ffi.DEFER_DETACHED if detached else _ffi.DEFER_IN_ORDER
        in_callback(self._lib.synq_socket_defer(self._socket, mode, ctypes.byref(out)), "defer")
        return Deferred(out.value or 0, self.topic)

    def stop(self, reason: str = "normal") -> None:
        """Ends the channel when its handler is done. "normal", "shutdown" or "shutdown:WORD": the client does
        not come back; any other reason: it joins again."""
        check(self._lib.synq_socket_stop(self._socket, reason.encode()))

    # -- who is here

    @property
    def presence(self) -> ChannelPresence:
        """Who is in the topic, and this channel's place among them."""
        return ChannelPresence(self._lib, self._socket)

    # -- other channels

    def broadcast(self, event: str, payload: Any = None, *, include_self: bool = True) -> None:
        """Pushes an event to all clients of this topic; without this one if not `include_self`. To those of
        another one: ``self.server.broadcast(topic, event)``."""
        name = event.encode()
        lib = self._lib
        if isinstance(payload, (bytes, bytearray, memoryview)):
            send = lib.synq_socket_broadcast_binary if include_self else lib.synq_socket_broadcast_from_binary
            encoded = bytes(payload)
        else:
            send = lib.synq_socket_broadcast_text if include_self else lib.synq_socket_broadcast_from_text
            encoded = _payload(payload)
        code = send(self._socket, name, encoded, len(encoded))
        if code == _ffi.ECLOSED:  # of a client that has gone: the others hear it all the same
            self.server.broadcast(self.topic, event, payload)
        else:
            check(code)

    def publish(
        self, message: str, payload: Any = None, *, include_self: bool = True, key: str | None = None
    ) -> None:
        """Sends a message to all channels of this topic; without this one if not `include_self`. To those of
        another one: ``self.server.publish(topic, message)``. With a `key` it takes the place of an older one
        of the same message and key that still waits for a channel."""
        if key is not None:
            return self._publish_latest(message, payload, include_self, key)
        send = self._lib.synq_socket_publish_text if include_self else self._lib.synq_socket_publish_from_text
        encoded = _payload(payload)
        code = send(self._socket, message.encode(), encoded, len(encoded))
        if code == _ffi.ECLOSED:
            self.server.publish(self.topic, message, payload)
        else:
            check(code)

    def _publish_latest(self, message: str, payload: Any, include_self: bool, key: str) -> None:
        if not include_self:
            raise ValueError("publish: a message with a key goes to all channels, this one too")
        encoded = _payload(payload)
        code = self._lib.synq_socket_publish_latest_text(
            self._socket, message.encode(), key.encode(), encoded, len(encoded)
        )
        if code == _ffi.ECLOSED:
            self.server.publish(self.topic, message, payload, key=key)
        else:
            check(code)

    def send(self, message: str, payload: Any = None) -> None:
        """Sends a message to this channel itself. Any thread, any time."""
        encoded = _payload(payload)
        check(self._lib.synq_socket_send_text(self._socket, message.encode(), encoded, len(encoded)))

    def send_after(self, seconds: float, message: str, payload: Any = None) -> Timer:
        """The same after some time; a channel that has ended by then gets nothing. The timer that it returns
        can take the message back, and need not be kept. LimitError when `max_timers` of this channel wait."""
        delay_ms = milliseconds("seconds", seconds)
        encoded = _payload(payload)
        number = ctypes.c_uint64()
        check(
            self._lib.synq_socket_start_timer_text(
                self._socket, delay_ms, message.encode(), encoded, len(encoded), ctypes.byref(number)
            )
        )
        return Timer(self, number.value)

    def subscribe(self, topic: str) -> None:
        """Adds a topic whose messages and broadcasts reach this channel as messages; it has its own without
        asking."""
        check(self._lib.synq_socket_subscribe(self._socket, topic.encode()))

    def unsubscribe(self, topic: str) -> None:
        """Takes a subscription back."""
        check(self._lib.synq_socket_unsubscribe(self._socket, topic.encode()))

    # -- the connection; None once the channel is gone

    @property
    def id(self) -> str | None:
        """The id that the connect function gave the connection."""
        return text(self._lib.synq_socket_id(self._socket))

    @property
    def join_ref(self) -> Any:
        """What the client named this join by, mostly a string; None if by nothing."""
        ref = text(self._lib.synq_socket_join_ref(self._socket))
        return None if ref is None else from_text(ref)

    @property
    def peer(self) -> str | None:
        """The client's address without the port."""
        return text(self._lib.synq_socket_peer(self._socket))

    def header(self, name: str) -> str | None:
        """A header of the request that connected the client, by its name in any case."""
        return text(self._lib.synq_socket_header(self._socket, name.encode()))

    @property
    def connect_params(self) -> dict[str, str] | None:
        """The parameters of the connection's URL; inside a handler only, else None."""
        value = self._lib.synq_socket_params(self._socket)
        return None if value is None else read(self._lib, value)

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} {getattr(self, 'topic', '?')}>"


def _payload(payload: Any) -> bytes:
    return b"{}" if payload is None else to_bytes(payload)


def read(lib: Library, value: int) -> Any:
    """A value of the library as Python's; bytes for a binary payload."""
    out = ctypes.c_char_p()
    code = lib.synq_value_get_text(value, b"", ctypes.byref(out), None)
    if code == _ffi.OK:
        # JSON text has no NUL in it, so its end is found without asking for the length.
        return from_text((out.value or b"").decode())
    if code != _ffi.ETYPE:
        check(code)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    check(lib.synq_value_get_bytes(value, ctypes.byref(address), ctypes.byref(size)))
    return ctypes.string_at(address.value, size.value) if address.value else b""


class MayChange(Protocol):
    """Who says whether assigns may be changed now."""

    def require(self) -> None: ...


class SocketEdits(Edits):
    """The edits of a channel's assigns, in the library."""

    __slots__ = ("_lib", "_require", "_set_bool", "_set_int", "_set_text", "_socket")

    def __init__(self, lib: Library, socket: int, turns: MayChange) -> None:
        self._require = turns.require
        self._lib = lib
        self._set_bool = lib.synq_socket_set_bool
        self._set_int = lib.synq_socket_set_int
        self._set_text = lib.synq_socket_set_text
        self._socket = socket

    def set(self, pointer: bytes, value: Any) -> None:
        self._require()
        kind = type(value)
        # C takes the lower bits of a longer integer without a word.
        if kind is int and -0x8000_0000_0000_0000 <= value <= 0x7FFF_FFFF_FFFF_FFFF:
            code = self._set_int(self._socket, pointer, value)
        elif kind is bool:
            code = self._set_bool(self._socket, pointer, value)
        else:
            text = bytes_of(plain(value, pointer.decode()) if kind is int else value)
            code = self._set_text(self._socket, pointer, text, len(text))
        if code:
            in_callback(code, _CHANGE)

    def insert(self, pointer: bytes, value: Any) -> None:
        self._require()
        text = bytes_of(plain(value, pointer.decode()) if type(value) is int else value)
        in_callback(self._lib.synq_socket_insert_text(self._socket, pointer, text, len(text)), _CHANGE)

    def append(self, pointer: bytes, value: Any) -> None:
        self._require()
        text = bytes_of(plain(value, pointer.decode()) if type(value) is int else value)
        in_callback(self._lib.synq_socket_append_text(self._socket, pointer, text, len(text)), _CHANGE)

    def remove(self, pointer: bytes) -> None:
        self._require()
        in_callback(self._lib.synq_socket_remove(self._socket, pointer), _CHANGE)


_CHANGE = "assigns can be changed"
