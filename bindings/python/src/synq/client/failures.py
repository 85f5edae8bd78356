"""What can go wrong for a client."""

from __future__ import annotations

from typing import Any


class HandshakeError(ConnectionError):
    """The server refused the upgrade; `status` is the HTTP status and `body` what it said."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"the server answered the upgrade with {status} {body}".rstrip())
        self.status = status
        self.body = body

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.status, self.body))


class ClosedByServerError(ConnectionError):
    """The server closed the connection with a close code; 1006 if it said none."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the server closed the connection: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.reason))


class DisconnectedError(ConnectionError):
    """No answer can come any more: the event may or may not have been handled. `code` says why:
    "disconnected", "crashed", "closed", "left" or "busy"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.message))


class ReplyError(Exception):
    """The server answered with another status than "ok". `code` and `message` are those of an error of Synq,
    or made of what there is."""

    def __init__(self, status: str, response: Any) -> None:
        error = response if isinstance(response, dict) else {}
        self.status = status
        self.response = response
        self.code = str(error.get("code") or error.get("reason") or status)
        self.message = str(error.get("message") or self.code)
        super().__init__(self.code if self.message == self.code else f"{self.code}: {self.message}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.status, self.response))


class JoinError(ReplyError):
    """The server refused a join."""
