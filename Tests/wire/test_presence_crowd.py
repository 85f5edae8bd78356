"""Clients that come, change and go as fast as they can, on all threads of a real server: each ends with the
server's list. SYNQ_PRESENCE_STEPS makes it longer."""

import json
import os
import random
import socket
import struct

import pytest

from playback.connection import TEXT, Connection
from playback.message import Message, parse_text
from playback.presence import DIFF, STATE, View

STEPS = int(os.environ.get("SYNQ_PRESENCE_STEPS", "300"))
CONNECTIONS = 30


class Guest:
    """A connection that does not wait for its answers."""

    def __init__(self, host, topic):
        self.topic = topic
        self.tcp = Connection.to(host.host, host.port)
        assert self.tcp.upgrade("/socket/websocket?vsn=2.0.0").status == 101
        self.refs = 0
        self.join_ref = None
        self.view = View()
        self.replies = {}

    def push(self, event, payload):
        self.refs += 1
        ref = str(self.refs)
        if event == "phx_join":
            self.join_ref = ref
        self.tcp.send_text(json.dumps([self.join_ref, ref, self.topic, event, payload]))
        return ref

    def act(self, choose):
        """One thing at random that a client may do."""
        what = choose.randrange(10)
        if self.join_ref is None or what == 0:  # again, maybe without having left
            self.push("phx_join", {"user": f"k{choose.randrange(12)}", "meta": {"n": 0}})
        elif what < 5:
            self.push("update", {"n": choose.randrange(100)})
        elif what < 7:
            self.push("track", {"user": f"k{choose.randrange(12)}", "meta": {}})
        elif what == 7:
            self.push("untrack", {})
        elif what == 8:
            self.push("phx_leave", {})
            self.join_ref = None
        else:
            self.push("raise", {})

    def read(self):
        frame = self.tcp.receive_frame()
        assert frame.opcode == TEXT
        self.take(parse_text(frame.payload.decode(), 2))

    def take(self, message: Message):
        if message.event == "phx_reply":
            self.replies[message.ref] = message.payload
            joins = message.ref == message.join_ref
            if joins and message.payload["status"] == "ok" and message.join_ref == self.join_ref:
                self.view = View()
        elif message.event == "phx_error" and message.join_ref == self.join_ref:
            self.push("phx_join", {"user": "again"})  # as stock clients do
        elif message.event == DIFF or (message.event == STATE and message.join_ref == self.join_ref):
            self.view.take(message)

    def answered(self, ref):
        while ref not in self.replies:
            self.read()
        return self.replies.pop(ref)

    def list(self):
        """The server's list, once there is a channel to ask it by: a crashed one joins again."""
        while True:
            if self.join_ref is None:
                self.push("phx_join", {"user": "last"})
            reply = self.answered(self.push("list", {}))
            if reply["status"] == "ok":
                return reply["response"]

    def cut(self):
        self.tcp.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.tcp.close()


def refs(presences):
    return {key: sorted(meta["phx_ref"] for meta in value["metas"]) for key, value in presences.items()}


@pytest.mark.parametrize("pattern", ["presence", "presencef"])
def test_every_client_ends_with_the_servers_list(host, pattern):
    choose = random.Random(pattern)
    topic = f"{pattern}:crowd{os.getpid()}"
    guests = [Guest(host, topic) for _ in range(CONNECTIONS)]
    for step in range(STEPS):
        at = choose.randrange(CONNECTIONS)
        if choose.randrange(60) == 0:
            guests[at].cut()
            guests[at] = Guest(host, topic)
        guests[at].act(choose)
        if step % 200 == 199:  # else the server's output waits for us without end
            for guest in guests:
                guest.list()
    for guest in guests:
        guest.list()
    expected = refs(guests[0].list())
    for guest in guests:
        while not guest.view.has_state or refs(guest.view.presences) != expected:
            guest.read()
    alone = guests[0]
    alone.push("phx_leave", {})
    alone.push("phx_join", {"user": "alone"})
    for guest in guests[1:]:
        guest.cut()
    while alone.view.presences.keys() != {"alone"} or len(alone.view.presences["alone"]["metas"]) != 1:
        alone.read()
    server = alone.list()
    assert refs(server) == refs(alone.view.presences)
    alone.cut()
