"""WebSocket through a network that splits, gathers, delays, cuts and goes silent."""

import contextlib
import itertools
import json

import pytest

from ledger import TARGET, Client, Lost
from playback.connection import TEXT
from proxy import CHUNK, CLEAR, End, Way

TOPICS = itertools.count(10_000)  # all of one length, so that a byte has the same place in every conversation
PADS = [0, 200, 0]  # of the events of a conversation: one has a longer frame header


def next_topic() -> str:
    return f"ledger:{next(TOPICS)}"


def converse(address, topic, *, certificate=None) -> tuple[Client | None, int]:
    """Joins, adds some and says goodbye. Gives the client and how many additions were confirmed."""
    confirmed = 0
    client = None
    with contextlib.suppress(Lost):
        client = Client(*address, certificate=certificate)
        client.upgrade()
        client.join(topic)
        for pad in PADS:
            assert client.add(pad) == confirmed + 1
            confirmed += 1
        client.ping()
        client.close()
    if client is not None:
        client.abort()
    return client, confirmed


def pipelined(proxy, topic, pads) -> Client:
    """A client that has sent a whole conversation before it reads the first answer."""
    client = Client(proxy.host, proxy.port)
    client.topic = topic
    request = (
        f"GET {TARGET} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    client.connection.send(request.encode())
    client.send(TEXT, client.message("phx_join", {}))
    for pad in pads:
        client.send(TEXT, client.message("add", {"pad": "x" * pad}))
    return client


def lengths_of_a_conversation(ledger, proxy) -> tuple[int, int]:
    """How many bytes an undisturbed conversation has each way; those of the parting not counted."""
    proxy.up = proxy.down = CLEAR
    client, confirmed = converse((proxy.host, proxy.port), next_topic())
    link = proxy.next_link()
    assert link.closed.wait(10)
    assert (confirmed, client.close_code) == (len(PADS), 1000)
    return link.up.count, link.down.count


def expect_recovery(ledger, topic, confirmed):
    """A new client finds what was confirmed, and the channel at work."""
    client = ledger.connect(topic)
    while client.state is None:
        client.receive()
    count = client.state["count"]
    assert confirmed <= count <= len(PADS)
    # What the other had sent before the cut, and was not told about, may come in between.
    assert count < client.add() <= len(PADS) + 1
    client.close()


def test_every_byte_apart_changes_nothing(ledger, proxy):
    proxy.up = proxy.down = Way(piece=1)
    topic = next_topic()
    client, confirmed = converse((proxy.host, proxy.port), topic)
    assert (confirmed, client.state, client.close_code) == (len(PADS), {"count": len(PADS)}, 1000)
    assert ledger.reason_of(topic) == "shutdown:closed"


def test_all_in_one_piece_is_answered_in_order(ledger, proxy):
    """The upgrade and every message in one segment, before anything was answered."""
    topic, measured = next_topic(), next_topic()
    count = 50
    client = pipelined(proxy, measured, [0] * count)
    assert client.connection.response().status == 101
    assert client.reply() == {"count": count}
    client.abort()
    # The same again, held back until the last byte is there.
    proxy.up = Way(gather=proxy.next_link().up.count)
    client = pipelined(proxy, topic, [0] * count)
    assert client.connection.response().status == 101
    replies = []
    while len(replies) < count + 1:
        ref, event, payload = client.receive()
        if event == "phx_reply":
            replies.append((ref, payload["response"].get("count")))
    assert replies == [("1", None), *((str(number + 1), number) for number in range(1, count + 1))]
    while client.state != {"count": count}:
        client.receive()
    client.close()


@pytest.mark.parametrize(
    ("end", "step"), [(End.RESET, 1), (End.CLOSE, 5), (End.HALF_CLOSE, 5)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_cut_at_any_byte_loses_nothing_that_was_confirmed(ledger, proxy, direction, end, step):
    """In the request, in its answer, in frame headers and in payloads."""
    length = lengths_of_a_conversation(ledger, proxy)[direction == "down"]
    for place in range(0, length, step):
        setattr(proxy, direction, Way(stop_at=place, end=end))
        topic = next_topic()
        _, confirmed = converse((proxy.host, proxy.port), topic)
        assert proxy.next_link().stopped.wait(10)
        expect_recovery(ledger, topic, confirmed)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_delay_holds_up_nobody_else(ledger, proxy, direction):
    """A connection that rests in its request, in a frame's header, in a payload, and then goes on."""
    length = lengths_of_a_conversation(ledger, proxy)[direction == "down"]
    # Patches that are made late are fewer, so that not every byte comes here.
    for place in range(1, length * 2 // 3, length // 12):
        setattr(proxy, direction, Way(gate_at=place))
        topic, other = next_topic(), next_topic()
        client = pipelined(proxy, topic, PADS)
        link = proxy.next_link()
        assert link.at_gate.wait(10)
        assert converse(ledger.address, other)[1] == len(PADS)
        proxy.open_gates()
        assert client.connection.response().status == 101
        assert client.reply() == {"count": len(PADS)}
        client.close()


def test_memory_is_back_where_it_was(ledger, proxy):
    """Connections that are cut in every state leave nothing behind."""

    def cut_often(times):
        for place in range(times):
            proxy.up = Way(stop_at=(place * 37) % 700)
            converse((proxy.host, proxy.port), next_topic())
            proxy.next_link()

    cut_often(200)  # buffers and tables have their size after that
    before = ledger.report_once()["bytes"]
    cut_often(600)
    # A connection that is joined costs 4.5 kB: 600 that were left over would be 2.7 MB.
    ledger.expect_memory(before + 200_000)


def test_a_client_that_never_reads_is_closed_and_costs_a_bounded_amount(ledger, proxy):
    """Its state goes on, others go on, what waits for it is bounded, and it is closed for it."""

    def stall() -> int:
        """What the host's memory grew by at most."""
        topic = next_topic()
        other = ledger.connect(topic)
        before = ledger.report_once(channels=2, connections=2)["bytes"]
        silent = Client(proxy.host, proxy.port)
        link = proxy.next_link()
        silent.upgrade()
        silent.send(TEXT, json.dumps(["1", "1", topic, "phx_join", {}]).encode())
        while not link.stopped.is_set():
            other.add()
        # The kernels of both sides take some megabytes before the server notices.
        largest = 0
        channels = 3
        while channels > 2:
            other.push("flood", {"bytes": 100_000, "times": 10})
            books = ledger.push("report")
            largest, channels = max(largest, books["bytes"]), books["channels"]
        assert ledger.reason_of(topic) == "shutdown:closed"
        assert other.add() > 0
        silent.abort()
        proxy.cut(link)
        other.close()
        return largest - before

    proxy.down = Way(stop_at=600, end=End.SILENCE)
    for _ in range(4):  # the buffers of every loop have their size after that
        stall()
    before = ledger.report_once()["bytes"]
    for _ in range(4):
        # The limit of the mount is 200 kB; a burst of ten goes beyond it by what is on its way already.
        assert stall() < 3_000_000
    # Each that were kept would be 200 kB; a loop's buffers may still grow.
    ledger.expect_memory(before + 400_000)


def test_a_client_that_reads_late_gets_the_newest_state(ledger, proxy):
    """It reads nothing while its state changes thousands of times, then sees where that led."""
    topic = next_topic()
    other = ledger.connect(topic)
    proxy.down = Way(gate_at=600)
    late = Client(proxy.host, proxy.port)
    link = proxy.next_link()
    late.upgrade()
    late.join(topic)
    while not link.at_gate.is_set():
        other.add()
    count = 0
    for _ in range(2_000):
        count = other.add()
    proxy.open_gates()
    while late.state != {"count": count}:
        late.receive()
    assert late.add() == count + 1
    late.close()
    other.close()


assert CHUNK > 700  # a conversation passes in one piece unless it is told otherwise
