"""The pytest plugin: installed with the package, so tests only name its fixtures.

::

    def test_counts(synq_server, synq_client):
        server = synq_server(Counter)
        room = synq_client(server).join("counter:1")
        assert room.call("inc").status == "ok"
        room.expect_patch([{"op": "replace", "path": "/count", "value": 1}])
        assert room.state == {"count": 1}
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..channels import Channel
    from ..server import Server
    from .client import Client


@pytest.fixture
def synq_server() -> Iterator[Callable[..., Server]]:
    """Starts servers: ``synq_server(Room, …)`` with channel classes and, by name, any option of synq.Server.
    Each serves on a free port of 127.0.0.1, on a thread of its own, until the test ends."""
    from ..server import Server

    with contextlib.ExitStack() as servers:

        def start(*channels: type[Channel], **options: Any) -> Server:
            return servers.enter_context(Server(channels=channels, **options))

        yield start


@pytest.fixture
def synq_client() -> Iterator[Callable[..., Client]]:
    """Connects clients: ``synq_client(server, …)``; they are closed when the test ends. Options, by name, are
    those of synq.testing.Client: ``path="/admin"``, a socket that was mounted there; ``params={…}`` of the
    connection; ``headers={…}`` of the request, a cookie or an origin; ``timeout_seconds=5.0`` of each
    expectation."""
    from .client import Client

    with contextlib.ExitStack() as clients:

        def connect(server: Server, **options: Any) -> Client:
            options.setdefault("has_state", server._has_state)
            return clients.enter_context(Client("127.0.0.1", server.port, **options))

        yield connect
