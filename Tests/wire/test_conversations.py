"""Conversations with the channels of the recordings that no recording holds: what Phoenix would say, or what
differences.toml says instead."""

import pytest

from playback.compare import apply
from playback.talk import OK, UNMATCHED, V1, AnError, Talk, refused

CRASHED = {"status": "error", "response": {"reason": "join crashed"}}
V1_USER_7 = f"{V1}&user=7"


@pytest.fixture
def talk(host):
    with Talk(host) as talk:
        yield talk


@pytest.fixture
def old(host):
    """A client of version 1."""
    with Talk(host, V1) as talk:
        yield talk


def patch(topic, version, *operations):
    is_live_state = topic.startswith("l")
    name = "patch" if is_live_state else "operations"
    return [
        topic,
        "state:patch" if is_live_state else "seance:patch",
        {name: list(operations), "version": version},
    ]


def replaced(path, value):
    return {"op": "replace", "path": path, "value": value}


# -------------------------------------------------------------------------------------------------- dialects


def test_events_of_live_state_keep_their_names(talk):
    topic = "levent:x"
    talk.joins(topic, state={"n": 0})
    said = {
        "one": [["ev1", {"k": "v"}]],
        "two": [["ev1", {"a": 1}], ["ev2", {"b": [1, 2]}]],
        "none": [],
        "three_tuple": [["ev3", {}]],
    }
    for version, (name, events) in enumerate(said.items(), 1):
        talk.says("1", name, topic, f"lvs_evt:{name}", {"k": "v"})
        talk.hears(
            *(["1", None, topic, event, detail] for event, detail in events),
            ["1", name, topic, "phx_reply", OK],
            ["1", None, *patch(topic, version, replaced("/n", version))],
        )
    talk.says("1", "9", topic, "lvs_refresh", {})
    talk.hears(
        ["1", "9", topic, "phx_reply", OK],
        ["1", None, topic, "state:change", {"state": {"n": 4}, "version": 4}],
    )
    talk.leaves(topic)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("string", AnError("init_failed", "you stink", has_type=True)),
        (
            "map",
            AnError("not_found", "no such thing", {"reason": "no such thing", "code": 404}, has_type=True),
        ),
        ("notmap", AnError("init_failed", "the state is not an object", has_type=True)),
    ],
)
def test_a_failed_init_of_live_state_is_told_and_can_be_tried_again(talk, kind, error):
    topic = f"linit:{kind}"
    talk.joins(topic, {"kind": kind})
    talk.hears(["1", None, topic, "error", error])
    talk.says("1", "2", topic, "lvs_evt:set", {"a": 1})
    talk.hears(["1", "2", topic, "phx_reply", refused("not_initialized")])
    talk.says("1", "3", topic, "lvs_refresh", {})
    talk.hears(["1", "3", topic, "phx_reply", OK], ["1", None, topic, "error", error])
    talk.leaves(topic)


@pytest.mark.parametrize("kind", ["atom", "raise", "nothing"])
@pytest.mark.parametrize("line", ["s", "l"])
def test_an_init_that_raises_ends_the_channel(talk, line, kind):
    topic = f"{line}init:{kind}"
    talk.joins(topic, {"kind": kind})
    talk.hears(["1", "1", topic, "phx_error", {}])
    talk.says("1", "2", topic, "lvs_evt:touch", {})
    talk.hears([None, "2", topic, "phx_reply", UNMATCHED])


