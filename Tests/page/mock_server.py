"""A stand-in for the demo servers: the same channel contract, pages and patches, in a few small files.

    python3 mock_server.py [--port 0]

It prints ``listening on http://127.0.0.1:PORT/`` and serves until SIGTERM: examples/web at ``/``,
bindings/browser at ``/synq/``, Tests/page/client at ``/client/``, Debian's modules for Node at ``/nodejs/``
if they are there, and the socket, with long poll, at ``/socket``. A test makes trouble at ``/trouble``.
``PHOENIX_JS`` names the folder of a real ``phoenix.mjs``, for the tests of stock clients: ``/phoenix/``.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import ClassVar

from aiohttp import WSMsgType, web

from mock_channel import Channel, Room

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = Path("/usr/share/nodejs")
POLL_WINDOW_S = 10.0


class Connection:
    """One socket, whatever carries its messages: `send` takes a message, `receive` is given a text."""

    open: ClassVar = set()

    def __init__(self, write, cut):
        self.write, self.cut_transport, self.channels = write, cut, {}
        Connection.open.add(self)

    def send(self, message):
        self.write(json.dumps(message))

    def receive(self, text):
        if self not in Connection.open:
            return  # it was cut: what was on its way is lost
        join_ref, ref, topic, event, payload = json.loads(text)[:5]
        channel = self.channels.get(topic)

        def answer(status, response):
            self.send([join_ref, ref, topic, "phx_reply", {"status": status, "response": response}])

        if topic == "phoenix":
            answer("ok", {})
        elif event == "phx_join" and topic.startswith(("room:", "kept:", "live:")):
            self.join(topic, join_ref, payload, answer)
        elif event == "phx_leave":
            answer("ok", {})
            if channel:
                channel.send("phx_close", {}, join_ref)
            if left := channel or Channel.kept.get((topic, payload.get("synq", {}).get("client"))):
                left.end()
        elif channel:
            self.handle(channel, ref, event, payload)
        else:
            answer("error", {"reason": "unmatched topic"})

    def join(self, topic, join_ref, payload, answer):
        synq = payload.pop("synq", None) or {}
        client = synq.get("client")
        old = Channel.kept.get((topic, client)) or self.channels.get(topic)
        if old and old.client and old.resume(self, join_ref, synq):
            return
        if old:
            old.end()
        kept = client and topic.startswith(("kept:", "live:"))
        answer("ok", {"synq": {"resumed": False}} if kept else {})
        channel = Channel(self, topic, join_ref, str(payload.get("user", "?")), client)
        self.channels[topic] = channel
        channel.push("welcome", {"text": f"Welcome to {channel.room.name}, {channel.user}."})
        channel.room.changed()

    def handle(self, channel, ref, event, payload):
        planned = Server.cuts.get(channel.topic)
        if not planned:
            return channel.handle(ref, event, payload)
        when = planned.pop(0)
        if when == "after":  # it is handled, and nothing of that is heard
            self.write = lambda text: None
            channel.handle(ref, event, payload)
        return self.cut()

    def cut(self):
        self.write = lambda text: None
        self.end()
        self.cut_transport()

    def end(self):
        Connection.open.discard(self)
        for channel in list(self.channels.values()):
            channel.lost()


class Server:
    sessions: ClassVar = {}
    cuts: ClassVar = {}  # by topic, what to do at its next events
    refuse = None

    @classmethod
    async def tick(cls):
        while True:
            await asyncio.sleep(1)
            Room.tick()


async def trouble(request):
    """What a test asks for:

    ``refuse=401``            connections are refused so, until ``refuse=0``
    ``topic=T&cut=now``       the connections of the topic are cut; with ``user=U``, those of that user
    ``topic=T&members``       who is there
    ``topic=T&cut=before,after,…``  with each of the next events: cut, and the event not handled, or handled
    """
    if status := request.query.get("refuse"):
        Server.refuse = int(status)
    topic, cut = request.query.get("topic"), request.query.get("cut")
    if cut == "now":
        user = request.query.get("user")
        for connection in list(Connection.open):
            if topic in connection.channels and user in (None, connection.channels[topic].user):
                connection.cut()
    elif cut:
        Server.cuts[topic] = cut.split(",")
    room = Room.rooms.get(topic)
    known = {"inits": room.inits, "count": room.count, "text": room.text} if room else {}
    if room and "members" in request.query:
        known = {"members": [channel.user for channel in room.channels]}
    return web.json_response(known)


async def websocket(request):
    if Server.refuse:
        return web.Response(status=Server.refuse)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    outbox = asyncio.Queue()
    connection = Connection(outbox.put_nowait, request.transport.abort)

    async def write():
        while True:
            await socket.send_str(await outbox.get())

    writer = asyncio.create_task(write())
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            connection.receive(message.data)
    connection.end()
    writer.cancel()
    return socket


async def poll(request):
    if Server.refuse:
        return web.json_response({"status": Server.refuse})
    token = request.headers.get("X-Phoenix-Longpoll-Token")
    if token not in Server.sessions:
        token, outbox = secrets.token_hex(8), asyncio.Queue()

        def cut():
            del Server.sessions[token]
            outbox.put_nowait(None)

        Server.sessions[token] = (Connection(outbox.put_nowait, cut), outbox)
        return web.json_response({"messages": [], "status": 410, "token": token})
    outbox, messages = Server.sessions[token][1], []
    with contextlib.suppress(TimeoutError):
        messages.append(await asyncio.wait_for(outbox.get(), POLL_WINDOW_S))
    while not outbox.empty():
        messages.append(outbox.get_nowait())
    if None in messages:
        return web.json_response({"status": 410})
    return web.json_response({"messages": messages, "status": 200 if messages else 204, "token": token})


async def publish(request):
    body = await request.text()
    for line in body.split("\n"):
        session = Server.sessions.get(request.headers.get("X-Phoenix-Longpoll-Token"))
        if not session:
            return web.json_response({"status": 410})
        session[0].receive(line)
    return web.json_response({"status": 200})


async def index(_request):
    return web.FileResponse(ROOT / "examples/web/index.html")


@web.middleware
async def fresh(request, handler):
    response = await handler(request)
    response.headers["Cache-Control"] = "max-age=0, private, must-revalidate"  # as the server's
    return response


async def serve(port):
    app = web.Application(middlewares=[fresh])
    app.router.add_get("/", index)
    app.router.add_get("/socket/websocket", websocket)
    app.router.add_get("/socket/longpoll", poll)
    app.router.add_post("/socket/longpoll", publish)
    app.router.add_post("/trouble", trouble)
    app.router.add_static("/synq/", ROOT / "bindings/browser")
    app.router.add_static("/client/", ROOT / "Tests/page/client")
    if phoenix := os.environ.get("PHOENIX_JS"):
        app.router.add_static("/phoenix/", phoenix)
    if NODE_MODULES.is_dir():
        app.router.add_static("/nodejs/", NODE_MODULES, follow_symlinks=True)
    app.router.add_static("/", ROOT / "examples/web")
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await Server.tick()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
