"""What connects: upgrades, refusals and long poll, where no recording shows them."""

import json

import pytest

from playback.http import LINES, PollSession, request, upgrade
from playback.talk import OK, V1, Talk, matches, refused

V1_POLL = f"/socket/longpoll?{V1}"


def old(ref, topic, event, payload):
    """A message of version 1."""
    return {"topic": topic, "event": event, "payload": payload, "ref": ref}


# -------------------------------------------------------------------------------------------------- upgrades


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        ("/autherr/websocket?vsn=2.0.0&mode=error_atom", 401, b"custom unauthorized"),
        ("/autherr/websocket?vsn=2.0.0&mode=error_map", 429, b""),
        ("/autherr/websocket?vsn=2.0.0", 403, b""),
        ("/autherr/websocket?vsn=2.0.0&mode=ok", 101, b""),
        ("/path/custom/42/ws?vsn=2.0.0", 101, b""),
        ("/path/custom/42/ws/", 101, b""),
        ("/path/custom/ws?vsn=2.0.0", 404, b"no route"),
        ("/path/websocket?vsn=2.0.0", 404, b"no route"),
        ("/socket/websocket?vsn=1.0.7", 101, b""),
        ("/socket/websocket?vsn=2.0.19", 101, b""),
        ("/socket/websocket?vsn=2.0.01", 403, b""),
        ("/socket/websocket?vsn=%202.0.0", 403, b""),
        ("/socket/websocket?vsn=2.0.0&vsn=3.0.0", 403, b""),
    ],
)
def test_an_upgrade_is_answered(host, target, status, body):
    response = upgrade(host, target)
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize(
    ("offered", "status", "chosen"),
    [
        ("", 101, None),
        ("Sec-WebSocket-Protocol: synq, phoenix\r\n", 101, "phoenix"),
        ("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: synq\r\n", 101, "synq"),
        ("Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.YWJj\r\n", 101, "phoenix"),
        ("Sec-WebSocket-Protocol: base64url.bearer.phx.YWJj\r\n", 403, None),
    ],
)
def test_the_servers_first_subprotocol_is_chosen(host, offered, status, chosen):
    response = upgrade(host, "/subproto/websocket?vsn=2.0.0", offered)
    assert (response.status, response.headers.get("sec-websocket-protocol")) == (status, chosen)


@pytest.mark.parametrize(("length", "fits"), [(1016, True), (1017, False)])
def test_the_limit_of_a_frame_counts_its_header_and_mask(host, length, fits):
    with Talk(host, path="/smallframe/websocket") as talk:
        talk.joins("plain:a")
        text = '["1","2","plain:a","reply_ok",{"a":""}]'
        talk.says_text(text.replace('""', f'"{"x" * (length - len(text))}"'))
        if fits:
            talk.hears(["1", "2", "plain:a", "phx_reply", OK])
        else:
            talk.hears_close(1009)


# ------------------------------------------------------------------------------------------------- long poll


@pytest.mark.parametrize(
    ("target", "http", "status"),
    [
        ("/auth/longpoll?vsn=2.0.0&mode=ok", 200, 410),
        ("/auth/longpoll?vsn=2.0.0&mode=error_atom", 200, 403),
        ("/auth/longpoll?vsn=2.0.0&mode=error_map", 200, 403),
        ("/auth/longpoll?vsn=2.0.0&mode=raise", 500, 500),
        ("/autherr/longpoll?vsn=2.0.0&mode=ok", 200, 410),
        ("/autherr/longpoll?vsn=2.0.0&mode=error_atom", 200, 403),
        ("/autherr/longpoll?vsn=2.0.0&mode=error_map", 200, 403),
        ("/subproto/longpoll", 200, 410),
        ("/path/longpoll?vsn=2.0.0", 200, 410),
        ("/socket/longpoll/?vsn=2.0.0", 200, 410),
        ("/socket/longpoll?vsn=", 200, 403),
    ],
)
def test_a_session_is_begun_or_refused(host, target, http, status):
    response = request(host, "GET", target)
    body = json.loads(response.body)
    assert (response.status, body["status"]) == (http, status)
    assert ("token" in body) is (status == 410)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_foreign_origin_is_refused_in_every_method(host, method):
    response = request(host, method, "/origin/longpoll?vsn=2.0.0", "Origin: http://evil.test\r\n", "")
    assert (response.status, json.loads(response.body)) == (200, {"status": 403})


def test_a_preflight_that_asks_for_nothing_is_told_of_the_tokens(host):
    response = request(host, "OPTIONS", "/socket/longpoll", "Origin: http://x\r\n")
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert {"x-phoenix-longpoll-token", "x-phoenix-authtoken"} <= set(allowed)


