"""The channels of the stand-in server: rooms, and rooms whose members are kept for those who come back.

A topic ``room:NAME`` is a room as the demos have it. A topic ``kept:NAME`` is one too, with a text that
grows by the event ``type``, and does what docs/resume.md says: a lost connection leaves its channel where it
was for ``KEEP_S``. A topic ``live:NAME`` does the same in the words of live_state.
"""

import asyncio
import datetime
import json
import secrets
from typing import ClassVar

from mock_diff import diff

MAX_VERSION = 1000
KEEP_S = 30
# The names of the messages: full state, patch, the patch's member, refresh, and what comes before an event's.
SYNQ = ("synq:change", "synq:patch", "operations", "synq:refresh", "")
LIVE_STATE = ("state:change", "state:patch", "patch", "lvs_refresh", "lvs_evt:")


def error(code, message):
    now = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
    return {"code": code, "message": message, "details": None, "timestamp": now}


class Room:
    rooms: ClassVar = {}
    seconds = 0

    def __init__(self, kind, name):
        self.name, self.count, self.messages, self.last_id = name, 0, [], 0
        self.text = "" if kind == "kept" else None
        self.inits = 0  # how often a channel began: not part of the state
        self.channels = []

    @classmethod
    def of(cls, topic):
        return cls.rooms.setdefault(topic, cls(*topic.split(":", 1)))

    @classmethod
    def tick(cls):
        cls.seconds += 1
        for room in cls.rooms.values():
            room.changed()

    def state(self):
        members = [{"id": channel.id, "name": channel.user} for channel in self.channels]
        return {
            "room": self.name,
            "count": self.count,
            "members": members,
            "messages": self.messages,
            "seconds": Room.seconds,
            **({} if self.text is None else {"text": self.text}),
        }

    def changed(self):
        for channel in list(self.channels):
            channel.sync()


class Channel:
    """One member of a room. `connection` is None while it is kept for somebody who may come back."""

    kept: ClassVar = {}  # by topic and client

    def __init__(self, connection, topic, join_ref, user, client):
        self.connection, self.topic, self.join_ref, self.user = connection, topic, join_ref, user
        self.id, self.room = secrets.token_hex(4), Room.of(topic)
        self.room.channels.append(self)
        self.room.inits += 1
        self.state, self.version, self.secret = None, 0, "not for the wire"
        self.client = client if topic.startswith(("kept:", "live:")) else None
        self.words = LIVE_STATE if topic.startswith("live:") else SYNQ
        self.epoch, self.history, self.pushes, self.timer = None, {}, [], None
        self.replies = {}  # by ref
        if self.client:
            Channel.kept[topic, client] = self

    def send(self, event, payload, ref=None):
        if self.connection:
            self.connection.send([self.join_ref, ref, self.topic, event, payload])

    def push(self, event, payload):
        self.pushes.append((self.version, event, payload))
        self.send(event, payload)

    def reply(self, ref, status, response):
        self.replies[int(ref)] = answer = {"status": status, "response": response}
        self.send("phx_reply", answer, ref)

    def sync(self, whole=False):
        old, new = self.state, json.loads(json.dumps(self.room.state()))
        operations = [] if old is None else diff(old, new)
        self.state = new
        if old is not None and not operations and not whole:
            return
        if old is not None and operations:
            self.version = (self.version + 1) % (MAX_VERSION + 1)
        if self.client and (old is None or self.version == 0):
            self.epoch, self.history = secrets.token_hex(4), {}
        self.history[self.version] = new
        if whole or old is None or self.version == 0:
            self.send_state()
        else:
            self.send_patch(operations, self.version)

    def send_patch(self, operations, version, **base):
        self.send(self.words[1], {self.words[2]: operations, "version": version, **base})

    def send_state(self):
        epoch = {"epoch": self.epoch} if self.client else {}
        self.send(self.words[0], {"state": self.state, "version": self.version, **epoch})

    def handle(self, ref, event, payload):
        if self.client and int(ref) in self.replies:
            return self.send("phx_reply", self.replies[int(ref)], ref)
        room, event = self.room, event.removeprefix(self.words[4])
        if event == "inc":
            room.count += 1
            self.reply(ref, "ok", {"count": room.count})
        elif event == "say":
            self.reply(ref, *self.say(str(payload.get("text", "")).strip()))
        elif event == "type":
            room.text += payload["text"]
            self.reply(ref, "ok", {})
        elif event == "tell":
            for channel in room.channels:
                channel.push("told", payload)
            self.reply(ref, "ok", {})
        elif event == self.words[3]:
            self.reply(ref, "ok", {})
            self.sync(whole=True)
        elif event == "crash":
            self.send("phx_error", {}, self.join_ref)
            self.end()
        return room.changed()

    def say(self, text):
        if not text:
            return "error", error("empty_message", "A message needs some text.")
        if len(text) > 500:
            return "error", error("message_too_long", "A message has at most 500 characters.")
        room = self.room
        room.last_id += 1
        room.messages = [*room.messages, {"id": room.last_id, "from": self.user, "text": text}][-50:]
        return "ok", {"id": room.last_id}

    def lost(self):
        """The connection is gone: the channel waits for the next one, where it may."""
        if not self.client:
            return self.end()
        self.connection.channels.pop(self.topic, None)
        self.connection = None
        self.timer = asyncio.get_running_loop().call_later(KEEP_S, self.end)
        return None

    def resume(self, connection, join_ref, position):
        """Goes on for who comes back with this position. False: it is not one that this channel had."""
        version, pushes = position.get("version"), position.get("pushes")
        state = self.history.get(version)
        if position.get("epoch") != self.epoch or state is None:
            return False
        if pushes is None:
            pushes = sum(made < version for made, _, _ in self.pushes)
        if not 0 <= pushes <= len(self.pushes):
            return False
        if self.timer:
            self.timer.cancel()
        if self.connection:  # the old connection still looks alive
            self.connection.channels.pop(self.topic, None)
        self.connection, self.join_ref = connection, join_ref
        connection.channels[self.topic] = self
        handled = str(max(self.replies, default=0))
        answer = {"synq": {"resumed": True, "ref": handled}}
        self.send("phx_reply", {"status": "ok", "response": answer}, join_ref)
        if position.get("base") and version != self.version:
            self.send_patch(diff(state, self.state), self.version, base=version)
        while not position.get("base") and version != self.version:
            version, old = version + 1, self.history[version]
            self.send_patch(diff(old, self.history[version]), version)
        for _, event, payload in self.pushes[pushes:]:
            self.send(event, payload)
        return True

    def end(self):
        if self.timer:
            self.timer.cancel()
        if self.connection:
            self.connection.channels.pop(self.topic, None)
        if self in self.room.channels:
            self.room.channels.remove(self)
        if Channel.kept.get((self.topic, self.client)) is self:
            del Channel.kept[self.topic, self.client]
        self.room.changed()