def test_a_room_of_live_state_with_a_client_of_each_version(talk, old):
    topic = "lroom:mixed"
    state = {"room": "mixed", "topic": topic, "messages": []}
    talk.joins(topic, {"user": "ann"}, state=state | {"user": "ann"})
    old.joins(topic, {"user": "bob"}, state=state | {"user": "bob"})
    said = {"id": 1, "from": "bob", "text": "hi"}
    old.says("2", topic, "lvs_evt:say", {"text": "hi", "id": 1})
    old.hears(["2", topic, "phx_reply", OK])
    heard = [old.next_message(), talk.next_message()[1:]]
    assert heard[0] == heard[1]
    assert heard[0][:3] == [None, topic, "state:patch"]
    assert apply(heard[0][3]["patch"], state) == state | {"messages": [said]}
    talk.leaves(topic)
    old.leaves(topic)


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("counter:x", "exit_normal"),
        ("counter:x", "lvs_evt:inc"),
        ("counter:x", "seance:event:exit_normal"),
        ("counter:x", "seance:event:exit_shutdown"),
        ("counter:x", "seance:event:"),
        ("counter:x", "phx_reply"),
        ("lcounter:x", "lvs_evt:exit_normal"),
        ("lcounter:x", "lvs_evt:exit_shutdown"),
        ("lcounter:x", "seance:event:inc"),
        ("lcounter:x", "seance:event"),
        ("lcounter:x", "seance:refresh"),
        ("plain:x", "phx_close"),
        ("plain:x", "heartbeat"),
        ("plain:x", ""),
    ],
)
def test_what_a_channel_does_not_understand_ends_it(talk, topic, event):
    state = None if topic == "plain:x" else {"count": 0}
    talk.joins(topic, state=state)
    talk.says("1", "2", topic, event, {})
    talk.hears(["1", "1", topic, "phx_error", {}])
    talk.joins(topic, ref="3", state=state)
    talk.leaves(topic, "3")


def test_a_typed_event_names_its_event_in_the_payload(talk):
    topic = "counter:typed"
    talk.joins(topic, state={"count": 0})
    for version, payload in enumerate([{"type": "inc", "payload": {}}, {"type": "inc"}], 1):
        talk.says("1", "2", topic, "seance:event", payload)
        talk.hears(
            ["1", "2", topic, "phx_reply", OK],
            ["1", None, *patch(topic, version, replaced("/count", version))],
        )
    for payload in ({"payload": {}}, {"type": 5}, [1], None):
        talk.says("1", "3", topic, "seance:event", payload)
        talk.hears(["1", "3", topic, "phx_reply", refused("malformed_event")])
    talk.leaves(topic)


# --------------------------------------------------------------------------------------------- joining again


@pytest.mark.parametrize("topic", ["counter:again", "lcounter:again"])
def test_a_second_join_replaces_the_first(talk, old, topic):
    change = [
        topic,
        "state:change" if topic[0] == "l" else "seance:change",
        {"state": {"count": 0}, "version": 0},
    ]
    inc = "lvs_evt:inc" if topic[0] == "l" else "seance:event:inc"
    talk.joins(topic, state={"count": 0})
    talk.says("2", "2", topic, "phx_join", {})
    talk.hears(
        ["2", "2", topic, "phx_reply", OK],
        ["1", "1", topic, "phx_close", {}],
        ["2", None, *change],
    )
    # What the client said before it knew is not for the new channel.
    talk.says("1", "3", topic, inc, {})
    talk.says("1", "4", topic, "phx_leave", {})
    talk.leaves(topic, "2")
    old.joins(topic, state={"count": 0})
    old.says("2", topic, "phx_join", {})
    old.hears(["2", topic, "phx_reply", OK], [None, topic, "phx_close", {}], [None, *change])
    old.leaves(topic)


def test_a_second_join_replaces_one_whose_init_failed(talk):
    topic = "sinit:again"
    talk.joins(topic, {"kind": "string"})
    talk.hears(["1", None, topic, "seance:error", AnError("init_failed", "you stink")])
    talk.says("2", "2", topic, "phx_join", {"kind": "socket"})
    talk.hears(
        ["2", "2", topic, "phx_reply", OK],
        ["1", "1", topic, "phx_close", {}],
        ["2", None, topic, "seance:change", {"state": {"via": "socket"}, "version": 0}],
    )
    talk.leaves(topic, "2")


@pytest.mark.parametrize("topic", ["sauth:again", "lauth:again"])
@pytest.mark.parametrize(
    ("params", "answer"), [({"kind": "atom"}, refused("forbidden")), ({"kind": "raise"}, CRASHED)]
)
def test_a_second_join_that_is_refused_ends_the_first_too(talk, topic, params, answer):
    talk.joins(topic, {"password": "secret"}, state={"authorized": True})
    talk.says("2", "2", topic, "phx_join", params)
    talk.hears(["2", "2", topic, "phx_reply", answer], ["1", "1", topic, "phx_close", {}])
    talk.says("2", "3", topic, "phx_leave", {})
    talk.hears(["2", "3", topic, "phx_reply", OK])
    talk.hears_no_more()


