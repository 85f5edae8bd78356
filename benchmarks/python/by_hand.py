"""What the bench host does, by hand on the package `websockets`: the state is a dict, the patch is written
where the change is made, and nothing is checked."""

import argparse
import asyncio
import json

from websockets.asyncio.server import serve

ITEMS = [
    {"id": i, "title": f"Item number {i}", "done": False, "tags": [f"tag{i % 10}"] * 3} for i in range(1000)
]


def inc(state, payload):
    state["count"] += 1
    return [{"op": "replace", "path": "/count", "value": state["count"]}]


def toggle(state, payload):
    item = state["items"][payload["i"]]
    item["done"] = not item["done"]
    return [{"op": "replace", "path": f"/items/{payload['i']}/done", "value": item["done"]}]


def first_state(topic):
    return {"count": 0} if topic.startswith("counter:") else {"items": [dict(item) for item in ITEMS]}


async def talk(connection):
    states, versions = {}, {}
    async for frame in connection:
        join_ref, ref, topic, event, payload = json.loads(frame)
        reply = {"status": "ok", "response": {}}
        if event == "phx_join":
            states[topic], versions[topic] = first_state(topic), 0
            name, state = "synq:change", {"state": states[topic], "version": 0}
        elif event == "heartbeat":
            name, state = None, None
        else:
            operations = (inc if event == "inc" else toggle)(states[topic], payload)
            version = versions[topic] = (versions[topic] + 1) % 1001
            if version:
                name, state = "synq:patch", {"operations": operations, "version": version}
            else:
                name, state = "synq:change", {"state": states[topic], "version": 0}
        await connection.send(json.dumps([join_ref, ref, topic, "phx_reply", reply]))
        if name is not None:
            await connection.send(json.dumps([join_ref, None, topic, name, state]))


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    async with serve(talk, "127.0.0.1", port, compression=None, max_size=None) as server:
        print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


asyncio.run(main())
