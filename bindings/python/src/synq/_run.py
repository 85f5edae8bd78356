"""The loops that run a server's handlers: blocking, with signals, and on asyncio. All of them poll the
library."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import select
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from . import _ffi
from ._library import Library, check
from ._logs import failed
from ._mounts import Mount
from ._registration import Registration

# How many callbacks run in one turn of a loop, so that other tasks and threads have their turn.
_BATCH = 64
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: What a stop without a timeout of its own gives to handlers that run.
GRACE_SECONDS = 5.0
# The part of a stop's time that async handlers have for tidying up when they are cancelled.
_TIDY_SHARE, _TIDY_SECONDS = 0.1, 0.25


class Serving:
    """A server that runs."""

    def __init__(
        self,
        lib: Library,
        handle: int,
        hosts: Sequence[Registration | Mount],
        interrupts: list[BaseException],
        log: logging.Logger,
    ) -> None:
        self._lib = lib
        self._handle = handle
        self._hosts = hosts
        self._interrupts = interrupts
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None
        #: When a stop cuts off what is not done, by time.monotonic; None while there is no stop.
        self._deadline: float | None = None
        self._cancels: asyncio.TimerHandle | None = None
        self._finished: asyncio.Future[None] | None = None
        self._after_poll: list[Callable[[], None]] = []
        #: The thread that runs the handlers, once there is one.
        self.thread: int | None = None
        self.is_async = any(host.is_async for host in hosts)
        self.fd: int = check(lib.synq_server_fd(handle))

    def poll(self, timeout_ms: int, most: int) -> bool:
        """Runs callbacks that are due. False when the server has stopped and will never have another. Raises
        what a handler raised that is not an error: KeyboardInterrupt, SystemExit."""
        poll = self._lib.synq_server_poll if timeout_ms else self._lib.poll_now
        code: int = poll(self._handle, timeout_ms, most)
        if self._after_poll:
            self.run_after_poll()
        if self._interrupts:
            self.stop(GRACE_SECONDS)
            raise self._interrupts.pop()
        if code == _ffi.ECLOSED:
            return False
        check(code)
        return True

    def after_poll(self, function: Callable[[], None]) -> None:
        """Calls a function when the callback that runs has returned to the library."""
        self._after_poll.append(function)

    def run_after_poll(self) -> None:
        functions, self._after_poll = self._after_poll, []
        for function in functions:
            function()

    def stop(self, timeout_seconds: float) -> None:
        """Begins the end, from any thread; a further call can only shorten the time. Async handlers are
        cancelled shortly before the time is over."""
        timeout_seconds = max(0.0, timeout_seconds)
        for host in self._hosts:
            host.is_stopping = True
        code = self._lib.synq_server_stop(self._handle, min(round(timeout_seconds * 1000), 0x7FFFFFFF))
        if code != _ffi.ECLOSED:
            check(code)
        deadline = time.monotonic() + timeout_seconds
        if self._deadline is None or deadline < self._deadline:
            self._deadline = deadline
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, so no handler is left
                self._loop.call_soon_threadsafe(self._cancel_in_time)

    @property
    def seconds_left(self) -> float | None:
        """How long a stop still waits for handlers; None while there is no stop."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def interrupt(self) -> None:
        """A signal came: the first begins the stop, a further one does not wait for async handlers any
        more."""
        if self._deadline is None:
            self.stop(GRACE_SECONDS)
        elif self._loop is not None:
            self._cancel()

    def _cancel_in_time(self) -> None:
        assert self._loop is not None
        for host in self._hosts:
            if host.ends_at_once:
                host.cancel()
        left = self.seconds_left or 0.0
        if self._cancels is not None:
            self._cancels.cancel()
        self._cancels = self._loop.call_later(left - min(left * _TIDY_SHARE, _TIDY_SECONDS), self._cancel)

    def _cancel(self) -> None:
        for host in self._hosts:
            host.cancel()

    @contextlib.asynccontextmanager
    async def attached(
        self, loop: asyncio.AbstractEventLoop, context: contextvars.Context | None = None
    ) -> AsyncIterator[None]:
        """Handlers run on `loop` inside the block, in `context` or that of the caller; the end of the block
        stops the server."""
        finished: asyncio.Future[None] = loop.create_future()
        self._loop, self._finished = loop, finished
        self.thread = threading.get_ident()

        def due() -> None:
            try:
                if self.poll(0, _BATCH):
                    return
            except Exception as error:
                finished.set_exception(error)
            else:
                finished.set_result(None)
            loop.remove_reader(self.fd)

        (context or contextvars.copy_context()).run(loop.add_reader, self.fd, due)
        try:
            yield
        finally:
            if self._deadline is None:
                self.stop(GRACE_SECONDS)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(finished), (self.seconds_left or 0.0) + 1)
            loop.remove_reader(self.fd)
            if self._cancels is not None:
                self._cancels.cancel()
            for host in self._hosts:
                host.cancel(closing=True)

    async def wait_stopped(self) -> None:
        assert self._finished is not None
        await asyncio.shield(self._finished)


def run(serving: Serving, started: Callable[[], object]) -> None:
    """Runs the handlers on this thread until the server has stopped. `started` is called when signals are
    taken."""
    serving.thread = threading.get_ident()
    on_main = threading.current_thread() is threading.main_thread()
    taken = [number for number in _SIGNALS if _is_default(number)] if on_main else []
    if serving.is_async:
        asyncio.run(_run_asyncio(serving, taken, started))
    elif taken:
        _run_with_signals(serving, taken, started)
    else:
        started()
        while serving.poll(-1, _BATCH):
            pass


def run_in_thread(serving: Serving, log: logging.Logger) -> None:
    """The same as the whole of a thread: what would end the program ends the server, and the log says so."""
    try:
        run(serving, lambda: None)
    except BaseException as error:
        failed(log, "the server's thread ended", error)
        with contextlib.suppress(Exception):
            while serving.poll(-1, _BATCH):
                pass


def _is_default(number: int) -> bool:
    return signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


async def _run_asyncio(serving: Serving, taken: list[signal.Signals], started: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in taken:
        loop.add_signal_handler(number, serving.interrupt)
    try:
        async with serving.attached(loop):
            started()
            await serving.wait_stopped()
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def _run_with_signals(serving: Serving, taken: list[signal.Signals], started: Callable[[], object]) -> None:
    # Python runs signal handlers between two of its instructions, so the wait is one that a signal wakes: C
    # writes the signal's number to this pair, on whichever thread it came.
    awake, wake = socket.socketpair()
    with awake, wake, _woken_by(wake), _handling(taken, serving):
        awake.setblocking(False)
        poller = select.poll()
        poller.register(serving.fd, select.POLLIN)
        poller.register(awake, select.POLLIN)
        started()
        running = True
        while running:
            for descriptor, _ in poller.poll():
                if descriptor == serving.fd:
                    running = serving.poll(0, _BATCH)
                else:
                    with contextlib.suppress(BlockingIOError):
                        awake.recv(4096)


@contextlib.contextmanager
def _woken_by(wake: socket.socket) -> Iterator[None]:
    wake.setblocking(False)
    previous = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)


@contextlib.contextmanager
def _handling(taken: list[signal.Signals], serving: Serving) -> Iterator[None]:
    came = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal came
        came += 1
        if came > 1 and number == signal.SIGINT:
            # The handler that runs now does not end by itself.
            serving.stop(0)
            raise KeyboardInterrupt
        serving.interrupt()

    previous: dict[signal.Signals, Callable[..., Any] | int | None] = {}
    try:
        for number in taken:
            previous[number] = signal.signal(number, handle)
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
