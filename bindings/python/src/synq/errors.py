"""What can go wrong: `Error` is said to a client, `LibraryError` and its kinds are said to the program."""

from __future__ import annotations

from typing import Any

from . import _ffi


class Error(Exception):
    """A declared error: raised in a handler it is the answer to the client, status "error" with
    ``{code, message, details, timestamp}``, and the channel goes on.

    `code` is a short stable name for programs, `message` a sentence for people (default: the code), `details`
    an object or None. What the handler assigned before it raised is kept.

    >>> raise Error("empty_message", "say something")
    Traceback (most recent call last):
    synq.errors.Error: empty_message: say something
    """

    def __init__(self, code: str, message: str | None = None, details: Any = None) -> None:
        if not isinstance(code, str) or not code:
            raise TypeError(f"code must be a string that is not empty, not {code!r}")
        self.code = code
        self.message = code if message is None else str(message)
        self.details = details
        super().__init__(code if self.message == code else f"{code}: {self.message}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.message, self.details))


class EncodeError(TypeError):
    """A value that has no JSON form; the message names where in the value it is."""


class DetachedError(RuntimeError):
    """A part of the assigns that was changed after it had been removed from them: the change would reach
    nobody."""


class LibraryNotFoundError(ImportError):
    """There is no libsynq.so that this package can use; the message says where it was looked for."""


class LibraryError(Exception):
    """A call that libsynq refused. `code` is the SYNQ_E… code, `message` names the argument and the cause."""

    code: int = 0

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message, self.code))


class InvalidArgumentError(LibraryError, ValueError):
    """SYNQ_EINVAL: an argument is empty, too long or otherwise not allowed."""

    code = _ffi.EINVAL


class OutOfMemoryError(LibraryError, MemoryError):
    """SYNQ_ENOMEM: out of memory."""

    code = _ffi.ENOMEM


class ClosedError(LibraryError):
    """SYNQ_ECLOSED: the channel, the connection or the server is gone; nothing was done."""

    code = _ffi.ECLOSED


class StateError(LibraryError):
    """SYNQ_ESTATE: not at this time: after the start, outside a callback, a second reply."""

    code = _ffi.ESTATE


class JSONError(LibraryError, ValueError):
    """SYNQ_EJSON: text that is not JSON."""

    code = _ffi.EJSON


class PointerError(LibraryError, ValueError):
    """SYNQ_EPOINTER: text that is not a JSON Pointer (RFC 6901)."""

    code = _ffi.EPOINTER


class NotFoundError(LibraryError, LookupError):
    """SYNQ_ENOTFOUND: the pointer names no value."""

    code = _ffi.ENOTFOUND


class KindError(LibraryError, TypeError):
    """SYNQ_ETYPE: the value there is of another kind."""

    code = _ffi.ETYPE


class RangeError(LibraryError, ValueError):
    """SYNQ_ERANGE: the number does not fit."""

    code = _ffi.ERANGE


class AddressInUseError(LibraryError):
    """SYNQ_EADDRINUSE: the port is taken."""

    code = _ffi.EADDRINUSE


class SystemCallError(LibraryError):
    """SYNQ_EIO: the system refused: a missing directory, a bad certificate, no permission."""

    code = _ffi.EIO


class ForkedError(LibraryError):
    """SYNQ_EFORKED: the server belongs to the parent process."""

    code = _ffi.EFORKED


class PatchError(LibraryError, ValueError):
    """SYNQ_EPATCH: a patch that is not one, or that does not apply."""

    code = _ffi.EPATCH


class LimitError(LibraryError):
    """SYNQ_ELIMIT: a limit of the options was reached."""

    code = _ffi.ELIMIT


class VersionError(LibraryError):
    """SYNQ_EVERSION: this package is newer than the library that was found."""

    code = _ffi.EVERSION


class TimedOutError(LibraryError):
    """SYNQ_ETIMEDOUT: the deadline passed."""

    code = _ffi.ETIMEDOUT


BY_CODE: dict[int, type[LibraryError]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError,
        OutOfMemoryError,
        ClosedError,
        StateError,
        JSONError,
        PointerError,
        NotFoundError,
        KindError,
        RangeError,
        AddressInUseError,
        SystemCallError,
        ForkedError,
        PatchError,
        LimitError,
        VersionError,
        TimedOutError,
    )
}
