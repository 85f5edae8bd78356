"""A long-poll session: requests as recorded with the session's own token in them."""

import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .connection import Connection, Response
from .message import Message, parse_text

TOKEN = re.compile(r"token=(SFMyNTY\.[\w.=-]+)")


@dataclass
class Polling:
    host: str
    port: int
    token: str = ""
    last: Response | None = None
    poll: str = ""
    texts: deque[str] = field(default_factory=deque)

    def request(self, text: str) -> Response:
        """Sends one request on a connection of its own."""
        text = TOKEN.sub(lambda _: f"token={self.token}", text)
        connection = Connection.to(self.host, self.port)
        try:
            self.last = connection.request(text.encode("latin-1"))
        finally:
            connection.close()
        body = self._body()
        self.token = body.get("token", self.token)
        return self.last

    def response(self) -> Response:
        """The response to the last request."""
        assert self.last is not None
        return self.last

    def poll_with(self, text: str) -> None:
        self.poll = text

    def next_message(self, vsn: int) -> Message:
        """The next message that polls bring, as many as it takes."""
        while not self.texts:
            response = self.request(self.poll)
            body = self._body()
            if response.status != 200 or body.get("status") != 200:
                raise ConnectionError(f"the poll brought {response.status} {response.body[:200]!r}")
            self.texts += body["messages"]
        return parse_text(self.texts.popleft(), vsn)

    def _body(self) -> dict[str, Any]:
        assert self.last is not None
        try:
            body = json.loads(self.last.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