@pytest.mark.parametrize("content_type", ["application/json", LINES])
def test_a_client_of_version_1_polls(host, content_type):
    session = PollSession(host, V1_POLL)
    session.begins()
    assert session.posts(json.dumps(old("1", "counter:1", "phx_join", {})), content_type) == 200
    assert session.hears(2) == [
        old("1", "counter:1", "phx_reply", OK),
        old(None, "counter:1", "seance:change", {"state": {"count": 0}, "version": 0}),
    ]
    assert session.posts(json.dumps(old("2", "counter:1", "phx_leave", {})), content_type) == 200
    assert session.hears(2) == [
        old("2", "counter:1", "phx_reply", OK),
        old(None, "counter:1", "phx_close", {}),
    ]


def test_no_vsn_is_version_1(host):
    session = PollSession(host, "/socket/longpoll?")
    session.begins()
    session.says(old(None, "phoenix", "heartbeat", {}))
    assert session.polls() == [old(None, "phoenix", "phx_reply", OK)]


def test_bytes_for_a_polling_client_of_version_1_end_the_channel(host):
    session = PollSession(host, V1_POLL)
    session.begins()
    session.says(old("1", "plain:a", "phx_join", {}), old("2", "plain:a", "push_binary", {}))
    assert session.hears(2) == [
        old("1", "plain:a", "phx_reply", OK),
        old(None, "plain:a", "phx_error", {}),
    ]


def test_bytes_do_not_reach_a_polling_client(host):
    """A reply becomes an error, a push or broadcast is left out: nobody waits for it."""
    session = PollSession(host)
    session.begins()
    session.says(["5", "5", "plain:binary_reply", "phx_join", {}])
    assert matches(
        ["5", "5", "plain:binary_reply", "phx_reply", refused("binary_over_longpoll")], session.hears(1)[0]
    )
    session.says(["1", "1", "plain:a", "phx_join", {}])
    session.says(["1", "2", "plain:a", "push_binary", {}], ["1", "3", "plain:a", "broadcast_binary", {}])
    session.says(["1", "4", "plain:a", "phx_leave", {}])
    assert session.hears(5) == [
        *(["1", ref, "plain:a", "phx_reply", OK] for ref in ("1", "2", "3", "4")),
        ["1", "1", "plain:a", "phx_close", {}],
    ]


@pytest.mark.parametrize(
    "body", ["", "\n", '["1","9","plain:a","reply_ok",{}', "AAE*", ' ["1","9","plain:a","x",{}]']
)
def test_a_line_that_is_no_message_is_answered_with_408(host, body):
    session = PollSession(host)
    session.begins()
    assert session.posts(body) == 408


def test_lines_may_end_in_any_way(host):
    session = PollSession(host)
    session.begins()
    beats = [f'[null,"{ref}","phoenix","heartbeat",{{}}]' for ref in range(4)]
    assert session.posts(f"{beats[0]}\r\n{beats[1]}\n\n{beats[2]}\n", f"{LINES}; charset=utf-8") == 200
    assert session.posts(beats[3], "text/plain") == 200
    assert session.hears(4) == [[None, str(ref), "phoenix", "phx_reply", OK] for ref in range(4)]


def test_one_message_too_many_and_none_is_taken(host):
    session = PollSession(host)
    session.begins()
    beat = '[null,"1","phoenix","heartbeat",{}]'
    assert session.posts("\n".join([beat] * 101)) == 413
    assert session.posts("\n".join([beat] * 100)) == 200
    session.hears(100)


@pytest.mark.parametrize("text", ["[1,2", "", '{"topic":"t"}', '["1","2","plain:a","x",{}] x'])
def test_a_message_that_cannot_be_read_ends_the_session_and_its_client_begins_another(host, text):
    session = PollSession(host)
    session.begins()
    session.says(["1", "1", "counter:1", "phx_join", {}])
    session.hears(2)
    assert session.posts(text, "application/json") == 408
    assert session.posts('[null,"1","phoenix","heartbeat",{}]') == 410
    session.begins()
    session.says(["1", "1", "counter:1", "phx_join", {}], ["1", "2", "counter:1", "seance:event:inc", {}])
    assert [message[3] for message in session.hears(4)] == [
        "phx_reply",
        "seance:change",
        "phx_reply",
        "seance:patch",
    ]


def test_a_disconnect_ends_the_session(host):
    session = PollSession(host, "/socket/longpoll?vsn=2.0.0&user=poll")
    session.begins()
    session.says(["1", "1", "plain:a", "phx_join", {}])
    session.hears(1)
    session.says(["1", "2", "plain:a", "disconnect_me", {}])
    # Its own reply may or may not be faster.
    answer = request(host, "GET", f"{session.target}&token={session.token}")
    assert json.loads(answer.body)["status"] in (200, 204, 410)
    session.begins()


def test_a_token_is_taken_from_the_header(host):
    session = PollSession(host)
    session.begins()
    field = f"X-Phoenix-Longpoll-Token: {session.token}\r\n"
    beat = '[null,"1","phoenix","heartbeat",{}]'
    request(host, "POST", session.target, f"{field}Content-Type: {LINES}\r\n", beat)
    answer = json.loads(request(host, "GET", session.target, field).body)
    assert answer == {
        "messages": ['[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]'],
        "status": 200,
        "token": session.token,
    }
