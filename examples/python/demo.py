"""A chat room with a shared counter: `python3 demo.py --port 4000`, then open the page in two windows."""

import argparse
import itertools
import time
from pathlib import Path

import synq

root = Path(__file__).resolve().parents[2]
rooms, ids, started = {}, itertools.count(1), time.monotonic()


@synq.channel("room:*", track=["room", "count", "members", "messages", "seconds"])
class Room(synq.Channel):
    member: dict | None = None

    def init(self, params: dict):
        self.member = {"id": str(next(ids)), "name": str(params.get("user") or "Nobody")[:40]}
        self.shared = rooms.setdefault(self.topic, {"count": 0, "members": [], "messages": []})
        self.shared["members"].append(self.member)
        self.assigns.update(self.shared, room=self.topic.partition(":")[2], secret="never on the wire")
        self.assigns.seconds = int(time.monotonic() - started)
        self.subscribe("clock")
        self.push("welcome", {"text": f"Welcome, {self.member['name']}!"})
        self.publish("changed", {"members": self.shared["members"]})

    @synq.event("inc")
    def inc(self):
        self.shared["count"] += 1
        self.publish("changed", {"count": self.shared["count"]})
        return {"count": self.shared["count"]}

    @synq.event("say")
    def say(self, payload: dict):
        if not 0 < len(text := str(payload.get("text", "")).strip()) <= 500:
            raise synq.Error("message_too_long" if text else "empty_message", "Write 1 to 500 characters.")
        self.shared["messages"].append({"id": next(ids), "from": self.member["name"], "text": text})
        del self.shared["messages"][:-50]
        self.publish("changed", {"messages": self.shared["messages"]})
        return {"id": self.shared["messages"][-1]["id"]}

    @synq.event("crash")
    def crash(self):
        raise RuntimeError("on purpose: this channel ends, and its client joins again")

    @synq.message("changed")  # of the room, or of the clock: both of them are topics
    def changed(self, changes: dict):
        self.assigns.update(changes)

    def before_close(self):
        if self.member:  # else the client was gone before init
            self.shared["members"].remove(self.member)
            self.publish("changed", {"members": self.shared["members"]})


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=4000)
static = {"/": root / "examples/web", "/synq/": synq.browser_files()}
server = synq.Server(port=parser.parse_args().port, channels=[Room], static=static)
server.every(1, lambda: server.publish("clock", "changed", {"seconds": int(time.monotonic() - started)}))
server.run(started=lambda: print(f"listening on http://127.0.0.1:{server.port}/", flush=True))
