"""The conformance host as a fixture."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from playback.host import Host, running_host


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """One host for all recordings: each has connections, and so channels, of its own."""
    with running_host() as host:
        yield host


@pytest.fixture
def own_host() -> Iterator[Host]:
    """A host that a test may end."""
    with running_host() as host:
        yield host
