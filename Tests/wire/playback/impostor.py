"""A server without logic that says what a script says: for tests of the player."""

import json
import socket
import threading
from base64 import b64encode
from contextlib import suppress
from hashlib import sha1
from typing import Any

from .compare import parse_response
from .connection import BINARY, CLOSE, OPCODES, TEXT, ClosedError, Connection
from .message import V1, Message
from .recording import NOTE, POLL, POSTED, RECEIVE, Recording, Step

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Impostor:
    """Plays the server's part of `steps` on as many connections as they have."""

    def __init__(self, recording: Recording, steps: list[Step]) -> None:
        self.recording, self.steps = recording, steps
        self.sent: list[str] = []  # the texts that the player sent, up to the end of the script
        self.peers: dict[str, Connection] = {}
        self.accepted: list[Connection] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Impostor":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join()
        self.listener.close()
        for peer in self.accepted:
            peer.close()

    def _serve(self) -> None:
        # The player may go away, having seen enough.
        with suppress(ClosedError, OSError):
            for index, step in enumerate(self.steps):
                self._play(index, step)
        threads = [threading.Thread(target=self._part, args=[peer]) for peer in self.peers.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _play(self, index: int, step: Step) -> None:
        if step.kind == NOTE:
            if step.data["note"].startswith("100 joins"):
                for _ in range(100):
                    self._goodbye(self._peer(step), json.loads(self._peer(step).receive_frame().payload))
        elif step.kind == POLL:
            self._answer_poll(index)
        elif step.kind == RECEIVE:
            self._say(step)
        elif step.kind != POSTED:
            self._listen(step)

    def _peer(self, step: Step) -> Connection:
        if step.conn not in self.peers:
            self.peers[step.conn] = self._accept()
            if not any("http" in other.data and other.conn == step.conn for other in self.steps):
                self._upgrade(self.peers[step.conn])
        return self.peers[step.conn]

    def _accept(self) -> Connection:
        tcp, _ = self.listener.accept()
        tcp.settimeout(10)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted.append(Connection(tcp))
        return self.accepted[-1]

    @staticmethod
    def _upgrade(peer: Connection) -> None:
        key = next(
            line.split(": ")[1] for line in peer.head() if line.lower().startswith("sec-websocket-key")
        )
        accept = b64encode(sha1((key + GUID).encode()).digest()).decode()
        peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )

    def _listen(self, step: Step) -> None:
        if "http" in step.data:
            if self.recording.is_http:
                self._close_last(step.conn)
            peer = self._peer(step)
            peer.head()
            body = step.data["http"].partition("\r\n\r\n")[2].encode("latin-1")
            peer.receive_exactly(len(body))
        else:
            frame = self._peer(step).receive_frame()
            if frame.opcode == TEXT and "frame" in step.data:
                self.sent.append(frame.payload.decode())

    def _close_last(self, conn: str) -> None:
        """Every request of long poll comes on a connection of its own."""
        if conn in self.peers:
            self.peers.pop(conn).close()

    def _say(self, step: Step) -> None:
        data = step.data
        if self.recording.is_http and step.message is not None:
            return  # the poll has brought it
        peer = self._peer(step)
        if step.message is not None:
            say(peer, step.message)
        elif "http" in data:
            response = parse_response(data["http"])
            response.headers["content-length"] = str(len(response.body))
            lines = [f"{name}: {value}" for name, value in response.headers.items()]
            head = "\r\n".join([f"HTTP/1.1 {response.status} X", *lines, "", ""])
            peer.send(head.encode() + response.body)
        elif "eof" in data:
            peer.close()
        else:
            code = data.get("code")
            payload = code.to_bytes(2, "big") if code else bytes.fromhex(data.get("hex", ""))
            peer.send_frame(OPCODES[data["op"]], payload, rsv=data.get("rsv", 0), masked=False)

    def _answer_poll(self, index: int) -> None:
        messages = []
        for step in self.steps[index + 1 :]:
            if step.kind != RECEIVE or step.message is None:
                break
            messages.append(text_of(step.message))
        self._close_last(self.steps[index].conn)
        peer = self._peer(self.steps[index])
        peer.head()
        body = json.dumps({"status": 200, "token": "SFMyNTY.t", "messages": messages}).encode()
        peer.send(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    def _part(self, peer: Connection) -> None:
        """Answers what the player says at the end of a script."""
        with suppress(ClosedError, OSError):
            while (frame := peer.receive_frame()).opcode != CLOSE:
                self._goodbye(peer, json.loads(frame.payload))
        peer.close()

    def _goodbye(self, peer: Connection, message: Any) -> None:
        if isinstance(message, dict):
            join_ref, ref, topic, event, vsn = None, message["ref"], message["topic"], message["event"], V1
        else:
            (join_ref, ref, topic, event), vsn = message[:4], 2
        say(peer, Message(join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {}}, vsn))
        if event == "phx_leave":
            say(peer, Message(join_ref, join_ref, topic, "phx_close", {}, vsn))


def text_of(message: Message) -> str:
    if message.vsn == V1:
        value: Any = {"topic": message.topic, "event": message.event, "ref": message.ref}
        value["payload"] = message.payload
    else:
        value = [message.join_ref, message.ref, message.topic, message.event, message.payload]
    return json.dumps(value)


def say(peer: Connection, message: Message) -> None:
    """Sends a message: as text, or in the binary form if its payload is bytes."""
    payload = message.payload
    reply = isinstance(payload, dict) and isinstance(payload.get("response"), bytes)
    if reply:
        fields = [message.join_ref, message.ref or "", message.topic, payload["status"]]
        kind, data = 1, payload["response"]
    elif isinstance(payload, bytes) and message.join_ref is None:
        kind, fields, data = 2, [message.topic, message.event], payload
    elif isinstance(payload, bytes):
        kind, fields, data = 0, [message.join_ref, message.topic, message.event], payload
    else:
        return peer.send_frame(TEXT, text_of(message).encode(), masked=False)
    encoded = [field.encode() for field in fields]
    head = bytes([kind, *map(len, encoded)])
    return peer.send_frame(BINARY, head + b"".join(encoded) + data, masked=False)