def test_a_slow_join_keeps_nobody_else_waiting(talk):
    talk.says("1", "1", "plain:slow", "phx_join", {})
    talk.hears_no_more()
    talk.joins("plain:quick", ref="2")
    talk.hears(["1", "1", "plain:slow", "phx_reply", OK])
    talk.leaves("plain:slow")


def test_what_follows_a_join_is_for_its_channel(talk):
    """Also where the join waits for an earlier one."""
    topic = "plain:slow"
    talk.says("1", "1", topic, "phx_join", {})
    talk.says("1", "2", topic, "reply_ok", {})
    talk.says("3", "3", topic, "phx_join", {})
    talk.says("3", "4", topic, "reply_ok", {})
    talk.says("1", "5", topic, "reply_ok", {})
    talk.says("3", "6", topic, "phx_leave", {})
    talk.hears(
        ["1", "1", topic, "phx_reply", OK],
        ["1", "2", topic, "phx_reply", OK],
        ["3", "3", topic, "phx_reply", OK],
        ["1", "1", topic, "phx_close", {}],
        ["3", "4", topic, "phx_reply", OK],
        ["3", "6", topic, "phx_reply", OK],
        ["3", "3", topic, "phx_close", {}],
    )


def test_a_channel_joined_without_join_ref_takes_any(talk):
    topic = "plain:null"
    talk.says(None, "1", topic, "phx_join", {})
    talk.says("9", "2", topic, "reply_ok", {})
    talk.says("9", "3", topic, "phx_leave", {})
    talk.hears(
        [None, "1", topic, "phx_reply", OK],
        [None, "2", topic, "phx_reply", OK],
        [None, "3", topic, "phx_reply", OK],
        [None, None, topic, "phx_close", {}],
    )


# --------------------------------------------------------------------------------------------------- leaving


@pytest.mark.parametrize(
    ("topic", "inc"), [("counter:old", "seance:event:inc"), ("lcounter:old", "lvs_evt:inc")]
)
def test_a_client_of_version_1_leaves_a_channel_with_state(old, topic, inc):
    old.joins(topic, state={"count": 0})
    old.says("2", topic, inc, {})
    old.hears(["2", topic, "phx_reply", OK], [None, *patch(topic, 1, replaced("/count", 1))])
    old.leaves(topic)
    old.says("4", topic, inc, {})
    old.says("5", topic, "phx_leave", {})
    old.hears(["4", topic, "phx_reply", UNMATCHED], ["5", topic, "phx_reply", OK])


@pytest.mark.parametrize("topic", ["phoenix", "nosuch:1", "", 5, None])
def test_leaving_what_nobody_could_join_is_no_error(talk, topic):
    talk.says("1", "2", topic, "phx_leave", {})
    talk.hears(["1", "2", topic, "phx_reply", OK])


def test_a_reply_that_comes_after_the_channel_is_not_sent(talk):
    topic = "plain:late"
    talk.joins(topic)
    talk.says("1", "2", topic, "async_reply", {})
    talk.leaves(topic)
    talk.joins(topic, ref="3")
    talk.says("3", "4", topic, "async_reply", {})
    talk.says("3", "5", topic, "reply_ok", {})
    talk.hears(
        ["3", "5", topic, "phx_reply", OK],
        ["3", "4", topic, "phx_reply", {"status": "ok", "response": {"later": True}}],
    )
    talk.leaves(topic, "3")


