"""The server."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, cast, overload

from . import _callbacks, _ffi, _run
from ._arguments import in_url, strings, unsigned
from ._arguments import limits as c_limits
from ._library import Library, check, given_text, library
from ._life import Life
from ._making import TLS_VERSIONS, new_server
from ._mounts import CheckOrigin, Connect, Mount
from ._options import DIALECTS, Options, milliseconds, options
from ._registration import Registration
from ._updates import S, Update, of_channel, of_topic
from .asgi import Application
from .channels import C, Channel
from .encoding import to_bytes
from .errors import StateError
from .limits import Limits, Stats
from .presence import encoded, taken


class Server:
    """Serves channels to Phoenix clients. There are four ways to run one::

        server.run()            # on this thread, until Ctrl-C, SIGTERM or stop()

        with server:            # on a thread of its own while the block runs
            ...

        async with server:      # on the running asyncio loop while the block runs
            ...

        app.mount("/socket", server.asgi())     # inside an application of FastAPI, Starlette and others

    All handlers run on that one thread. Handlers that are ``async def`` run as tasks of the asyncio loop
    there; the first two ways start one if there is such a handler.

    `host`, `port`: where to listen; port 0 takes a free one, see `port`. Default: a free one, and none where
    `asgi` is used.
    `channels`: classes decorated with synq.channel; more with `channel`.
    `path`: clients connect at PATH/websocket and PATH/longpoll; more sockets with `mount`.
    `origins`: allowed origins: "https://example.com", "//example.com" (any scheme), a host that starts with
    "*." for its subdomains, or "*" for all. Default: the host and port that the request names, if it is one
    of `allowed_hosts`.
    `allowed_hosts`: the names in the Host field under which pages of the server's own may connect:
    "example.com", one that starts with "*." for its subdomains too, or "*" for any. Stops pages whose name is
    given this machine's address (DNS rebinding). Default: where `host` is of loopback its names and
    addresses, else any. A proxy that passes its own name on needs it.
    `connect`: a function ``(connection, params)``, also ``async``, that decides who may connect; False or
    synq.Error refuses.
    `check_origin`: a function, also ``async``, that says of an origin whether its pages may connect, in
    place of `origins`.
    `static`: directories to serve for demos, by prefix: ``{"/": "web"}``; see browser_files, too.
    `limits`: see Limits.
    `loops`: threads that serve connections, at most 256. Default: one per core.
    `tls_certificate`, `tls_key`: PEM files; read again by `reload_tls`.
    `tls_minimum_version`: "1.2" or "1.3".
    `metrics`: a path ("/metrics") at which Prometheus reads what the server counts; handlers are timed then.
    `health`: a path for load balancers: 200 "ok", or 503 "draining" once the server stops.
    `cluster`: a Redis 6.2 or later, or a Valkey, that joins this server to all that are given the same one:
    "redis://[user:password@]host[:port][/database]", "rediss://" for TLS; "?prefix=NAME" keeps several
    clusters in one Redis apart. Broadcasts, messages and disconnects reach the clients of all servers, at
    most once. Default: this server is alone.
    `logger`: where the log goes, at the level that it has when the server is made. Default: "synq". Its
    handlers must not call the server.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        channels: Iterable[type[Channel]] = (),
        path: str = "/socket",
        origins: Iterable[str] | None = None,
        allowed_hosts: Iterable[str] | None = None,
        connect: Connect | None = None,
        check_origin: CheckOrigin | None = None,
        static: Mapping[str, str | os.PathLike[str]] | None = None,
        limits: Limits | None = None,
        loops: int = 0,
        tls_certificate: str | os.PathLike[str] | None = None,
        tls_key: str | os.PathLike[str] | None = None,
        tls_minimum_version: str = "1.2",
        metrics: str | None = None,
        health: str | None = None,
        cluster: str | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self._has_port = port is not None
        port = 0 if port is None else port
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
            raise ValueError(f"port must be from 0 to 65535, not {port!r}")
        self._lib: Library = library()
        self._log = logger or logging.getLogger("synq")
        self._hosts: list[Registration | Mount] = []
        self._interrupts: list[BaseException] = []
        self._path = path
        self._is_mounted = False
        self._origin = f"{'http' if tls_certificate is None else 'https'}://{in_url(host)}"
        self._attached: contextlib.AbstractAsyncContextManager[None] | None = None
        if (tls_certificate is None) != (tls_key is None):
            raise ValueError("tls_certificate and tls_key go together: one of them is missing")
        if tls_minimum_version not in TLS_VERSIONS:
            raise ValueError(f"tls_minimum_version must be '1.2' or '1.3', not {tls_minimum_version!r}")
        handle = new_server(
            self._lib,
            self._log,
            host,
            port,
            limits,
            loops,
            allowed_hosts,
            tls_certificate,
            tls_key,
            tls_minimum_version,
            {"metrics": metrics, "health": health, "cluster": cluster},
        )
        self._life = Life(self._lib, handle, self._log)
        # Also at the interpreter's exit: no thread of the library may call Python after it.
        weakref.finalize(self, self._life.close, 1.0)
        try:
            self.mount(path, origins=origins, connect=connect, check_origin=check_origin)
            for prefix, directory in (static or {}).items():
                self.static(prefix, directory)
            if isinstance(channels, type):
                raise TypeError(
                    f"channels: expected a list of classes, not the class {channels.__qualname__}"
                )
            for kind in channels:
                self.channel(kind)
        except BaseException:
            self.close()
            raise

    # -- before the start

    @overload
    def channel(self, pattern: C, /) -> C: ...
    @overload
    def channel(
        self,
        pattern: str,
        /,
        *,
        track: Iterable[str] = ...,
        max_version: int = ...,
        dialect: str = ...,
        ignore_keys: Iterable[str] | None = ...,
        intercept: Iterable[str] = ...,
        allow_prototype_keys: bool = ...,
        message_builder: Any = ...,
        finish_seconds: float | None = ...,
        presence: str | None = ...,
        max_presence_keys: int = ...,
        max_presence_bytes: int = ...,
        shared: Iterable[str] = ...,
        linger_seconds: float = ...,
        patch_interval_seconds: float = ...,
    ) -> Callable[[C], C]: ...
    def channel(self, pattern: Any, /, **chosen: Any) -> Any:
        """Registers a channel class: one that synq.channel decorated, ``server.channel(Room)``, or as a
        decorator with the same options, ``@server.channel("room:*", track=["count"])``."""
        if isinstance(pattern, str):
            given = options(pattern, **chosen)

            def decorate(kind: C) -> C:
                self._register(kind, given)
                return kind

            return decorate
        if not (isinstance(pattern, type) and issubclass(pattern, Channel)):
            raise TypeError(f"expected a topic pattern or a class derived from synq.Channel, not {pattern!r}")
        if not hasattr(pattern, "__synq_options__"):
            raise TypeError(f"{pattern.__qualname__} has no topic pattern: decorate it with @synq.channel")
        self._register(pattern, pattern.__synq_options__)
        return pattern

    def _register(self, kind: type[Channel], given: Options) -> None:
        registration = Registration(self, kind, self._lib, self._interrupts, self._log, given)
        chosen = _ffi.channel_options(size=ctypes.sizeof(_ffi.channel_options))
        chosen.track = strings("track", given.track)
        chosen.authorize = _callbacks.authorize
        chosen.init = _callbacks.init
        chosen.handle_event = _callbacks.handle_event
        chosen.handle_message = _callbacks.handle_message
        chosen.before_close = _callbacks.before_close
        chosen.user = registration.number
        chosen.destroy = _callbacks.forget_registration
        chosen.max_version = unsigned("max_version", given.max_version)
        chosen.dialect = DIALECTS[given.dialect]
        if given.ignore_keys is not None:
            chosen.ignore_keys = strings("ignore_keys", given.ignore_keys)
        chosen.intercept = strings("intercept", given.intercept)
        chosen.allow_prototype_keys = given.allow_prototype_keys
        if hasattr(given.message_builder, "new_state"):
            chosen.new_state = _callbacks.new_state
        if hasattr(given.message_builder, "update_state"):
            chosen.update_state = _callbacks.update_state
        if registration.presences.fetch is not None:
            chosen.fetch_presence = _callbacks.fetch_presence
        if registration.presences.changed is not None:
            chosen.presence_changed = _callbacks.presence_changed
        chosen.presence = None if given.presence is None else given.presence.encode()
        chosen.max_presence_keys = unsigned("max_presence_keys", given.max_presence_keys)
        chosen.max_presence_bytes = unsigned("max_presence_bytes", given.max_presence_bytes)
        chosen.linger_ms = milliseconds("linger_seconds", given.linger_seconds)
        chosen.patch_interval_ms = milliseconds("patch_interval_seconds", given.patch_interval_seconds)
        if given.shared:
            chosen.shared = strings("shared", given.shared)
            chosen.open_topic = _callbacks.open_topic
            chosen.close_topic = _callbacks.close_topic
        check(self._lib.synq_server_channel(self._life.open(), given.pattern.encode(), ctypes.byref(chosen)))
        self._hosts.append(registration)

    def mount(
        self,
        path: str,
        *,
        origins: Iterable[str] | None = None,
        connect: Connect | None = None,
        check_origin: CheckOrigin | None = None,
        subprotocols: Iterable[str] = (),
        longpoll: bool = True,
        longpoll_window_ms: int = 0,
        pattern: str | None = None,
        limits: Limits | None = None,
        compress: bool = False,
    ) -> None:
        """Serves a socket at another path, with its own rule who may connect. `pattern` is a path with
        parameters instead of "websocket", such as "custom/:id/ws". What is 0 in `limits` is as in the
        server's. `compress` saves bytes for CPU time where a client offers permessage-deflate."""
        chosen = _ffi.mount_options(size=ctypes.sizeof(_ffi.mount_options))
        if origins is not None:
            chosen.origins = strings("origins", origins)
        chosen.subprotocols = strings("subprotocols", subprotocols)
        chosen.longpoll = _ffi.ON if longpoll else _ffi.OFF
        chosen.longpoll_window_ms = unsigned("longpoll_window_ms", longpoll_window_ms)
        chosen.pattern = None if pattern is None else pattern.encode()
        chosen.compress = compress
        if limits is not None:
            chosen.limits = c_limits(limits)
        if connect is not None or check_origin is not None:
            host = Mount(self._lib, connect, check_origin, self._interrupts, self._log)
            if host.connects:
                chosen.connect = _callbacks.connect
            if check_origin is not None:
                chosen.check_origin = _callbacks.check_origin
            chosen.user = host.number
            chosen.destroy = _callbacks.forget_mount
            self._hosts.append(host)
        check(self._lib.synq_server_mount(self._life.open(), path.encode(), ctypes.byref(chosen)))

    def static(self, prefix: str, directory: str | os.PathLike[str]) -> None:
        """Serves the files of a directory below a prefix, for demos."""
        check(self._lib.synq_server_static(self._life.open(), prefix.encode(), os.fsencode(directory)))

    # -- running

    def start(self) -> Server:
        """Binds the port, so that `port` is known, and gives the server itself; `run` and the `with` forms do
        it when it was not done before."""
        if not self._life.started:
            listens = self._has_port or not self._is_mounted
            begin = self._lib.synq_server_start if listens else self._lib.synq_server_start_links
            check(begin(self._life.open()))
            self._life.started = True
        return self

    @property
    def port(self) -> int:
        """The port that the server listens on, once it has started."""
        return check(self._lib.synq_server_port(self._life.open()))

    def run(self, started: Callable[[], object] | None = None) -> None:
        """Serves on this thread until Ctrl-C, SIGTERM or `stop`, then closes the server and returns.

        On the main thread, signals whose handlers are Python's own are taken for the time: the first stops
        gracefully, a second cuts off what still runs.

        `started` is called once the port is bound and the signals are taken: the moment to tell the world.
        Default: a line on stderr says where the server listens.
        """
        self.start()
        try:
            _run.run(self._serve(), started or self._say_where)
        finally:
            self.close()

    def _say_where(self) -> None:
        print(f"listening on {self._origin}:{self.port}/, until Ctrl-C", file=sys.stderr, flush=True)

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Begins the end and returns at once, from any thread or handler: handlers that run may come to their
        end, each channel's before_close runs, clients are told to come back. What is not done in time is cut
        off; `async def` handlers are cancelled just before, so that they can tidy up."""
        self._life.stop(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Stops and frees the server; a second time nothing happens. Handlers that run have until the timeout
        to end: 5 s, or what an earlier `stop` gave them. Not from a handler: that one calls `stop`."""
        self._life.close(timeout_seconds)

    def every(self, seconds: float, function: Callable[[], Any]) -> None:
        """Calls a function again and again, the first time after `seconds`, on a thread of its own, until the
        server is closed. What it raises is logged, and the next time it is called as ever."""
        self._life.every(seconds, function)

    def _serve(self) -> _run.Serving:
        if self._life.serving is not None:
            raise StateError("the server runs already", _ffi.ESTATE)
        serving = _run.Serving(self._lib, self._life.open(), self._hosts, self._interrupts, self._log)
        self._life.serving = serving
        return serving

    def __enter__(self) -> Server:
        self.start()
        arguments = (self._serve(), self._log)
        self._life.thread = threading.Thread(
            target=_run.run_in_thread, args=arguments, name="synq", daemon=True
        )
        self._life.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Server:
        self.start()
        self._attached = self._serve().attached(asyncio.get_running_loop())
        await self._attached.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        attached, self._attached = self._attached, None
        assert attached is not None
        try:
            await attached.__aexit__(kind, error, trace)
        finally:
            self.close()

    def asgi(self, path: str | None = None) -> Application:
        """The server as an ASGI application, for FastAPI, Starlette, Django and others, on the port that the
        application has: ``app.mount("/socket", server.asgi())``, and clients connect to "/socket". The first
        request starts it, on the application's asyncio loop, with which it ends, or with the lifespan where
        it runs alone. `connect` finds the scope of the request in ``connection.scope``. WebSocket only.

        `path`: of several sockets of this server, the one to serve. Default: the first.

        Without `origins` the pages of the host that the request names may connect, and of hosts all that
        there are, where `allowed_hosts` is not given. A port is opened only where `port` is given."""
        self._is_mounted = True
        return Application(self, self._path if path is None else path)

    async def wait_stopped(self) -> None:
        """Under ``async with``: waits until somebody calls `stop`."""
        if self._life.serving is None:
            raise StateError("wait_stopped: the server is not running", _ffi.ESTATE)
        await self._life.serving.wait_stopped()

    # -- from any thread

    def broadcast(self, topic: str, event: str, payload: Any = None) -> None:
        """Pushes an event to every client that has joined a topic. Bytes are a binary message."""
        if isinstance(payload, (bytes, bytearray, memoryview)):
            data = bytes(payload)
            send = self._lib.synq_server_broadcast_binary
        else:
            data = b"{}" if payload is None else to_bytes(payload)
            send = self._lib.synq_server_broadcast_text
        with self._life.lock:
            check(send(self._life.open(), topic.encode(), event.encode(), data, len(data)))

    def publish(self, topic: str, message: str, payload: Any = None, *, key: str | None = None) -> None:
        """Sends a message to every channel that has joined a topic or subscribed to it. With a `key` it takes
        the place of an older one of the same topic, message and key that still waits for a channel: the
        newest price, the newest position. LimitError when too much waits already."""
        data = b"{}" if payload is None else to_bytes(payload)
        with self._life.lock:
            server = self._life.open()
            lib, names = self._lib, (topic.encode(), message.encode())
            if key is None:
                check(lib.synq_server_publish_text(server, *names, data, len(data)))
            else:
                check(lib.synq_server_publish_latest_text(server, *names, key.encode(), data, len(data)))

    def topic(self, topic: str, *, open: bool = False) -> Update[Any]:
        """The turn of a topic with `shared` assigns, from anywhere: a timer, an HTTP handler, another topic::

            async with server.topic("board:1") as board:  # in a task; in a thread: `with`
                board.assigns.cards[3].done = True

        What it gives is the topic as in open_topic: `assigns`, `broadcast`, `publish`, and the methods of the
        channel class. The block runs once, in the order of the topic's handlers, and what it changes becomes
        one patch for each client; an exception drops its changes and goes on to the caller.

        `open`: a topic that nobody is in is opened (and closed after `linger_seconds`); else NotFoundError.
        StateError inside of a handler of the same topic, which would wait for itself, and for ``with`` on the
        thread that runs the handlers. ClosedError when the server stops."""
        life, mode = self._life, _ffi.UPDATE_OPEN if open else _ffi.UPDATE_IF_OPEN

        def ask(number: int) -> int:
            with life.lock:
                begin, name = self._lib.synq_server_update, topic.encode()
                code: int = begin(life.open(), name, mode, _callbacks.update, number, _callbacks.update_done)
                return code

        return of_topic(topic, self._registration(topic), self._lib, self._get_serving, ask)

    def update(self, channel: S, /) -> Update[S]:
        """The same for one channel: the block runs in the order of its handlers. What it raises also ends the
        channel, as a handler's failure does. ClosedError once the channel is gone."""

        def ask(number: int) -> int:
            begin = self._lib.synq_socket_update
            code: int = begin(channel._socket, _callbacks.update, number, _callbacks.update_done)
            return code

        return of_channel(channel, self._lib, self._get_serving, ask)

    def channel_count(self, topic: str) -> int:
        """How many channels are in a topic with `shared` assigns."""
        with self._life.lock:
            return check(self._lib.synq_server_channel_count(self._life.open(), topic.encode()))

    def presences(self, topic: str) -> dict[str, Any]:
        """Who is in a topic, ``{"ann": {"metas": [...]}}``; nobody where nobody joined."""
        out = ctypes.c_void_p()
        with self._life.lock:
            server = self._life.open()
            check(self._lib.synq_server_presence_list_text(server, topic.encode(), ctypes.byref(out), None))
        return cast("dict[str, Any]", taken(self._lib, out))

    def presence(self, topic: str, key: object) -> dict[str, Any] | None:
        """One key of a topic, ``{"metas": [...]}``; None if nobody is there."""
        out = ctypes.c_void_p()
        with self._life.lock:
            get = self._lib.synq_server_presence_get_text
            code = get(self._life.open(), topic.encode(), encoded(key), ctypes.byref(out), None)
        if code == _ffi.ENOTFOUND:
            return None
        check(code)
        return cast("dict[str, Any]", taken(self._lib, out))

    def disconnect(self, identity: str) -> None:
        """Closes every connection that its connect function gave this id."""
        with self._life.lock:
            check(self._lib.synq_server_disconnect(self._life.open(), identity.encode()))

    def reload_tls(self) -> None:
        """Reads certificate and key again: connections that begin from now on use them. When they cannot be
        used, all stays as it was, and SystemCallError says why."""
        with self._life.lock:
            check(self._lib.synq_server_reload_tls(self._life.open()))

    def stats(self) -> Stats:
        """Counters since the start."""
        filled = _ffi.stats(size=ctypes.sizeof(_ffi.stats))
        with self._life.lock:
            check(self._lib.synq_server_stats(self._life.open(), ctypes.byref(filled)))
        return Stats(**{name: getattr(filled, name) for name in Stats._fields})

    def metrics_text(self) -> str:
        """What the server counts, as OpenMetrics text; times of handlers are in it where `metrics` is set."""
        out = ctypes.c_void_p()
        with self._life.lock:
            check(self._lib.synq_server_metrics_text(self._life.open(), ctypes.byref(out), None))
        return given_text(self._lib, out)

    def _has_state(self, topic: str) -> bool | None:
        """Whether the clients of a topic get a state, None if that is not known: `synq.testing` waits for it
        after a join."""
        return registration.has_state if (registration := self._registration(topic)) else False

    def _registration(self, topic: str) -> Registration | None:
        found = [host for host in self._hosts if isinstance(host, Registration) and host.serves(topic)]
        return max(found, key=lambda host: len(host.pattern)) if found else None

    def _get_serving(self) -> _run.Serving | None:
        return self._life.serving if self._life.open() else None

    def __repr__(self) -> str:
        return f"<synq.Server {self._life.state}>"
