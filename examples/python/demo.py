"""A chat room with a shared counter: `python3 demo.py --port 4000`, then open the page in two windows."""

import argparse
import asyncio
import itertools
import time
from pathlib import Path

import synq

root = Path(__file__).resolve().parents[2]
ids, started = itertools.count(1), time.monotonic()
shared = ["count", "members", "messages", "seconds"]  # by all who are in a room


@synq.channel("room:*", track=["room", *shared], shared=shared, linger_seconds=3600)
class Room(synq.Channel):
    member: dict | None = None

    async def open_topic(self):
        self.assigns.update(count=0, members=[], messages=[], seconds=0)
        self.clock = asyncio.create_task(self.tick())

    async def tick(self):
        while True:
            await asyncio.sleep(1)
            if self.server.channel_count(self.topic):
                async with self.server.topic(self.topic):
                    self.assigns.seconds = int(time.monotonic() - started)

    def close_topic(self):
        self.clock.cancel()

    def init(self, params: dict):
        self.member = {"id": str(next(ids)), "name": str(params.get("user") or "Nobody")[:40]}
        self.assigns.members.append(self.member)
        self.assigns.room = self.topic.partition(":")[2]
        self.assigns.secret = "never on the wire"
        self.push("welcome", {"text": f"Welcome, {self.member['name']}!"})

    @synq.event("inc")
    def inc(self):
        self.assigns.count += 1
        return {"count": self.assigns.count}

    @synq.event("say")
    def say(self, payload: dict):
        if not 0 < len(text := str(payload.get("text", "")).strip()) <= 500:
            raise synq.Error("message_too_long" if text else "empty_message", "Write 1 to 500 characters.")
        self.assigns.messages.append({"id": next(ids), "from": self.member["name"], "text": text})
        del self.assigns.messages[:-50]
        return {"id": self.assigns.messages[-1].id}

    @synq.event("crash")
    def crash(self):
        raise RuntimeError("on purpose: this channel ends, and its client joins again")

    def before_close(self):
        if self.member:  # else the client was gone before init
            self.assigns.members.remove(self.member)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=4000)
static = {"/": root / "examples/web", "/synq/": synq.browser_files()}
server = synq.Server(port=parser.parse_args().port, channels=[Room], static=static)
server.run(started=lambda: print(f"listening on http://127.0.0.1:{server.port}/", flush=True))
