"""What a handler answers, and how it answers later."""

from __future__ import annotations

import logging
import threading
from contextvars import Token
from types import TracebackType
from typing import Any, NamedTuple

from . import _ffi
from ._library import Library, check, library
from ._logs import failed, printable
from ._turns import Turn
from .encoding import to_bytes
from .errors import ClosedError, Error, StateError

_log = logging.getLogger("synq")
# How long a thread waits for the handler that deferred to return: one that waits for the thread never does.
_RETURN_SECONDS = 1.0


class Reply(NamedTuple):
    """A response with a status of its own: ``return synq.Reply("error", {"reason": "full"})``.

    A payload of bytes is sent as a binary reply; None is the response {}.
    """

    status: str
    payload: Any = None


class Answers:
    """The three calls that answer, for a socket in its callback and for a deferred alike."""

    def __init__(self, text: Any, binary: Any, error: Any) -> None:
        self._text = text
        self._binary = binary
        self._error = error

    def respond(self, handle: int, result: Any) -> None:
        """Answers with what a handler returned, which is not None."""
        status = b"ok"
        if type(result) is Reply:
            status = result.status.encode()
            result = {} if result.payload is None else result.payload
        elif type(result) is tuple and len(result) == 2 and type(result[0]) is str:
            status = result[0].encode()
            result = {} if result[1] is None else result[1]
        if isinstance(result, (bytes, bytearray, memoryview)):
            check(self._binary(handle, status, bytes(result), len(result)))
        else:
            text = to_bytes(result)
            check(self._text(handle, status, text, len(text)))

    def error(self, handle: int, error: Error) -> None:
        details = None if error.details is None else to_bytes(error.details)
        code, message = error.code.encode(), error.message.encode("utf-8", "replace")
        check(self._error(handle, code, message, details, 0 if details is None else len(details)))


def of_socket(lib: Library) -> Answers:
    return Answers(lib.synq_socket_reply_text, lib.synq_socket_reply_binary, lib.synq_socket_reply_error_text)


def of_deferred(lib: Library) -> Answers:
    return Answers(
        lib.synq_deferred_reply_text, lib.synq_deferred_reply_binary, lib.synq_deferred_reply_error_text
    )


class Deferred:
    """A response that is given later, once, from any thread: ``deferred = self.defer()``.

    A second answer, and one whose channel is gone, raise ClosedError. One that is dropped without an answer
    ends its channel, so that no client waits for ever. As a context manager it answers when the block ends:
    with what was answered in it, else with {}; a synq.Error raised in it is the response, any other exception
    ends the channel. In the block the assigns can be changed, on whichever thread, unless it is detached.
    """

    def __init__(self, handle: int, description: str) -> None:
        self._handle = handle
        self._open = True
        self._description = printable(description)
        #: In which the assigns can be changed until the answer; None if detached.
        self._turn: Turn | None = None
        #: Set once the handler has returned: until then the library takes changes from its thread alone.
        self._returned: threading.Event | None = None
        self._thread = threading.get_ident()
        self._entered: list[Token[Turn | None]] = []

    @property
    def is_open(self) -> bool:
        """False once it was answered, or when its channel ends: then the work can be given up."""
        return self._open and bool(library().synq_deferred_is_open(self._handle))

    def ok(self, payload: Any = None) -> None:
        """Answers with status "ok"."""
        self.resolve(None if payload is None else Reply("ok", payload))

    def reply(self, status: str, payload: Any = None) -> None:
        """Answers with a status and a payload."""
        self.resolve(Reply(status, payload))

    def error(self, code: str | Error, message: str | None = None, details: Any = None) -> None:
        """Answers with a declared error."""
        error = code if isinstance(code, Error) else Error(code, message, details)
        lib = library()
        of_deferred(lib).error(self._handle, error)
        self._settled()

    def resolve(self, result: Any) -> None:
        """Answers as if the handler had returned `result`."""
        lib = library()
        if not self._handle:
            raise ClosedError("nobody waits for this response", _ffi.ECLOSED)
        if result is None:
            check(lib.synq_deferred_finish(self._handle))
        else:
            of_deferred(lib).respond(self._handle, result)
        self._settled()

    def _settled(self) -> None:
        self._open = False
        if self._turn is not None:
            self._turn.is_over = True

    def crash(self, cause: str) -> None:
        """Ends the channel as a handler that failed; `cause` is for the log."""
        self._end(cause)
        _log.error("%s: the deferred failed: %s", self._description, printable(cause))

    def _end(self, cause: str) -> None:
        """`crash`, of which the caller writes the log: the library's own line is left out."""
        self._settled()
        check(library().synq_deferred_crash(self._handle, cause.encode("utf-8", "replace")))

    def __enter__(self) -> Deferred:
        if self._returned is not None and self._thread != threading.get_ident():
            self._returned.wait(_RETURN_SECONDS)
        if self._turn is not None:
            self._entered.append(self._turn.enter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if self._turn is not None:
            self._turn.leave(self._entered.pop())
        if not self._open:
            return False
        if error is None:
            self.resolve(None)
        elif isinstance(error, Error):
            self.error(error)
            return True
        else:
            self._end(repr(error))
            failed(_log, f"{self._description}: the deferred failed", error)
        return False

    def __del__(self) -> None:
        if self._open:
            self._open = False
            if (
                library().synq_deferred_crash(self._handle, b"the deferred was dropped without an answer")
                == _ffi.OK
            ):
                _log.error("%s: the deferred was dropped without an answer", self._description)


def nobody() -> Deferred:
    """A response that nobody waits for."""
    response = Deferred(0, "")
    response._open = False
    return response


def in_callback(code: int, what: str) -> int:
    """Checks a call that is possible only while a handler runs, and says so better than a code can."""
    if code == _ffi.ESTATE:
        raise StateError(f"{what}: only while a handler of this channel runs, and once")
    return check(code)
