"""Long poll through the same network: what was confirmed is done, whatever becomes of the connection."""

import contextlib
import itertools

import pytest

from ledger import Lost, PollClient
from proxy import CLEAR, End, Way

TOPICS = itertools.count(50_000)


def next_topic() -> str:
    return f"ledger:{next(TOPICS)}"


def converse(address, topic) -> tuple[PollClient | None, int]:
    """Joins and adds three in two requests. Gives the client and how many additions were confirmed."""
    confirmed = 0
    client = None
    with contextlib.suppress(Lost):
        client = PollClient(*address)
        client.begin()
        client.send(["1", "1", topic, "phx_join", {}])
        client.poll()
        for refs in (["2"], ["3", "4"]):
            client.send(*(["1", ref, topic, "add", {}] for ref in refs))
            confirmed += len(refs)
        while len(client.replies()) < 4:
            client.poll()
    if client is not None:
        client.close()
    return client, confirmed


def lengths_of_a_conversation(proxy) -> tuple[int, int]:
    proxy.up = proxy.down = CLEAR
    client, confirmed = converse((proxy.host, proxy.port), next_topic())
    assert confirmed == 3
    assert client.replies() == {"1": {}, "2": {"count": 1}, "3": {"count": 2}, "4": {"count": 3}}
    link = proxy.next_link()
    assert link.closed.wait(10)
    return link.up.count, link.down.count


def test_every_byte_apart_changes_nothing(ledger, proxy):
    proxy.up = proxy.down = Way(piece=1)
    client, confirmed = converse((proxy.host, proxy.port), next_topic())
    assert confirmed == 3
    assert client.replies() == {"1": {}, "2": {"count": 1}, "3": {"count": 2}, "4": {"count": 3}}


@pytest.mark.parametrize("end", list(End)[:3], ids=str)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_cut_at_any_byte_loses_nothing_that_was_confirmed(ledger, proxy, direction, end):
    """The session lives on without its connection; what its requests brought is there for others."""
    length = lengths_of_a_conversation(proxy)[direction == "down"]
    for place in range(0, length, 5):
        setattr(proxy, direction, Way(stop_at=place, end=end))
        topic = next_topic()
        _, confirmed = converse((proxy.host, proxy.port), topic)
        other = ledger.connect(topic)
        # What was confirmed may still wait for its callback.
        while other.state is None or other.state["count"] < confirmed:
            other.receive()
        assert other.state["count"] <= 3
        assert other.add() > confirmed
        other.close()


def test_a_session_outlives_its_connection(ledger, proxy):
    """It is cut; the client comes back with its token and gets what was sent meanwhile."""
    topic = next_topic()
    client = PollClient(proxy.host, proxy.port)
    client.begin()
    client.send(["1", "1", topic, "phx_join", {}])
    while len(client.messages) < 2:
        client.poll()
    proxy.next_link().client.shutdown(2)
    client.close()
    other = ledger.connect(topic)
    assert other.add() == 1
    again = PollClient(proxy.host, proxy.port)
    again.token = client.token
    again.poll()
    assert [message[3:] for message in again.messages] == [
        ["synq:patch", {"operations": [{"op": "replace", "path": "/count", "value": 1}], "version": 1}]
    ]
    again.close()
    other.close()
