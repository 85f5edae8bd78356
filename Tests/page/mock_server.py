"""A stand-in for the demo servers: the same channel contract, pages and patches, in one small file.

    python3 mock_server.py [--port 0]

It prints ``listening on http://127.0.0.1:PORT/`` and serves until SIGTERM: examples/web at ``/``,
bindings/browser at ``/synq/``, Tests/page/client at ``/client/``, the socket, with long poll, at ``/socket``.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import secrets
from pathlib import Path

from aiohttp import WSMsgType, web

ROOT = Path(__file__).resolve().parents[2]
POLL_WINDOW_S = 10.0
MAX_VERSION = 1000


def diff(old, new, path=""):
    """The operations that turn `old` into `new`: members by name, arrays by what their two ends share."""
    if type(old) is type(new) and old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        below = {name: f"{path}/{name.replace('~', '~0').replace('/', '~1')}" for name in old | new}
        changed = [op for name in old if name in new for op in diff(old[name], new[name], below[name])]
        removed = [{"op": "remove", "path": below[name]} for name in old if name not in new]
        added = [{"op": "add", "path": below[name], "value": new[name]} for name in new if name not in old]
        return changed + removed + added
    if isinstance(old, list) and isinstance(new, list):
        return diff_lists(old, new, path)
    return [{"op": "replace", "path": path, "value": new}]


def diff_lists(old, new, path):
    if len(old) == len(new) and old[1:] + new[-1:] != new:
        return [op for i, pair in enumerate(zip(old, new, strict=True)) for op in diff(*pair, f"{path}/{i}")]
    start = next((i for i in range(len(old) + 1) if old[i:] == new[: len(old) - i]), len(old))
    if start < len(old) or not old:  # the front was dropped and the end grew: a list of the last n
        kept = len(old) - start
        removed = [{"op": "remove", "path": f"{path}/0"} for _ in range(start)]
        return removed + [{"op": "add", "path": f"{path}/-", "value": value} for value in new[kept:]]
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    removed = [{"op": "remove", "path": f"{path}/{i}"} for i in range(len(old) - 1, same - 1, -1)]
    return removed + [{"op": "add", "path": f"{path}/-", "value": value} for value in new[same:]]


def error(code, message):
    now = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
    return {"code": code, "message": message, "details": None, "timestamp": now}


class Room:
    def __init__(self, name):
        self.name, self.count, self.messages, self.last_id = name, 0, [], 0
        self.channels = []

    def state(self):
        members = [{"id": channel.id, "name": channel.user} for channel in self.channels]
        return {
            "room": self.name,
            "count": self.count,
            "members": members,
            "messages": self.messages,
            "seconds": Server.seconds,
        }

    def changed(self):
        for channel in list(self.channels):
            channel.sync()


class Channel:
    def __init__(self, connection, topic, join_ref, user):
        self.connection, self.topic, self.join_ref, self.user = connection, topic, join_ref, user
        self.id = secrets.token_hex(4)
        self.room = Server.rooms.setdefault(topic, Room(topic.removeprefix("room:")))
        self.room.channels.append(self)
        self.state, self.version, self.secret = None, 0, "not for the wire"

    def push(self, event, payload, ref=None):
        self.connection.send([self.join_ref, ref, self.topic, event, payload])

    def reply(self, ref, status, response):
        self.push("phx_reply", {"status": status, "response": response}, ref)

    def sync(self, whole=False):
        old, new = self.state, json.loads(json.dumps(self.room.state()))
        operations = [] if old is None else diff(old, new)
        self.state = new
        if old is not None and not operations and not whole:
            return
        if old is not None and operations:
            self.version = (self.version + 1) % (MAX_VERSION + 1)
        if whole or old is None or self.version == 0:
            self.push("synq:change", {"state": new, "version": self.version})
        else:
            self.push("synq:patch", {"operations": operations, "version": self.version})

    def handle(self, ref, event, payload):
        room = self.room
        if event == "inc":
            room.count += 1
            self.reply(ref, "ok", {"count": room.count})
        elif event == "say":
            self.reply(ref, *self.say(str(payload.get("text", "")).strip()))
        elif event == "synq:refresh":
            self.reply(ref, "ok", {})
            self.sync(whole=True)
        elif event == "crash":
            self.push("phx_error", {}, self.join_ref)
            self.end()
        room.changed()

    def say(self, text):
        if not text:
            return "error", error("empty_message", "A message needs some text.")
        if len(text) > 500:
            return "error", error("message_too_long", "A message has at most 500 characters.")
        room = self.room
        room.last_id += 1
        room.messages = [*room.messages, {"id": room.last_id, "from": self.user, "text": text}][-50:]
        return "ok", {"id": room.last_id}

    def end(self):
        self.connection.channels.pop(self.topic, None)
        self.room.channels.remove(self)
        self.room.changed()


class Connection:
    """One socket, whatever carries its messages: `send` takes a message, `receive` is given a text."""

    def __init__(self, write):
        self.write, self.channels = write, {}

    def send(self, message):
        self.write(json.dumps(message))

    def receive(self, text):
        join_ref, ref, topic, event, payload = json.loads(text)[:5]
        channel = self.channels.get(topic)

        def answer(status, response):
            self.send([join_ref, ref, topic, "phx_reply", {"status": status, "response": response}])

        if topic == "phoenix":
            answer("ok", {})
        elif event == "phx_join" and topic.startswith("room:"):
            if channel:
                channel.end()
            answer("ok", {})
            channel = self.channels[topic] = Channel(self, topic, join_ref, str(payload.get("user", "?")))
            channel.push("welcome", {"text": f"Welcome to {channel.room.name}, {channel.user}."})
            channel.room.changed()
        elif event == "phx_leave":
            answer("ok", {})
            if channel:
                channel.push("phx_close", {}, join_ref)
                channel.end()
        elif channel:
            channel.handle(ref, event, payload)
        else:
            answer("error", {"reason": "unmatched topic"})

    def end(self):
        for channel in list(self.channels.values()):
            channel.end()


class Server:
    rooms, sessions, seconds = {}, {}, 0

    @classmethod
    async def tick(cls):
        while True:
            await asyncio.sleep(1)
            cls.seconds += 1
            for room in cls.rooms.values():
                room.changed()


async def websocket(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    outbox = asyncio.Queue()
    connection = Connection(outbox.put_nowait)

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
    token = request.headers.get("X-Phoenix-Longpoll-Token")
    if token not in Server.sessions:
        token, outbox = secrets.token_hex(8), asyncio.Queue()
        Server.sessions[token] = (Connection(outbox.put_nowait), outbox)
        return web.json_response({"messages": [], "status": 410, "token": token})
    outbox, messages = Server.sessions[token][1], []
    with contextlib.suppress(TimeoutError):
        messages.append(await asyncio.wait_for(outbox.get(), POLL_WINDOW_S))
    while not outbox.empty():
        messages.append(outbox.get_nowait())
    return web.json_response({"messages": messages, "status": 200 if messages else 204, "token": token})


async def publish(request):
    session = Server.sessions.get(request.headers.get("X-Phoenix-Longpoll-Token"))
    if not session:
        return web.json_response({"status": 410})
    for line in (await request.text()).split("\n"):
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
    app.router.add_static("/synq/", ROOT / "bindings/browser")
    app.router.add_static("/client/", ROOT / "Tests/page/client")
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
