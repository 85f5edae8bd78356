"""A client of Phoenix channels: for services, bots and tests. It needs no libsynq.

The parts that have no socket (frames, messages, the state) are those of the pytest client too.
"""

from .channel import ClientChannel, StateChange
from .client import Client
from .failures import ClosedByServerError, DisconnectedError, HandshakeError, JoinError, ReplyError
from .presence import Presence

__all__ = [
    "Client",
    "ClientChannel",
    "ClosedByServerError",
    "DisconnectedError",
    "HandshakeError",
    "JoinError",
    "Presence",
    "ReplyError",
    "StateChange",
]
