"""Messages that a channel sends to itself with a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._library import check
from .errors import ClosedError, NotFoundError

if TYPE_CHECKING:
    from .channels import Channel


class Timer:
    """What Channel.send_after returns. It need not be kept: the message comes without it, and goes with the
    channel."""

    __slots__ = ("_channel", "_number")

    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number

    def cancel(self) -> bool:
        """Takes the message back: it will not come. Any thread, any time. False when it was due already, was
        cancelled before, or its channel is gone."""
        lib, socket = self._channel._lib, self._channel._socket
        try:
            check(lib.synq_socket_cancel_timer(socket, self._number))
        except (NotFoundError, ClosedError):
            return False
        return True
