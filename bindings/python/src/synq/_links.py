"""One client of an ASGI server: what goes between the library and the application's tasks."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import ctypes
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from . import _ffi
from ._library import Library, check
from .errors import ClosedError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: By their `user` numbers, as `_registration.registrations`.
links: dict[int, Link] = {}
_numbers = itertools.count(1)

# What was sent is reported in portions of this size: each report is a call of the library.
_REPORT_BYTES = 16_384


class Link:
    """A WebSocket of the application's server, while the task of its request runs."""

    def __init__(self, lib: Library, scope: Scope) -> None:
        self._lib = lib
        self.scope = scope
        self._handle: int | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        #: What the application is to send, in order; a last one without a message ends it.
        self._messages: collections.deque[tuple[Message, int] | None] = collections.deque()
        self._awaited: asyncio.Future[None] | None = None
        self._resumed: asyncio.Future[None] | None = None
        self._is_gone = False
        self.number = next(_numbers)

    # -- the callbacks of the library, on a thread that polls

    def accepted(self, subprotocol: bytes | None) -> None:
        chosen = None if subprotocol is None else subprotocol.decode()
        self._put({"type": "websocket.accept", "subprotocol": chosen})

    def refused(self, status: int, body: bytes) -> None:
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            kind = b"application/json" if body[:1] in (b"{", b"[") else b"text/plain; charset=utf-8"
            headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
            self._put({"type": "websocket.http.response.start", "status": status, "headers": headers})
            self._put({"type": "websocket.http.response.body", "body": body})
        else:  # the server makes a 403 of it
            self._put({"type": "websocket.close", "code": 1008, "reason": ""})
        self._end()

    def send(self, is_binary: int, address: int | None, length: int) -> None:
        data = ctypes.string_at(address, length) if address else b""
        if is_binary:
            self._put({"type": "websocket.send", "bytes": data}, length)
        else:
            self._put({"type": "websocket.send", "text": data.decode()}, length)

    def resume(self) -> None:
        self._call(self._may_read)

    def close(self, code: int, reason: bytes) -> None:
        self._put({"type": "websocket.close", "code": code, "reason": reason.decode("utf-8", "replace")})
        self._end()

    def _put(self, message: Message, length: int = 0) -> None:
        self._messages.append((message, length))
        self._call(self._wake)

    def _end(self) -> None:
        self._messages.append(None)
        self._call(self._wake)
        self._call(self._may_read)

    def _call(self, function: Callable[[], None]) -> None:
        if threading.get_ident() == self._thread:
            function()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(function)

    # -- the task of the request

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)

    def _may_read(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    def open(self, server: int, mount: str) -> None:
        """Asks the library whether the client may connect."""
        request = _request(self.scope, mount)
        options = _ffi.link_options(size=ctypes.sizeof(_ffi.link_options))
        from . import _callbacks

        options.accepted = _callbacks.link_accepted
        options.refused = _callbacks.link_refused
        options.send = _callbacks.link_send
        options.resume = _callbacks.link_resume
        options.close = _callbacks.link_close
        options.user = self.number
        options.destroy = _callbacks.forget_link
        links[self.number] = self
        out = ctypes.c_void_p()
        check(
            self._lib.synq_link_open(server, ctypes.byref(request), ctypes.byref(options), ctypes.byref(out))
        )
        self._handle = out.value

    async def run(self, receive: Receive, send: Send) -> None:
        """Carries messages until one of the two sides has ended."""
        reader = asyncio.ensure_future(self._read(receive))
        # However it ends: what the client sent last is read, or it is cancelled.
        reader.add_done_callback(lambda _: self._end())
        try:
            await self._write(send)
        finally:
            self._lose(0)
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    async def _write(self, send: Send) -> None:
        taken = 0
        while True:
            while self._messages:
                entry = self._messages.popleft()
                if entry is None or self._is_gone:
                    return
                message, length = entry
                try:
                    await send(message)
                except OSError:  # the client is gone
                    return
                taken += length
                if taken >= _REPORT_BYTES:
                    taken = self._report(taken)
            if taken:
                taken = self._report(taken)
            if not self._messages:
                self._awaited = self._loop.create_future()
                await self._awaited

    def _report(self, taken: int) -> int:
        """What the client's connection has taken; gives what is still to be reported."""
        self._lib.synq_link_sent(self._handle, taken)
        return 0

    async def _read(self, receive: Receive) -> None:
        take = self._lib.synq_link_receive
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self._is_gone = True
                return self._lose(message.get("code") or 0)
            text = message.get("text")
            data = message.get("bytes") or b"" if text is None else text.encode("utf-8", "surrogatepass")
            if take(self._handle, text is None, data, len(data)) == _ffi.LINK_WAIT:
                self._resumed = self._loop.create_future()
                await self._resumed

    def _lose(self, code: int) -> None:
        if self._handle is None:
            return
        with contextlib.suppress(ClosedError):  # it has ended from the other side
            check(self._lib.synq_link_lost(self._handle, code))


def _request(scope: Scope, mount: str) -> Any:
    request = _ffi.link_request(size=ctypes.sizeof(_ffi.link_request))
    request.path = inner_path(scope).encode("utf-8", "replace")
    request.mount = mount.encode()
    request.query = scope.get("query_string", b"").decode("latin-1").encode()
    request.headers = _strings(_text(part) for pair in scope.get("headers", ()) for part in pair)
    client = scope.get("client")
    request.peer = (str(client[0]) if client else "").encode()
    request.subprotocols = _strings(offer.encode() for offer in scope.get("subprotocols") or ())
    return request


def inner_path(scope: Scope) -> str:
    """The path below the place where the application is mounted. Servers and routers that follow the newer
    text of ASGI leave `root_path` in `path`, older ones take it away."""
    path: str = scope.get("path", "")
    root: str = (scope.get("root_path") or "").rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :]
    return path


def _text(value: bytes) -> bytes:
    """Bytes of a header as UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value


def _strings(values: Iterable[bytes]) -> Any:
    encoded = list(values)
    return ctypes.cast((ctypes.c_char_p * (len(encoded) + 1))(*encoded, None), _ffi.strings_p)
