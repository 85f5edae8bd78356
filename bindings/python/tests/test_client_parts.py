"""The parts of the client that have no socket."""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

import synq
from synq.client import frames, wire
from synq.client.applying import apply, same
from synq.client.failures import HandshakeError
from synq.client.presence import with_diff
from synq.client.replica import Replica
from synq.client.socket import address
from synq.client.wire import Message


def frame(first: int, payload: bytes, length: bytes | None = None) -> bytes:
    """A frame of a server: not masked."""
    return bytes([first]) + (bytes([len(payload)]) if length is None else length) + payload


def unmasked(data: bytes) -> tuple[int, bytes]:
    """The first byte and the payload of a client's frame."""
    length, at = data[1] & 0x7F, 2
    assert data[1] & 0x80
    if length >= 126:
        at = 4 if length == 126 else 10
        length = int.from_bytes(data[2:at], "big")
    mask, payload = data[at : at + 4], data[at + 4 :]
    assert len(payload) == length
    return data[0], bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 1, 5, 125, 126, 65535, 65536, 70001])
def test_frames_of_a_client_are_masked(size: int) -> None:
    payload = os.urandom(size)
    assert unmasked(frames.encode(frames.BINARY, payload)) == (0x82, payload)


def test_frames_are_put_together_byte_by_byte() -> None:
    long = b"x" * 300
    arriving = b"".join(
        [
            frame(0x81, "ü".encode()),
            frame(0x01, b"a"),
            frame(0x89, b"ping"),
            frame(0x00, b"b"),
            frame(0x80, b"c"),
            frame(0x82, long, bytes([126]) + len(long).to_bytes(2, "big")),
            frame(0x82, long, bytes([127]) + len(long).to_bytes(8, "big")),
            frame(0x88, b"\x03\xe9away"),
        ]
    )
    whole = [(1, "ü".encode()), (9, b"ping"), (1, b"abc"), (2, long), (2, long), (8, b"\x03\xe9away")]
    for step in (1, 7, len(arriving)):
        reader, seen = frames.Frames(), []
        for at in range(0, len(arriving), step):
            reader.feed(arriving[at : at + step])
            while (message := reader.next()) is not None:
                seen.append(tuple(message))
        assert seen == whole
    assert frames.close_reason(b"\x03\xe9away") == (1001, "away")
    assert frames.close_reason(b"") == (1005, "")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(0x81, b"abcd", bytes([0x84])), 1002),  # masked
        (frame(0xC1, b""), 1002),  # a reserved bit
        (frame(0x83, b""), 1002),  # an opcode that nobody has
        (frame(0x80, b""), 1002),  # continues nothing
        (frame(0x01, b"") + frame(0x81, b""), 1002),  # begins inside of another
        (frame(0x09, b""), 1002),  # a ping in parts
        (frame(0x89, b"", bytes([126, 0, 126])), 1002),  # a long ping
        (frame(0x82, b"", bytes([127]) + (2**62).to_bytes(8, "big")), 1009),
        (frame(0x02, b"x" * 60) + frame(0x80, b"x" * 60), 1009),  # in parts
    ],
)
def test_what_is_not_websocket_is_refused(data: bytes, code: int) -> None:
    reader = frames.Frames(110)
    reader.feed(data)
    with pytest.raises(frames.ProtocolError) as refused:
        list(iter(reader.next, None))
    assert refused.value.code == code


def handshake(answer: bytes) -> bytes | None:
    made = frames.Handshake("host:1", "/socket/websocket?vsn=2.0.0", {"cookie": "a=b"})
    assert made.request.startswith(b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: host:1\r\n")
    assert made.request.endswith(b"cookie: a=b\r\n\r\n")
    for at in range(len(answer)):
        found = made.feed(answer[at : at + 1])
        if found is not None:
            return found
    made.end()
    return None


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403, "no"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno", 403, "no"),
        (b"HTTP/1.1 500\r\n\r\n", 500, ""),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 0, "and that is not HTTP"),
        (b"", 0, "with the end of the connection"),
        (
            b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: x\r\n\r\n",
            101,
            "with a wrong Sec-WebSocket-Accept",
        ),
        (b"x" * 70_000, 0, "a head without an end"),
    ],
)
def test_an_upgrade_that_is_refused_says_why(answer: bytes, status: int, body: str) -> None:
    with pytest.raises(HandshakeError) as refused:
        handshake(answer)
    assert (refused.value.status, refused.value.body) == (status, body)


