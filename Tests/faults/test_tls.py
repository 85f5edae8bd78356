"""WebSocket over TLS through the same network."""

import itertools

import pytest

from ledger import Ledger
from playback.host import running_host
from proxy import CLEAR, Proxy, Way
from test_websocket import PADS, converse, expect_recovery

TOPICS = itertools.count(10_000)


@pytest.fixture(scope="module")
def tls_host(certificate):
    arguments = ["--certificate", str(certificate / "certificate.pem"), "--key", str(certificate / "key.pem")]
    with running_host(*arguments) as host:
        yield host


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_cut_within_tls_loses_nothing_that_was_confirmed(tls_host, certificate, direction):
    """In the handshake, in a record's header, in what it carries."""
    trusted = certificate / "certificate.pem"
    with (
        Proxy(tls_host.host, tls_host.port) as proxy,
        Ledger(tls_host.host, tls_host.port, certificate=trusted) as ledger,
    ):
        for way in (CLEAR, Way(piece=1)):
            proxy.up = proxy.down = way
            _, confirmed = converse((proxy.host, proxy.port), f"ledger:{next(TOPICS)}", certificate=trusted)
            assert confirmed == len(PADS)
            link = proxy.next_link()
            assert link.closed.wait(10)
        proxy.up = proxy.down = CLEAR
        length = link.up.count if direction == "up" else link.down.count
        for place in range(0, length, length // 60):
            setattr(proxy, direction, Way(stop_at=place))
            topic = f"ledger:{next(TOPICS)}"
            _, confirmed = converse((proxy.host, proxy.port), topic, certificate=trusted)
            assert proxy.next_link().stopped.wait(10)
            expect_recovery(ledger, topic, confirmed)
        ledger.expect_balance()
