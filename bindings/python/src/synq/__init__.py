"""Application state that a server owns and its clients see: synchronised by JSON patches over Phoenix
Channels.

::

    import synq

    @synq.channel("counter:*", track=["count"])
    class Counter(synq.Channel):
        def init(self):
            self.assigns.count = 0

        @synq.event("inc")
        def inc(self):
            self.assigns.count += 1

    synq.Server(port=4000, channels=[Counter]).run()
"""

from . import _ffi, errors
from ._updates import Update
from .browser import browser_files
from .channels import Channel, channel, event, message
from .client import (
    Client,
    ClientChannel,
    ClosedByServerError,
    DisconnectedError,
    HandshakeError,
    JoinError,
    Presence,
    ReplyError,
    StateChange,
)
from .connection import Connection
from .encoding import encoder
from .errors import (
    AddressInUseError,
    ClosedError,
    DetachedError,
    EncodeError,
    Error,
    ForkedError,
    InvalidArgumentError,
    JSONError,
    KindError,
    LibraryError,
    LibraryNotFoundError,
    LimitError,
    NotFoundError,
    OutOfMemoryError,
    PatchError,
    PointerError,
    RangeError,
    StateError,
    SystemCallError,
    TimedOutError,
    VersionError,
)
from .limits import Limits, Stats
from .observable import Assigns, ObservableDict, ObservableList, untracked
from .patch import apply, diff
from .presence import ChannelPresence
from .responses import Deferred, Reply
from .server import Server
from .timers import Timer

__version__ = f"{_ffi.VERSION_MAJOR}.{_ffi.VERSION_MINOR}.{_ffi.VERSION_PATCH}"

__all__ = [
    "AddressInUseError",
    "Assigns",
    "Channel",
    "ChannelPresence",
    "Client",
    "ClientChannel",
    "ClosedByServerError",
    "ClosedError",
    "Connection",
    "Deferred",
    "DetachedError",
    "DisconnectedError",
    "EncodeError",
    "Error",
    "ForkedError",
    "HandshakeError",
    "InvalidArgumentError",
    "JSONError",
    "JoinError",
    "KindError",
    "LibraryError",
    "LibraryNotFoundError",
    "LimitError",
    "Limits",
    "NotFoundError",
    "ObservableDict",
    "ObservableList",
    "OutOfMemoryError",
    "PatchError",
    "PointerError",
    "Presence",
    "RangeError",
    "Reply",
    "ReplyError",
    "Server",
    "StateChange",
    "StateError",
    "Stats",
    "SystemCallError",
    "TimedOutError",
    "Timer",
    "Update",
    "VersionError",
    "apply",
    "browser_files",
    "channel",
    "diff",
    "encoder",
    "errors",
    "event",
    "message",
    "untracked",
]