def test_headers_cannot_break_the_request() -> None:
    with pytest.raises(ValueError, match="line break"):
        frames.Handshake("host", "/", {"x": "a\r\nHost: other"})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://host/socket", ("host", 80, False, "host", "/socket/websocket?vsn=2.0.0")),
        ("wss://host/socket/", ("host", 443, True, "host", "/socket/websocket?vsn=2.0.0")),
        ("http://host:4000/live/websocket", ("host", 4000, False, "host:4000", "/live/websocket?vsn=2.0.0")),
        ("https://[::1]:4/s?a=b%20c", ("::1", 4, True, "[::1]:4", "/s/websocket?a=b+c&vsn=2.0.0")),
    ],
)
def test_urls_are_read_as_phoenix_does(url: str, expected: Any) -> None:
    found = address(url)
    assert (*found[:4], found.target({"vsn": "2.0.0"})) == expected


@pytest.mark.parametrize("url", ["", "host/socket", "ftp://host/", "ws:///socket"])
def test_what_is_no_url_of_a_socket(url: str) -> None:
    with pytest.raises(ValueError, match="the URL of a socket"):
        address(url)


@pytest.mark.parametrize(
    ("opcode", "data", "message"),
    [
        (
            1,
            b'["1","2","t","phx_reply",{"status":"ok","response":{}},9]',
            Message("1", "2", "t", "phx_reply", ...),
        ),
        (2, b"\x00\x01\x01\x021t" + b"ev" + b"\xff", Message("1", None, "t", "ev", b"\xff")),
        (2, b"\x00\x00\x01\x02t" + b"ev", Message(None, None, "t", "ev", b"")),
        (2, b"\x01\x01\x01\x01\x0212tok\x00", Message("1", "2", "t", "phx_reply", ...)),
        (2, b"\x02\x01\x02tev\x01", Message(None, None, "t", "ev", b"\x01")),
    ],
)
def test_messages_are_read(opcode: int, data: bytes, message: Message) -> None:
    found = wire.decode(opcode, data)
    assert found[:4] == message[:4]
    assert message.payload is ... or found.payload == message.payload


