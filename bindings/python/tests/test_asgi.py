"""A server inside an ASGI application: under real uvicorn, and with an ASGI server that the test plays."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import synq
from synq._links import inner_path
from synq.asgi import Application, leave
from synq.testing import Client
from synq.testing.client import HandshakeError

starlette = pytest.importorskip("starlette.applications")
uvicorn = pytest.importorskip("uvicorn")
from starlette.middleware import Middleware  # noqa: E402
from starlette.responses import PlainTextResponse  # noqa: E402
from starlette.routing import Mount, Route  # noqa: E402


@synq.channel("counter:*", track=["count"])
class Counter(synq.Channel):
    def init(self, params: Any) -> None:
        self.assigns.count = 0

    @synq.event
    def inc(self) -> None:
        self.assigns.count += 1

    @synq.event
    async def who(self) -> Any:
        await asyncio.sleep(0)
        return dict(self.assigns)

    @synq.event
    def flood(self, payload: Any) -> None:
        for _ in range(payload["times"]):
            self.push("filler", {"text": "x" * payload["bytes"]})


class Who:
    """A middleware that leaves something for the sockets below it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["user"] = "ann"
        await self.app(scope, receive, send)


@contextlib.contextmanager
def serving(app: Any, **options: Any) -> Iterator[int]:
    """The port of a uvicorn that serves the application."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who connects from here on waits
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        port = listener.getsockname()[1]
        thread.start()
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


def home(request: Any) -> Any:
    return PlainTextResponse("home")


def application(server: synq.Server, path: str = "/socket") -> Any:
    return starlette.Starlette(
        routes=[Route("/", home), Mount(path, server.asgi())], middleware=[Middleware(Who)]
    )


@pytest.mark.parametrize("path", ["/socket", "/api/v1/live"])
def test_a_counter_on_the_port_of_the_application(path: str) -> None:
    server = synq.Server(channels=[Counter])
    with contextlib.closing(server), serving(application(server, path)) as port:
        with Client("127.0.0.1", port, path=path) as client:
            channel = client.join("counter:1")
            channel.expect_state({"count": 0})
            channel.push("inc")
            channel.expect_state({"count": 1})
        with pytest.raises(synq.StateError):
            _ = server.port


@pytest.mark.parametrize("root_path", ["", "/behind"])
def test_the_application_may_itself_be_below_a_path(root_path: str) -> None:
    server = synq.Server(channels=[Counter])
    with (
        contextlib.closing(server),
        serving(application(server), root_path=root_path) as port,
        Client("127.0.0.1", port) as client,
    ):
        client.join("counter:1").expect_state({"count": 0})


def test_connect_sees_what_the_application_knows() -> None:
    seen: dict[str, Any] = {}

    def connect(connection: synq.Connection, params: dict[str, str]) -> bool:
        assert connection.scope is not None
        seen.update(user=connection.scope["user"], cookies=connection.cookies, token=connection.token)
        seen.update(peer=connection.peer, params=params)
        connection.assign("user", connection.scope["user"])
        return True

    token = base64.urlsafe_b64encode(b"secret").decode().rstrip("=")
    headers = {"cookie": "session=abc", "sec-websocket-protocol": f"phoenix, base64url.bearer.phx.{token}"}
    server = synq.Server(channels=[Counter], connect=connect)
    with (
        contextlib.closing(server),
        serving(application(server)) as port,
        Client("127.0.0.1", port, headers=headers, params={"a[b]": "1"}) as client,
    ):
        channel = client.join("counter:1")
        assert channel.call("who").response == {"count": 0, "user": "ann"}
    assert seen == {
        "user": "ann",
        "cookies": {"session": "abc"},
        "token": "secret",
        "peer": "127.0.0.1",
        "params": {"a": {"b": "1"}},
    }


def test_a_refusal_has_the_status_and_the_body_of_connect() -> None:
    async def connect(connection: synq.Connection, params: dict[str, str]) -> bool:
        await asyncio.sleep(0)
        return connection.refuse(401, "log in first")

    server = synq.Server(channels=[Counter], connect=connect)
    with (
        contextlib.closing(server),
        serving(application(server)) as port,
        pytest.raises(HandshakeError, match="401"),
    ):
        Client("127.0.0.1", port)


def test_pages_of_the_application_may_connect_and_others_not() -> None:
    server = synq.Server(channels=[Counter])
    with contextlib.closing(server), serving(application(server)) as port:
        named = {"host": "app.example.com", "origin": "https://app.example.com"}
        with Client("127.0.0.1", port, headers=named) as client:
            client.join("counter:1")
        with pytest.raises(HandshakeError, match="403"):
            Client("127.0.0.1", port, headers={"origin": "https://elsewhere.test"})


def test_two_servers_in_one_application() -> None:
    servers = [synq.Server(channels=[Counter]) for _ in range(2)]
    app = starlette.Starlette(routes=[Mount(f"/{at}", each.asgi()) for at, each in enumerate(servers)])
    with contextlib.closing(servers[0]), contextlib.closing(servers[1]), serving(app) as port:
        for at in range(2):
            with Client("127.0.0.1", port, path=f"/{at}") as client:
                client.join("counter:1").expect_state({"count": 0})


def test_a_stop_tells_the_clients() -> None:
    server = synq.Server(channels=[Counter])
    with (
        contextlib.closing(server),
        serving(application(server)) as port,
        Client("127.0.0.1", port) as client,
    ):
        client.join("counter:1")
        server.stop()
        assert client.expect_close() == 1012


@pytest.mark.parametrize(
    ("path", "root_path", "inner"),
    [
        ("/socket/websocket", "", "/socket/websocket"),
        ("/socket/websocket", "/socket", "/websocket"),  # the newer spelling
        ("/websocket", "/socket", "/websocket"),  # the older one
        ("/api/socket/websocket", "/api/socket/", "/websocket"),
        ("/socketry/websocket", "/socket", "/socketry/websocket"),
        ("/socket", "/socket", ""),
    ],
)
def test_where_an_application_is_mounted(path: str, root_path: str, inner: str) -> None:
    assert inner_path({"path": path, "root_path": root_path}) == inner


class Web:
    """An ASGI server with one WebSocket, whose every step the test decides."""

    def __init__(self, application: Application, **scope: Any) -> None:
        self.scope = {"type": "websocket", "path": "/socket/websocket", "query_string": b"vsn=2.0.0", **scope}
        self._application = application
        self._in: asyncio.Queue[Any] = asyncio.Queue()
        self.out: asyncio.Queue[Any] = asyncio.Queue()
        #: Cleared, the client takes nothing.
        self.takes = asyncio.Event()
        self.takes.set()
        self.read = 0

    async def _receive(self) -> Any:
        self.read += 1
        return await self._in.get()

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        self.out.put_nowait(message)

    async def __aenter__(self) -> Web:
        self.task = asyncio.ensure_future(self._application(self.scope, self._receive, self._send))
        self._in.put_nowait({"type": "websocket.connect"})
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def next(self) -> Any:
        return await asyncio.wait_for(self.out.get(), 5)

    def send(self, *message: Any) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def put(self, **message: Any) -> None:
        self._in.put_nowait(message)


def conversation(body: Any, **options: Any) -> None:
    """Runs `body(server)` on a loop of its own, and closes the server there."""

    async def run() -> None:
        server = synq.Server(channels=[Counter], **options)
        try:
            await body(server)
        finally:
            await leave(server)

    asyncio.run(run())


def test_the_client_that_does_not_read_is_closed() -> None:
    async def body(server: synq.Server) -> None:
        async with Web(server.asgi()) as web:
            assert (await web.next())["type"] == "websocket.accept"
            web.send("1", "1", "counter:1", "phx_join", {})
            assert "phx_reply" in (await web.next())["text"]
            web.takes.clear()
            web.send("1", "2", "counter:1", "flood", {"times": 40, "bytes": 10_000})
            web.send("1", "3", "counter:1", "flood", {"times": 40, "bytes": 10_000})
            while server.stats().connections:
                await asyncio.sleep(0)  # lets the loop run, until the library has counted it
            web.takes.set()
            while (message := await web.next())["type"] == "websocket.send":
                pass
            assert (message["type"], message["code"]) == ("websocket.close", 1013)

    conversation(body, limits=synq.Limits(max_outbound_bytes=100_000))


def test_nothing_is_read_from_a_client_that_does_not_read() -> None:
    async def body(server: synq.Server) -> None:
        async with Web(server.asgi()) as web:
            await web.next()
            web.send("1", "1", "counter:1", "phx_join", {})
            await web.next()
            web.takes.clear()
            web.send("1", "2", "counter:1", "flood", {"times": 10, "bytes": 10_000})
            while server.stats().messages_out < 12:
                await asyncio.sleep(0)  # lets the loop run, until the library has counted it
            before = web.read
            for ref in range(100):
                web.send("1", f"i{ref}", "counter:1", "inc", {})
                await asyncio.sleep(0)
            # One message may be under way when it is told to wait.
            assert web.read <= before + 2
            web.takes.set()
            seen = ""
            while '"i99"' not in seen:
                seen = (await web.next())["text"]

    conversation(body)


def test_messages_after_the_close_and_a_lost_connection() -> None:
    async def body(server: synq.Server) -> None:
        async with Web(server.asgi()) as web:
            await web.next()
            web.put(type="websocket.receive", text="no json")
            assert (await web.next())["code"] == 1011
            web.send("1", "1", "counter:1", "phx_join", {})
            await asyncio.wait_for(web.task, 5)
        async with Web(server.asgi()) as web:
            await web.next()
            web.put(type="websocket.disconnect", code=1006)
            await asyncio.wait_for(web.task, 5)
        async with Web(server.asgi()) as web:  # the ASGI server goes away without a word
            await web.next()
        while server.stats().connections:
            await asyncio.sleep(0)  # lets the loop run, until the library has counted it

    conversation(body)


def test_a_server_without_the_extension_for_refusals(caplog: pytest.LogCaptureFixture) -> None:
    async def body(server: synq.Server) -> None:
        async with Web(server.asgi(), path="/elsewhere") as web:
            assert (await web.next())["type"] == "websocket.close"
            await asyncio.wait_for(web.task, 5)
        async with Web(server.asgi(), extensions={"websocket.http.response": {}}, path="/elsewhere") as web:
            assert (await web.next())["status"] == 404
            assert (await web.next())["type"] == "websocket.http.response.body"

    with caplog.at_level(logging.INFO, "synq"):
        conversation(body)
    assert 'nothing is served at "/elsewhere"' in caplog.text


def test_what_is_too_long_and_what_is_no_text() -> None:
    async def body(server: synq.Server) -> None:
        for message, code in (({"text": "x" * 2_000}, 1009), ({"text": "\udc80"}, 1007)):
            async with Web(server.asgi()) as web:
                await web.next()
                web.put(type="websocket.receive", **message)
                assert (await web.next())["code"] == code

    conversation(body, limits=synq.Limits(max_message_bytes=1_000))


def test_a_lifespan_starts_and_ends_the_server() -> None:
    async def run() -> None:
        server = synq.Server(channels=[Counter])
        steps: asyncio.Queue[Any] = asyncio.Queue()
        said: asyncio.Queue[Any] = asyncio.Queue()

        async def send(message: Any) -> None:
            said.put_nowait(message["type"])

        life = asyncio.ensure_future(server.asgi()({"type": "lifespan"}, steps.get, send))
        steps.put_nowait({"type": "lifespan.startup"})
        assert await said.get() == "lifespan.startup.complete"
        async with Web(server.asgi()) as web:
            await web.next()
            steps.put_nowait({"type": "lifespan.shutdown"})
            assert (await web.next())["code"] == 1012
        await life
        assert await said.get() == "lifespan.shutdown.complete"
        assert repr(server) == "<synq.Server closed>"
        async with Web(server.asgi(), extensions={"websocket.http.response": {}}) as web:
            assert (await web.next())["status"] == 503

    asyncio.run(run())


def test_requests_that_are_no_websocket_are_not_found() -> None:
    async def run() -> None:
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        server = synq.Server(channels=[Counter])
        await server.asgi()({"type": "http"}, asyncio.Queue[Any]().get, send)
        assert said[0]["status"] == 404
        with pytest.raises(ValueError, match="other"):
            await server.asgi()({"type": "other"}, asyncio.Queue[Any]().get, send)
        server.close()

    asyncio.run(run())
