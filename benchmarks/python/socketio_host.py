"""The counter by hand on python-socketio (aiohttp): an acknowledgement and a patch for each event."""

import argparse
import asyncio

import socketio
from aiohttp import web

server = socketio.AsyncServer(async_mode="aiohttp")
counts = {}


@server.event
async def connect(sid, environ):
    counts[sid] = 0


@server.event
async def inc(sid, payload):
    counts[sid] += 1
    patch = [{"op": "replace", "path": "/count", "value": counts[sid]}]
    await server.emit("patch", {"operations": patch, "version": counts[sid]}, to=sid)
    return {"status": "ok", "response": {}}


@server.event
async def disconnect(sid):
    del counts[sid]


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", parser.parse_args().port)
    await site.start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
