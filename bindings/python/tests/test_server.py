"""Channels over a real connection: what a client sees of what handlers do."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import ANY, Client, HandshakeError

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


@dataclasses.dataclass
class Say:
    text: str


@synq.channel("room:*", track=["count", "items"])
class Room(synq.Channel):
    closed: list[tuple[str, str, Any]] = []  # noqa: RUF012

    def authorize(self, params: Any) -> Any:
        if params.get("refuse") == "false":
            return False
        if params.get("refuse") == "error":
            raise synq.Error("full", "no room", {"max": 2})
        return synq.Reply("ok", {"hello": params["user"]}) if "user" in params else True

    def init(self, params: Any) -> None:
        if params.get("init") == "error":
            raise synq.Error("no_state", "there is none")
        self.seen: list[Any] = []
        self.assigns.count = 0
        self.assigns.items = [{"id": id, "done": False} for id in range(3)]
        self.assigns.secret = "hidden"

    @synq.event("inc")
    def inc(self) -> Any:
        self.assigns.count += 1
        return {"count": self.assigns.count}

    @synq.event("nothing")
    def nothing(self) -> None: ...

    @synq.event("flip")
    def flip(self, payload: dict[str, Any]) -> None:
        item = self.assigns.items[payload["at"]]
        item.done = not item.done

    @synq.event("say")
    def say(self, payload: Say) -> Any:
        self.push("said", payload)
        return synq.Reply("heard", {"length": len(payload.text)})

    @synq.event("tuple")
    def reply_by_tuple(self) -> Any:
        return "later", {"a": 1}

    @synq.event("list")
    def reply_by_list(self) -> Any:
        return [1, Say("x")]

    @synq.event("error")
    def error(self) -> None:
        self.assigns.count = 5
        raise synq.Error("empty", "say something", {"at": 1})

    @synq.event("crash")
    def crash(self) -> None:
        self.assigns.count = 99
        raise RuntimeError("on purpose")

    @synq.event("unencodable")
    def unencodable(self) -> Any:
        return {"raw": {1, b"2"}}

    @synq.event("binary")
    def binary(self, payload: bytes) -> bytes:
        self.push("chunk", payload + b"!")
        return payload[::-1]

    @synq.event("stop")
    def halt(self, payload: Any) -> Any:
        self.stop(payload["reason"])
        return {"bye": True}

    @synq.event("publish")
    def tell(self, payload: Any) -> None:
        self.publish("told", payload, include_self=payload["self"])

    @synq.message("told")
    def told(self, payload: Any) -> None:
        self.push("told", payload)

    @synq.event("broadcast")
    def shout(self, payload: Any) -> None:
        self.broadcast("shout", payload, include_self=payload["self"])

    @synq.event("send")
    def send_to_self(self) -> None:
        self.send("other", 1)
        self.send_after(0.001, "other", 2)

    @synq.event("about")
    def about(self) -> Any:
        about: list[Any] = [
            self.topic,
            self.params,
            self.peer,
            self.connect_params,
            self.header("X-Test"),
            self.id,
            self.join_ref,
        ]
        return about

    def handle_event(self, event: str, payload: Any) -> Any:
        return {"event": event, "payload": payload}

    def handle_message(self, message: str, payload: Any, topic: str) -> None:
        self.push("message", [message, payload, topic])

    def before_close(self, reason: str) -> None:
        self.closed.append((self.topic, reason, synq.untracked(self.assigns).get("count")))


@pytest.fixture
def room(synq_server: Serve, synq_client: Connect) -> Any:
    Room.closed = []
    channel = synq_client(synq_server(Room)).join("room:1", {"user": "Ada"})
    channel.expect_push("synq:change")
    return channel


STATE = {"count": 0, "items": [{"id": id, "done": False} for id in range(3)]}


def test_join_gives_the_reply_and_the_state_without_the_secret(room: Any) -> None:
    assert room.join_reply == ("ok", {"hello": "Ada"})
    assert (room.state, room.version) == (STATE, 0)
    assert not any("hidden" in frame for frame in room._client.frames)


@pytest.mark.parametrize(
    ("event", "payload", "reply"),
    [
        ("inc", {}, ("ok", {"count": 1})),
        ("nothing", {}, ("ok", {})),
        ("say", {"text": "hi"}, ("heard", {"length": 2})),
        ("tuple", {}, ("later", {"a": 1})),
        ("list", {}, ("ok", [1, {"text": "x"}])),
        ("unknown", {"a": [1, None, "ü"]}, ("ok", {"event": "unknown", "payload": {"a": [1, None, "ü"]}})),
        ("unknown", 2**70, ("ok", {"event": "unknown", "payload": 2**70})),
        ("binary", b"\x00\x01\xff", ("ok", b"\xff\x01\x00")),
    ],
)
def test_a_return_value_is_the_response(room: Any, event: str, payload: Any, reply: Any) -> None:
    assert room.call(event, payload, status=None) == reply


def test_a_binary_push_arrives_as_bytes(room: Any) -> None:
    room.push("binary", b"ab")
    assert room.expect_push("chunk") == b"ab!"


def test_pushes_come_before_the_reply_and_the_patch_after_it(room: Any) -> None:
    frames = room._client.frames
    seen = len(frames)
    room.call("say", {"text": "hi"}, status="heard")
    room.call("inc")
    room.expect_patch()
    assert [frame.split(",", 4)[3] for frame in frames[seen:]] == [
        '"said"',
        '"phx_reply"',
        '"phx_reply"',
        '"synq:patch"',
    ]


def test_a_change_deep_in_a_list_is_one_operation(room: Any) -> None:
    room.push("flip", {"at": 1})
    assert room.expect_patch([{"op": "replace", "path": "/items/1/done", "value": True}]).version == 1
    assert room.state["items"][1] == {"id": 1, "done": True}


def test_nothing_is_sent_when_nothing_changed(room: Any) -> None:
    room.call("nothing")
    room.call("inc")
    assert room.expect_patch().version == 1


def test_a_declared_error_is_the_response_and_keeps_what_was_assigned(room: Any) -> None:
    reply = room.call("error", status="error")
    expected = {"code": "empty", "message": "say something", "details": {"at": 1}, "timestamp": ANY}
    assert reply.response == expected
    room.expect_patch([{"op": "replace", "path": "/count", "value": 5}])


def test_a_wrong_payload_is_an_error_with_its_path(room: Any) -> None:
    reply = room.call("say", {"text": 5}, status="error")
    assert reply.response["code"] == "invalid_payload"
    assert reply.response["details"] == {"path": "/text"}


@pytest.mark.parametrize("event", ["crash", "unencodable"])
def test_a_crash_ends_the_channel_and_is_logged(
    room: Any, caplog: pytest.LogCaptureFixture, event: str
) -> None:
    room.call("inc")
    room.push(event)
    assert room.expect_close() == "phx_error"
    room._client.reconnect()
    assert room.state == STATE
    assert Room.closed == [("room:1", "crashed", 1)]
    records = [record for record in caplog.records if record.exc_info]
    assert [(record.levelno, vars(record)["topic"], vars(record)["event"]) for record in records] == [
        (logging.ERROR, "room:1", event)
    ]
    assert not [
        record for record in caplog.records if record.levelno >= logging.ERROR and not record.exc_info
    ]


@pytest.mark.parametrize(
    ("reason", "event"), [("normal", "phx_close"), ("shutdown:done", "phx_close"), ("broken", "phx_error")]
)
def test_stop_ends_the_channel_after_the_reply(room: Any, reason: str, event: str) -> None:
    assert room.call("stop", {"reason": reason}) == ("ok", {"bye": True})
    assert room.expect_close() == event


def test_leaving_runs_before_close(room: Any) -> None:
    room.call("inc")
    assert room.leave() == ("ok", {})
    room._client.join("room:2")
    assert Room.closed == [("room:1", "shutdown:left", 1)]


@pytest.mark.parametrize(("how", "code"), [("false", "unauthorized"), ("error", "full")])
def test_authorize_refuses(room: Any, how: str, code: str) -> None:
    reply = room._client.attempt("room:3", {"refuse": how}).join_reply
    assert (reply.status, reply.response["code"]) == ("error", code)


def test_an_error_in_init_leaves_the_channel_without_state(room: Any) -> None:
    other = room._client.join("room:4", {"init": "error"})
    assert other.expect_push("synq:error")["code"] == "no_state"
    assert other.call("inc", status="error").response["code"] == "not_initialized"


def test_messages_and_broadcasts_reach_the_topic(room: Any, synq_client: Connect) -> None:
    client = room._client
    other = Client(*client._where)
    with other:
        second = other.join("room:1")
        room.call("publish", {"self": False})
        assert second.expect_push("told") == {"self": False}
        room.call("publish", {"self": True})
        assert room.expect_push("told") == {"self": True}
        second.expect_push("told")
        room.call("broadcast", {"self": False})
        assert second.expect_push("shout") == {"self": False}
        room.call("broadcast", {"self": True})
        assert room.expect_push("shout") == {"self": True}


def test_messages_to_oneself_come_in_order(room: Any) -> None:
    room.call("send")
    assert room.expect_push("message") == ["other", 1, "room:1"]
    assert room.expect_push("message") == ["other", 2, "room:1"]


def test_a_channel_knows_its_connection(synq_server: Serve, synq_client: Connect) -> None:
    client = synq_client(synq_server(Room), params={"a": "b"}, headers={"X-Test": "t"})
    about = client.join("room:9", {"p": 1}).call("about").response
    assert about[:3] == ["room:9", {"p": 1}, "127.0.0.1"]
    assert about[3]["a"] == "b"
    assert about[4:] == ["t", None, "1"]


def test_any_thread_may_publish_and_broadcast(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Room)
    room = synq_client(server).join("room:1")
    thread = threading.Thread(target=server.publish, args=("room:1", "news", {"n": 1}))
    thread.start()
    assert room.expect_push("message") == ["news", {"n": 1}, "room:1"]
    thread.join()
    server.broadcast("room:1", "all", {"n": 2})
    assert room.expect_push("all") == {"n": 2}
    server.broadcast("room:1", "raw", b"\x00")
    assert room.expect_push("raw") == b"\x00"
    stats = server.stats()
    assert (stats.connections, stats.channels, stats.crashes) == (1, 1, 0)


def test_connect_decides_assigns_and_names(synq_server: Serve, synq_client: Connect) -> None:
    def connect(connection: synq.Connection, params: dict[str, str]) -> Any:
        match params.get("user"):
            case None:
                return False
            case "teapot":
                return connection.refuse(418, "short and stout")
            case "error":
                raise synq.Error("banned", "you know why")
            case "crash":
                raise RuntimeError("on purpose")
            case user:
                connection.set_id(f"user:{user}")
                connection.assign(
                    "user", {"name": user, "peer": connection.peer, "agent": connection.header("agent")}
                )
        return None

    @synq.channel("me", track=["user"])
    class Me(synq.Channel):
        def init(self) -> None:
            assert self.assigns.user.name == "ada"
            self.assigns.user.id = self.id

    server = synq_server(Me, connect=connect)
    for params, status, body in [
        ({}, 403, ""),
        ({"user": "teapot"}, 418, "short and stout"),
        ({"user": "error"}, 403, "you know why"),
        ({"user": "crash"}, 500, ANY),
    ]:
        with pytest.raises(HandshakeError) as refused:
            synq_client(server, params=params)
        assert (refused.value.status, refused.value.body) == (status, body)
    client = synq_client(server, params={"user": "ada"}, headers={"Agent": "t"})
    assert client.join("me").state == {
        "user": {"name": "ada", "peer": "127.0.0.1", "agent": "t", "id": "user:ada"}
    }
    server.disconnect("user:ada")
    assert client.expect_close() == 1001


def test_a_handle_that_is_kept_is_safe(synq_server: Serve, synq_client: Connect) -> None:
    kept: list[synq.Channel] = []

    @synq.channel("keep", track=["n"])
    class Keep(synq.Channel):
        def init(self) -> None:
            self.assigns.n = [1]
            kept.append(self)

    server = synq_server(Keep)
    channel = synq_client(server).join("keep")
    assert channel.state == {"n": [1]}
    with pytest.raises(synq.StateError):
        kept[0].assigns.n.append(2)
    with pytest.raises(synq.StateError):
        kept[0].defer()
    kept[0].push("still", {"here": True})
    assert channel.expect_push("still") == {"here": True}
    server.close()
    for name, arguments in [("push", ["x"]), ("send", ["x"]), ("stop", [])]:
        with pytest.raises(synq.ClosedError):
            getattr(kept[0], name)(*arguments)
    assert kept[0].peer is None
    assert kept[0].assigns.n == [1]


def test_limits_and_wrong_arguments_are_named(synq_server: Serve) -> None:
    with pytest.raises(ValueError, match="port must be from 0 to 65535, not 65536"):
        synq.Server(port=65536)
    with pytest.raises(ValueError, match="max_channels must be from 0 to"):
        synq.Server(limits=synq.Limits(max_channels=-1))
    with pytest.raises(TypeError, match="expected a list of classes, not the class Room"):
        synq.Server(channels=Room)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tls_certificate and tls_key go together"):
        synq.Server(tls_key="key.pem")
    with pytest.raises(ValueError, match=r"cluster: .* does not begin with redis:// or rediss://"):
        synq.Server(cluster="localhost")
    with pytest.raises(TypeError, match="origins must be a list of strings"):
        synq.Server(origins="*")
    with pytest.raises(synq.SystemCallError):
        synq.Server(static={"/": "no/such/directory"})
    with pytest.raises(TypeError, match="has no topic pattern"):
        synq.Server(channels=[synq.Channel])
    server = synq_server(Room)
    with synq.Server() as other:
        assert other.port != server.port
    with pytest.raises(synq.AddressInUseError):
        synq.Server(port=server.port).start()
    with pytest.raises(synq.StateError):
        server.channel("other", track=[])(Room)
    with pytest.raises(synq.InvalidArgumentError), synq.Server() as other:
        other.channel("a*b", track=[])(Room)
    assert server.port > 0


def test_a_pattern_can_be_given_to_the_server(synq_client: Connect) -> None:
    server = synq.Server()

    @server.channel("lobby", track=["n"])
    class Lobby(synq.Channel):
        def init(self) -> None:
            self.assigns.n = 1

    with server:
        assert synq_client(server).join("lobby").state == {"n": 1}


def test_every_calls_until_the_server_is_closed(synq_client: Connect) -> None:
    @synq.channel("tick", track=[])
    class Tick(synq.Channel):
        @synq.message("tick")
        def tick(self) -> None:
            self.push("tick")

    with synq.Server(channels=[Tick]) as server:
        channel = synq_client(server).join("tick")
        server.every(0.001, lambda: server.publish("tick", "tick"))
        channel.expect_push("tick")
        channel.expect_push("tick")
    assert not any(thread.name == "synq every" for thread in threading.enumerate())
