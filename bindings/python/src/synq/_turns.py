"""Whose turn it is to change the assigns of a channel: that of the callback which runs, and of nobody else.

A setter that is called from elsewhere is refused always, also while the library would take it by chance: a
`def` handler may change the assigns on its own thread until it returns, an `async def` one in its own task
and in the tasks that it starts, until it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from threading import get_ident
from typing import Any

from . import _ffi
from .errors import ClosedError, StateError

#: The turn that the running task belongs to.
_current: ContextVar[Turn | None] = ContextVar("synq turn", default=None)


def current_turn() -> Turn | None:
    """The turn that the running code belongs to, or belonged to."""
    return _current.get()


class Turn:
    """The turn of a callback that does not end when it returns: an `async def` one, or one that deferred.
    `thread` is the only one that it may be used on; None for any."""

    __slots__ = ("_token", "channel_ended", "is_over", "task", "thread", "turns")

    def __init__(self, turns: Turns, thread: int | None) -> None:
        self.turns = turns
        self.thread = thread
        #: The task that the callback is, once that is known.
        self.task: Any = None
        self.is_over = False
        #: The channel ended meanwhile: nobody waits for the callback any more.
        self.channel_ended = False
        self._token: Token[Turn | None] | None = None

    def enter(self) -> Token[Turn | None]:
        """From now on the code that runs here, and the tasks that it starts, belong to the turn."""
        return _current.set(self)

    @staticmethod
    def leave(token: Token[Turn | None]) -> None:
        _current.reset(token)


class Turns:
    """The turns of one channel. They are one after another, so there is at most one at a time."""

    __slots__ = ("_has_deferred", "_is_gone", "_late", "_thread", "serial")

    def __init__(self, is_gone: Callable[[], bool]) -> None:
        """`is_gone` says whether the channel has ended, for the right error."""
        self._is_gone = is_gone
        self._thread = 0
        self._late: Turn | None = None
        self._has_deferred = False
        #: The number of the turn.
        self.serial = 0

    def begin(self) -> None:
        """The turn of a `def` callback begins, on this thread."""
        self.serial += 1
        self._thread = get_ident()

    def end(self) -> None:
        """It ends, except for what `defer` began."""
        self._thread = 0
        if self._has_deferred:
            self._has_deferred = False
            _current.set(None)

    def begin_task(self) -> Turn:
        """The turn of an `async def` callback begins: of the tasks of this thread that belong to it."""
        self.serial += 1
        self._late = Turn(self, get_ident())
        return self._late

    def defer(self) -> Turn:
        """The running callback goes on when it has returned: in the tasks that it starts from now on, and
        where the turn is entered."""
        self._late = Turn(self, None)
        if self._thread == get_ident():
            self._has_deferred = True
            self._late.enter()
        return self._late

    @property
    def is_late(self) -> bool:
        """Whether a callback has returned and its turn is not over."""
        return self._late is not None and not self._late.is_over

    @property
    def is_nobodys(self) -> bool:
        """Whether the channel ended while its callback went on: what that did until then is kept."""
        return self._late is not None and self._late.channel_ended

    def channel_ends(self) -> None:
        """Nobody waits for the callback any more; it may yet come to its end."""
        if self._late is not None:
            self._late.channel_ended = True

    def require(self) -> None:
        """Raises StateError, or ClosedError once the channel is gone, unless the caller has the turn."""
        thread = get_ident()
        if self._thread == thread:
            return
        turn = _current.get()
        if turn is not None and turn is self._late and not turn.is_over and turn.thread in (None, thread):
            return
        if self._is_gone():
            raise ClosedError("the assigns cannot be changed: the channel is gone", _ffi.ECLOSED)
        raise StateError(
            "assigns are changed by the callback of their channel that runs, in its own task and thread, and "
            "from nowhere else: use `update`, or send the channel a message",
            _ffi.ESTATE,
        )