@pytest.mark.parametrize("reason", ["normal", "shutdown", "shutdown_tuple", "other"])
@pytest.mark.parametrize("query", ["vsn=2.0.0", V1])
def test_a_stop_with_a_reply_answers_first(host, query, reason):
    topic = "plain:stop"
    end = "phx_error" if reason == "other" else "phx_close"
    bye = {"status": "ok", "response": {"bye": True}}
    with Talk(host, query) as talk:
        join_ref = [] if talk.is_v1 else ["1"]
        talk.joins(topic)
        talk.says(*join_ref, "2", topic, f"stop_{reason}_reply", {})
        talk.hears([*join_ref, "2", topic, "phx_reply", bye])
        talk.hears([*join_ref, None if talk.is_v1 else "1", topic, end, {}])
        talk.hears_no_more()


# ------------------------------------------------------------------------------------------ bytes and names


def test_bytes_reach_channels_with_state(talk):
    topic = "counter:bytes"
    talk.joins(topic, state={"count": 0})
    talk.says_bytes("1", "2", topic, "seance:event:inc", b"\xff")
    talk.hears(["1", "2", topic, "phx_reply", OK], ["1", None, *patch(topic, 1, replaced("/count", 1))])
    talk.says_bytes("", "3", topic, "seance:refresh")
    talk.hears(
        ["1", "3", topic, "phx_reply", OK],
        ["1", None, topic, "seance:change", {"state": {"count": 1}, "version": 1}],
    )
    talk.says_bytes("1", "4", topic, "seance:event", b"{}")
    talk.hears(["1", "4", topic, "phx_reply", refused("malformed_event")])
    talk.says_bytes("1", "5", topic, "seance:event:set", b"{}")
    talk.hears(["1", "1", topic, "phx_error", {}])


@pytest.mark.parametrize(
    "frame", [b"\0\1\1\1\1\xff2te", b"\0\1\1\1\1" + b"1\xffte", b"\0\1\1\1\1" + b"12\xffe", b"\2\1\1te"]
)
def test_bytes_that_are_no_message_close_the_connection(talk, frame):
    talk.connection.send_frame(2, frame)
    talk.hears_close(1011)


@pytest.mark.parametrize("event", ["reply_binary", "reply_error_binary", "push_binary"])
def test_bytes_for_a_client_of_version_1_end_the_channel(old, event):
    old.joins("plain:old")
    old.says("2", "plain:old", event, {})
    old.hears([None, "plain:old", "phx_error", {}])


def test_a_join_reply_of_bytes_for_a_client_of_version_1_fails_the_join(old):
    old.says("1", "plain:binary_reply", "phx_join", {})
    old.hears(["1", "plain:binary_reply", "phx_reply", CRASHED])
    old.hears_no_more()


def test_a_broadcast_of_bytes_passes_clients_of_version_1_by(talk, old):
    topic = "plain:bytes"
    broadcast = b"\2\x0b\3plain:bytesbcb\7\7"
    talk.joins(topic)
    old.joins(topic)
    talk.says("1", "2", topic, "broadcast_binary", {})
    heard = sorted([talk.next_message(), talk.next_message()], key=lambda message: isinstance(message, bytes))
    assert heard == [["1", "2", topic, "phx_reply", OK], broadcast]
    old.says("2", topic, "broadcast_binary", {})
    old.hears(["2", topic, "phx_reply", OK])
    talk.hears(broadcast)
    old.leaves(topic)
    talk.leaves(topic)


@pytest.mark.parametrize(
    ("topic", "answer"), [("plain:", OK), ("plain:*", OK), ("plain", UNMATCHED), ("exact:1", UNMATCHED)]
)
def test_patterns_match_as_in_phoenix(talk, topic, answer):
    talk.says("1", "1", topic, "phx_join", {})
    talk.hears(["1" if answer is OK else None, "1", topic, "phx_reply", answer])


def test_nul_is_in_no_name(talk):
    talk.says("1", "1", "plain:\0", "phx_join", {})
    talk.hears([None, "1", "plain:\0", "phx_reply", UNMATCHED])
    talk.joins("plain:a")
    talk.says("1", "2", "plain:a", "reply_ok\0", {})
    talk.hears(["1", "2", "plain:a", "phx_reply", refused("event_not_allowed")])


@pytest.mark.parametrize(
    "text",
    [
        '{"topic":"phoenix","event":"heartbeat","payload":{}}',
        '{"topic":"phoenix","payload":{},"ref":"1"}',
        "[]",
        "5",
    ],
)
def test_a_message_of_version_1_has_its_four_members(old, text):
    old.says_text(text)
    old.hears_close(1011)


