"""A client that asks to be connected, as a `connect` function sees it."""

from __future__ import annotations

import itertools
from typing import Any

from ._library import check, library
from ._links import Scope, links
from .encoding import to_bytes
from .errors import EncodeError

#: What connect functions assigned that is more than JSON, by the numbers that the library keeps with the
#: connections.
objects: dict[int, dict[str, Any]] = {}
_numbers = itertools.count(1)
_PLAIN = (str, int, float, bool, type(None))


class Connection:
    """The request of a client. Use it until the connect function has decided; later each use gives None or
    ClosedError."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._is_refused = False
        self._objects: dict[str, Any] = {}

    def header(self, name: str) -> str | None:
        """A header of the request, by its name in any case."""
        return text(library().synq_connection_header(self._handle, name.encode()))

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the request, by their names, as RFC 6265 has them: nothing is decoded, except that
        a value loses the quotes around it. Of two with one name the first counts, which is of the longer
        path."""
        found: dict[str, str] = {}
        for pair in (self.header("cookie") or "").split(";"):
            name, separator, value = pair.partition("=")
            value = value.strip(" \t")
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            if separator:
                found.setdefault(name.strip(" \t"), value)
        return found

    @property
    def scope(self) -> Scope | None:
        """The ASGI scope of the request, with what the application's middleware put there: the session, the
        user; None on the server's own port. See Server.asgi."""
        number = library().synq_connection_link_user(self._handle)
        link = None if number is None else links.get(number)
        return None if link is None else link.scope

    @property
    def peer(self) -> str | None:
        """The client's address without the port."""
        return text(library().synq_connection_peer(self._handle))

    @property
    def token(self) -> str | None:
        """The auth token that the client offered (``authToken`` in phoenix.js)."""
        return text(library().synq_connection_token(self._handle))

    def set_id(self, identity: str) -> None:
        """Names the connection's owner, for Server.disconnect."""
        check(library().synq_connection_set_id(self._handle, identity.encode()))

    def assign(self, name: str, value: Any) -> None:
        """An assign that each channel of this connection starts with. Any object, which stays that object in
        channels that do not track it; the same one in all of them. Where it is tracked it needs a JSON
        form."""
        self._objects.pop(name, None)
        if not _is_plain(value):
            self._objects[name] = value
        try:
            encoded = to_bytes(value)
        except EncodeError:
            encoded = b"null"  # who tracks it is told at the join
        check(library().synq_connection_assign_text(self._handle, name.encode(), encoded, len(encoded)))

    def _keep_objects(self) -> None:
        """The client is let in: its channels find what was assigned."""
        if self._objects:
            from ._callbacks import forget_connection

            number = next(_numbers)
            objects[number] = self._objects
            check(library().synq_connection_set_data(self._handle, number, forget_connection))

    def refuse(self, status: int = 403, body: str = "") -> bool:
        """Refuses with an HTTP status (400 to 599) and a body, whatever the function returns afterwards; a
        second call changes nothing. Gives False, so that it can end the function:
        ``return connection.refuse(401)``."""
        if not self._is_refused:
            check(library().synq_connection_refuse(self._handle, status, body.encode()))
            self._is_refused = True
        return False


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value is what JSON gives when it is read again."""
    kind = type(value)
    if kind is dict:
        return depth < 64 and all(
            type(key) is str and _is_plain(one, depth + 1) for key, one in value.items()
        )
    if kind is list:
        return depth < 64 and all(_is_plain(one, depth + 1) for one in value)
    return kind in _PLAIN


def text(value: bytes | None) -> str | None:
    """A string of the library, which is UTF-8 except where a client sent something else."""
    return None if value is None else value.decode("utf-8", "replace")