@pytest.mark.parametrize(("opcode", "data"), [(1, b"{}"), (1, b"[1]"), (1, b"x"), (2, b""), (2, b"\x07")])
def test_what_is_no_message(opcode: int, data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        wire.decode(opcode, data)


def test_messages_are_written() -> None:
    assert wire.encode(Message(None, "1", "t", "e", {"a": 1})) == (1, b'[null,"1","t","e",{"a":1}]')
    assert wire.encode(Message("1", "2", "t", "ev", b"\x00")) == (2, b"\x00\x01\x01\x01\x0212tev\x00")
    with pytest.raises(ValueError, match="at most 255"):
        wire.encode(Message("1", "2", "t" * 256, "e", b""))


def cases() -> list[Any]:
    """Of the public suite, which is not in the repository: SYNQ_SUITES, or `shared` beside the checkout."""
    shared = Path(os.environ.get("SYNQ_SUITES", Path(__file__).resolve().parents[4] / "shared"))
    suite = shared / "suites/json-patch-tests"
    names = [suite / name for name in ("tests.json", "spec_tests.json")]
    if not all(name.exists() for name in names):
        pytest.skip(f"there is no {suite}")
    found = [case for name in names for case in json.loads(name.read_text())]
    return [case for case in found if "patch" in case and not case.get("disabled")]


def test_the_public_suite_of_json_patch() -> None:
    for case in cases():
        before = copy.deepcopy(case["doc"])
        if "error" in case:
            with pytest.raises(synq.PatchError):
                apply(case["doc"], case["patch"])
        else:
            result = apply(case["doc"], case["patch"])
            assert "expected" not in case or same(result, case["expected"]), case
        assert case["doc"] == before


@pytest.mark.parametrize(
    "patch",
    [
        {},
        [1],
        [{"op": "add"}],
        [{"op": "nothing", "path": ""}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a~2", "value": 1}],
        [{"op": "add", "path": "/n/x", "value": 1}],
        [{"op": "add", "path": "/list/01", "value": 1}],
        [{"op": "add", "path": "/list/9", "value": 1}],
        [{"op": "add", "path": "/list/" + "9" * 30, "value": 1}],
        [{"op": "replace", "path": "/nothing", "value": 1}],
        [{"op": "remove", "path": ""}],
        [{"op": "remove", "path": "/list/-"}],
        [{"op": "move", "from": "/list", "path": "/list/0"}],
        [{"op": "test", "path": "/n", "value": True}],
    ],
)
def test_what_does_not_apply_is_named_and_changes_nothing(patch: Any) -> None:
    document = {"n": 1, "list": [1, 2]}
    with pytest.raises(synq.PatchError):
        apply(document, patch)
    assert document == {"n": 1, "list": [1, 2]}


def test_a_patch_copies_what_it_changes_and_shares_the_rest() -> None:
    document = {"a": {"b": [1]}, "c": {"d": 1}}
    after = apply(
        document,
        [
            {"op": "copy", "from": "/a", "path": "/x"},
            {"op": "add", "path": "/x/b/-", "value": 2},
            {"op": "add", "path": "/a/b/-", "value": 3},
        ],
    )
    assert after == {"a": {"b": [1, 3]}, "c": {"d": 1}, "x": {"b": [1, 2]}}
    assert document == {"a": {"b": [1]}, "c": {"d": 1}}
    assert after["c"] is document["c"]


def test_random_patches_lead_to_the_same_as_the_librarys() -> None:
    chance = random.Random(5)

    def value(depth: int) -> Any:
        kind = chance.randrange(6 if depth < 3 else 4)
        if kind == 4:
            return [value(depth + 1) for _ in range(chance.randrange(5))]
        if kind == 5:
            return {chance.choice("abc/~"): value(depth + 1) for _ in range(chance.randrange(5))}
        return chance.choice([0, 1, "s", None, True, False, 0.5])

    for _ in range(2000):
        old, new = value(0), value(0)
        before = copy.deepcopy(old)
        patch = synq.diff(old, new)
        assert same(apply(old, patch), new)
        assert old == before


def test_a_replica_takes_what_follows_and_nothing_else() -> None:
    replica, add = Replica(), [{"op": "add", "path": "/n", "value": 1}]
    assert not replica.patch(add, 1)
    replica.replace({}, 4, "e")
    assert not replica.patch(add, 6)
    assert replica.patch(add, 5)
    assert replica.patch(add, 9, 5)
    assert not replica.patch(add, 10, 8)
    assert not replica.patch([{"op": "remove", "path": "/x"}], 10)
    assert replica.patch(add, 0)
    assert (replica.state, replica.version, replica.epoch) == ({"n": 1}, 0, "e")
    replica.forget_position()
    assert (replica.state, replica.version, replica.epoch) == ({"n": 1}, None, None)


def test_presence_as_phoenix_tells_it() -> None:
    one, two = {"phx_ref": "1", "at": "a"}, {"phx_ref": "2", "at": "b"}
    members = with_diff({}, {"joins": {"ada": {"metas": [one], "name": "A"}}, "leaves": {}})
    members = with_diff(members, {"joins": {"ada": {"metas": [two]}}, "leaves": {}})
    assert members == {"ada": {"metas": [one, two]}}
    later = with_diff(members, {"joins": {}, "leaves": {"ada": {"metas": [one]}, "nobody": {"metas": [one]}}})
    assert later == {"ada": {"metas": [two]}}
    assert with_diff(later, {"joins": {}, "leaves": {"ada": {"metas": [two]}}}) == {}
    assert members == {"ada": {"metas": [one, two]}}
