"""The end of a server, whoever brings it about."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from . import _ffi, _run
from ._library import Library, check
from ._logs import failed
from ._updates import refuse_all
from .errors import ClosedError, ForkedError, StateError


class Life:
    """What is left of a server when its Server object is gone, and must be ended all the same."""

    def __init__(self, lib: Library, handle: int, log: logging.Logger) -> None:
        self._lib = lib
        self._handle = handle
        self._log = log
        self._closed = False
        self._closing = threading.Event()
        self._timers: list[threading.Thread] = []
        #  Held during each call from a thread of the host's own, so that none of them meets a server that was
        # freed.
        self.lock = threading.RLock()
        self.started = False
        self.thread: threading.Thread | None = None
        self.serving: _run.Serving | None = None

    @property
    def state(self) -> str:
        return "closed" if self._closed else "started" if self.started else "new"

    def open(self) -> int:
        if self._closed:
            raise ClosedError("the server is closed", _ffi.ECLOSED)
        return self._handle

    def stop(self, timeout_seconds: float) -> None:
        with self.lock:
            if not self._closed and self.started:
                if self.serving is not None:
                    self.serving.stop(timeout_seconds)
                    return
                code = self._lib.synq_server_stop(self._handle, _milliseconds(timeout_seconds))
                if code != _ffi.ECLOSED:
                    check(code)

    def every(self, seconds: float, function: Callable[[], Any]) -> None:
        if not seconds > 0:
            raise ValueError(f"seconds must be more than 0, not {seconds!r}")
        self.open()

        def call() -> None:
            due = time.monotonic() + seconds
            while not self._closing.wait(max(0.0, due - time.monotonic())):
                due += seconds
                try:
                    function()
                except ClosedError:
                    return
                except Exception as error:
                    failed(self._log, f"every {seconds} s", error)

        timer = threading.Thread(target=call, name="synq every", daemon=True)
        self._timers.append(timer)
        timer.start()

    def close(self, timeout_seconds: float | None) -> None:
        if self._closed:
            return
        if self.thread is threading.current_thread():
            raise StateError("close: a handler of the server cannot free it; call stop", _ffi.ESTATE)
        if timeout_seconds is None:
            # What an earlier `stop` promised is not shortened.
            left = None if self.serving is None else self.serving.seconds_left
            timeout_seconds = _run.GRACE_SECONDS if left is None else left
        with contextlib.suppress(ForkedError):
            self.stop(timeout_seconds)
        if self.thread is not None:
            self.thread.join(timeout_seconds + 1)
            if self.thread.is_alive():
                self._log.error("a handler has not returned %.1f s after the stop", timeout_seconds)
                return
        self._closing.set()
        for timer in self._timers:
            if timer is not threading.current_thread():
                timer.join(timeout_seconds + 1)
        with self.lock, contextlib.suppress(ForkedError):
            if not self._closed:
                check(self._lib.synq_server_free(self._handle))
                self._closed = True
                if self.serving is not None:
                    self.serving.run_after_poll()
                    refuse_all(self.serving)


def _milliseconds(seconds: float) -> int:
    return max(0, min(round(seconds * 1000), 0x7FFFFFFF))
