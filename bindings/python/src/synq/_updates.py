"""The program's way into the order of a topic or a channel, from anywhere: server.topic, server.update."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import logging
import threading
from collections.abc import Callable
from contextvars import Token
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _ffi
from ._library import Library, check
from ._turns import Turn, current_turn
from .errors import BY_CODE, ClosedError, LibraryError, NotFoundError, StateError
from .observable import forget

if TYPE_CHECKING:
    from ._registration import Registration
    from ._run import Serving
    from ._topics import SharedTopic
    from .channels import Channel

S = TypeVar("S", bound="Channel")

#: Those that wait for their turn or have it, by the numbers that the library gives back.
updates: dict[int, Request] = {}
_numbers = itertools.count(1)
_log = logging.getLogger("synq")


class Request:
    """One turn that was asked for: it is granted, or refused, or given up before."""

    def __init__(self, lib: Library, serving: Serving, find: Callable[[int], Channel]) -> None:
        self._lib = lib
        self._serving = serving
        self._find = find
        self._lock = threading.Lock()
        self._is_given_up = False
        #: What wakes who waits, from any thread.
        self.wake: Callable[[], object] = bool
        self.channel: Channel | None = None
        #: The library's deferred, which keeps the turn; 0 before and after.
        self.deferred = 0
        #: Why it was refused.
        self.code = _ffi.OK
        self.number = next(_numbers)
        updates[self.number] = self

    # -- on a thread that polls

    def granted(self, socket: int) -> int:
        """The turn is here: it is kept, and handed over as soon as the library has seen this return."""
        with self._lock:
            if self._is_given_up:
                return _ffi.OK
            self.channel = self._find(socket)
            out = ctypes.c_void_p()
            check(self._lib.synq_socket_defer(socket, _ffi.DEFER_IN_ORDER, ctypes.byref(out)))
            self.deferred = out.value or 0
        self._serving.after_poll(self._hand_over)
        return _ffi.OK

    def ended(self, result: int) -> None:
        updates.pop(self.number, None)
        with self._lock:
            if self.deferred or self._is_given_up:
                return
            self.code = result or _ffi.ECLOSED
        self._hand_over()

    def _hand_over(self) -> None:
        try:
            self.wake()
        except RuntimeError:  # the loop of who waits is closed
            self.give_up()

    # -- on the thread of who waits

    def give_up(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._is_given_up = True
        self.finish()

    def finish(self, error: BaseException | None = None) -> int:
        """Gives the turn on."""
        deferred, self.deferred = self.deferred, 0
        if not deferred:
            return _ffi.OK
        self._is_given_up = True
        if error is None:
            code: int = self._lib.synq_deferred_finish(deferred)
        else:
            cause = repr(error).replace("\0", "").encode("utf-8", "replace")
            code = self._lib.synq_deferred_crash(deferred, cause)
        return code


def refuse_all(serving: Serving) -> None:
    """The server is gone: nobody gets a turn any more."""
    for request in list(updates.values()):
        if request._serving is serving:
            request.ended(_ffi.ECLOSED)


class Update(Generic[S]):
    """A turn, for the time of a block: of a topic (Server.topic) or of one channel (Server.update).

    ``async with`` waits for it as a task, ``with`` as a thread. What the block changes becomes one patch.
    What it raises drops its changes and goes on to the caller. Each is for one block.
    """

    def __init__(
        self,
        what: str,
        lib: Library,
        serving: Callable[[], Serving | None],
        ask: Callable[[int], int],
        find: Callable[[int], Channel],
        is_own: Callable[[Turn], bool],
    ) -> None:
        self._what = what
        self._lib = lib
        self._get_serving = serving
        self._ask = ask
        self._find = find
        self._is_own = is_own
        self._request: Request | None = None
        self._turn: Turn | None = None
        self._token: Token[Turn | None] | None = None

    def __enter__(self) -> S:
        serving = self._serving()
        self._refuse_own(None)
        if serving.thread == get_ident():
            raise StateError(
                f"{self._what}: `with` would keep this thread, which runs the server's handlers, from ever "
                "giving the turn: use `async with`",
                _ffi.ESTATE,
            )
        request, event = self._prepare(serving), threading.Event()
        request.wake = event.set
        try:
            check(self._ask(request.number))
            event.wait()
        except BaseException:
            request.give_up()
            raise
        return self._begin(request, None)

    async def __aenter__(self) -> S:
        serving = self._serving()
        task = asyncio.current_task()
        self._refuse_own(task)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def woken() -> None:
            if not future.done():
                future.set_result(None)

        request = self._prepare(serving)
        request.wake = lambda: loop.call_soon_threadsafe(woken)
        try:
            check(self._ask(request.number))
            await future
        except BaseException:
            request.give_up()
            raise
        return self._begin(request, task)

    def _serving(self) -> Serving:
        serving = self._get_serving()
        if serving is None:
            raise StateError(f"{self._what}: the server does not run", _ffi.ESTATE)
        return serving

    def _refuse_own(self, task: asyncio.Task[Any] | None) -> None:
        turn = current_turn()
        if turn is None or turn.is_over or not self._is_own(turn):
            return
        # A task that the callback has started, and that it does not wait for, may wait for the callback.
        if turn.thread is None or (turn.thread == get_ident() and turn.task in (None, task)):
            raise StateError(
                f"{self._what}: this callback has the turn already, and would wait for itself: change "
                "self.assigns",
                _ffi.ESTATE,
            )

    def _prepare(self, serving: Serving) -> Request:
        if self._request is not None:
            raise StateError(f"{self._what}: it was used already; ask for another one", _ffi.ESTATE)
        self._request = Request(self._lib, serving, self._find)
        return self._request

    def _begin(self, request: Request, task: asyncio.Task[Any] | None) -> S:
        channel = request.channel
        if request.code != _ffi.OK or channel is None:
            raise self._failure(request.code)
        turns = channel._synq_turns
        self._turn = turns.begin_task()
        self._turn.task = task
        self._token = self._turn.enter()
        shared = channel._synq_shared
        if shared is not None:
            shared.hold(turns, channel._synq_edits, channel._socket)
        return channel  # type: ignore[return-value]

    def _failure(self, code: int) -> LibraryError:
        if code == _ffi.ENOTFOUND:
            return NotFoundError(f"{self._what}: it is not open, or could not be opened", code)
        if code == _ffi.ECLOSED:
            return ClosedError(f"{self._what}: the server stops, or the channel is gone", code)
        return BY_CODE.get(code, LibraryError)(f"{self._what}: it was refused", code)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._request is not None and self._turn is not None and self._token is not None
        channel = self._request.channel
        assert channel is not None
        self._turn.is_over = True
        with contextlib.suppress(ValueError):  # the block ends in another context
            Turn.leave(self._token)
        shared: SharedTopic | None = channel._synq_shared
        if error is not None:
            forget(channel.assigns)
        if shared is not None:
            if error is not None:
                shared.undo(channel._synq_turns)
            shared.release(channel._synq_turns)
        code = self._request.finish(error)
        if error is None:
            if code == _ffi.ECLOSED:
                raise ClosedError(f"{self._what}: it ended during the block", code)
            check(code)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def of_topic(
    name: str,
    registration: Registration | None,
    lib: Library,
    serving: Callable[[], Serving | None],
    ask: Callable[[int], int],
) -> Update[Any]:
    """A turn of a topic, whose channels are of this registration."""

    def find(socket: int) -> Channel:
        assert registration is not None
        return registration.of_topic(name, socket)

    def is_own(turn: Turn) -> bool:
        return registration is not None and registration.is_held(name, turn.turns)

    return Update(f"topic {name}", lib, serving, ask, find, is_own)


def of_channel(
    channel: S, lib: Library, serving: Callable[[], Serving | None], ask: Callable[[int], int]
) -> Update[S]:
    """A turn of one channel."""
    turns = channel._synq_turns
    return Update(
        f"update of {channel.topic}", lib, serving, ask, lambda _: channel, lambda turn: turn.turns is turns
    )
