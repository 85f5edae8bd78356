"""Requests to the conformance host, each on a connection of its own, and a long-poll session made of them."""

import json
from typing import Any

from .connection import Connection, Response
from .host import Host

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
LINES = "application/x-ndjson"


def request(host: Host, method: str, target: str, fields: str = "", body: str | None = None) -> Response:
    """Sends one request; `fields` are lines of its head, each with its end."""
    data = (body or "").encode()
    length = "" if body is None else f"Content-Length: {len(data)}\r\n"
    connection = Connection.to(host.host, host.port)
    try:
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}{length}\r\n"
        return connection.request(head.encode() + data)
    finally:
        connection.close()


def upgrade(host: Host, target: str, fields: str = "") -> Response:
    """Asks for a WebSocket."""
    asked = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{KEY}Sec-WebSocket-Version: 13\r\n"
    return request(host, "GET", target, asked + fields)


class PollSession:
    """A long-poll client: `target` is the path with its query, without the token."""

    def __init__(self, host: Host, target: str = "/socket/longpoll?vsn=2.0.0") -> None:
        self.host = host
        self.target = target
        self.token = ""

    def _request(self, method: str, fields: str = "", body: str | None = None) -> Any:
        token = f"&token={self.token}" if self.token else ""
        response = request(self.host, method, self.target + token, fields, body)
        assert response.status == 200
        assert response.headers["access-control-allow-origin"] == "*"
        return json.loads(response.body)

    def begins(self) -> None:
        """Gets the token of a new session, the old one being gone if there was one."""
        before = self.token
        answer = self._request("GET")
        self.token = answer.pop("token")
        assert self.token != before
        assert answer == {"messages": [], "status": 410}

    def posts(self, body: str, content_type: str = LINES) -> int:
        """The status in the answer."""
        answer = self._request("POST", f"Content-Type: {content_type}\r\n", body)
        assert answer.keys() == {"status"}
        return int(answer["status"])

    def says(self, *messages: Any) -> None:
        """One request with a message a line."""
        assert self.posts("\n".join(json.dumps(message) for message in messages)) == 200

    def polls(self) -> list[Any]:
        """The messages that wait, at least one."""
        answer = self._request("GET")
        assert answer["status"] == 200
        assert answer["token"] == self.token
        return [json.loads(message) for message in answer["messages"]]

    def hears(self, count: int) -> list[Any]:
        """The next `count` messages, whatever polls bring them."""
        messages: list[Any] = []
        while len(messages) < count:
            messages += self.polls()
        assert len(messages) == count
        return messages