def test_any_json_is_a_ref_or_a_payload_in_version_1(old):
    for ref in (None, 1, 1.5, True, [1], {"a": 1}):
        old.says(ref, "phoenix", "heartbeat", [ref])
        old.hears([ref, "phoenix", "phx_reply", OK])
    old.says("2", 5, "heartbeat", {})
    old.hears(["2", 5, "phx_reply", UNMATCHED])
    old.says_text('{"topic":"phoenix","event":"heartbeat","payload":null,"ref":"3","more":[1]}')
    old.hears(["3", "phoenix", "phx_reply", OK])


def test_a_payload_too_complex_is_answered(talk):
    deep = [[]]
    for _ in range(150):
        deep = [deep]
    talk.joins("plain:deep")
    talk.says("1", "2", "plain:deep", "reply_ok", deep)
    talk.hears(["1", "2", "plain:deep", "phx_reply", refused("payload_too_complex")])
    talk.leaves("plain:deep")


def test_names_beyond_their_limits_are_refused(talk):
    talk.says("1", "1", "plain:" + "x" * 1024, "phx_join", {})
    talk.hears([None, "1", "", "phx_reply", refused("topic_too_long")])
    talk.joins("plain:a")
    talk.says("1", "2", "plain:a", "x" * 257, {})
    talk.hears(["1", "2", "plain:a", "phx_reply", refused("event_not_allowed")])
    talk.says("1", "x" * 255, "plain:a", "reply_ok", {})
    talk.hears_close(1008)


# ------------------------------------------------------------------------------------------------ broadcasts


def test_a_broadcast_from_elsewhere_reaches_a_channel_with_state(talk):
    talk.joins("counter:heard", ref="c", state={"count": 0})
    talk.joins("plain:a")
    for payload in ({"a": [1]}, [1], "text", None):
        to = {"topic": "counter:heard", "event": "hello", "payload": payload}
        talk.says("1", "2", "plain:a", "endpoint_broadcast_to", to)
        heard = [talk.next_message(), talk.next_message()]
        assert [None, None, "counter:heard", "hello", payload] in heard
        assert ["1", "2", "plain:a", "phx_reply", OK] in heard
    talk.says("1", "3", "plain:a", "endpoint_broadcast_to", {"event": "hello", "payload": {}})
    talk.hears(["1", "1", "plain:a", "phx_error", {}])


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("disconnect_me", {}),
        ("endpoint_broadcast_to", {"topic": "user_socket:7", "event": "disconnect", "payload": {}}),
    ],
)
def test_a_disconnect_closes_every_connection_of_the_id(host, talk, event, payload):
    with (
        Talk(host, "vsn=2.0.0&user=7") as one,
        Talk(host, V1_USER_7) as two,
        Talk(host, "vsn=2.0.0&user=8") as three,
    ):
        two.joins("plain:a")
        three.joins("plain:a")
        one.joins("plain:a")
        one.says("1", "2", "plain:a", event, payload)
        # Its own reply may or may not be faster.
        frame = one.connection.receive_frame()
        if frame.opcode != 8:
            frame = one.connection.receive_frame()
        assert frame.payload == (1001).to_bytes(2, "big")
        two.hears_close(1001)
        three.hears_no_more()
    talk.joins("plain:a")
    talk.says("1", "2", "plain:a", "disconnect_me", {})
    talk.hears(["1", "1", "plain:a", "phx_error", {}])  # it has no id


# -------------------------------------------------------------------------------------------------- versions


def test_the_wrap_of_versions_in_version_1(old):
    topic = "sroll:old"
    old.joins(topic, state={"n": 0})
    for n in range(1, 6):
        old.says(str(n), topic, "seance:event:inc", {})
        old.hears([str(n), topic, "phx_reply", OK])
        if n == 4:
            old.hears([None, topic, "seance:change", {"state": {"n": 4}, "version": 0}])
        else:
            old.hears([None, *patch(topic, n % 4, replaced("/n", n))])
    old.leaves(topic)
