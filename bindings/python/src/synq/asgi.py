"""A server inside an application that has a web server already: FastAPI, Starlette, Django, Quart."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

from ._links import Link, Message, Receive, Scope, Send
from .errors import ClosedError

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Application", "Message", "Receive", "Scope", "Send"]


class Application:
    """What `Server.asgi` gives: an ASGI application that is mounted in another, or runs alone."""

    def __init__(self, server: Server, path: str) -> None:
        self._server = server
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "websocket":
            await self._serve(scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        elif kind == "http":
            await _answer_404(send)
        else:
            raise ValueError(f"synq does not serve {kind!r}")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        link = Link(self._server._lib, scope)
        try:
            await join(self._server)
            link.open(self._server._life.open(), self._path)
        except ClosedError:  # the server stops
            link.refused(503, b"")
        await link.run(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await join(self._server)
                except Exception as error:
                    return await send({"type": "lifespan.startup.failed", "message": str(error)})
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await leave(self._server)
                return await send({"type": "lifespan.shutdown.complete"})


async def join(server: Server) -> None:
    """Starts the server on the running loop, if nobody did it before."""
    if server._life.serving is None:
        server.start()
        # What the first request has in its context is nobody else's.
        context = contextvars.Context()
        server._attached = server._serve().attached(asyncio.get_running_loop(), context)
        await server._attached.__aenter__()


async def leave(server: Server) -> None:
    """Ends what `join` began."""
    if server._attached is not None:
        await server.__aexit__(None, None, None)


async def _answer_404(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"9")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"not found"})
